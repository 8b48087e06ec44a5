"""Submissions change one step at a time, whole or not at all, and leave an event each."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from reporting.batches import approve_batch, propose_batch, return_batch
from storage import submissions
from storage.batches import get_batch
from storage.errors import ConflictError, NotFoundError, TransitionError
from storage.records import SubmissionState
from storage.tables import submission
from storage.transitions.submission import TABLE, SubmissionEvent
from tests.support.takedown import CHANNELS, CHECKER, SENIOR, add_confirmed, drafted

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store
    from storage.submissions import Submission


def items_of(store: Store, code: str) -> list[Submission]:
    with store.read() as conn:
        return submissions.submissions_of_batch(conn, get_batch(conn, code).number, live=False)


def test_bulk_change_happens_whole_or_not_at_all(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a", "b", "c")
    items = items_of(store, drafted(store, now))
    wrong = [*items[:2], replace(items[2], state=SubmissionState.SENT)]
    with pytest.raises(TransitionError), store.write(now) as unit:
        submissions.change(unit, wrong, SubmissionEvent.PROPOSE, actor=CHECKER)
    assert {item.state for item in items_of(store, "2026-W47-partner_desk")} == {SubmissionState.DRAFTED}


class RolledBackError(Exception):
    """Ends a unit without keeping what it did."""


@pytest.mark.parametrize("event", list(SubmissionEvent))
def test_bulk_allows_exactly_what_single_steps_allow(
    sqlite_store: Store, now: datetime, event: SubmissionEvent
) -> None:
    """Every pair of states: both steps are made and noted, or none is."""
    add_confirmed(sqlite_store, now, "a", "b")
    items = items_of(sqlite_store, drafted(sqlite_store, now))
    starts, target = TABLE[event]
    for states in product(SubmissionState, repeat=2):
        with suppress(RolledBackError), sqlite_store.write(now) as unit:
            pair = [replace(item, state=state) for item, state in zip(items, states, strict=True)]
            for item in pair:
                values = {"state": item.state.value}
                unit.conn.execute(sa.update(submission).where(submission.c.id == item.number).values(values))
            before = [len(submissions.events_of(unit.conn, item.number)) for item in pair]
            allowed = all(state in starts for state in states)
            with nullcontext() if allowed else pytest.raises(TransitionError):
                submissions.change(unit, pair, event, actor=CHECKER)
            after = [submissions.get_submission(unit.conn, item.number).state for item in pair]
            added = [len(submissions.events_of(unit.conn, item.number)) for item in pair]
            assert after == ([target, target] if allowed else list(states))
            assert added == [count + allowed for count in before]
            raise RolledBackError


def test_stale_item_is_a_conflict(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a")
    code = drafted(store, now)
    stale = items_of(store, code)
    with store.write(now) as unit:
        submissions.change(unit, stale, SubmissionEvent.PROPOSE, actor=CHECKER)
    with pytest.raises(ConflictError), store.write(now) as unit:
        submissions.change(unit, stale, SubmissionEvent.PROPOSE, actor=CHECKER)


def test_every_change_leaves_an_event(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a")
    code = drafted(store, now)
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER, note="please")
    approve_batch(store, code, now=now, actor=SENIOR)
    (item,) = items_of(store, code)
    with store.read() as conn:
        events = submissions.events_of(conn, item.number)
    assert [(one["event"], one["state_from"], one["state_to"], one["actor"]) for one in events] == [
        ("draft", None, "drafted", "chen"),
        ("propose", "drafted", "proposed", "chen"),
        ("approve", "proposed", "approved", "sun"),
    ]


def test_decision_is_frozen_from_the_proposal_to_the_return(store: Store, now: datetime) -> None:
    (clue,) = add_confirmed(store, now, "a")

    def frozen() -> bool:
        with store.read() as conn:
            return submissions.frozen_submission(conn, clue) is not None

    code = drafted(store, now)
    assert not frozen()
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    assert frozen()
    return_batch(store, code, now=now, actor=SENIOR)
    assert not frozen()


def test_unknown_item_is_named(store: Store) -> None:
    with store.read() as conn, pytest.raises(NotFoundError, match="i99"):
        submissions.get_submission(conn, 99)
