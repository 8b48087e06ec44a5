"""From proposal to sending: two people per item, strikes, refusals that change nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from reporting.batches import approve_batch, list_batches, mark_sent, propose_batch, return_batch, show_batch
from reporting.outcomes import list_outcomes
from storage import audit
from storage.decisions import decide_clue, undo_clue
from storage.errors import (
    EmptyBatchError,
    ForbiddenError,
    FourEyesError,
    InputError,
    NotFoundError,
    SameStateError,
    TransitionError,
)
from storage.records import Actor, Role
from storage.tables import clue
from tests.support.takedown import CHANNELS, CHECKER, SENIOR, add_confirmed, approved, drafted, exported

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store
    from storage.records import Json

OTHER_SENIOR = Actor(name="song", role=Role.SENIOR)


def show(store: Store, code: str) -> Json:
    with store.read() as conn:
        return show_batch(conn, code)


def proposed(store: Store, now: datetime, *native_ids: str, **wanted: str) -> str:
    add_confirmed(store, now, *native_ids, **wanted)
    code = drafted(store, now)
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    return code


def test_whole_way_leaves_state_people_and_trail(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a", "b")
    code = exported(store, now, tmp_path)["batch"]
    assert mark_sent(store, code, at=now, receipt="R-7", now=now, actor=CHECKER) == {"batch": code, "state": "sent"}
    found = show(store, code)
    assert (found["state"], found["items"], found["receipt"]) == ("sent", 2, "R-7")
    assert (found["drafted_by"], found["proposed_by"], found["approved_by"]) == ("chen", "chen", "sun")
    with store.read() as conn:
        actions = [entry["action"] for entry in audit.history(conn, "batch", code)]
        assert audit.verify(conn)["valid"]
        assert {line["kind"] for line in list_outcomes(conn)} == {"unknown"}
        assert list_batches(conn)[0] == {
            "batch": code,
            "channel": "partner_desk",
            "week": "2026-W47",
            "state": "sent",
            "items": 2,
            "package": found["package"],
        }
    assert actions == ["batch.draft", "batch.propose", "batch.approve", "batch.export", "batch.send"]


@pytest.mark.parametrize("native_ids", [("a", "b"), ("a",)])
def test_approver_who_decided_an_item_is_refused_whole(
    store: Store, now: datetime, native_ids: tuple[str, ...]
) -> None:
    add_confirmed(store, now, "other")
    code = proposed(store, now, *native_ids, decided_by="sun")
    before = show(store, code)
    with pytest.raises(FourEyesError) as raised:
        approve_batch(store, code, strike=["c1"], now=now, actor=SENIOR)
    assert raised.value.clues == tuple(f"c{number}" for number in range(2, 2 + len(native_ids)))
    assert show(store, code) == before


def test_approver_may_strike_the_own_items_and_approve_the_rest(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "mine", decided_by="sun")
    code = proposed(store, now, "other")
    done = approve_batch(store, code, strike=["c1"], note="not mine to approve", now=now, actor=SENIOR)
    assert done == {"batch": code, "state": "approved", "items": 1}
    contents = show(store, code)["contents"]
    assert [(item["state"], item["struck"]) for item in contents] == [
        ("withdrawn", "not mine to approve"),
        ("approved", None),
    ]


def test_proposer_cannot_approve_even_with_the_role(sqlite_store: Store, now: datetime) -> None:
    code = proposed(sqlite_store, now, "a")
    with pytest.raises(FourEyesError):
        approve_batch(sqlite_store, code, now=now, actor=Actor(name="chen", role=Role.SENIOR))


def test_decider_and_proposer_may_be_one_person(sqlite_store: Store, now: datetime) -> None:
    code = proposed(sqlite_store, now, "a", decided_by="chen")
    assert approve_batch(sqlite_store, code, now=now, actor=SENIOR)["items"] == 1


def test_last_decider_counts_not_the_one_at_the_draft(store: Store, now: datetime) -> None:
    (clue_id,) = add_confirmed(store, now, "a", decided_by="ana")
    code = drafted(store, now)
    with store.write(now) as unit:
        row = undo_clue(unit, clue_id, actor=Actor(name="ana", role=Role.ANALYST), version=1)
        decide_clue(
            unit, clue_id, "confirmed", actor=SENIOR, category=None, reason=None, of=None, version=row.version
        )
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    with pytest.raises(FourEyesError):
        approve_batch(store, code, now=now, actor=SENIOR)
    assert approve_batch(store, code, now=now, actor=OTHER_SENIOR)["items"] == 1


def test_clue_taken_back_after_the_draft_is_struck_at_the_proposal(store: Store, now: datetime) -> None:
    first, _ = add_confirmed(store, now, "a", "b")
    code = drafted(store, now)
    with store.write(now) as unit:
        undo_clue(unit, first, actor=Actor(name="ana", role=Role.ANALYST), version=1)
    assert propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)["items"] == 1
    assert show(store, code)["contents"][0]["struck"] == "the clue is no longer confirmed"


def test_decision_cannot_be_undone_beyond_the_draft(store: Store, now: datetime) -> None:
    (clue_id,) = add_confirmed(store, now, "a")
    code = drafted(store, now)
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    with pytest.raises(TransitionError) as raised, store.write(now) as unit:
        undo_clue(unit, clue_id, actor=Actor(name="ana", role=Role.ANALYST), version=1)
    assert raised.value.code == "bad_state"
    with store.read() as conn:
        assert conn.execute(sa.select(clue.c.state)).scalar() == "confirmed"


def test_batch_without_items_goes_nowhere(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a")
    code = drafted(store, now)
    with pytest.raises(EmptyBatchError) as raised:
        propose_batch(store, CHANNELS, code, strike=["c1"], now=now, actor=CHECKER)
    assert raised.value.code == "bad_state"
    assert show(store, code)["state"] == "drafted"


@pytest.mark.parametrize("strike", ["c99", "x", "i1", ""])
def test_strike_of_what_is_not_in_the_batch_is_refused(sqlite_store: Store, now: datetime, strike: str) -> None:
    code = proposed(sqlite_store, now, "a")
    with pytest.raises(NotFoundError) as raised:
        approve_batch(sqlite_store, code, strike=[strike], now=now, actor=SENIOR)
    assert raised.value.code == "unknown_id"


def test_every_step_needs_its_role(sqlite_store: Store, now: datetime) -> None:
    code = proposed(sqlite_store, now, "a")
    for actor in (Actor(name="x", role=role) for role in Role if role is not Role.SENIOR):
        with pytest.raises(ForbiddenError):
            approve_batch(sqlite_store, code, now=now, actor=actor)
        with pytest.raises(ForbiddenError):
            return_batch(sqlite_store, code, now=now, actor=actor)
    with pytest.raises(ForbiddenError):
        propose_batch(sqlite_store, CHANNELS, code, now=now, actor=SENIOR)
    with pytest.raises(ForbiddenError):
        mark_sent(sqlite_store, code, at=now, receipt="x", now=now, actor=SENIOR)


def test_step_out_of_turn_is_a_bad_state(sqlite_store: Store, now: datetime) -> None:
    code = proposed(sqlite_store, now, "a")
    with pytest.raises(SameStateError):
        propose_batch(sqlite_store, CHANNELS, code, now=now, actor=CHECKER)
    with pytest.raises(TransitionError):
        mark_sent(sqlite_store, code, at=now, receipt="x", now=now, actor=CHECKER)
    with pytest.raises(NotFoundError):
        approve_batch(sqlite_store, "2026-W01-nothing", now=now, actor=SENIOR)


def test_sending_lies_in_the_past(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(sqlite_store, now, "a")
    code = exported(sqlite_store, now, tmp_path)["batch"]
    with pytest.raises(InputError, match="later than now"):
        mark_sent(sqlite_store, code, at=now + timedelta(hours=1), receipt="x", now=now, actor=CHECKER)


def test_returned_batch_forgets_who_proposed_it(sqlite_store: Store, now: datetime) -> None:
    add_confirmed(sqlite_store, now, "a", "b")
    code = approved(sqlite_store, now)
    return_batch(sqlite_store, code, strike=["c2"], note="c2 is a victim", now=now, actor=SENIOR)
    found = show(sqlite_store, code)
    assert (found["state"], found["items"], found["proposed_by"]) == ("returned", 1, None)
    assert [item["state"] for item in found["contents"]] == ["returned", "withdrawn"]
    propose_batch(sqlite_store, CHANNELS, code, now=now, actor=Actor(name="other", role=Role.COMPLIANCE))
    assert approve_batch(sqlite_store, code, now=now, actor=SENIOR)["items"] == 1


def test_every_note_of_the_way_is_kept(sqlite_store: Store, now: datetime) -> None:
    add_confirmed(sqlite_store, now, "a")
    code = drafted(sqlite_store, now)
    propose_batch(sqlite_store, CHANNELS, code, note="one", now=now, actor=CHECKER)
    return_batch(sqlite_store, code, note="two", now=now, actor=SENIOR)
    propose_batch(sqlite_store, CHANNELS, code, note="three", now=now, actor=CHECKER)
    approve_batch(sqlite_store, code, note="four", now=now, actor=SENIOR)
    found = show(sqlite_store, code)
    assert [(note["step"], note["by"], note["note"]) for note in found["notes"]] == [
        ("propose", "chen", "one"),
        ("return", "sun", "two"),
        ("propose", "chen", "three"),
        ("approve", "sun", "four"),
    ]
    assert found["note"] == "four"
