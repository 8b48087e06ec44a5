"""Ways to reach a seller: stored encrypted, linked by a keyed hash, shown masked, opened with a reason.

One contact is one row whatever it was found in; where it was found is a use: a verdict, a field, a span. Spans
point into the texts that the verdict judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.errors import ForbiddenError, InputError, NotFoundError
from storage.records import AuditFacts, Role
from storage.sealing import mask
from storage.tables import contact, contact_use, verdict
from storage.upsert import insert_missing

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection

    from storage.engine import Unit
    from storage.records import Actor
    from storage.sealing import Sealer

MAY_UNMASK = (Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.PRIVACY)
"""Roles that may open a contact; auditors read masked, operators and admins see no clue content (design §9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedContact:
    """A contact found by a verdict, ready to be stored: the value is already encrypted."""

    kind: str
    key: str
    sealed: bytes
    masked: str
    field: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactUse:
    """Where a contact stands: [start, end) code points of a field of the revision that a verdict judged."""

    contact_id: int
    verdict_id: int
    revision_id: int
    kind: str
    masked: str
    field: str
    start: int
    end: int


def seal_contact(sealer: Sealer, *, kind: str, value: str, field: str, span: tuple[int, int]) -> SealedContact:
    """Return a contact encrypted, hashed and masked; works outside any transaction."""
    return SealedContact(
        kind=kind,
        key=sealer.link_key(kind, value),
        sealed=sealer.seal(value),
        masked=mask(value),
        field=field,
        start=span[0],
        end=span[1],
    )


def add_uses(unit: Unit, found: Sequence[tuple[int, int, SealedContact]]) -> None:
    """Store contacts as (verdict id, revision id, contact); those already there stay as they are.

    Three statements whatever the number. Contacts are inserted in the order of their keys, so that two workers
    never wait for each other in a circle.
    """
    if not found:
        return
    fresh = {(one.kind, one.key): one for _, _, one in found}
    rows = [
        {"kind": one.kind, "key": one.key, "sealed": one.sealed, "masked": one.masked, "first_seen": unit.now}
        for _, one in sorted(fresh.items())
    ]
    insert_missing(unit.conn, contact, rows)
    known = unit.conn.execute(
        sa.select(contact.c.kind, contact.c.key, contact.c.id).where(contact.c.key.in_({key for _, key in fresh}))
    )
    numbers = {(row.kind, row.key): row.id for row in known}
    uses = [
        {
            "contact_id": numbers[one.kind, one.key],
            "revision_id": revision_id,
            "verdict_id": verdict_id,
            "field": one.field,
            "start": one.start,
            "end": one.end,
        }
        for verdict_id, revision_id, one in found
    ]
    insert_missing(unit.conn, contact_use, uses)


def contacts_of(conn: Connection, revision_ids: Collection[int]) -> dict[int, list[ContactUse]]:
    """Return the contacts that the newest verdict on each revision found, in reading order."""
    newest = (
        sa.select(sa.func.max(verdict.c.id))
        .where(verdict.c.revision_id.in_(revision_ids))
        .group_by(verdict.c.revision_id)
    )
    found: dict[int, list[ContactUse]] = {revision_id: [] for revision_id in revision_ids}
    for use in _uses(conn, contact_use.c.verdict_id.in_(newest)):
        found[use.revision_id].append(use)
    return found


def contacts_of_verdict(conn: Connection, verdict_id: int) -> list[ContactUse]:
    """Return the contacts that one verdict found, in reading order."""
    return _uses(conn, contact_use.c.verdict_id == verdict_id)


def unmask(unit: Unit, contact_id: int, *, actor: Actor, reason: str, sealer: Sealer) -> str:
    """Return a contact's value and record who wanted it and why.

    Raises:
        ForbiddenError: the actor's role may not.
        InputError: there is no reason.
        NotFoundError: there is no such contact.
    """
    if actor.role not in MAY_UNMASK:
        raise ForbiddenError(actor.name, "open a contact", needs=MAY_UNMASK)
    if not reason.strip():
        raise InputError("bad_field", "opening a contact needs a reason", field="reason")
    sealed = unit.conn.execute(sa.select(contact.c.sealed).where(contact.c.id == contact_id)).scalar()
    if sealed is None:
        raise NotFoundError("contact", str(contact_id))
    details = {"reason": reason.strip()}
    unit.audit(
        AuditFacts(
            actor=actor, action="contact.unmask", object_type="contact", object_id=str(contact_id), details=details
        )
    )
    return sealer.open(sealed)


def open_contacts(conn: Connection, contact_ids: Collection[int], sealer: Sealer) -> dict[int, str]:
    """Return the values of contacts for use inside the house (the workspace's shell, a channel's package)."""
    found = conn.execute(sa.select(contact.c.id, contact.c.sealed).where(contact.c.id.in_(contact_ids)))
    return {row.id: sealer.open(row.sealed) for row in found}


def _uses(conn: Connection, condition: sa.ColumnElement[bool]) -> list[ContactUse]:
    columns = (column for column in contact_use.c if column.name != "id")
    found = conn.execute(
        sa.select(*columns, contact.c.kind, contact.c.masked)
        .join_from(contact_use, contact, contact.c.id == contact_use.c.contact_id)
        .where(condition)
        .order_by(contact_use.c.field, contact_use.c.start, contact_use.c.id)
    )
    return [ContactUse(**row._mapping) for row in found]  # noqa: SLF001 - SQLAlchemy's public row mapping
