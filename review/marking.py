"""A text as the desk shows it: findings marked, contacts masked, hidden characters visible.

Pieces are plain text; the templates escape every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from classifiers.views import make_views
from review.hidden import Token, is_hidden, split_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from review.masking import Span

LONGEST_SHOWN = 20_000
"""Characters of one field that a page shows; the rest is counted."""

_UNSEPARATED = frozenset({"surface", "folded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A finding as it is drawn over a text; ``number`` is its row in the explanation, from 1."""

    start: int
    end: int
    number: int
    rule: str
    role: str
    view: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of text under the same marks; ``token`` is set where it stands for a hidden character.

    ``begins`` tells the first piece of a mark, where the keyboard can stop.
    """

    text: str
    marks: tuple[Mark, ...] = ()
    token: Token | None = None
    masked: bool = False
    begins: bool = False

    @property
    def role(self) -> str:
        """The role of the heaviest mark, which gives the colour; empty without marks."""
        return max(self.marks, key=lambda mark: (abs(mark.weight), -mark.number)).role if self.marks else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A stretch of the decoded text; ``changed`` where it differs from what was written."""

    text: str
    changed: bool


def mark_text(shown: str, marks: Sequence[Mark] = (), private: Sequence[Span] = ()) -> list[Piece]:
    """Return a text in pieces; ``private`` are its spans that are masked already (see :func:`masking.hide`)."""
    end = min(len(shown), LONGEST_SHOWN)
    cuts = {0, end}
    for start, stop in [*((mark.start, mark.end) for mark in marks), *private]:
        cuts |= {min(start, end), min(stop, end)}
    ordered = sorted(cuts)
    pieces: list[Piece] = []
    for start, stop in pairwise(ordered):
        over = tuple(mark for mark in marks if mark.start <= start and stop <= mark.end)
        masked = any(first <= start and stop <= last for first, last in private)
        begins = any(mark.start == start for mark in over)
        pieces += _pieces(shown, start, stop, Piece(text="", marks=over, masked=masked, begins=begins))
    return pieces


def decode_text(text: str, marks: Sequence[Mark] = (), *, shown: str) -> list[Decoded]:
    """Return the text as the machine reads it, empty where that is what was written.

    ``shown`` is the text with what is private masked, one for one; nothing masked there is decoded here.
    Disguises are undone character by character: width, variants, picture substitutes, split and invisible
    characters; separators are taken out where a finding reaches across them.
    """
    text = text[:LONGEST_SHOWN]
    inside = [(mark.start, mark.end) for mark in marks if _is_disguised(text, mark)]
    stretches = list(_decoded(text, inside, shown))
    if not any(changed for _, changed in stretches):
        return []
    return [Decoded(text=part, changed=changed) for part, changed in _joined(stretches)]


def _is_disguised(text: str, mark: Mark) -> bool:
    """Return whether the machine read other characters under a mark than the ones that stand there."""
    written = text[mark.start : mark.end]
    return mark.view not in _UNSEPARATED and make_views(written).restored.text != written.lower()


def _pieces(shown: str, start: int, stop: int, like: Piece) -> Iterator[Piece]:
    begins = like.begins
    for part in split_hidden(shown, start, stop):
        token = part if isinstance(part, Token) else None
        yield Piece(text=str(part), marks=like.marks, token=token, masked=like.masked, begins=begins)
        begins = False


def _decoded(text: str, inside: Sequence[Span], shown: str) -> Iterator[tuple[str, bool]]:
    """Yield (text, whether it was changed); nothing is yielded changed that only lost its letter case."""
    view = make_views(text).restored
    position = 0
    for character, start, end in zip(view.text, view.starts, view.ends, strict=True):
        yield from _between(shown, position, int(start), inside)
        position = int(end)
        written = text[int(start) : position]
        found = any(first <= start and end <= last for first, last in inside)
        if "*" in shown[int(start) : position] and "*" not in written:
            yield "*", found
        elif written.lower() == character:
            yield written, found
        else:
            yield character, True
    yield from _between(shown, position, len(text), inside)


def _between(shown: str, start: int, end: int, inside: Sequence[Span]) -> Iterator[tuple[str, bool]]:
    """Yield what stands between two characters that are read: kept, or dropped as invisible or as a separator."""
    for index in range(start, end):
        dropped = is_hidden(shown[index]) or any(first < index < last - 1 for first, last in inside)
        yield ("" if dropped else shown[index]), dropped


def _joined(stretches: Iterable[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    held, held_changed = "", False
    for part, changed in stretches:
        if not part:
            continue
        if changed != held_changed and held:
            yield held, held_changed
            held = ""
        held, held_changed = held + part, changed
    if held:
        yield held, held_changed
