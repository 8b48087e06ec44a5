"""Batches: numbers within a week, the draft that is open, lines, and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage import audit, batches
from storage.errors import ConflictError, NotFoundError, SameStateError
from storage.records import BatchState
from storage.transitions.batch import BatchEvent
from tests.support.takedown import CHECKER

if TYPE_CHECKING:
    from datetime import datetime

    from storage.batches import Batch
    from storage.engine import Store

WEEK = "2026-W47"


def add(store: Store, now: datetime, channel: str = "partner_desk") -> Batch:
    with store.write(now) as unit:
        return batches.add_batch(unit, channel=channel, channel_version="1.0", week=WEEK, actor=CHECKER)


def test_batches_of_a_week_are_numbered_per_channel(store: Store, now: datetime) -> None:
    codes = [add(store, now).code, add(store, now).code, add(store, now, "cac_12377").code]
    assert codes == ["2026-W47-partner_desk", "2026-W47-partner_desk-2", "2026-W47-cac_12377"]


def test_open_draft_is_the_newest_that_takes_items(store: Store, now: datetime) -> None:
    first = add(store, now)
    with store.write(now) as unit:
        batches.change_batch(unit, first, BatchEvent.PROPOSE, actor=CHECKER)
    with store.read() as conn:
        assert batches.open_draft(conn, "partner_desk", WEEK) is None
    second = add(store, now)
    with store.read() as conn:
        assert batches.open_draft(conn, "partner_desk", WEEK) == second
        assert batches.open_draft(conn, "partner_desk", "2026-W48") is None


def test_change_is_audited_and_a_stale_one_refused(store: Store, now: datetime) -> None:
    one = add(store, now)
    with store.write(now) as unit:
        changed = batches.change_batch(unit, one, BatchEvent.PROPOSE, actor=CHECKER)
    assert changed.state is BatchState.PROPOSED
    with pytest.raises(ConflictError), store.write(now) as unit:
        batches.change_batch(unit, one, BatchEvent.PROPOSE, actor=CHECKER)
    with pytest.raises(SameStateError), store.write(now) as unit:
        batches.change_batch(unit, changed, BatchEvent.PROPOSE, actor=CHECKER)
    with store.read() as conn:
        entries = audit.history(conn, "batch", one.code)
    assert [(entry["action"], entry["details"]) for entry in entries] == [
        ("batch.propose", {"state_from": "drafted", "state_to": "proposed"})
    ]


def test_lists_are_newest_first_and_limited(store: Store, now: datetime) -> None:
    for _ in range(3):
        add(store, now)
    with store.read() as conn:
        assert [one.code[-2:] for one, _ in batches.list_batches(conn, limit=2)] == ["-3", "-2"]
        assert len(batches.list_batches(conn, limit=0)) == 3
        assert batches.list_batches(conn, channel="cac_12377") == []


def test_unknown_batch_is_named(store: Store) -> None:
    with store.read() as conn, pytest.raises(NotFoundError, match="nothing") as raised:
        batches.get_batch(conn, "nothing")
    assert raised.value.code == "unknown_id"
