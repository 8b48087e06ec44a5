"""Screenshots as the desk shows them: decoded within bounds, written anew as PNG, blurred until unmasked."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from storage.errors import EvidenceError
from storage.evidence import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 30 * 1024 * 1024
MOST_PIXELS = 60_000_000
WIDEST, TALLEST = 1200, 5000
BLURRED_WIDTH = 32
"""Pixels that are left of a blurred picture's width: a line of text keeps less than one."""

_FORMATS = ("PNG", "JPEG", "WEBP")
_KEPT = 16


@lru_cache(maxsize=_KEPT)
def shown_picture(evidence_root: Path, sha256: str, *, blurred: bool) -> bytes:
    """Return a stored picture as a fresh PNG of at most 1200 by 5000 pixels, cut at the bottom.

    Raises:
        EvidenceError: the bytes are missing, not what their hash says, or no picture within bounds.
    """
    data = read_bytes(evidence_root, sha256)
    if len(data) > MOST_BYTES:
        raise EvidenceError(sha256, "too large for a picture")
    try:
        picture = _decoded(data, sha256)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise EvidenceError(sha256, "cannot be read as a picture") from error
    out = BytesIO()
    (_blur(picture) if blurred else picture).save(out, "PNG", compress_level=3)
    return out.getvalue()


def _decoded(data: bytes, sha256: str) -> Image.Image:
    with Image.open(BytesIO(data), formats=_FORMATS) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise EvidenceError(sha256, "has too many pixels")
        opened.draft("RGB", (WIDEST, TALLEST))
        picture = opened.convert("RGB")
    if picture.width > WIDEST:
        height = max(picture.height * WIDEST // picture.width, 1)
        picture = picture.resize((WIDEST, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return picture.crop((0, 0, picture.width, min(picture.height, TALLEST)))


def _blur(picture: Image.Image) -> Image.Image:
    """Return the picture with nothing left but patches of colour; what was there cannot be computed back."""
    height = max(picture.height * BLURRED_WIDTH // picture.width, 1)
    small = picture.resize((min(BLURRED_WIDTH, picture.width), height), Image.Resampling.BOX)
    return small.resize((picture.width // 2 or 1, picture.height // 2 or 1), Image.Resampling.BICUBIC)
