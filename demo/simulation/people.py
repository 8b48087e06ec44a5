"""How the bank's people act in the simulation: they know the truth and make mistakes at a seeded rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from demo.simulation.world import World

ATTEMPTS = 2
"""How often compliance reports a target that the platform refuses to remove."""


def conclusions(world: World, clues: Iterable[Mapping[str, Any]], where: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield the commands that the analyst types about waiting clues; ``where`` maps clues to addresses."""
    for clue in clues:
        address = where[clue["clue"]]
        category = world.category(address)
        errs = world.plan.dice("analyst", address).random() < world.plan.rates.analyst_errors
        if (category is not None) == errs:
            yield ["clues", "decide", clue["clue"], "rejected", "--reason", "不构成招揽"]
        else:
            chosen = ["--category", category] if category else []
            yield ["clues", "decide", clue["clue"], "confirmed", "--reason", "招揽、收费、可联系", *chosen]


def held_back(world: World, address: str) -> bool:
    """Tell whether compliance never sends a target, to see what disappears by itself."""
    return world.plan.dice("held back", address).random() < world.plan.rates.held_back


def struck_by_compliance(world: World, items: Iterable[Mapping[str, Any]], where: Mapping[str, str]) -> list[str]:
    """Return the clues that compliance takes out of a draft: held back, or refused often enough."""
    return [
        item["clue"]
        for item in items
        if held_back(world, where[item["clue"]]) or _times(world, where[item["clue"]]) >= ATTEMPTS
    ]


def struck_by_senior(world: World, items: Iterable[Mapping[str, Any]], where: Mapping[str, str]) -> list[str]:
    """Return the clues that the approver takes out: most of those that the analyst confirmed by mistake."""
    return [item["clue"] for item in items if _is_seen(world, where[item["clue"]])]


def _times(world: World, address: str) -> int:
    return sum(one.address == address for one in world.received)


def _is_seen(world: World, address: str) -> bool:
    seen = world.plan.dice("senior", address).random() < world.plan.rates.error_is_seen
    return world.category(address) is None and seen
