"""Rows of the list of posts that were seen: no more than a title, and that masked, most are nobody's business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from review.marking import mark_text
from review.masking import find_private, hide
from storage.desk_reads import titles_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from review.marking import Piece
    from storage.records import Json

_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPost:
    """A post as a list shows it; ``clues`` are the ids of the clues that were found on it."""

    number: int
    platform: str
    kind: str
    source: str
    first_seen: datetime
    title: list[Piece]
    clues: tuple[str, ...]


def list_posts(conn: Connection, rows: Sequence[Json]) -> list[ListedPost]:
    """Return posts as a list shows them, in two statements."""
    titles, clues = titles_of(conn, [row["id"] for row in rows])
    return [
        ListedPost(
            number=row["id"],
            platform=row["platform"],
            kind=row["kind"],
            source=row["source"],
            first_seen=row["first_seen"],
            title=_masked(titles.get(row["id"], "")),
            clues=clues.get(row["id"], ()),
        )
        for row in rows
    ]


def _masked(title: str) -> list[Piece]:
    found = find_private({"title": title})
    return mark_text(hide(title, found["title"])[:_LONGEST])
