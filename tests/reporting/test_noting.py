"""A person's own observation: recorded under their name, provisional until a probe says so, once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from reporting.noting import observe_outcome
from reporting.statistics import statistics
from storage import audit
from storage.errors import ForbiddenError, InputError, NotFoundError, TransitionError
from storage.records import Actor, Role
from storage.tables import audit_entry, observation
from tests.support.takedown import add_confirmed, observe, sent

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

DAY = timedelta(days=1)
ANA = Actor(name="ana", role=Role.ANALYST, via="cli")
SEEN = "opened it on my phone, the page says 该内容已删除"


def rows(store: Store) -> int:
    with store.read() as conn:
        return int(conn.execute(sa.select(sa.func.count()).select_from(observation)).scalar_one())


def test_answer_is_the_outcome_line_and_provisional(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a")
    code = sent(store, now, tmp_path)
    found = observe_outcome(store, "c1", "content_removed", note=SEEN, now=now + DAY, actor=ANA)
    line = {"clue": "c1", "item": "i1", "batch": code, "kind": "content_removed", "state": "provisional"}
    assert found == {**line, "cause": "ours", "at": (now + DAY).isoformat()}
    with store.read() as conn:
        entry = conn.execute(sa.select(audit_entry).where(audit_entry.c.action == "outcome.observe")).one()
        assert (entry.actor, entry.object_id, entry.details["kind"]) == ("ana", "c1", "content_removed")
        assert audit.verify(conn)["valid"]


def test_weeks_of_a_persons_word_never_confirm(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    sent(sqlite_store, now, tmp_path)
    for number in range(1, 30):
        found = observe_outcome(sqlite_store, "c1", "content_removed", note=SEEN, now=now + number * DAY, actor=ANA)
        assert found["state"] == "provisional"
    with sqlite_store.read() as conn:
        rate = statistics(conn, now=now + 30 * DAY)["action_rate"]
    assert (rate["n"], rate["unknown"]) == (0, 1)
    for number in (31, 38):
        observe(sqlite_store, clue_id, now + number * DAY, "content_removed")
    with sqlite_store.read() as conn:
        assert statistics(conn, now=now + 39 * DAY)["action_rate"]["rate"] == 1


def test_saying_it_again_the_same_day_changes_nothing(sqlite_store: Store, now: datetime) -> None:
    add_confirmed(sqlite_store, now, "a")
    for minutes in (1, 2, 300):
        moment = now + timedelta(minutes=minutes)
        observe_outcome(sqlite_store, "c1", "live", note=SEEN, now=moment, actor=ANA)
    assert rows(sqlite_store) == 1
    for kind, note in (("content_removed", SEEN), ("live", SEEN), ("live", "and again")):
        observe_outcome(sqlite_store, "c1", kind, note=note, now=now + timedelta(hours=6), actor=ANA)
    observe_outcome(sqlite_store, "c1", "live", note="and again", now=now + DAY, actor=ANA)
    assert rows(sqlite_store) == 5


def test_time_of_the_sighting_may_lie_before_its_recording(sqlite_store: Store, now: datetime) -> None:
    add_confirmed(sqlite_store, now - 5 * DAY, "a")
    found = observe_outcome(sqlite_store, "c1", "live", note=SEEN, at=now - 2 * DAY, now=now, actor=ANA)
    assert found["at"] == (now - 2 * DAY).isoformat()
    with sqlite_store.read() as conn:
        assert conn.execute(sa.select(observation.c.recorded_at)).scalar() == now


@pytest.mark.parametrize("role", [role for role in Role if role not in {"analyst", "senior", "compliance"}])
def test_other_roles_are_refused(sqlite_store: Store, now: datetime, role: Role) -> None:
    add_confirmed(sqlite_store, now, "a")
    with pytest.raises(ForbiddenError):
        observe_outcome(sqlite_store, "c1", "live", note=SEEN, now=now, actor=Actor(name="x", role=role, via="cli"))
    assert rows(sqlite_store) == 0


WRONG = [
    (("c9", "live", SEEN, 0), NotFoundError),
    (("x1", "live", SEEN, 0), NotFoundError),
    (("c1", "gone", SEEN, 0), InputError),
    (("c1", "live", "  ", 0), InputError),
    (("c1", "live", "x" * 2001, 0), InputError),
    (("c1", "live", SEEN, 1), InputError),
    (("c2", "live", SEEN, 0), TransitionError),
]


@pytest.mark.parametrize(("said", "error"), WRONG)
def test_what_cannot_be_meant_is_refused(
    sqlite_store: Store, now: datetime, said: tuple[str, str, str, int], error: type[Exception]
) -> None:
    add_confirmed(sqlite_store, now, "a")
    add_confirmed(sqlite_store, now, "b", state="queued", decided_at=None)
    clue, kind, note, days = said
    with pytest.raises(error):
        observe_outcome(sqlite_store, clue, kind, note=note, at=now + days * DAY, now=now, actor=ANA)
    assert rows(sqlite_store) == 0
