"""The page of one clue, its picture, and the way out to where it was found."""

from datetime import datetime
from typing import Any

from fastapi.responses import Response
from sqlalchemy.engine import Connection

from classifiers.records import Category
from review.clue_page import read_clue_page
from review.filters import QueueFilter, read_filter
from review.links import outward_link
from review.permissions import Permission
from review.pictures import shown_picture
from review.routing import Guarded, Routes
from review.rows import list_rows
from review.visit import Visit
from storage.audit import history
from storage.clues import ClueRow, get_clue, get_clues, list_clues, page_cursor
from storage.desk_reads import recent_decisions
from storage.errors import NotFoundError
from storage.outcomes import get_outcome
from storage.records import Json, parse_id, public_id
from storage.submissions import submissions_of_clue

routes = Routes()

SHOWN_BEFORE, SHOWN_AFTER = 4, 12
"""Rows of the queue listed beside a clue."""

_MEMBERS_SHOWN = 6


@routes.get("/clues/{key}", Permission.READ_CLUES)
def show_clue(key: str, visit: Guarded) -> Response:
    """Show one clue."""
    return clue_response(visit, parse_id("clue", key), read_filter(visit.request.query_params))


@routes.get("/clues/{key}/screenshot.png", Permission.READ_CLUES)
def show_screenshot(key: str, visit: Guarded) -> Response:
    """Serve the picture of the clue's page, written anew; nothing but colours until the clue is unmasked."""
    clue_id = parse_id("clue", key)
    with visit.desk.store.read() as conn:
        sha256 = get_clue(conn, clue_id).screenshot_sha256
    if sha256 is None:
        raise NotFoundError("screenshot", key)
    blurred = granted_until(visit, clue_id) is None
    return Response(shown_picture(visit.desk.evidence_root, sha256, blurred=blurred), media_type="image/png")


@routes.get("/clues/{key}/leave", Permission.READ_CLUES)
def leave(key: str, visit: Guarded) -> Response:
    """Show where the link of a clue leads before it is followed."""
    with visit.desk.store.read() as conn:
        row = get_clue(conn, parse_id("clue", key))
    return visit.page("leave.html", clue=row, link=outward_link(row.url))


def clue_response(
    visit: Visit, clue_id: int, chosen: QueueFilter, *, problem: str | None = None, status: int = 200
) -> Response:
    """Return the page of a clue."""
    until = granted_until(visit, clue_id)
    with visit.desk.store.read() as conn:
        page = read_clue_page(
            conn, clue_id, now=visit.now, opened_with=visit.desk.sealer if until is not None else None
        )
        beside = _beside(conn, get_clue(conn, clue_id), chosen)
        values = _surroundings(conn, visit, clue_id, page.details)
    return visit.page(
        "clue.html",
        status=status,
        page=page,
        clue=page.details,
        chosen=chosen,
        unmasked_until=until,
        categories=list(Category),
        problem=problem,
        **beside,
        **values,
    )


def granted_until(visit: Visit, clue_id: int) -> datetime | None:
    """Return until when this session sees the clue unmasked, or None."""
    if not visit.may(Permission.UNMASK):
        return None
    return visit.desk.grants.until(visit.signed_in.id, clue_id, now=visit.now)


def _beside(conn: Connection, row: ClueRow, chosen: QueueFilter) -> dict[str, Any]:
    """Return the rows of the queue around a clue, and the ones to move to."""
    place = page_cursor(row)
    above = list_clues(conn, order=chosen.order, before=place, limit=SHOWN_BEFORE, **chosen.wanted)
    below = list_clues(conn, order=chosen.order, after=place, limit=SHOWN_AFTER, **chosen.wanted)
    return {
        "listed": list_rows(conn, [*above, row, *below]),
        "previous": above[-1].key if above else None,
        "following": below[0].key if below else None,
    }


def _surroundings(conn: Connection, visit: Visit, clue_id: int, details: Json) -> dict[str, Any]:
    members = [parse_id("clue", key) for key in details["cluster_members"] if key != details["clue"]]
    decides = visit.may(Permission.DECIDE)
    return {
        "members": list_rows(conn, get_clues(conn, members[:_MEMBERS_SHOWN])),
        "member_count": len(details["cluster_members"]),
        "submitted": submissions_of_clue(conn, clue_id),
        "outcome": get_outcome(conn, clue_id),
        "unmasked": [
            entry for entry in history(conn, "clue", public_id("clue", clue_id)) if entry["action"] == "clue.unmask"
        ],
        "recent": recent_decisions(conn, visit.actor.name) if decides else [],
    }
