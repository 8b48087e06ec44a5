"""The people of a workspace: names, roles, passwords; every change is audited."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import sqlalchemy as sa
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from storage.errors import ForbiddenError, InputError, NotFoundError, TransitionError
from storage.records import Actor, AuditFacts, Role
from storage.tables import user as user_table
from storage.tables import web_session

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

    from storage.engine import Unit

FIRST_ADMIN = "admin"
"""The name of the admin that ``init`` makes (contracts §1)."""

PASSWORD_LENGTH = (8, 256)
"""Fewest and most characters of a password; ASVS 5.0 asks for at least 8, the upper bound limits hashing work."""

_FEWEST_DIFFERENT = 4
_NAME = re.compile(r"[A-Za-z0-9\u4e00-\u9fff][A-Za-z0-9\u4e00-\u9fff._-]{0,39}")
_TAKEN_BY_THE_PRODUCT = frozenset({"system", "scheduler", "anonymous", "unknown"})
_SALT_BYTES, _HASH_BYTES = 16, 32
_PASSES, _LANES, _MEMORY_KIB = 3, 4, 64 * 1024  # the second choice of RFC 9106


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """One person as stored, without the password."""

    id: int
    name: str
    role: Role
    disabled: bool
    created_at: datetime


def add_user(unit: Unit, name: str, *, role: Role, password: str, actor: Actor) -> UserRow:
    """Store a new person.

    The actor must be an admin, but for the admin named ``admin`` that ``init`` makes while nobody is there yet.

    Raises:
        ForbiddenError: the actor is no admin.
        InputError: the name or password breaks a rule, or the name is taken (also in other letter case).
    """
    first = name == FIRST_ADMIN and role is Role.ADMIN and actor.role is None and not _anybody(unit.conn)
    if not first:
        require_admin(actor, "add users")
    _check_name(unit.conn, name)
    check_password(password, name=name)
    values = {"name": name, "role": role.value, "disabled": False, "created_at": unit.now}
    unit.conn.execute(sa.insert(user_table).values(password_hash=_hash(password), **values))
    unit.audit(_entry(actor, "user_added", name, {"role": role.value}))
    return get_user(unit.conn, name)


def list_users(conn: Connection) -> list[UserRow]:
    """Return everybody, also the disabled, newest first."""
    rows = conn.execute(sa.select(user_table).order_by(user_table.c.id.desc())).mappings()
    return [_row(row) for row in rows]


def get_user(conn: Connection, name: str) -> UserRow:
    """Return one person by exact name; raise NotFoundError (``unknown_user``) when there is none."""
    found = find_user(conn, name)
    if found is None:
        raise NotFoundError("user", name, code="unknown_user")
    return found


def find_user(conn: Connection, name: str) -> UserRow | None:
    """Return one person by exact name, or None."""
    row = _find(conn, name)
    return None if row is None else _row(row)


def actor_for(conn: Connection, name: str, *, via: str) -> Actor:
    """Return the person as an actor; raise NotFoundError for nobody, ForbiddenError for somebody disabled."""
    user = get_user(conn, name)
    if user.disabled:
        raise ForbiddenError(name, "act: the account is disabled")
    return Actor(name=user.name, role=user.role, via=via)


def disable_user(unit: Unit, name: str, *, actor: Actor) -> UserRow:
    """Disable a person and end all their sessions; disabling twice changes nothing.

    Raises:
        TransitionError: it is the last admin who can still sign in.
    """
    require_admin(actor, "disable users")
    user = get_user(unit.conn, name)
    if user.disabled:
        return user
    if user.role is Role.ADMIN and _active_admins(unit.conn) == 1:
        raise TransitionError("user", name, "the last admin", "disable")
    unit.conn.execute(sa.update(user_table).where(user_table.c.id == user.id).values(disabled=True))
    _end_sessions(unit, user.id)
    unit.audit(_entry(actor, "user_disabled", name, {}))
    return get_user(unit.conn, name)


def set_password(unit: Unit, name: str, *, password: str, actor: Actor) -> None:
    """Replace a password, by an admin or by the person (the caller has checked the old one); ends all sessions."""
    if actor.name != name:
        require_admin(actor, "set the password of others")
    user = get_user(unit.conn, name)
    check_password(password, name=name)
    hashed = _hash(password)
    unit.conn.execute(sa.update(user_table).where(user_table.c.id == user.id).values(password_hash=hashed))
    _end_sessions(unit, user.id)
    unit.audit(_entry(actor, "password_set", name, {}))


def verify_password(conn: Connection, name: str, password: str) -> UserRow | None:
    """Return the person whose password this is, or None: wrong, unknown and disabled look and cost the same."""
    row = _find(conn, name)
    hashed = row["password_hash"] if row else _hash_of_nobody()
    try:
        Argon2id.verify_phc_encoded(_bytes(password), hashed)
    except InvalidKey:
        return None
    return _row(row) if row and not row["disabled"] else None


def require_admin(actor: Actor, action: str) -> None:
    """Raise ForbiddenError when the actor is no admin; ``action`` is what was wanted, for the message."""
    if actor.role is not Role.ADMIN:
        raise ForbiddenError(actor.name, action, needs=(Role.ADMIN,))


def check_password(password: str, *, name: str) -> None:
    """Raise InputError (``bad_field``) when a new password is too short, too long or too plain."""
    fewest, most = PASSWORD_LENGTH
    if not fewest <= len(password) <= most:
        raise InputError("bad_field", f"a password has {fewest} to {most} characters", field="password")
    if len(set(password)) < _FEWEST_DIFFERENT or password.casefold() == name.casefold():
        raise InputError("bad_field", "the password is too easy to guess", field="password")


@cache
def _hash_of_nobody() -> str:
    """Return a hash that costs as much to check as a real one; nobody's password matches it in practice."""
    return _hash("nobody")


def _hash(password: str) -> str:
    derive = Argon2id(
        salt=os.urandom(_SALT_BYTES),
        length=_HASH_BYTES,
        iterations=_PASSES,
        lanes=_LANES,
        memory_cost=_MEMORY_KIB,
    )
    return derive.derive_phc_encoded(_bytes(password))


def _bytes(password: str) -> bytes:
    """Return what is hashed: no more than the longest password, whatever was typed."""
    return unicodedata.normalize("NFC", password[: PASSWORD_LENGTH[1] + 1]).encode("utf-8", "replace")


def _check_name(conn: Connection, name: str) -> None:
    if not _NAME.fullmatch(name) or name.lower() in _TAKEN_BY_THE_PRODUCT:
        rule = "1 to 40 letters, digits, Chinese characters and . _ -, the first no sign"
        raise InputError("bad_field", f"a user name has {rule}", field="name")
    same = sa.select(user_table.c.id).where(sa.func.lower(user_table.c.name) == name.lower())
    if conn.execute(same).first():
        raise InputError("bad_field", f"the name {name} is taken", field="name")


def _anybody(conn: Connection) -> bool:
    return conn.execute(sa.select(user_table.c.id).limit(1)).first() is not None


def _active_admins(conn: Connection) -> int:
    wanted = (user_table.c.role == Role.ADMIN.value, user_table.c.disabled.is_(False))
    return conn.execute(sa.select(sa.func.count()).select_from(user_table).where(*wanted)).scalar_one()


def _end_sessions(unit: Unit, user_id: int) -> None:
    own = (web_session.c.user_id == user_id, web_session.c.ended_at.is_(None))
    unit.conn.execute(sa.update(web_session).where(*own).values(ended_at=unit.now))


def _find(conn: Connection, name: str) -> RowMapping | None:
    return conn.execute(sa.select(user_table).where(user_table.c.name == name)).mappings().first()


def _row(row: RowMapping) -> UserRow:
    return UserRow(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        disabled=row["disabled"],
        created_at=row["created_at"],
    )


def _entry(actor: Actor, action: str, name: str, details: dict[str, str]) -> AuditFacts:
    return AuditFacts(actor=actor, action=action, object_type="user", object_id=name, details=details)
