"""Units of work, types and text at the database's door, on both databases."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from storage.meta import get_meta, put_meta
from storage.records import Actor, AuditFacts
from storage.tables import account, audit_entry, workspace_meta

if TYPE_CHECKING:
    from storage.engine import Store

HOSTILE = [
    "\x00NUL",
    "lone \ud800 surrogate",
    "astral \U00020bb7\U0001d54f\U0001f3dd\ufe0f",
    "zero\u200bwidth",
    "\u202ebidi",
    "'; DROP TABLE post; --",
    "%_\\",
    "逾期",
]


def _account(name: str, seen: datetime, number: int = 1) -> dict[str, object]:
    return {
        "platform": "web",
        "native_id": str(number),
        "name": name,
        "bio": "",
        "first_seen": seen,
        "last_seen": seen,
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_back_with_offsets_kept(store: Store, now: datetime, text: str) -> None:
    with store.write(now) as unit:
        unit.conn.execute(sa.insert(account).values(**_account(text, now)))
        put_meta(unit.conn, "hostile", {"deep": [text], text: 1})
    with store.read() as conn:
        stored = conn.execute(sa.select(account.c.name)).scalar_one()
        meta = get_meta(conn, "hostile")
    assert len(stored) == len(text)
    assert [b in (a, "\ufffd") for a, b in zip(text, stored, strict=True)] == [True] * len(text)
    assert meta["deep"] == [stored]
    assert meta[stored] == 1


def test_two_character_terms_are_found_by_like_on_the_base_table(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        for number, name in enumerate(["信用卡逾期怎么办", "上岸了", "网贷"]):
            unit.conn.execute(sa.insert(account).values(**_account(name, now, number)))
    with store.read() as conn:
        for term, count in (("逾期", 1), ("上岸", 1), ("网贷", 1), ("停息", 0)):
            found = conn.execute(sa.select(account.c.name).where(account.c.name.contains(term, autoescape=True)))
            assert len(found.all()) == count


def test_times_come_back_aware_in_utc_whatever_offset_they_had(store: Store, now: datetime) -> None:
    shanghai = now.astimezone(timezone(timedelta(hours=8)))
    with store.write(now) as unit:
        unit.conn.execute(sa.insert(account).values(**_account("a", shanghai)))
    with store.read() as conn:
        stored = conn.execute(sa.select(account.c.first_seen)).scalar_one()
    assert stored == now
    assert stored.utcoffset() == timedelta(0)


def test_a_naive_time_is_refused(store: Store, now: datetime) -> None:
    with pytest.raises(sa.exc.StatementError, match="naive time"), store.write(now) as unit:
        unit.conn.execute(sa.insert(account).values(**_account("a", now.replace(tzinfo=None))))


def test_a_failed_unit_leaves_nothing_behind(store: Store, now: datetime) -> None:
    entry = AuditFacts(actor=Actor(name="a"), action="x", object_type="clue", object_id="c1")

    def fail() -> None:
        with store.write(now) as unit:
            put_meta(unit.conn, "key", 1)
            unit.audit(entry)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.read() as conn:
        assert get_meta(conn, "key") is None
        assert conn.execute(sa.select(sa.func.count()).select_from(audit_entry)).scalar() == 0


def test_writers_wait_for_their_turn_and_none_is_refused(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        put_meta(unit.conn, "count", 0)
    failures: list[Exception] = []

    def count_up() -> None:
        try:
            for _ in range(10):
                with store.write(now) as unit:
                    locked = sa.select(workspace_meta.c.value).with_for_update()
                    value = unit.conn.execute(locked.where(workspace_meta.c.key == "count")).scalar_one()
                    put_meta(unit.conn, "count", value + 1)
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as conn:
        assert failures == []
        assert get_meta(conn, "count") == 40


def test_a_reading_unit_sees_one_snapshot(sqlite_store: Store, now: datetime) -> None:
    with sqlite_store.read() as conn:
        assert get_meta(conn, "key") is None
        with sqlite_store.write(now) as unit:
            put_meta(unit.conn, "key", 1)
        assert get_meta(conn, "key") is None
