from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import audit
from storage.clues import get_clue
from storage.decisions import (
    CLAIM,
    SYSTEM,
    claim_clue,
    clue_history,
    decide_clue,
    decide_clues,
    decision_line,
    move_clues,
    release_clue,
    reopen_clue,
    undo_clue,
)
from storage.errors import (
    ClaimedError,
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    QingyuanError,
    SameStateError,
    TransitionError,
)
from storage.records import ClueState
from storage.submissions import add_items, change, submissions_of_clue
from storage.tables import batch, decision
from storage.transitions.clue import CONCLUSIONS, TABLE, ClueEvent
from storage.transitions.submission import SubmissionEvent
from tests.support.clues import ANALYST, AUDITOR, SENIOR, add_clue, stored_clue

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from storage.engine import Store, Unit
    from storage.records import Actor

NAMES = itertools.count()
EXAMPLES = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=True
)
DECIDED = ("confirmed", "rejected", "unsure", "duplicate")


def new_clue(store: Store, now: datetime, **wanted: object) -> int:
    with store.write(now) as unit:
        return add_clue(unit, f"n{next(NAMES)}", **wanted)


def submitted(unit: Unit, clue_id: int, *events: SubmissionEvent) -> None:
    """Put the clue into a batch and take its item along the submission axis."""
    values = {
        "code": f"b{clue_id}",
        "channel": "desk",
        "channel_version": "1",
        "week": "2026-W47",
        "state": "drafted",
    }
    values |= {"number": clue_id, "drafted_by": "com", "drafted_at": unit.now}
    batch_id = unit.conn.execute(sa.insert(batch).values(values)).inserted_primary_key[0]
    item = {"clue_id": clue_id, "channel": "desk", "attempt": 1, "batch_id": batch_id, "platform": "forum"}
    item |= {"target_kind": "post", "target_native_id": str(clue_id), "decided_by": "ana"}
    add_items(unit, [item], actor=SENIOR)
    for event in events:
        change(unit, submissions_of_clue(unit.conn, clue_id), event, actor=SENIOR)


@pytest.mark.parametrize("conclusion", ["confirmed", "rejected", "unsure"])
def test_a_decision_leaves_its_row_and_its_audit_entry(store: Store, now: datetime, conclusion: str) -> None:
    clue_id = new_clue(store, now)
    with store.write(now) as unit:
        row = decide_clue(unit, clue_id, conclusion, actor=ANALYST, reason="  quoted offer ", version=1)
    with store.read() as conn:
        assert get_clue(conn, clue_id) == row
        (entry,) = clue_history(conn, clue_id)
        (audited,) = audit.history(conn, "clue", row.key)
    assert (row.state, row.version, row.decided_by, row.decided_at) == (conclusion, 2, "ana", now)
    assert (entry.state_from, entry.state_to, entry.clue_version) == ("new", conclusion, 1)
    assert (entry.actor, entry.via, entry.reason, entry.verdict_id) == (
        "ana",
        "desk",
        "quoted offer",
        row.verdict_id,
    )
    assert audited["details"] == {
        "state_from": "new",
        "state_to": conclusion,
        "version": 2,
        "decision": f"d{entry.id}",
    }
    assert decision_line(entry)["clue"] == row.key


def test_a_confirmation_takes_the_persons_category_else_the_machines_first(store: Store, now: datetime) -> None:
    first, second = new_clue(store, now), new_clue(store, now)
    with store.write(now) as unit:
        assert decide_clue(unit, first, "confirmed", actor=ANALYST).category == "anti_collection"
        assert decide_clue(unit, second, "confirmed", actor=ANALYST, category="surrender").category == "surrender"


@pytest.mark.parametrize(
    ("conclusion", "wanted", "field"),
    [
        ("deleted", {}, "conclusion"),
        ("confirmed", {"category": "停息"}, "category"),
        ("rejected", {"of": 1}, "of"),
        ("duplicate", {}, "of"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    store: Store, now: datetime, conclusion: str, wanted: dict[str, object], field: str
) -> None:
    clue_id = new_clue(store, now)
    with pytest.raises(InputError) as refused, store.write(now) as unit:
        decide_clue(unit, clue_id, conclusion, actor=ANALYST, **wanted)
    assert refused.value.field == field
    assert stored_clue(store, clue_id)["version"] == 1


def test_a_duplicate_names_another_clue_that_is_none_itself(store: Store, now: datetime) -> None:
    original, copy, third = (new_clue(store, now) for _ in range(3))
    with store.write(now) as unit:
        decide_clue(unit, copy, "duplicate", actor=ANALYST, of=original)
        with pytest.raises(InputError, match="is a duplicate itself"):
            decide_clue(unit, third, "duplicate", actor=ANALYST, of=copy)
        with pytest.raises(InputError, match="cannot repeat itself"):
            decide_clue(unit, third, "duplicate", actor=ANALYST, of=third)
        with pytest.raises(NotFoundError):
            decide_clue(unit, third, "duplicate", actor=ANALYST, of=10**6)
    with store.read() as conn:
        assert clue_history(conn, copy)[0].of_clue_id == original


def test_a_stale_version_is_a_conflict_and_changes_nothing(store: Store, now: datetime) -> None:
    clue_id = new_clue(store, now)
    with store.write(now) as unit:
        decide_clue(unit, clue_id, "unsure", actor=ANALYST, version=1)
    with pytest.raises(ConflictError), store.write(now) as unit:
        decide_clue(unit, clue_id, "rejected", actor=SENIOR, version=1)
    assert stored_clue(store, clue_id)["state"] == "unsure"


def test_only_reviewers_decide_and_undo(store: Store, now: datetime) -> None:
    clue_id = new_clue(store, now)
    for actor in (AUDITOR, SYSTEM):
        with pytest.raises(ForbiddenError), store.write(now) as unit:
            decide_clue(unit, clue_id, "confirmed", actor=actor)
        with pytest.raises(ForbiddenError), store.write(now) as unit:
            undo_clue(unit, clue_id, actor=actor)


@pytest.mark.parametrize("state", list(ClueState))
@pytest.mark.parametrize("conclusion", ["confirmed", "rejected", "unsure"])
def test_every_state_and_conclusion_follow_the_table(
    sqlite_store: Store, now: datetime, state: ClueState, conclusion: str
) -> None:
    expected = None
    if state not in TABLE[CONCLUSIONS[conclusion]][0]:
        expected = SameStateError if state == conclusion else TransitionError
    for change_clue in (decide_one, decide_bulk):
        clue_id = new_clue(sqlite_store, now, state=state.value)
        assert error_of(sqlite_store, now, partial(change_clue, clue_id=clue_id, conclusion=conclusion)) is expected
        assert stored_clue(sqlite_store, clue_id)["state"] == (state if expected else conclusion)


def error_of(store: Store, now: datetime, act: Callable[[Unit], object]) -> type[QingyuanError] | None:
    """Return the kind of error that ends a writing unit, None when it commits."""
    try:
        with store.write(now) as unit:
            act(unit)
    except QingyuanError as error:
        return type(error)
    return None


def decide_one(
    unit: Unit, clue_id: int, conclusion: str, *, actor: Actor = ANALYST, version: int | None = None
) -> None:
    decide_clue(unit, clue_id, conclusion, actor=actor, version=version)


def decide_bulk(unit: Unit, clue_id: int, conclusion: str) -> None:
    decide_clues(unit, [(clue_id, 1)], conclusion, actor=ANALYST)


def test_a_bulk_decision_happens_whole_or_not_at_all(store: Store, now: datetime) -> None:
    ids = [new_clue(store, now) for _ in range(3)]
    with pytest.raises(ConflictError), store.write(now) as unit:
        decide_clues(unit, [(ids[0], 1), (ids[1], None), (ids[2], 7)], "confirmed", actor=ANALYST)
    assert {stored_clue(store, clue_id)["state"] for clue_id in ids} == {"new"}
    with store.write(now) as unit:
        rows = decide_clues(unit, [(clue_id, 1) for clue_id in ids], "confirmed", actor=ANALYST)
    assert [row.state for row in rows] == ["confirmed"] * 3
    with store.read() as conn:
        assert [len(audit.history(conn, "clue", row.key)) for row in rows] == [1, 1, 1]


@EXAMPLES
@given(first=st.sampled_from(["new", "queued"]), conclusion=st.sampled_from(DECIDED), twice=st.booleans())
def test_undo_restores_the_clue_as_it_waited(
    sqlite_store: Store, now: datetime, first: str, conclusion: str, twice: bool
) -> None:
    clue_id, other = new_clue(sqlite_store, now, state=first), new_clue(sqlite_store, now)
    before = stored_clue(sqlite_store, clue_id)
    of = other if conclusion == "duplicate" else None
    for _ in range(1 + twice):
        with sqlite_store.write(now) as unit:
            row = decide_clue(unit, clue_id, conclusion, actor=ANALYST, of=of)
            undo_clue(unit, clue_id, actor=SENIOR, version=row.version)
    after = stored_clue(sqlite_store, clue_id)
    assert after == before | {"state": "queued", "version": 1 + 2 * (1 + twice)}
    with sqlite_store.read() as conn:
        ledger = clue_history(conn, clue_id)
    assert [entry.reverts_id for entry in ledger[1::2]] == [entry.id for entry in ledger[::2]]
    with pytest.raises(SameStateError), sqlite_store.write(now) as unit:
        undo_clue(unit, clue_id, actor=SENIOR)


ACTIONS: dict[str, Callable[[Unit, int, int], object]] = {
    "confirm": lambda unit, clue_id, _: decide_clue(unit, clue_id, "confirmed", actor=ANALYST),
    "reject": lambda unit, clue_id, _: decide_clue(unit, clue_id, "rejected", actor=SENIOR),
    "doubt": lambda unit, clue_id, _: decide_clue(unit, clue_id, "unsure", actor=ANALYST),
    "duplicate": lambda unit, clue_id, of: decide_clue(unit, clue_id, "duplicate", actor=ANALYST, of=of),
    "undo": lambda unit, clue_id, _: undo_clue(unit, clue_id, actor=ANALYST),
    "reopen": lambda unit, clue_id, _: reopen_clue(unit, clue_id, actor=SENIOR, reason="appeal"),
    "suppress": lambda unit, clue_id, _: move_clues(unit, [clue_id], ClueEvent.SUPPRESS, reason="own brand"),
    "queue": lambda unit, clue_id, _: move_clues(unit, [clue_id], ClueEvent.QUEUE),
    "claim": lambda unit, clue_id, _: claim_clue(unit, clue_id, actor=ANALYST),
}


@EXAMPLES
@given(actions=st.lists(st.sampled_from(sorted(ACTIONS)), max_size=12))
def test_the_ledger_only_grows_and_its_fold_is_the_state(
    sqlite_store: Store, now: datetime, actions: list[str]
) -> None:
    clue_id, other = new_clue(sqlite_store, now), new_clue(sqlite_store, now)
    known: list[object] = []
    for action in actions:
        try:
            with sqlite_store.write(now) as unit:
                ACTIONS[action](unit, clue_id, other)
        except TransitionError:
            pass
        with sqlite_store.read() as conn:
            ledger = clue_history(conn, clue_id)
        assert ledger[: len(known)] == known
        known = list(ledger)
    stored = stored_clue(sqlite_store, clue_id)
    assert stored["version"] == 1 + len(ledger) if actions else stored["version"] == 1
    last = known[-1].state_to if known else "new"
    assert stored["state"] == last or (last == "new" and stored["state"] == "queued" and "queue" in actions)
    for one, following in itertools.pairwise(known):
        assert one.state_to == following.state_from


@EXAMPLES
@given(steps=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["read", "decide"])), max_size=16))
def test_two_reviewers_never_decide_twice_whatever_the_order(
    sqlite_store: Store, now: datetime, steps: list[tuple[str, str]]
) -> None:
    clue_id = new_clue(sqlite_store, now)
    actors, seen, wins = {"a": ANALYST, "b": SENIOR}, {"a": 1, "b": 1}, []
    for who, what in steps:
        if what == "read":
            seen[who] = stored_clue(sqlite_store, clue_id)["version"]
            continue
        stale = seen[who] != stored_clue(sqlite_store, clue_id)["version"]
        act = partial(decide_one, clue_id=clue_id, conclusion="confirmed", actor=actors[who], version=seen[who])
        error = error_of(sqlite_store, now, act)
        if error is None:
            wins.append(who)
        else:
            assert error is (ConflictError if stale else SameStateError)
    with sqlite_store.read() as conn:
        ledger = clue_history(conn, clue_id)
    assert len(ledger) == len(wins) <= 1


def test_of_two_at_the_same_instant_one_gets_a_conflict(store: Store, now: datetime) -> None:
    ids = [new_clue(store, now) for _ in range(8)]
    results: list[tuple[int, str]] = []
    start = threading.Barrier(2)

    def review(conclusion: str) -> None:
        for clue_id in ids:
            start.wait()
            try:
                with store.write(now) as unit:
                    decide_clue(unit, clue_id, conclusion, actor=ANALYST, version=1)
                results.append((clue_id, "won"))
            except ConflictError:
                results.append((clue_id, "conflict"))

    threads = [threading.Thread(target=review, args=[conclusion]) for conclusion in ("confirmed", "rejected")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted((clue_id, end) for clue_id in ids for end in ("won", "conflict"))
    with store.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(decision)).scalar_one() == len(ids)
        assert audit.verify(conn) == {"entries": len(ids), "valid": True, "first_bad": None}


def test_a_claim_keeps_others_away_for_five_minutes(store: Store, now: datetime) -> None:
    clue_id = new_clue(store, now)
    with store.write(now) as unit:
        assert claim_clue(unit, clue_id, actor=ANALYST).version == 1
    with pytest.raises(ClaimedError, match="ana"), store.write(now + CLAIM - timedelta(seconds=1)) as unit:
        claim_clue(unit, clue_id, actor=SENIOR)
    with store.write(now + timedelta(minutes=4)) as unit:
        claim_clue(unit, clue_id, actor=ANALYST)  # renewed
    with store.write(now + timedelta(minutes=9)) as unit:
        assert claim_clue(unit, clue_id, actor=SENIOR).claimed_by == "sen"
        assert release_clue(unit, clue_id, actor=ANALYST).claimed_by == "sen"
        assert release_clue(unit, clue_id, actor=SENIOR).claimed_by is None
    assert stored_clue(store, clue_id)["claimed_by"] is None


def test_a_decision_ends_the_claim(store: Store, now: datetime) -> None:
    clue_id = new_clue(store, now)
    with store.write(now) as unit:
        claim_clue(unit, clue_id, actor=ANALYST)
        decide_clue(unit, clue_id, "rejected", actor=ANALYST)
    assert stored_clue(store, clue_id)["claim_until"] is None


def test_a_clue_in_a_proposed_batch_stays_decided(store: Store, now: datetime) -> None:
    drafted, proposed, returned = (new_clue(store, now, state="confirmed") for _ in range(3))
    with store.write(now) as unit:
        submitted(unit, drafted)
        submitted(unit, proposed, SubmissionEvent.PROPOSE)
        submitted(unit, returned, SubmissionEvent.PROPOSE, SubmissionEvent.RETURN)
    with pytest.raises(TransitionError, match=r"submitted as i\d+: undo"), store.write(now) as unit:
        undo_clue(unit, proposed, actor=ANALYST)
    with pytest.raises(TransitionError, match="reopen"), store.write(now) as unit:
        reopen_clue(unit, proposed, actor=SENIOR, reason="appeal")
    with store.write(now) as unit:
        assert undo_clue(unit, drafted, actor=ANALYST).state == "queued"
        assert undo_clue(unit, returned, actor=ANALYST).state == "queued"


def test_the_machine_moves_many_with_one_audit_entry_and_leaves_decided_ones(store: Store, now: datetime) -> None:
    ids = [new_clue(store, now) for _ in range(3)]
    with store.write(now) as unit:
        decide_clue(unit, ids[1], "rejected", actor=ANALYST)
    with store.write(now) as unit:
        assert move_clues(unit, ids, ClueEvent.QUEUE) == [ids[0], ids[2]]
        assert move_clues(unit, ids, ClueEvent.QUEUE) == []
    with store.write(now) as unit:
        assert move_clues(unit, ids, ClueEvent.SUPPRESS, reason="own brand") == [ids[0], ids[2]]
    with store.read() as conn:
        actions = conn.execute(sa.text("SELECT action FROM audit_entry ORDER BY sequence")).scalars().all()
        (entry,) = clue_history(conn, ids[0])
    assert actions == ["clue.reject", "clues.queue", "clues.suppress"]
    assert (entry.actor, entry.reason, entry.state_from) == ("system", "own brand", "queued")


def test_hostile_text_in_a_reason_is_kept_one_for_one(store: Store, now: datetime) -> None:
    clue_id = new_clue(store, now)
    with store.write(now) as unit:
        decide_clue(unit, clue_id, "rejected", actor=ANALYST, reason="a\x00b\ud800c𠮷")
    with store.read() as conn:
        assert clue_history(conn, clue_id)[0].reason == "a�b�c𠮷"
        assert audit.verify(conn)["valid"]
