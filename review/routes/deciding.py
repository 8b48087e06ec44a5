"""What a reviewer does: take the next clue, decide, undo, hold a claim."""

from fastapi.responses import JSONResponse, Response

from classifiers.records import Category
from review.filters import QueueFilter, parse_filter
from review.permissions import Permission
from review.routes.clues import clue_response
from review.routing import Guarded, Routes
from review.visit import Visit
from storage.clues import ClueRow, get_clue, list_clues, page_cursor
from storage.decisions import claim_clue, clue_history, decide_clue, release_clue, undo_clue
from storage.engine import Unit
from storage.errors import ClaimedError, ConflictError, InputError, TransitionError
from storage.records import parse_id

routes = Routes()

_LOOKED_AT = 50
"""Clues looked at for one that nobody else holds."""


@routes.post("/review", Permission.DECIDE)
def start_review(visit: Guarded) -> Response:
    """Take the first clue of the chosen queue that nobody holds."""
    chosen = _chosen(visit)
    with visit.desk.store.write(visit.now) as unit:
        following = _take_next(unit, visit, chosen, None)
    return visit.go(_address(chosen, following))


@routes.post("/clues/{key}/decide", Permission.DECIDE)
def decide(key: str, visit: Guarded) -> Response:
    """Record a conclusion about the version that was shown, and go on to the next clue."""
    clue_id, chosen, form = parse_id("clue", key), _chosen(visit), visit.form
    try:
        with visit.desk.store.write(visit.now) as unit:
            row = _decide(unit, visit, clue_id)
            following = _take_next(unit, visit, chosen, row)
    except (ConflictError, TransitionError):
        return _conflict(visit, clue_id, chosen)
    except InputError as error:
        problem = error.field or "bad_input"
        return clue_response(visit, clue_id, chosen, problem=problem, status=400)
    stay = form.get("stay") == "1"
    return visit.go(chosen.address(f"/clues/{key}") if stay else _address(chosen, following))


@routes.post("/clues/{key}/undo", Permission.DECIDE)
def undo(key: str, visit: Guarded) -> Response:
    """Take back the last decision about a clue and show it again."""
    clue_id, chosen = parse_id("clue", key), _chosen(visit)
    version = _number(visit.form.get("version"), "version")
    try:
        with visit.desk.store.write(visit.now) as unit:
            undo_clue(unit, clue_id, actor=visit.actor, version=version)
            _hold(unit, visit, clue_id)
    except ConflictError:
        return _conflict(visit, clue_id, chosen)
    return visit.go(chosen.address(f"/clues/{key}"))


@routes.post("/clues/{key}/claim", Permission.DECIDE)
def claim(key: str, visit: Guarded) -> Response:
    """Take or renew the claim on a clue; answers the script with who holds it otherwise."""
    try:
        with visit.desk.store.write(visit.now) as unit:
            row = claim_clue(unit, parse_id("clue", key), actor=visit.actor)
    except ClaimedError as error:
        return JSONResponse({"holder": error.holder}, status_code=409)
    return JSONResponse({"version": row.version})


@routes.post("/clues/{key}/release", Permission.DECIDE)
def release(key: str, visit: Guarded) -> Response:
    """Give one's own claim back."""
    with visit.desk.store.write(visit.now) as unit:
        release_clue(unit, parse_id("clue", key), actor=visit.actor)
    return JSONResponse({})


def _decide(unit: Unit, visit: Visit, clue_id: int) -> ClueRow:
    form = visit.form
    conclusion = form.get("conclusion", "")
    of = form.get("of", "").strip()
    category = (form.get("category") or None) if conclusion == "confirmed" else None
    if category is not None and category not in set(Category):
        raise InputError("bad_field", f"{category!r} is no category", field="category")
    original = (
        parse_id("clue", of if of.startswith("c") else f"c{of}") if conclusion == "duplicate" and of else None
    )
    return decide_clue(
        unit,
        clue_id,
        conclusion,
        actor=visit.actor,
        category=category,
        reason=form.get("reason"),
        of=original,
        version=_number(form.get("version"), "version"),
    )


def _take_next(unit: Unit, visit: Visit, chosen: QueueFilter, done: ClueRow | None) -> str | None:
    """Claim and return the next clue of the queue that nobody else holds: below the one done, else from the top."""
    places = [page_cursor(done), None] if done else [None]
    for after in places:
        for row in list_clues(unit.conn, order=chosen.order, after=after, limit=_LOOKED_AT, **chosen.wanted):
            if row.holder(visit.now) in {None, visit.actor.name} and (done is None or row.id != done.id):
                _hold(unit, visit, row.id)
                return row.key
    return None


def _hold(unit: Unit, visit: Visit, clue_id: int) -> None:
    try:
        claim_clue(unit, clue_id, actor=visit.actor)
    except ClaimedError:
        return  # somebody was first; their name is shown on the page


def _conflict(visit: Visit, clue_id: int, chosen: QueueFilter) -> Response:
    """Show who decided what meanwhile; nothing of the refused decision was stored."""
    with visit.desk.store.read() as conn:
        row, entries = get_clue(conn, clue_id), clue_history(conn, clue_id)
    last = entries[-1] if entries else None
    wanted = visit.form.get("conclusion", "")
    return visit.page("conflict.html", status=409, clue=row, last=last, wanted=wanted, chosen=chosen)


def _address(chosen: QueueFilter, key: str | None) -> str:
    return chosen.address(f"/clues/{key}") if key else chosen.address("/queue", done=1)


def _chosen(visit: Visit) -> QueueFilter:
    return parse_filter(visit.form.get("view", ""))


def _number(text: str | None, field: str) -> int:
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 12):  # noqa: PLR2004 - fits any database
        raise InputError("bad_field", "the form lacks the version that was shown", field=field)
    return int(text)
