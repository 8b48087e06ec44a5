"""Small simulated worlds for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from demo.simulation.making import Plan
from demo.simulation.rates import Rates, Treatment
from demo.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


def plan_of(*, seed: int = 1, weeks: int = 4, rates: Rates | None = None) -> Plan:
    return Plan(seed=seed, start=START, weeks=weeks, rates=rates or calm())


def calm(treatments: Mapping[Treatment, int] | None = None) -> Rates:
    """Return rates under which nothing happens by itself and nothing is hidden."""
    return Rates(
        moderated_early=0.0,
        moderator_mean=10**9,
        author_mean=10**9,
        tricks={},
        weather={},
        treatments=treatments or {Treatment.REMOVED: 1},
        offers=8,
        ordinary=8,
        pitches=4,
    )


def calm_world(treatments: Mapping[Treatment, int] | None = None, *, weeks: int = 4) -> World:
    return World(plan_of(weeks=weeks, rates=calm(treatments)))


def offer_of(world: World) -> str:
    """Return the address of an offer that stands from the beginning."""
    return next(
        one.address
        for one in world.threads.values()
        if one.contact is not None and one.published_at < world.plan.start
    )


def later(days: float) -> datetime:
    return START + timedelta(days=days)
