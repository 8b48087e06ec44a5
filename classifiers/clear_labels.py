"""Which kind of harmless text it is: education, news, victim, legit or unrelated.

A clear verdict still says what was read. The choice is linear in what was heard (voices, terms, verified name); the
numbers are data (``data/clear_labels.yml``), fitted on the gold set by ``scripts/fit_labels.py``, and never decide
whether a text is a solicitation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.datafiles import DataFileError, read_data_file
from classifiers.records import Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from classifiers.units import UnitEvidence

CLEAR_LABELS = (Label.UNRELATED, Label.VICTIM, Label.EDUCATION, Label.NEWS, Label.LEGIT)
# Numbers of marks of one voice from which it is heard more clearly.
STEPS = (1, 2, 4)
_PROVIDER = ("offer.", "promise.", "fee.", "contact.", "profile.", "r1.", "coded.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearLabels:
    """Per label what it starts from, and what each feature adds to it."""

    start: Mapping[Label, float]
    features: Mapping[str, Mapping[Label, float]]

    def choose(self, features: Iterable[str], wording: Mapping[Label, float]) -> Label:
        """Return the label with the highest sum, the first of equal ones.

        ``wording`` is what the wording model says for each label; what that adds stands under ``wording.<label>``.
        """
        totals = dict(self.start)
        values = dict.fromkeys(sorted(features), 1.0) | {f"wording.{label}": wording[label] for label in wording}
        for feature, value in values.items():
            for label, points in self.features.get(feature, {}).items():
                totals[label] += points * value
        return max(CLEAR_LABELS, key=lambda label: totals[label])


def label_features(unit: UnitEvidence) -> frozenset[str]:
    """Return what a unit says about the kind of text it is."""
    return frozenset(_features(unit))


def _features(unit: UnitEvidence) -> Iterator[str]:
    for feature, piece in unit.features.items():
        if feature.startswith("context."):
            yield "context"
        elif feature.startswith(_PROVIDER):
            yield f"role.{piece.role}"
        else:
            yield feature
    counts = unit.voice_counts
    for voice, count in counts.items():
        yield from (f"heard.{voice}.{step}" for step in STEPS if count >= step)
    loudest = [voice for voice, count in counts.items() if count == max(counts.values())]
    yield f"loudest.{loudest[0]}" if len(loudest) == 1 else "loudest.none"


def load_clear_labels(path: Path) -> ClearLabels:
    """Read the numbers; raise DataFileError on an unknown or missing key or a value that is no number."""
    data = read_data_file(path)
    start = _numbers(path, data.node("start").items())
    rows = data.node("features")
    features = {name: _numbers(path, rows.node(name).items()) for name in rows.keys()}  # noqa: SIM118 - a data node is no dict
    data.close()
    if set(start) != set(CLEAR_LABELS):
        raise DataFileError(path, "start must name every clear label", field="start")
    return ClearLabels(start=start, features=features)


def _numbers(path: Path, pairs: Iterable[tuple[str, object]]) -> dict[Label, float]:
    numbers: dict[Label, float] = {}
    for name, value in pairs:
        if name not in CLEAR_LABELS:
            raise DataFileError(path, f"{name!r} is no clear label", field=name, unknown_key=True)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DataFileError(path, f"the number of {name} must be a number", field=name)
        numbers[Label(name)] = float(value)
    return numbers
