"""Who may do what at the desk: one table, and nothing is allowed that it does not name (design §9)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Callable


class Permission(StrEnum):
    """What a route needs; each route declares exactly one."""

    OPEN = "open"
    SIGNED_IN = "signed_in"
    READ_CLUES = "read_clues"
    DECIDE = "decide"
    UNMASK = "unmask"
    READ_RUNS = "read_runs"
    READ_AUDIT = "read_audit"
    MANAGE_PEOPLE = "manage_people"


_EVERYBODY = frozenset(Role)

GRANTED: dict[Permission, frozenset[Role]] = {
    Permission.OPEN: _EVERYBODY,
    Permission.SIGNED_IN: _EVERYBODY,
    Permission.READ_CLUES: frozenset(
        {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR, Role.PRIVACY},
    ),
    Permission.DECIDE: frozenset({Role.ANALYST, Role.SENIOR, Role.COMPLIANCE}),
    Permission.UNMASK: frozenset({Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.PRIVACY}),
    Permission.READ_RUNS: frozenset({Role.OPERATOR, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR}),
    Permission.READ_AUDIT: frozenset({Role.AUDITOR, Role.PRIVACY}),
    Permission.MANAGE_PEOPLE: frozenset({Role.ADMIN}),
}
"""Permission to the roles that have it. An admin sees no clue content, an auditor changes and unmasks nothing."""

_NEEDS: dict[Callable[..., Any], Permission] = {}


def declare(endpoint: Callable[..., Any], needs: Permission) -> None:
    """Write down what an endpoint needs."""
    _NEEDS[endpoint] = needs


def needs_of(endpoint: Callable[..., Any]) -> Permission:
    """Return what an endpoint needs; KeyError when it declares nothing, so that it never opens by mistake."""
    return _NEEDS[endpoint]


def may(role: Role | None, permission: Permission) -> bool:
    """Return whether a role (None = nobody signed in) has a permission."""
    if permission is Permission.OPEN:
        return True
    return role is not None and role in GRANTED[permission]
