"""Waiting times that ended between two looks: beside a slow plain estimate, and where nothing can be told."""

from __future__ import annotations

import itertools
import math
import random
import subprocess
import sys

import pytest

from reporting.waiting import bounds_days, no_waits
from tests.support import tree

SHARES = (0.5, 0.75, 0.9, 0.95)
Intervals = list[tuple[float, float]]


def bounds(intervals: Intervals) -> list[tuple[float, float | None] | None]:
    waits = no_waits()
    for last, first in intervals:
        waits.add(last, first)
    return bounds_days(waits, SHARES)


def plain_masses(intervals: Intervals, steps: int = 3000) -> list[tuple[float, float, float]]:
    """Return (after, until, mass) of every piece between two named days, by plain self-consistency (Turnbull)."""
    days = sorted({day for pair in intervals for day in pair})
    pieces = list(itertools.pairwise(days))
    inside = [[j for j, (a, b) in enumerate(pieces) if last <= a and b <= first] for last, first in intervals]
    masses = [1 / len(pieces)] * len(pieces)
    for _ in range(steps):
        new = [0.0] * len(pieces)
        for held in inside:
            whole = sum(masses[j] for j in held)
            for j in held:
                new[j] += masses[j] / whole / len(intervals)
        if max(abs(a - b) for a, b in zip(new, masses, strict=True)) < 1e-9:
            break
        masses = new
    return [(a, b, mass) for (a, b), mass in zip(pieces, masses, strict=True)]


def random_intervals(chance: random.Random) -> Intervals:
    found: Intervals = []
    for _ in range(chance.randint(2, 25)):
        last = chance.choice((0, 1, 3, 7, 14, 30)) + chance.randint(0, 2)
        found.append((last, last + chance.randint(1, 12) if chance.random() < 0.7 else math.inf))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_bounds_are_those_of_a_plain_estimate(seed: int) -> None:
    intervals = random_intervals(random.Random(seed))
    if not any(first < math.inf for _, first in intervals):
        intervals.append((0, 2))
    masses = plain_masses(intervals)
    for share, found in zip(SHARES, bounds(intervals), strict=True):
        assert found is not None
        start, end = found[0], math.inf if found[1] is None else found[1]
        surely = sum(mass for _, until, mass in masses if until <= end)
        before = sum(mass for _, until, mass in masses if until <= start)
        assert surely >= share - 0.02, "by the second bound the share has ended"
        assert before <= share + 0.02, "before the first one it had not"


def test_plain_cases_by_hand() -> None:
    assert bounds([(0, 1), (1, 3), (3, 7), (7, 14)]) == [(1, 3), (3, 7), (7, 14), (7, 14)]
    assert bounds([(0, 1), (0, 1), (7, math.inf), (7, math.inf)]) == [(0, 1), *[(7, None)] * 3]


@pytest.mark.parametrize(
    "intervals",
    [[], [(0, 1)], [(3, math.inf)], [(3, math.inf)] * 50],
    ids=["nothing", "one end", "one open", "all open"],
)
def test_nothing_is_told_where_nothing_can_be(intervals: Intervals) -> None:
    assert bounds(intervals) == [None] * 4


def test_open_waits_never_make_the_rest_faster() -> None:
    ended: Intervals = [(0, 1), (1, 3), (3, 7), (3, 7)]
    alone, with_open = bounds(ended), bounds([*ended, (7, math.inf), (14, math.inf)])
    for fast, slow in zip(alone, with_open, strict=True):
        assert fast is not None
        assert slow is not None
        assert fast[1] is not None
        assert (math.inf if slow[1] is None else slow[1]) >= fast[1]


def test_same_waits_in_any_order_give_the_same_bounds() -> None:
    intervals = [*random_intervals(random.Random(7)), (0, 2)]
    assert bounds(intervals) == bounds(list(reversed(intervals)))


def test_waits_of_many_different_lengths_are_put_on_a_coarser_grid() -> None:
    chance = random.Random(3)
    many: Intervals = [(days := chance.uniform(0, 80), days + chance.uniform(0.5, 9)) for _ in range(450)]
    found = bounds(many)
    middle = found[0]
    assert middle is not None
    assert middle[1] is not None
    assert 30 < middle[0] < middle[1] < 55


def test_help_does_not_wait_for_the_estimator() -> None:
    code = "import sys, cli, reporting.statistics; sys.exit('lifelines' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tree.ROOT, check=False).returncode == 0
