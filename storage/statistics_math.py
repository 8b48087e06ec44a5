"""The arithmetic of the figures: intervals of rates, percentiles of waiting times not all of which have ended."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Z_95 = 1.959963984540054
"""Two-sided 95% quantile of the normal distribution."""


def wilson(hits: int, total: int) -> tuple[float, float] | None:
    """Return the Wilson 95% interval of ``hits`` in ``total``; None when ``total`` is 0.

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if total <= 0:
        return None
    share, z2 = hits / total, Z_95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z_95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def waiting_percentiles(
    ended: Sequence[float], still_open: Sequence[float], shares: Sequence[float]
) -> list[float | None]:
    """Return by when each share of the cases has ended, by Kaplan and Meier; None where that is not known yet.

    ``ended`` are waiting times that came to an end, ``still_open`` those watched so long without an end: leaving
    these out would make everything look faster than it is.
    """
    ends, opens = sorted(max(time, 0.0) for time in ended), sorted(still_open)
    survival = 1.0
    steps: list[tuple[float, float]] = []
    for time, count in sorted(Counter(ends).items()):
        at_risk = len(ends) - bisect_left(ends, time) + len(opens) - bisect_left(opens, time)
        survival *= 1 - count / at_risk
        steps.append((time, survival))
    return [_first_time(steps, 1 - share) for share in shares]


def _first_time(steps: Sequence[tuple[float, float]], survival: float) -> float | None:
    return next((time for time, left in steps if left <= survival + 1e-12), None)
