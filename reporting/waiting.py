"""Waiting times that nobody saw end: the end lies between two looks, or after the last one.

The estimate is that of B. W. Turnbull (Journal of the Royal Statistical Society B 38 (1976), 290-295), computed by
lifelines. The library takes seconds to import and is imported only when there is something to estimate.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy import float64
    from numpy.typing import NDArray

    Cells = list[tuple[float, float]]
    Masses = NDArray[float64]

_GRAINS_HOURS = (1, 6, 24)
"""Looks are put on a grid of hours, outwards; a coarser one where there are too many different intervals."""

_MOST_INTERVALS = 400  # the library's time grows with their number times that of the cells
_MOST_STEPS = 2000
_TOLERANCE = 1e-7  # of the log-likelihood
_LARGEST_GAP = 0.01  # share by which any single cell may still better the fit
_NEAR = 1e-4  # of a share: masses come from an iteration


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Waiting times in hours and how often each was met: ``(last look before the end, first look after it)``.

    The second is infinite where the end was not seen.
    """

    met: Counter[tuple[float, float]]

    @property
    def ended(self) -> int:
        """How many ends were seen."""
        return sum(count for (_, end), count in self.met.items() if end < math.inf)

    @property
    def open(self) -> int:
        """How many were not."""
        return self.met.total() - self.ended

    def add(self, last_before: float, first_after: float = math.inf) -> None:
        """Add one, in days; rounded outwards to hours."""
        start = max(math.floor(last_before * 24), 0)
        end = first_after if first_after == math.inf else max(math.ceil(first_after * 24), start + 1)
        self.met[start, end] += 1


def no_waits() -> Waits:
    """Return an empty collection."""
    return Waits(met=Counter())


def bounds_days(waits: Waits, shares: Sequence[float]) -> list[tuple[float, float | None] | None]:
    """Return between which days each share of the waits had ended; None where that cannot be told.

    The second of a pair is None while the share may lie after the last look. Nothing is told of a single wait, of
    waits none of which ended, or where the estimate did not settle.
    """
    if waits.met.total() < 2 or not waits.ended:  # noqa: PLR2004 - one wait has no distribution
        return [None] * len(shares)
    grain, met = _grained(waits)
    fitted = _fit(met)
    if fitted is None:
        return [None] * len(shares)
    cells, masses = fitted
    reached = list(itertools.accumulate(float(mass) for mass in masses))
    found: list[tuple[float, float | None] | None] = []
    for share in shares:
        cell = next((one for one, sum_ in zip(cells, reached, strict=True) if sum_ >= share - _NEAR), cells[-1])
        start, end = ((cell[0] - 1) * grain / 24, cell[1] * grain / 24)
        found.append((start, None if end == math.inf else end))
    return found


def _grained(waits: Waits) -> tuple[int, Counter[tuple[float, float]]]:
    """Return the waits on the finest grid that keeps the number of different intervals in bounds."""
    for grain in _GRAINS_HOURS:
        met: Counter[tuple[float, float]] = Counter()
        for (start, end), count in waits.met.items():
            met[start // grain, end if end == math.inf else math.ceil(end / grain)] += count
        if len(met) <= _MOST_INTERVALS:
            break
    return grain, met


def _fit(met: Counter[tuple[float, float]]) -> tuple[Cells, Masses] | None:
    """Return the cells that hold the mass, as closed intervals of whole grains, with their masses.

    The wait (l, r] on whole numbers is the closed interval [l + 1, r] that the library takes.
    """
    import numpy as np  # noqa: PLC0415 - with the next one, only when there is something to estimate

    with warnings.catch_warnings():
        _silence()
        from lifelines.fitters.npmle import npmle  # noqa: PLC0415 - takes seconds

        rows = sorted(met.items())
        masses, cells = npmle(
            [start + 1 for (start, _), _ in rows],
            [end for (_, end), _ in rows],
            tol=_TOLERANCE,
            weights=[count for _, count in rows],
            max_iter=_MOST_STEPS,
        )
    ends = [(float(cell.left), float(cell.right)) for cell in cells]
    settled = bool(np.isfinite(masses).all()) and _gap(rows, ends, masses) <= _LARGEST_GAP
    return (ends, masses) if settled else None


def _gap(rows: Iterable[tuple[tuple[float, float], int]], cells: Cells, masses: Masses) -> float:
    """Return by how much more mass in any one cell would still better the fit, as a share; 0 at the estimate."""
    import numpy as np  # noqa: PLC0415 - as above

    starts, ends = np.array([cell[0] for cell in cells]), np.array([cell[1] for cell in cells])
    gain, total = np.zeros(len(cells)), 0
    for (start, end), count in rows:
        inside = (starts > start) & (ends <= end)
        held = float(masses[inside].sum())
        if held <= 0:
            return math.inf
        gain += inside * (count / held)
        total += count
    return float(gain.max()) / total - 1


def _silence() -> None:
    """Leave out what lifelines and the libraries below it say of themselves; the result is checked instead."""
    for category, module in _SPOKEN:
        warnings.filterwarnings("ignore", category=category, module=module)


_SPOKEN = (
    (RuntimeWarning, r"lifelines\."),  # logarithms of masses that have become 0; steps used up
    (DeprecationWarning, ""),  # of the libraries it imports, at their first import
    (FutureWarning, ""),
)
