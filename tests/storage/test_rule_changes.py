"""A change to the rules: proposed, tried, put in force by a second person; kept files and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from storage import audit
from storage.decisions import SYSTEM
from storage.errors import (
    BaseChangedError,
    EvidenceError,
    ForbiddenError,
    NotFoundError,
    OwnChangeError,
    TransitionError,
)
from storage.records import Actor, ChangeState, Role
from storage.rule_changes import (
    ChangeFacts,
    ChangeRow,
    activating_changes,
    active_changes,
    add_change,
    begin_activation,
    change_line,
    fail_activation,
    finish_activation,
    get_change,
    list_changes,
    open_changes_of,
    record_trial,
    reject_change,
)
from storage.rulesets import (
    count_verdicts_of,
    ensure_ruleset,
    file_content,
    get_ruleset,
    list_rulesets,
    ruleset_files,
)
from storage.tables import audit_entry, rule_file
from storage.transitions.rule_change import TABLE, ChangeEvent, next_state

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

AUTHOR = Actor(name="ana", role=Role.ANALYST, via="cli")
SENIOR = Actor(name="sen", role=Role.SENIOR, via="cli")
CHECKER = Actor(name="com", role=Role.COMPLIANCE, via="cli")
TRIAL = {"ruleset": {"before": "r1", "after": "r2"}, "gold": None, "history": None}


def facts(content: bytes = b"role: offer", **wanted: Any) -> ChangeFacts:
    values = {"file": "lexicons/offer.yml", "base_sha256": "b" * 64, "base_ruleset": "r1"} | wanted
    return ChangeFacts(content=content, **values)


def proposed(store: Store, now: datetime, author: Actor = AUTHOR, **wanted: Any) -> ChangeRow:
    with store.write(now) as unit:
        return add_change(unit, facts(**wanted), actor=author)


def tried(store: Store, now: datetime, author: Actor = AUTHOR, **wanted: Any) -> ChangeRow:
    row = proposed(store, now, author, **wanted)
    with store.write(now) as unit:
        return record_trial(unit, row.id, TRIAL, actor=author)


def begin(store: Store, now: datetime, number: int, actor: Actor = SENIOR, **wanted: Any) -> ChangeRow:
    values = {"in_force": "b" * 64, "before": "r1", "after": "r2"} | wanted
    with store.write(now) as unit:
        return begin_activation(unit, number, actor=actor, **values)


def state_of(store: Store, number: int) -> ChangeState:
    with store.read() as conn:
        return get_change(conn, number).state


def test_a_change_goes_from_proposed_to_active_and_says_who_and_when(store: Store, now: datetime) -> None:
    row = tried(store, now, note="  银行公告被误判 ")
    begun = begin(store, now, row.id)
    assert begun.state is ChangeState.ACTIVATING
    with store.read() as conn:
        assert [one.key for one in activating_changes(conn)] == [row.key]
    with store.write(now) as unit:
        done = finish_activation(unit, row.id)
    assert done is not None
    line = change_line(done)
    assert (line["change"], line["state"], line["author"], line["note"]) == (
        "x1",
        "active",
        "ana",
        "银行公告被误判",
    )
    assert (line["tried"]["by"], line["decided"]["by"]) == ("ana", "sen")
    assert line["ruleset"] == {"before": "r1", "after": "r2"}
    with store.read() as conn:
        assert file_content(conn, row.sha256) == b"role: offer"
        assert active_changes(conn).keys() == {"lexicons/offer.yml"}


def test_every_step_is_audited_by_its_person(store: Store, now: datetime) -> None:
    row = tried(store, now)
    begin(store, now, row.id)
    with store.write(now) as unit:
        finish_activation(unit, row.id)
    with store.read() as conn:
        found = audit.history(conn, "rule_change", row.key)
        assert audit.verify(conn)["valid"]
    steps = [(one["action"].partition(".")[2], one["actor"], one["via"]) for one in found]
    assert steps == [
        ("add", "ana", "cli"),
        ("try", "ana", "cli"),
        ("activate", "sen", "cli"),
        ("finish", "system", "system"),
    ]
    assert all(one["details"]["sha256"] == row.sha256 for one in found)


def test_the_author_cannot_activate(store: Store, now: datetime) -> None:
    row = tried(store, now, SENIOR)
    with pytest.raises(OwnChangeError) as caught:
        begin(store, now, row.id, SENIOR)
    assert caught.value.code == "four_eyes"
    assert begin(store, now, row.id, CHECKER).decided_by == "com"


def test_what_was_not_tried_is_not_activated(store: Store, now: datetime) -> None:
    with pytest.raises(TransitionError, match="proposed"):
        begin(store, now, proposed(store, now).id)


@pytest.mark.parametrize(
    "wanted", [{"in_force": "c" * 64}, {"in_force": None}, {"before": "r0"}, {"after": "r3"}], ids=str
)
def test_a_change_of_other_rules_than_those_in_force_is_a_conflict(
    store: Store, now: datetime, wanted: dict[str, str]
) -> None:
    row = tried(store, now)
    with pytest.raises(BaseChangedError) as caught:
        begin(store, now, row.id, **wanted)
    assert caught.value.code == "conflict"
    assert state_of(store, row.id) is ChangeState.TRIED


def test_a_newer_change_of_the_same_file_takes_its_place(store: Store, now: datetime) -> None:
    for content in (b"one", b"two"):
        row = tried(store, now, content=content)
        begin(store, now, row.id)
        with store.write(now) as unit:
            finish_activation(unit, row.id)
    other = tried(store, now, content=b"three", file="lexicons/fee.yml")
    begin(store, now, other.id)
    with store.write(now) as unit:
        finish_activation(unit, other.id)
    with store.read() as conn:
        states = [one.state.value for one in list_changes(conn)]
        assert [one.key for one in list_changes(conn, limit=1)] == ["x3"]
    assert states == ["active", "active", "superseded"]


def test_an_activation_ends_once(store: Store, now: datetime) -> None:
    row = tried(store, now)
    begin(store, now, row.id)
    with store.write(now) as unit:
        assert finish_activation(unit, row.id) is not None
    with store.write(now) as unit:
        assert finish_activation(unit, row.id) is None
        assert fail_activation(unit, row.id, reason="late") is None
    assert state_of(store, row.id) is ChangeState.ACTIVE


def test_an_activation_that_cannot_end_leaves_its_reason(store: Store, now: datetime) -> None:
    row = tried(store, now)
    begin(store, now, row.id)
    with store.write(now) as unit:
        failed = fail_activation(unit, row.id, reason="another file stood there")
    assert failed is not None
    assert (failed.state, failed.reason) == (ChangeState.REJECTED, "another file stood there")


def test_a_change_can_be_put_away_while_it_is_open(store: Store, now: datetime) -> None:
    row = proposed(store, now)
    with store.write(now) as unit:
        assert reject_change(unit, row.id, actor=CHECKER, reason=" nein ").reason == "nein"
    with pytest.raises(TransitionError), store.write(now) as unit:
        record_trial(unit, row.id, TRIAL, actor=AUTHOR)


def test_the_same_proposal_twice_is_one_change_until_it_is_settled(store: Store, now: datetime) -> None:
    first = proposed(store, now)
    assert proposed(store, now).id == first.id
    assert proposed(store, now, SENIOR).id != first.id
    assert proposed(store, now, content=b"other").id != first.id
    with store.write(now) as unit:
        reject_change(unit, first.id, actor=AUTHOR)
    again = proposed(store, now)
    assert again.id != first.id
    with store.read() as conn:
        assert len(open_changes_of(conn, again.file, again.sha256)) == 2


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("event", ChangeEvent)
def test_each_step_has_its_roles(role: Role, event: ChangeEvent) -> None:
    may = {
        ChangeEvent.TRY: {Role.ANALYST, Role.SENIOR},
        ChangeEvent.ACTIVATE: {Role.SENIOR, Role.COMPLIANCE},
        ChangeEvent.REJECT: {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE},
    }.get(event, set())
    starts, target = TABLE[event]
    actor = Actor(name="p", role=role, via="cli")
    if role in may:
        assert next_state(1, starts[0], event, actor) is target
    else:
        with pytest.raises(ForbiddenError):
            next_state(1, starts[0], event, actor)


def test_the_machine_ends_activations_and_nothing_else() -> None:
    for event, (starts, target) in TABLE.items():
        if event in (ChangeEvent.FINISH, ChangeEvent.FAIL, ChangeEvent.SUPERSEDE):
            assert next_state(1, starts[0], event, SYSTEM) is target
        else:
            with pytest.raises(ForbiddenError):
                next_state(1, starts[0], event, SYSTEM)


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.AUDITOR, Role.OPERATOR, Role.PRIVACY, Role.ADMIN])
def test_others_propose_nothing(sqlite_store: Store, now: datetime, role: Role) -> None:
    with pytest.raises(ForbiddenError):
        proposed(sqlite_store, now, Actor(name="p", role=role, via="cli"))
    with sqlite_store.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(rule_file)).scalar_one() == 0
        assert conn.execute(sa.select(sa.func.count()).select_from(audit_entry)).scalar_one() == 0


def test_an_unknown_change_is_named(sqlite_store: Store) -> None:
    with sqlite_store.read() as conn, pytest.raises(NotFoundError, match="x7"):
        get_change(conn, 7)


def test_a_version_keeps_its_files_once(store: Store, now: datetime) -> None:
    files = {"lexicons/offer.yml": b"a", "data/weights.yml": b"b"}
    ensure_ruleset(store, "r1", files, now=now)
    ensure_ruleset(store, "r1", {"lexicons/offer.yml": b"other layout"}, now=now)
    ensure_ruleset(store, "r2", {**files, "data/weights.yml": b"c"}, now=now)
    with store.read() as conn:
        assert ruleset_files(conn, "r1") == files
        assert [one.version for one in list_rulesets(conn)] == ["r2", "r1"]
        assert get_ruleset(conn, "r1").software.startswith("qingyuan/")
        assert count_verdicts_of(conn, "r1") == 0
        assert conn.execute(sa.select(sa.func.count()).select_from(rule_file)).scalar_one() == 3
        with pytest.raises(NotFoundError, match="r9"):
            ruleset_files(conn, "r9")


def test_a_kept_file_that_was_changed_is_not_handed_out(store: Store, now: datetime) -> None:
    ensure_ruleset(store, "r1", {"lexicons/offer.yml": b"a"}, now=now)
    with store.write(now) as unit:
        unit.conn.execute(sa.update(rule_file).values(content=b"forged"))
    with store.read() as conn, pytest.raises(EvidenceError, match="does not match"):
        ruleset_files(conn, "r1")
