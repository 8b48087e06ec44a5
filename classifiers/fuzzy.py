"""Nearly equal: one or two plausible wrong or added characters, looked for only where a piece of a term stands.

A similarity of 75 on four characters is any finance sentence, and one of 80 is an exact match
(``partial_ratio`` of 停息挂账 against 停止挂账 is 75). So the cut-off is a count of changes that grows with the
length, and each change must be one that a writer makes on purpose: a character that sounds the same, looks alike,
is rare or no hanzi, or a character put in between. RapidFuzz sees windows of at most eight or so characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
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
# Where the words of a form of so many characters can meet, and what parts words without meaning anything.
_SEAMS = {4: (2,), 5: (2, 3)}
_PARTICLES = frozenset("的之啊呀呢哦嘛吧")
_LAST_EVERYDAY_ROW = 0xD7


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
    if added and (Levenshtein.distance(form, window, score_cutoff=most) != added or _is_phrase(window, form)):
        return None
    return float(fuzz.ratio(form, window))


def _is_phrase(window: str, form: str) -> bool:
    """Say whether one added character makes ordinary words of the form rather than a disguise.

    So does a number before a measure (分期, 分六期), and in a short form any word but a particle where its own
    words meet (债务人协商, 协商后还款); inside a word nothing is ever put.
    """
    if len(window) != len(form) + 1:
        return False
    places = [at for at in range(1, len(form)) if window[:at] + window[at + 1 :] == form]
    if any(window[at] in _NUMBERS and form[at] in _MEASURES for at in places):
        return True
    seams = _SEAMS.get(len(form), ())
    return any(at in seams and window[at] not in _PARTICLES and _is_hanzi(window[at]) for at in places)


def _is_hanzi(char: str) -> bool:
    return int(load_sounds().near[ord(char)]) != ord(char)


@cache
def _is_rare(char: str) -> bool:
    """Say whether the character is outside the everyday set (GB 2312, level one)."""
    try:
        return char.encode("gb2312")[0] > _LAST_EVERYDAY_ROW
    except UnicodeEncodeError:
        return True


def has_one_odd(written: str, form: str) -> bool:
    """Say whether one character is not the form's, and is none of those that stand in every sentence."""
    if len(written) != len(form):
        return False
    odd = [seen for seen, expected in zip(written, form, strict=True) if seen != expected]
    return len(odd) == 1 and odd[0] not in load_shapes().everyday


def is_plausible(expected: str, seen: str) -> bool:
    """Say whether a writer would put ``seen`` for ``expected``.

    That is what is no hanzi, sounds the same, looks alike, or is so rare that no ordinary word has it.
    """
    near = load_sounds().near
    sound = int(near[ord(seen)])
    if seen.isdigit() and expected in _MEASURES:
        return False  # 分6期 begins to count
    if sound in (ord(seen), int(near[ord(expected)])):
        return True
    return seen in load_shapes().alike.get(expected, "") or _is_rare(seen)
