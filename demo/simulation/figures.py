"""The figures of a simulation: what the product says, beside the truth of the world, and whether the aims hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from demo.simulation.people import held_back
from demo.simulation.rates import Treatment
from demo.simulation.records import By

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from demo.simulation.history import History, Verdict
    from demo.simulation.world import World

Figures = dict[str, Any]

KNOWN_AIM = 0.97
FALSE_AIM = 0.005
_SHARES = (0.50, 0.75, 0.90, 0.95)
_MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What the product says when the simulation is over; ``clues`` are the addresses that became clues."""

    at: datetime
    stats: Mapping[str, Any]
    verdicts: Mapping[str, Verdict]
    clues: frozenset[str]
    confirmed: frozenset[str]


def figures_of(world: World, history: History, ending: Ending) -> Figures:
    """Return everything that is measured against the truth."""
    rate = ending.stats["action_rate"]
    followed = rate["n"] + rate["unknown"]
    return {
        "found": found(world, ending),
        "sent": {
            "targets": len(history.sent),
            "innocent": sum(world.category(one) is None for one in history.sent),
        },
        "action_rate": {"measured": rate, **true_action_rate(world, history, ending.at)},
        "unknown_share": _share(rate["unknown"], followed),
        "known_at_days": {str(days): _known(known) for days, known in history.known.items()},
        "false_removed": _wrong(history.falsely_gone, history.called_gone),
        "false_live": _wrong(history.falsely_live, history.called_live),
        "sent_to_gone_days": {
            "measured": ending.stats["sent_to_gone_days"],
            "true": true_waits(world, history, ending.at),
        },
        "reoffence": reoffence(world, history, ending),
        "reappeared": reappeared(world, ending),
        "duplicates": duplicates(world),
        "natural_disappearance": natural(world, ending),
        "refused_again": sum(one.treatment is Treatment.REFUSED for one in _repeated(world)),
    }


def missed_aims(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a problem for each aim that does not hold; what could not be measured misses nothing."""
    known, false = figures["known_at_days"]["30"]["share"], figures["false_removed"]["share"]
    doubles = sum(figures["duplicates"].values())
    problems = []
    if known is not None and known < KNOWN_AIM:
        problems.append(_missed("known_at_days", f"{known:.1%} of outcomes known at 30 days, aim {KNOWN_AIM:.0%}"))
    if false is not None and false > FALSE_AIM:
        problems.append(
            _missed("false_removed", f"{false:.2%} called removed wrongly, aim at most {FALSE_AIM:.1%}")
        )
    if doubles:
        problems.append(_missed("duplicates", f"{doubles} items were submitted twice, aim 0"))
    return problems


def found(world: World, ending: Ending) -> Figures:
    """Return how many solicitations that stood there for four days or more became clues."""
    old = [
        one
        for one in world.targets
        if world.status(one, max(ending.at - timedelta(days=4), world.published_at(one))).there
        and world.published_at(one) <= ending.at - timedelta(days=4)
    ]
    hits = sum(one in ending.clues for one in old)
    confirmed_wrongly = sum(world.category(one) is None for one in ending.confirmed)
    return {"standing": len(old), "clues": hits, "share": _share(hits, len(old)), "wrong": confirmed_wrongly}


def true_action_rate(world: World, history: History, at: datetime) -> Figures:
    """Return the action rate that perfect sight would give, and the part of it that our reports brought about.

    ``true`` has the meaning of the measured rate: gone by the platform after sending, or restricted, and not what
    was gone before or deleted by its author.
    """
    acted = caused = every = 0
    restricted = {one.address for one in world.received if one.treatment is Treatment.RESTRICTED}
    for address, sent_at in history.sent.items():
        state = world.status(address, at)
        if not state.there and (state.since < sent_at or state.by is By.AUTHOR):
            continue
        every += 1
        gone, held_down = not state.there, state.there and address in restricted
        acted += gone or held_down
        caused += held_down or (gone and state.by is By.REPORT)
    return {"true": _share(acted, every), "caused": _share(caused, every), "true_n": every}


def true_waits(world: World, history: History, at: datetime) -> Figures:
    """Return percentiles of the days from sending to gone, targets that still stand counted as open."""
    ended: list[float] = []
    still_open: list[float] = []
    for address, sent_at in history.sent.items():
        state = world.status(address, at)
        if state.there:
            still_open.append((at - sent_at) / timedelta(days=1))
        elif state.since >= sent_at:
            (still_open if state.by is By.AUTHOR else ended).append((state.since - sent_at) / timedelta(days=1))
    values = dict(zip(("p50", "p75", "p90", "p95"), waits(ended, still_open, _SHARES), strict=True))
    return {**values, "n": len(ended), "open": len(still_open)}


def waits(ended: Sequence[float], still_open: Sequence[float], shares: Iterable[float]) -> list[float | None]:
    """Return after how long each share had ended, by Kaplan and Meier; None where it never came to that."""
    steps: list[tuple[float, float]] = []
    standing, surviving = len(ended) + len(still_open), 1.0
    for length, over in sorted([(one, 0) for one in ended] + [(one, 1) for one in still_open]):
        if over == 0:
            surviving *= 1 - 1 / standing
            steps.append((length, 1 - surviving))
        standing -= 1
    return [
        next((round(length, 2) for length, share in steps if share >= wanted - 1e-9), None) for wanted in shares
    ]


def reoffence(world: World, history: History, ending: Ending) -> Figures:
    """Return how many removed offers were written anew, and how many of those were found and sent in turn."""
    threads = list(world.threads.values())
    removed = [
        one
        for one in threads
        if one.contact is not None
        and one.published_at <= ending.at
        and (state := world.status(one.address, ending.at)).by in {By.REPORT, By.MODERATOR}
        and not state.there
    ]
    again = [one for one in threads if one.repost_of is not None and one.published_at <= ending.at]
    gaps = [
        (one.published_at - world.status(str(one.repost_of), one.published_at).since) / timedelta(days=1)
        for one in again
    ]
    return {
        "removed": len(removed),
        "reposted": len(again),
        "rate": _share(len(again), len(removed)),
        "median_gap_days": round(median(gaps), 2) if gaps else None,
        "found": sum(one.address in ending.clues for one in again),
        "sent": sum(one.address in history.sent for one in again),
    }


def reappeared(world: World, ending: Ending) -> Figures:
    """Return how many removed targets came back, how many the product saw, how many were sent again."""
    back = {
        one.address
        for one in world.received
        if one.treatment is Treatment.REAPPEARS and _came_back(world, one.address, ending.at)
    }
    again = {one.address for one in _repeated(world)}
    return {"true": len(back), "seen": ending.stats["reappeared"], "sent_again": len(back & again)}


def duplicates(world: World) -> Figures:
    """Return what the receiver got twice: targets without a failure or return between, and one item repeated."""
    items = [one.item for one in world.received]
    return {"targets": sum(one.duplicate for one in world.received), "items": len(items) - len(set(items))}


def natural(world: World, ending: Ending) -> Figures:
    """Return how much of what was confirmed and never sent disappeared, as the product says and in truth."""
    kept = [one for one in ending.confirmed if held_back(world, one)]
    said = sum((verdict := ending.verdicts.get(one)) is not None and verdict.says_gone for one in kept)
    true = sum(not world.status(one, ending.at).there for one in kept)
    return {"targets": len(kept), "said": said, "true": true}


def _came_back(world: World, address: str, at: datetime) -> bool:
    state = world.status(address, at)
    return state.there and state.by is By.REPORT


def _repeated(world: World) -> list[Any]:
    ordered = sorted(world.received, key=lambda one: (one.address, one.at))
    return [later for earlier, later in pairwise(ordered) if earlier.address == later.address]


def _known(known: Mapping[str, bool]) -> Figures:
    hits = sum(known.values())
    return {"known": hits, "of": len(known), "share": _share(hits, len(known))}


def _wrong(wrong: Iterable[str], every: Iterable[str]) -> Figures:
    count, of = len(set(wrong)), len(set(every))
    return {"count": count, "of": of, "share": _share(count, of)}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _missed(field: str, message: str) -> dict[str, Any]:
    return {"code": "failed", "field": field, "message": message}
