"""Rows of the queue and of the lists beside a clue: an excerpt around what was found, masked and marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from review.marking import Mark, mark_text
from review.masking import find_private, hide
from storage.previews import previews

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from review.marking import Piece
    from review.masking import Span
    from storage.clues import ClueRow
    from storage.previews import Preview

EXCERPT = 110
_BEFORE = 24  # characters shown before the first thing found
_BY_IMPORTANCE = ("text", "author.bio", "author.name")  # the title has a line of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedClue:
    """A clue as a list shows it."""

    row: ClueRow
    title: list[Piece]
    excerpt: list[Piece]
    author: list[Piece]
    cluster_size: int


def list_rows(conn: Connection, clues: Sequence[ClueRow]) -> list[ListedClue]:
    """Return clues as a list shows them, in four statements."""
    found = previews(conn, clues) if clues else {}
    return [_listed(row, found[row.id]) for row in clues]


def _listed(row: ClueRow, preview: Preview) -> ListedClue:
    field = _excerpt_field(preview)
    private = find_private(preview.fields, preview.private)
    return ListedClue(
        row=row,
        title=_cut(preview, "title", private),
        excerpt=_cut(preview, field, private),
        author=_cut(preview, "author.name", private) if field != "author.name" else [],
        cluster_size=preview.cluster_size,
    )


def _excerpt_field(preview: Preview) -> str:
    """Return the field whose excerpt says most: where something was found, the text before the profile."""
    hit = [name for name in _BY_IMPORTANCE if preview.found.get(name)]
    full = [name for name in _BY_IMPORTANCE if preview.fields[name]]
    return next(iter([*hit, *full]), "text")


def _cut(preview: Preview, field: str, private: Mapping[str, Sequence[Span]]) -> list[Piece]:
    """Return a field's excerpt, marked and masked, with an ellipsis where something was left out."""
    text = preview.fields[field]
    first = min((start for start, _ in preview.found.get(field, ())), default=0)
    start = max(min(first - _BEFORE, len(text) - EXCERPT), 0)
    end = min(start + EXCERPT, len(text))
    marks = [
        Mark(start=a, end=b, number=number, rule="", role="hit", view="surface", weight=1.0)
        for number, (a, b) in enumerate(_shifted(preview.found.get(field, ()), start, end))
    ]
    shown = hide(text, private[field])[start:end]
    pieces = mark_text(shown, marks, _shifted(private[field], start, end))
    return [*([_dots()] if start else []), *pieces, *([_dots()] if end < len(text) else [])]


def _dots() -> Piece:
    return mark_text("…")[0]


def _shifted(spans: Sequence[Span], low: int, high: int) -> list[Span]:
    """Return the parts of spans inside [low, high), counted from low."""
    return [(max(start, low) - low, min(end, high) - low) for start, end in spans if start < high and end > low]
