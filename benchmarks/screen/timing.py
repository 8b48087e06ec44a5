"""Interleaved repeats: every way of doing a thing in turn, again and again, so that all meet the same noise.

Two clocks: time on the wall, which counts waiting for a busy processor too, and processor time of the process,
which does not. A ratio is taken within each repeat; the figure is the median over the repeats.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

REPEATS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of doing the work: a call, and how many items it goes through."""

    work: Callable[[], object]
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Laps:
    """Seconds per item in every repeat, by both clocks."""

    wall: Sequence[float]
    cpu: Sequence[float]

    def per_second(self) -> float:
        """Return items per second of processor time, the median."""
        return 1 / statistics.median(self.cpu)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times as fast one way is as another, by both clocks."""

    wall: float
    cpu: float


def run_laps(ways: Mapping[str, Way], *, repeats: int = REPEATS) -> dict[str, Laps]:
    """Return the laps of every way, all ways in turn in every repeat, after one turn that is not counted."""
    laps: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ways}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            way.work()
            taken = time.perf_counter() - wall, time.process_time() - cpu
            if turn:
                for times, seconds in zip(laps[name], taken, strict=True):
                    times.append(seconds / way.items)
    return {name: Laps(wall=wall, cpu=cpu) for name, (wall, cpu) in laps.items()}


def ratio_of(faster: Laps, slower: Laps) -> Ratio:
    """Return how many times as fast the first is as the second: the median of the repeats' own ratios."""
    return Ratio(wall=_median_ratio(faster.wall, slower.wall), cpu=_median_ratio(faster.cpu, slower.cpu))


def _median_ratio(faster: Sequence[float], slower: Sequence[float]) -> float:
    return statistics.median(there / here for here, there in zip(faster, slower, strict=True))
