"""The queue: one page of clues, by keyset in both directions."""

import re
from dataclasses import dataclass

from fastapi.responses import Response
from sqlalchemy.engine import Connection

from classifiers.records import Category
from review.filters import OPEN, QueueFilter, read_filter
from review.permissions import Permission
from review.routing import Guarded, Routes
from review.rows import ListedClue, list_rows
from storage.clues import count_clues, count_open, list_clues, page_cursor
from storage.desk_reads import clue_platforms
from storage.records import Band, ClueState

routes = Routes()

PAGE_ROWS = 50
_CLUE_KEY = re.compile(r"c[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    """One page; ``earlier`` and ``later`` are the cursors of the pages beside it, None where there is none."""

    rows: list[ListedClue]
    earlier: str | None
    later: str | None


@routes.get("/queue", Permission.READ_CLUES)
def show_queue(visit: Guarded) -> Response:
    """Show a page of the queue; a search for a clue's id goes straight there."""
    values = visit.request.query_params
    chosen = read_filter(values)
    if _CLUE_KEY.fullmatch(chosen.search):
        return visit.go(f"/clues/{chosen.search}")
    with visit.desk.store.read() as conn:
        page = read_page(conn, chosen, after=values.get("after"), before=values.get("before"))
        counts = _counts(conn)
        platforms = clue_platforms(conn)
    return visit.page(
        "queue.html", chosen=chosen, page=page, counts=counts, platforms=platforms, categories=list(Category)
    )


def read_page(
    conn: Connection, chosen: QueueFilter, *, after: str | None = None, before: str | None = None
) -> QueuePage:
    """Return one page of the queue."""
    found = list_clues(conn, order=chosen.order, after=after, before=before, limit=PAGE_ROWS + 1, **chosen.wanted)
    more = len(found) > PAGE_ROWS
    shown = found[-PAGE_ROWS:] if before else found[:PAGE_ROWS]
    has_earlier, has_later = (more, True) if before else (after is not None, more)
    return QueuePage(
        rows=list_rows(conn, shown),
        earlier=page_cursor(shown[0]) if shown and has_earlier else None,
        later=page_cursor(shown[-1]) if shown and has_later else None,
    )


def _counts(conn: Connection) -> dict[tuple[str, str], int]:
    """Return how many clues wait, by (state choice, band choice) of the tabs that show a number."""
    waiting = count_open(conn)
    return {
        **{(OPEN, band.value): waiting[band] for band in (Band.FLAGGED, Band.UNSURE)},
        (ClueState.UNSURE.value, "every"): count_clues(conn, states=(ClueState.UNSURE,)),
    }
