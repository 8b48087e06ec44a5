"""The audit chain notices every change but a cut tail, and never forks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from storage import audit
from storage.records import Actor, AuditFacts
from storage.tables import audit_entry

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store


def _append(store: Store, now: datetime, count: int = 1, who: str = "li") -> None:
    with store.write(now) as unit:
        for number in range(count):
            about = {"object_type": "clue", "object_id": f"c{number}", "details": {"n": number}}
            unit.audit(AuditFacts(actor=Actor(name=who), action="decide", **about))


def test_a_clean_chain_verifies(store: Store, now: datetime) -> None:
    _append(store, now, 5)
    _append(store, now, 3, who="名\x00\ud800字")
    with store.read() as conn:
        assert audit.verify(conn) == {"entries": 8, "valid": True, "first_bad": None}


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        (sa.update(audit_entry).where(audit_entry.c.sequence == 3).values(actor="someone"), 3),
        (sa.update(audit_entry).where(audit_entry.c.sequence == 3).values(details={"n": 9}), 3),
        (sa.delete(audit_entry).where(audit_entry.c.sequence == 2), 2),
        (sa.update(audit_entry).where(audit_entry.c.sequence == 5).values(sequence=50), 5),
    ],
    ids=["actor", "details", "deleted", "renumbered"],
)
def test_a_changed_chain_names_its_first_bad_entry(
    store: Store, now: datetime, statement: sa.Executable, first_bad: int
) -> None:
    _append(store, now, 5)
    with store.write(now) as unit:
        unit.conn.execute(statement)
    with store.read() as conn:
        found = audit.verify(conn)
    assert (found["valid"], found["first_bad"]) == (False, first_bad)


def test_concurrent_appends_do_not_fork_the_chain(store: Store, now: datetime) -> None:
    threads = [threading.Thread(target=lambda: [_append(store, now) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as conn:
        assert audit.verify(conn) == {"entries": 40, "valid": True, "first_bad": None}


def test_the_history_of_one_object_is_found(store: Store, now: datetime) -> None:
    _append(store, now, 3)
    with store.read() as conn:
        assert [row["details"] for row in audit.history(conn, "clue", "c1")] == [{"n": 1}]
