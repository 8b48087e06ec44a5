"""Outcomes: observations folded into the current value, and what follows from it for the items sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import outcomes, replies, submissions
from storage.engine import CHUNK_ROWS
from storage.followed import followed, followed_clues
from storage.observations import observations_of
from storage.outcomes import list_outcomes
from storage.records import Actor, AuditFacts, Cause, OutcomeKind, OutcomeState, SubmissionState
from storage.transitions.outcome import CONFIRM_AFTER, fold, is_acted
from storage.transitions.submission import SubmissionEvent

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from storage.engine import Store, Unit
    from storage.followed import Followed
    from storage.records import Json
    from storage.submissions import Submission
    from storage.transitions.outcome import Outcome

__all__ = ["fold_clues", "fold_outcomes", "list_outcomes"]

SYSTEM = Actor(name="outcomes")

_WAITING = (SubmissionState.SENT, SubmissionState.ACKNOWLEDGED, SubmissionState.ANSWERED, SubmissionState.NEED_MORE)


def fold_outcomes(store: Store, *, now: datetime) -> int:
    """Fold the observations of all followed clues; return how many values changed.

    A pure function of the observations and sendings: repeating it changes nothing, and it goes clue by clue in
    chunks, so that it may be killed and run again.
    """
    changed = after = 0
    while True:
        with store.read() as conn:
            page = followed(conn, after=after, limit=CHUNK_ROWS)
        changed += _fold(store, page.rows, now=now)
        if page.after is None:
            return changed
        after = page.after


def fold_clues(store: Store, clue_ids: Collection[int], *, now: datetime) -> int:
    """Fold the observations of these clues; return how many values changed."""
    changed = 0
    ordered = sorted(clue_ids)
    for start in range(0, len(ordered), CHUNK_ROWS):
        with store.read() as conn:
            page = followed_clues(conn, ordered[start : start + CHUNK_ROWS])
        changed += _fold(store, page, now=now)
    return changed


def _fold(store: Store, page: Sequence[Followed], *, now: datetime) -> int:
    if not page:
        return 0
    with store.write(now) as unit:
        seen = observations_of(unit.conn, [one.clue_id for one in page])
        folded: dict[int, tuple[Outcome, int | None]] = {
            one.clue_id: (fold(seen.get(one.clue_id, ()), sent_at=one.sent_at), one.submission_id)
            for one in page
            if one.sent_at is not None or one.clue_id in seen
        }
        changed = outcomes.save_outcomes(unit, folded, actor=SYSTEM)
        _close(unit, {clue_id: value for clue_id, (value, _) in folded.items()})
    return len(changed)


def _close(unit: Unit, values: Mapping[int, Outcome]) -> None:
    """Close the items of targets whose end is known: a success blocks further attempts, a failure allows one."""
    waiting = submissions.submissions_of_clues(unit.conn, values, states=_WAITING)
    items = [item for found in waiting.values() for item in found]
    answers = replies.replies_of(unit.conn, [item.number for item in items])
    for item in items:
        why = _end(item, values[item.clue_id], answers.get(item.number, []))
        if why is None:
            continue
        submissions.change(unit, [item], SubmissionEvent.CLOSE, actor=SYSTEM, note=why)
        details = {"why": why, "state_from": item.state.value, "state_to": "closed"}
        unit.audit(
            AuditFacts(actor=SYSTEM, action="item.close", object_type="item", object_id=item.item, details=details)
        )


def _end(item: Submission, value: Outcome, answers: Sequence[Json]) -> str | None:
    """Return why an item is at its end, or None while it is not."""
    if is_acted(value):
        return f"worked: {value.kind}"
    if value.state is OutcomeState.CONFIRMED and value.cause in (Cause.SELF, Cause.BEFORE_US):
        return f"gone without us: {value.cause}"
    back_at, sent_at = value.reappeared_at, item.sent_at
    if value.state is OutcomeState.REAPPEARED and back_at is not None and sent_at is not None and back_at > sent_at:
        return "the target is back"
    if not answers or value.kind is not OutcomeKind.LIVE or value.state is OutcomeState.PROVISIONAL:
        return None
    last = answers[-1]
    if last["kind"] == OutcomeKind.LIVE:
        return f"refused: {last['words']}"
    if last["kind"] != OutcomeKind.UNKNOWN and value.at is not None and value.at >= last["at"] + CONFIRM_AFTER:
        return f"still live after: {last['words']}"
    return None
