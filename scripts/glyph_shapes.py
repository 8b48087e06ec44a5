"""Which characters look alike and what parts they are made of, measured on drawn glyphs.

Every character of GB 2312 is drawn with one font (Noto Sans CJK, SIL Open Font License; no outline is kept). A part
is another character that fills one side of the glyph; two characters are alike when they are close as a whole, when
one is a part of the other, or when they share a part.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Picture = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]

SIZE, SMALL = 48, 20
# The simplified Chinese face of the collection, and what counts as ink.
FACE, INK = 2, 0.15
# From here on a side of a glyph is the drawn character; below that the wrong one wins now and then.
SURE, SURE_LEFT = 0.72, 0.7
CLOSEST = 12
# Parts that more characters share are radicals rather than what one reads the character by.
MOST_SHARING = 24
LEFT_FORMS = "亻扌氵冫彳讠纟钅忄阝礻衤木土王日月口女禾火石目贝车弓马虫米舟耳酉足山巾饣犭十"
# Where a glyph may be cut, as shares of its width or height.
SHARES = {
    "right": (0.3, 0.36, 0.42, 0.5),
    "left": (0.3, 0.36, 0.42, 0.5),
    "lower": (0.3, 0.38, 0.46, 0.54),
    "upper": (0.46, 0.54, 0.6, 0.68),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """By character: look-alikes as one string, and the pairs of parts it can be written as."""

    alike: dict[str, str]
    splits: dict[str, list[str]]


def gb2312_hanzi() -> list[str]:
    """Return the 6,763 hanzi of GB 2312 in its order."""
    rows = ((row, cell) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    return [bytes(place).decode("gb2312") for place in rows if place[0] != 0xD7 or place[1] < 0xFA]  # noqa: PLR2004 - the last five cells of row 55 are empty


def measure_shapes(font: Path) -> Shapes:
    """Draw every character and return what they have in common."""
    chars = gb2312_hanzi()
    face = ImageFont.truetype(str(font), SIZE, index=FACE)
    glyphs = [_draw(char, face) for char in chars]
    whole = np.stack([_boxed(glyph) for glyph in glyphs])
    forms = np.stack([_boxed(_draw(char, face)) for char in LEFT_FORMS])
    left = _best(glyphs, "left", (list(LEFT_FORMS), forms))
    right, lower, upper, inner = (
        _best(glyphs, side, (chars, whole)) for side in ("right", "lower", "upper", "inner")
    )
    parts = [_certain(found, chars) for found in (right, lower, upper, inner)]
    pairs = {*_closest(glyphs, chars), *(pair for found in parts for pair in _sharing(found))}
    return Shapes(alike=_gather(pairs), splits=_make_splits(chars, [(left, right), (upper, lower)]))


def _draw(char: str, face: ImageFont.FreeTypeFont) -> Picture:
    image = Image.new("L", (SIZE, SIZE), 0)
    ImageDraw.Draw(image).text((0, SIZE // 2), char, font=face, fill=255, anchor="lm")
    return np.asarray(image, dtype=np.float32) / 255


def _boxed(glyph: Picture) -> Floats:
    """Return the inked box of a glyph, stretched to a small square, as a unit vector."""
    rows, columns = np.flatnonzero(glyph.max(1) > INK), np.flatnonzero(glyph.max(0) > INK)
    if rows.size < 1 or columns.size < 1 or min(np.ptp(rows), np.ptp(columns)) < SIZE // 8:
        return np.zeros(SMALL * SMALL, np.float32)
    box = glyph[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    image = Image.fromarray((box * 255).clip(0, 255).astype(np.uint8))
    return _unit(np.asarray(image.resize((SMALL, SMALL), Image.Resampling.BILINEAR), dtype=np.float32))


def _unit(picture: Picture) -> Floats:
    vector = picture.ravel() - picture.mean()
    return vector / max(float(np.linalg.norm(vector)), 1e-6)


def _sides(side: str) -> Iterator[tuple[slice, slice]]:
    """Yield the cuts (rows, columns) that hold one side of a glyph."""
    if side == "inner":
        for top, bottom, first in ((0, 0.78, 0.33), (0, 0.82, 0.28), (0.28, 1, 0.25), (0.2, 0.85, 0.15)):
            last = SIZE - int(SIZE * 0.15) if bottom == 0.85 else SIZE  # noqa: PLR2004 - a frame all round
            yield slice(int(SIZE * top), int(SIZE * bottom)), slice(int(SIZE * first), last)
    everything = slice(0, SIZE)
    for share in SHARES.get(side, ()):
        cut = int(SIZE * share)
        if side in ("right", "left"):
            yield everything, slice(cut, SIZE) if side == "right" else slice(0, cut)
        else:
            yield slice(cut, SIZE) if side == "lower" else slice(0, cut), everything


Candidates = tuple[list[str], Floats]
Found = list[tuple[str, float]]


def _best(glyphs: list[Picture], side: str, candidates: Candidates) -> Found:
    """Return for each glyph the character that fills one of its sides best, and how well (0 to 1)."""
    names, vectors = candidates
    best: Found = [("", 0.0)] * len(glyphs)
    for cut in _sides(side):
        likeness = np.stack([_boxed(glyph[cut]) for glyph in glyphs]) @ vectors.T
        places = likeness.argmax(axis=1)
        for number, place in enumerate(places):
            score = float(likeness[number, place])
            if score > best[number][1]:
                best[number] = (names[place], score)
    return best


def _certain(found: Found, chars: list[str]) -> dict[str, str]:
    """Return character -> part where the part is sure."""
    return {char: part for char, (part, score) in zip(chars, found, strict=True) if score >= SURE and part != char}


def _sharing(parts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield characters and their part, and characters that share one, both ways."""
    groups: dict[str, list[str]] = defaultdict(list)
    for char, part in parts.items():
        groups[part].append(char)
    for part, members in groups.items():
        family = [part, *members] if len(members) <= MOST_SHARING else []
        yield from ((a, b) for a in family for b in family if a != b)


def _closest(glyphs: list[Picture], chars: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each character with those that are closest to it as a whole and in some half, both ways."""
    drawn = [_blur(glyph) for glyph in glyphs]
    cuts = [(slice(0, SIZE), slice(0, SIZE)), *(cut for side in ("right", "left") for cut in [*_sides(side)][2:])]
    cuts += [cut for side in ("lower", "upper") for cut in [*_sides(side)][1:2]]
    likeness = [vectors @ vectors.T for vectors in (np.stack([_unit(g[cut]) for g in drawn]) for cut in cuts)]
    total = likeness[0] + np.maximum.reduce(likeness[1:])
    np.fill_diagonal(total, -1)
    for number, row in enumerate(np.argpartition(-total, CLOSEST, axis=1)[:, :CLOSEST]):
        for other in row:
            yield chars[number], chars[other]
            yield chars[other], chars[number]


def _blur(glyph: Picture) -> Picture:
    """Return the glyph with every point averaged with its eight neighbours."""
    wide = np.pad(glyph, 1)
    lines = wide[:-2] + wide[1:-1] + wide[2:]
    return (lines[:, :-2] + lines[:, 1:-1] + lines[:, 2:]) / 9


def _gather(pairs: set[tuple[str, str]]) -> dict[str, str]:
    table: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        table[one].add(other)
    return {char: "".join(sorted(others)) for char, others in sorted(table.items())}


def _make_splits(chars: list[str], sides: list[tuple[Found, Found]]) -> dict[str, list[str]]:
    """Return the characters of which both sides are sure, as the two parts."""
    splits: dict[str, list[str]] = {}
    for ones, others in sides:
        for char, (one, score), (other, second) in zip(chars, ones, others, strict=True):
            if score >= SURE_LEFT and second >= SURE and char not in (one, other):
                splits.setdefault(char, []).append(one + other)
    return splits
