"""Which clues a suppression may take out of the queue, on both databases."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import sqlalchemy as sa

from classifiers.suppressions import Suppression, template_bands
from commands.suppressing import suppress_clues
from storage.decisions import decide_clue, undo_clue
from storage.meta import get_meta
from storage.records import ClueState
from storage.suppressing import clues_in, get_coverable, last_clue_id, untouched_clues
from storage.tables import contact, contact_use, post, verdict
from tests.support.clues import ANALYST, add_account, add_clue

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

NOTICE = "近期有不法分子以停息挂账、征信修复为名收取高额手续费，本行从未委托任何机构办理，请广大客户提高警惕。"
OTHER = "周末和家人一起去爬山，山顶的风很大，孩子们很高兴，回来的路上买了橘子和一束花，晚上早早睡了。"


def template() -> Suppression:
    bands = tuple(template_bands(NOTICE))
    return Suppression(label="x1", account=None, bands=bands, contacts=frozenset(), until=date.max)


def account(name: str = "forum:bank") -> Suppression:
    return Suppression(label="x2", account=name, bands=(), contacts=frozenset(), until=date(2027, 1, 1))


def fill(store: Store, now: datetime) -> None:
    """Add c1 and c2 by the bank, c3 a copy of its notice by another, c4 and c5 of other texts."""
    with store.write(now) as unit:
        bank = add_account(unit, "bank")
        add_clue(unit, "1", text=NOTICE, account_id=bank, state="queued")
        add_clue(unit, "2", text=OTHER, account_id=bank, state="new")
        add_clue(unit, "3", text="转：" + NOTICE, state="queued")
        add_clue(unit, "4", text=OTHER, state="queued")
        add_clue(unit, "5", text=NOTICE, state="confirmed")


def states(store: Store) -> list[str]:
    with store.read() as conn:
        found = clues_in(conn, list(ClueState), after=0, limit=99)
    return [one.state.value for one in found]


def give_contact(store: Store, now: datetime, clue_id: int) -> None:
    with store.write(now) as unit:
        values = {"kind": "qq", "key": "k" * 64, "sealed": b"x", "masked": "1**", "first_seen": now}
        number = unit.conn.execute(sa.insert(contact).values(values)).inserted_primary_key[0]  # type: ignore[index]  # one row
        row = unit.conn.execute(
            sa.select(verdict.c.id, verdict.c.revision_id)
            .join(post, post.c.current_revision_id == verdict.c.revision_id)
            .where(post.c.native_id == str(clue_id))
        ).one()
        use = {"contact_id": number, "verdict_id": row.id, "revision_id": row.revision_id}
        unit.conn.execute(sa.insert(contact_use).values(use | {"field": "text", "start": 0, "end": 1}))


def test_clues_come_with_account_text_and_contacts(store: Store, now: datetime) -> None:
    fill(store, now)
    give_contact(store, now, 3)
    with store.read() as conn:
        one, three = get_coverable(conn, 1), get_coverable(conn, 3)
        assert last_clue_id(conn) == 5
        portions = [untouched_clues(conn, after=after, limit=2) for after in (0, 2, 4)]
    assert (one.account, one.contacts) == ("forum:bank", frozenset())
    assert one.text.strip() == NOTICE
    assert (three.account, three.contacts) == (None, {"k" * 64})
    assert [[found.clue_id for found in portion] for portion in portions] == [[1, 2], [3, 4], []]


def test_open_clues_of_an_account_are_suppressed_with_the_reason(store: Store, now: datetime) -> None:
    fill(store, now)
    assert suppress_clues(store, [account()], now=now) == 2
    assert states(store) == ["suppressed", "suppressed", "queued", "queued", "confirmed"]
    assert suppress_clues(store, [account()], now=now) == 0
    assert suppress_clues(store, [account("weibo:bank")], now=now) == 0


def test_copies_of_a_template_are_suppressed_and_nothing_else(store: Store, now: datetime) -> None:
    fill(store, now)
    assert suppress_clues(store, [template()], now=now) == 2
    assert states(store) == ["suppressed", "new", "suppressed", "queued", "confirmed"]
    with store.read() as conn:
        assert get_meta(conn, "suppressions_checked")["clue"] == 5


def test_a_copy_with_a_contact_waits_for_a_person(store: Store, now: datetime) -> None:
    fill(store, now)
    give_contact(store, now, 3)
    assert suppress_clues(store, [template()], now=now) == 1
    assert states(store)[2] == "queued"


def test_what_a_person_decided_once_is_left_to_people(store: Store, now: datetime) -> None:
    fill(store, now)
    with store.write(now) as unit:
        decide_clue(unit, 1, "rejected", actor=ANALYST)
        undo_clue(unit, 1, actor=ANALYST)
    assert suppress_clues(store, [template(), account()], now=now) == 2
    assert states(store) == ["queued", "suppressed", "suppressed", "queued", "confirmed"]


def test_a_new_template_is_compared_with_old_clues_too(store: Store, now: datetime) -> None:
    fill(store, now)
    other = Suppression(
        label="x3", account=None, bands=tuple(template_bands(OTHER)), contacts=frozenset(), until=date.max
    )
    assert suppress_clues(store, [template()], now=now) == 2
    assert suppress_clues(store, [template(), other], now=now) == 2
    assert states(store) == ["suppressed"] * 4 + ["confirmed"]
