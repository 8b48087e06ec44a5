"""Nearly equal: one or two plausible wrong or added characters, looked for only where a piece of a term stands.

A similarity of 75 on four characters is any finance sentence, and one of 80 is an exact match
(``partial_ratio`` of 停息挂账 against 停止挂账 is 75). So the cut-off is a count of changes that grows with the
length, and each change must be one that a writer makes on purpose: a character that sounds the same, looks alike
or is no hanzi, or a character put in between. RapidFuzz sees windows of at most eight or so characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from classifiers.patterns import most_changes
from classifiers.tables import load_shapes, load_sounds
from classifiers.views import BARRIER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifiers.patterns import Use

_NUMBERS = frozenset("0123456789〇零一二两三四五六七八九十百千万几多每首末第")
_MEASURES = frozenset("期次天日月年个张笔家")


@dataclass(slots=True)
class FuzzyCounts:
    """Work done: windows looked at, and windows that were compared."""

    windows: int = 0
    compared: int = 0


def opens_window(text: str, start: int, end: int, use: Use) -> bool:
    """Say whether enough of the form's other characters stand around the piece [start, end)."""
    form, most = use.form, most_changes(len(use.form))
    first = max(0, start - use.at - most)
    near = text[first:start] + text[end : end + len(form) - use.at - (end - start) + most]
    missing = len(use.rest) - use.least
    for char in use.rest:
        if char not in near:
            missing -= 1
            if missing < 0:
                return False
    return True


def find_window(text: str, form: str, start: int, counts: FuzzyCounts) -> tuple[int, int, float] | None:
    """Return (start, end, score) of the best window of ``text`` that is nearly ``form``, else None.

    ``start`` is where the form would begin if what stands there were the form unchanged; windows around it
    are as long as the form or longer by the tolerated number of added characters. The score is 0 to 100.
    """
    best: tuple[int, int, float] | None = None
    for first, last in _windows(len(form), start, len(text)):
        counts.windows += 1
        if text[first] != form[0] and last - first > len(form):
            continue
        score = compare_window(text[first:last], form, counts)
        if score is not None and (best is None or score > best[2]):
            best = (first, last, score)
    return best


def _windows(length: int, start: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the spans to look at: the plain one, then those with added characters before or in the piece."""
    for added in range(most_changes(length) + 1):
        for shift in range(added + 1):
            first, last = start - shift, start - shift + length + added
            if first >= 0 and last <= size:
                yield first, last


def compare_window(window: str, form: str, counts: FuzzyCounts) -> float | None:
    """Return the similarity (0 to 100) when the window is the form with plausible changes, else None."""
    most = most_changes(len(form))
    if BARRIER in window:
        return None
    if len(window) == len(form):
        changed = [(a, b) for a, b in zip(form, window, strict=True) if a != b]
        if not 0 < len(changed) <= most or not all(is_plausible(a, b) for a, b in changed):
            return None
    elif window[0] != form[0] or window[-1] != form[-1]:
        return None  # a character is added between others, not before or after
    counts.compared += 1
    added = len(window) - len(form)
    if added and (Levenshtein.distance(form, window, score_cutoff=most) != added or _counts(window, form)):
        return None
    return float(fuzz.ratio(form, window))


def _counts(window: str, form: str) -> bool:
    """Say whether a number was put before a measure of the form (分期, 分六期): that is how one counts."""
    return any(before in _NUMBERS and char in _MEASURES and before not in form for before, char in pairwise(window))


def is_plausible(expected: str, seen: str) -> bool:
    """Say whether a writer would put ``seen`` for ``expected``: no hanzi, the same sound, or a look-alike."""
    near = load_sounds().near
    sound = int(near[ord(seen)])
    return sound == ord(seen) or sound == int(near[ord(expected)]) or seen in load_shapes().alike.get(expected, "")
