"""The clues that suppressions look at, with their account, text and contacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.decisions import SYSTEM
from storage.linking import texts_of
from storage.records import OPEN_CLUE_STATES, ClueState
from storage.tables import account, clue, contact, contact_use, decision

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverable:
    """A clue with what suppressions look at; ``account`` is ``platform:native id``, contacts are keyed hashes."""

    clue_id: int
    state: ClueState
    account: str | None
    text: str
    contacts: frozenset[str]


def untouched_clues(
    conn: Connection, *, after: int, limit: int, accounts: Collection[str] | None = None
) -> list[Coverable]:
    """Return the next open clues, by id, about which no person has ever decided anything.

    With ``accounts`` (``platform:native id``) only theirs. A clue that a person put back into the queue is not
    touched again by a suppression.
    """
    by_person = sa.select(sa.literal(1)).where(decision.c.clue_id == clue.c.id, decision.c.actor != SYSTEM.name)
    wanted = [clue.c.state.in_(OPEN_CLUE_STATES), ~sa.exists(by_person.correlate(clue))]
    if accounts is not None:
        wanted.append(_account_key().in_(accounts))
    return _coverable(conn, wanted, after=after, limit=limit)


def clues_in(conn: Connection, states: Collection[ClueState], *, after: int, limit: int) -> list[Coverable]:
    """Return the next clues, by id, in one of these states."""
    return _coverable(conn, [clue.c.state.in_(states)], after=after, limit=limit)


def get_coverable(conn: Connection, clue_id: int) -> Coverable:
    """Return one clue with what suppressions look at."""
    (found,) = _coverable(conn, [clue.c.id == clue_id], after=0, limit=1)
    return found


def last_clue_id(conn: Connection) -> int:
    """Return the highest id of a clue, 0 when there is none."""
    found: int = conn.execute(sa.select(sa.func.coalesce(sa.func.max(clue.c.id), 0))).scalar_one()
    return found


def _account_key() -> sa.ColumnElement[str]:
    return account.c.platform + ":" + account.c.native_id


def _coverable(
    conn: Connection, wanted: list[sa.ColumnElement[bool]], *, after: int, limit: int
) -> list[Coverable]:
    rows = conn.execute(
        sa.select(clue.c.id, clue.c.state, _account_key().label("account"))
        .outerjoin(account, account.c.id == clue.c.account_id)
        .where(clue.c.id > after, *wanted)
        .order_by(clue.c.id)
        .limit(limit)
    ).all()
    numbers = [row.id for row in rows]
    texts, contacts = texts_of(conn, numbers), _contacts(conn, numbers)
    return [
        Coverable(
            clue_id=row.id,
            state=ClueState(row.state),
            account=row.account,
            text=texts.get(row.id, ""),
            contacts=frozenset(contacts.get(row.id, ())),
        )
        for row in rows
    ]


def _contacts(conn: Connection, clue_ids: Collection[int]) -> dict[int, set[str]]:
    """Return the keyed hashes of the contacts that the shown verdict of each clue found, whoever wrote them."""
    rows = conn.execute(
        sa.select(clue.c.id, contact.c.key)
        .join(contact_use, contact_use.c.verdict_id == clue.c.verdict_id)
        .join(contact, contact.c.id == contact_use.c.contact_id)
        .where(clue.c.id.in_(clue_ids))
    )
    found: dict[int, set[str]] = {}
    for row in rows:
        found.setdefault(row.id, set()).add(row.key)
    return found
