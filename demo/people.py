"""Who plays in the demo, and how the analyst decides."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MISTAKES = 0.04
"""Share of clues about which the analyst decides wrongly."""

UNDONE = 0.5
"""Share of the mistakes that the analyst notices and takes back."""

DOUBTS = 0.03
"""Share of clues that the analyst passes on as unsure."""

LEFT_FOR_THE_DESK = 10
"""About so many clues, good and bad ones, that nobody decides: the desk has a queue to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with one role."""

    name: str
    role: str
    password: str


def cast() -> list[Person]:
    """Return the people of a new demo, with fresh passwords; the admin comes first."""
    roles = ("admin", "analyst", "senior", "compliance", "auditor", "privacy", "operator")
    return [Person(name=role, role=role, password=f"demo-{secrets.token_urlsafe(9)}") for role in roles]


def steps_of(clues: Sequence[Mapping[str, Any]], planted: Mapping[tuple[str, str], str]) -> Iterator[list[str]]:
    """Yield the commands that the analyst types about open clues, the best score first.

    ``planted`` maps (platform, native id) of each planted target to its category. The same clue is always
    decided in the same way, so that an interrupted play goes on as it began.
    """
    ordered = sorted(clues, key=lambda clue: (-clue["score"], clue["clue"]))
    every = max(len(ordered) // LEFT_FOR_THE_DESK, 1)
    for place, clue in enumerate(ordered, 1):
        if place % every == 0:
            continue
        yield from _decide(clue, planted.get((clue["target"]["platform"], clue["target"]["native_id"])))


def _decide(clue: Mapping[str, Any], category: str | None) -> Iterator[list[str]]:
    dice = random.Random(f"{clue['target']['platform']} {clue['clue']}")
    if dice.random() < DOUBTS:
        yield _conclude(clue, "unsure", reason="需要更多信息")
        return
    right = _confirm(clue, category) if category else _conclude(clue, "rejected", reason="不构成招揽")
    if dice.random() >= MISTAKES:
        yield right
        return
    yield _conclude(clue, "rejected", reason="误操作") if category else _confirm(clue, None)
    if dice.random() < UNDONE:
        yield ["clues", "undo", clue["clue"]]
        yield right


def _confirm(clue: Mapping[str, Any], category: str | None) -> list[str]:
    chosen = ["--category", category] if category else []
    return [*_conclude(clue, "confirmed", reason="招揽、收费、可联系"), *chosen]


def _conclude(clue: Mapping[str, Any], conclusion: str, *, reason: str) -> list[str]:
    return ["clues", "decide", clue["clue"], conclusion, "--reason", reason]
