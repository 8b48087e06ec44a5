"""Writing what a read held in units of bounded size: pieces in order, as many in one unit as its bound allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.engine import CHUNK_ROWS, Unit
from storage.posts import store_comments, store_post

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from storage.engine import Store
    from storage.records import CommentFacts, PostFacts

Piece = tuple[int, Callable[[Unit], None]]
"""Some rows to write: about how many, and the function that writes them."""

ROWS_PER_POST = 5
"""Post, revision, account, its state, the run's counts."""

ROWS_PER_COMMENT = 4
_COMMENT_CHUNK = 40


@dataclass(frozen=True, slots=True)
class Where:
    """For which source and in which run something is stored."""

    source: str
    run_id: int | None


def write_pieces(store: Store, at: datetime, pieces: Sequence[Piece]) -> None:
    """Write pieces in order; each unit is its own commit, so the last piece settles what asked for them."""
    waiting = list(pieces)
    while waiting:
        room = CHUNK_ROWS
        with store.write(at) as unit:
            while waiting and (waiting[0][0] <= room or room == CHUNK_ROWS):
                rows, write = waiting.pop(0)
                room -= rows
                write(unit)


def post_pieces(
    post: PostFacts,
    where: Where,
    *,
    capture_id: Callable[[], int | None],
    after: Callable[[Unit, str], None],
) -> Iterator[Piece]:
    """Yield what stores a post and its comments; ``after`` gets what :func:`storage.posts.store_post` says.

    ``capture_id`` is asked when a piece is written: an earlier piece may make the capture.
    """

    def write_post(unit: Unit) -> None:
        result = store_post(
            unit,
            post,
            source=where.source,
            run_id=where.run_id,
            capture_id=capture_id(),
            with_comments=False,
        )
        after(unit, result)

    yield ROWS_PER_POST, write_post
    for first in range(0, len(post.comments), _COMMENT_CHUNK):
        chunk = post.comments[first : first + _COMMENT_CHUNK]

        def write_comments(unit: Unit, chunk: tuple[CommentFacts, ...] = chunk) -> None:
            store_comments(unit, post, chunk, source=where.source, run_id=where.run_id, capture_id=capture_id())

        yield ROWS_PER_COMMENT * len(chunk), write_comments
