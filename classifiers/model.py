"""The additive model: which features a text has, and what each adds to the log-odds of being a solicitation.

A feature is present or absent; the first evidence for it carries its whole weight, further evidence is listed with
weight 0. So bias and listed weights reproduce the score to the last digit, and a long text does not become a clue
by repetition alone. Weights are data (``data/weights.yml``), fitted on the gold set by ``scripts/fit_weights.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.datafiles import DataFileError, read_data_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from classifiers.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Log-odds per feature, the bias, and the log-odds from which a verdict is flagged or unsure.

    ``wording`` is what one point of the wording model is worth in log-odds; ``silent_margin`` what a text without
    any listed turn of an offer needs beyond ``flagged_from``, ``other_margin`` what one that names goods of another
    trade needs.
    """

    bias: float
    flagged_from: float
    unsure_from: float
    wording: float
    silent_margin: float
    other_margin: float
    features: Mapping[str, float]

    def of(self, feature: str) -> float:
        """Return what the feature adds; a feature without an entry adds nothing."""
        return self.features.get(feature, 0.0)


def load_weights(path: Path) -> Weights:
    """Read the weights; raise DataFileError on a missing key or a value that is no number."""
    data = read_data_file(path)
    features: dict[str, float] = {}
    for name, value in data.node("features").items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DataFileError(path, f"the weight of {name} must be a number")
        features[name] = float(value)
    weights = Weights(
        bias=data.number("bias"),
        flagged_from=data.number("flagged_from"),
        unsure_from=data.number("unsure_from"),
        wording=data.number("wording"),
        silent_margin=data.number("silent_margin"),
        other_margin=data.number("other_margin"),
        features=features,
    )
    data.close()
    return weights


def add_up(bias: float, findings: Iterable[Finding]) -> float:
    """Return the log-odds of the findings, added in their order."""
    total = bias
    for finding in findings:
        total += finding.weight
    return total


def to_score(log_odds: float) -> float:
    """Return the log-odds as a score of 0 to 100 with one decimal."""
    if log_odds < 0:
        grown = math.exp(log_odds)
        return round(100 * grown / (1 + grown), 1)
    return round(100 / (1 + math.exp(-log_odds)), 1)
