"""Screenshots leave the desk as fresh PNG files or not at all."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image, PngImagePlugin

from review.pictures import MOST_PIXELS, TALLEST, WIDEST, shown_picture
from storage.errors import EvidenceError
from storage.evidence import put_bytes

if TYPE_CHECKING:
    from pathlib import Path

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>X()</script></svg>'


def picture(width: int, height: int, kind: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    Image.effect_noise((width, height), 200).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data), formats=("PNG",)) as found:
        return found.copy()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_pictures_are_written_anew(tmp_path: Path, kind: str) -> None:
    data = picture(300, 200, kind)
    shown = shown_picture(tmp_path, put_bytes(tmp_path, data), blurred=False)
    assert shown.startswith(b"\x89PNG")
    assert opened(shown).size == (300, 200)


def test_nothing_but_pixels_comes_along(tmp_path: Path) -> None:
    facts = PngImagePlugin.PngInfo()
    facts.add_text("Comment", "<script>X()</script>")
    data = picture(50, 50, pnginfo=facts) + b"<script>X()</script>"
    shown = shown_picture(tmp_path, put_bytes(tmp_path, data), blurred=False)
    assert b"script" in data
    assert b"script" not in shown


@pytest.mark.parametrize(
    "data", [SVG, b"<html><script>X()</script>", b"", b"GIF89a" + b"\0" * 50, b"\x89PNG\r\n\x1a\n" + b"x" * 99]
)
def test_what_is_no_picture_is_refused(tmp_path: Path, data: bytes) -> None:
    sha256 = put_bytes(tmp_path, data)
    with pytest.raises(EvidenceError):
        shown_picture(tmp_path, sha256, blurred=False)


def test_bytes_that_were_changed_are_refused(tmp_path: Path) -> None:
    sha256 = put_bytes(tmp_path, picture(10, 10))
    next(path for path in tmp_path.rglob(sha256) if path.is_file()).write_bytes(picture(10, 10))
    with pytest.raises(EvidenceError):
        shown_picture(tmp_path, sha256, blurred=True)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    side = int(MOST_PIXELS**0.5) + 100
    out = BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    assert len(out.getvalue()) < 100_000
    with pytest.raises(EvidenceError, match="pixels"):
        shown_picture(tmp_path, put_bytes(tmp_path, out.getvalue()), blurred=False)


def test_tall_and_wide_pictures_are_made_to_fit(tmp_path: Path) -> None:
    out = BytesIO()
    Image.new("RGB", (2400, 12000), "teal").save(out, "PNG")
    shown = opened(shown_picture(tmp_path, put_bytes(tmp_path, out.getvalue()), blurred=False))
    assert shown.size == (WIDEST, TALLEST)
    assert opened(shown_picture(tmp_path, put_bytes(tmp_path, picture(3, 1)), blurred=True)).size == (1, 1)


def test_a_blurred_picture_keeps_nothing_to_read(tmp_path: Path) -> None:
    lines = Image.new("RGB", (1200, 600), "white")
    for y in range(0, 600, 24):  # black and white lines, as of writing
        lines.paste("black", (0, y, 1200, y + 12))
    out = BytesIO()
    lines.save(out, "PNG")
    sha256 = put_bytes(tmp_path, out.getvalue())
    sharp, blurred = (opened(shown_picture(tmp_path, sha256, blurred=way)).convert("L") for way in (False, True))
    low, high = sharp.getextrema()
    assert (low, high) == (0, 255)
    low, high = blurred.crop((50, 50, 500, 250)).getextrema()
    assert high - low < 80, "lines of writing run together"
