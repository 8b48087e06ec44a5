"""Fit the wording model on the gold set and write ``classifiers/data/wording.json``.

Logistic regression over runs of one to three characters (binary, inverse document frequency, unit length), once for
clue against the rest and once for the five clear labels. Only runs of several rows are looked at, and only the
``LARGEST`` of them by their numbers are kept, then fitted again. ``held_out`` gives each row what a model says that
has not seen its template: the other scripts weigh the model by that. Development only: needs scikit-learn.

    python -m scripts.fit_wording [--write]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from classifiers.clear_labels import CLEAR_LABELS
from classifiers.engine import load_ruleset, post_units, speaking_unit
from classifiers.postlines import read_post_line
from classifiers.records import Label
from classifiers.wording import FLOOR, runs_of
from scripts.gold import read_gold, template_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifiers.engine import Ruleset

WORDING = Path(__file__).resolve().parent.parent / "classifiers" / "data" / "wording.json"
LEAST_ROWS = 2
LARGEST = 9000
STRENGTH = 20.0
FOLDS = 5
CLEAR = [label.value for label in CLEAR_LABELS]

Runs = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordingFit:
    """A fitted model: the runs, how rare each is, and the numbers for a clue (one column) and the clear labels."""

    runs: list[str]
    rarity: np.ndarray
    clue: np.ndarray
    labels: np.ndarray

    def values(self, rows: Sequence[Runs]) -> tuple[np.ndarray, np.ndarray]:
        """Return what the model says of each row for a clue, and for each clear label."""
        table = weigh(rows, self.runs, self.rarity)
        return table @ self.clue, table @ self.labels


def main() -> None:
    """Fit, show how well unseen rows are ordered, and write the file when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    gold = [row for row in read_gold() if row["label"] != Label.UNSURE]
    rows = row_runs(gold, load_ruleset())
    kinds = [str(row["label"]) for row in gold]
    clue, labels = held_out(rows, kinds, [template_of(row) for row in gold])
    is_clue = np.array(kinds) == Label.CLUE
    right = sum(CLEAR[int(labels[n].argmax())] == kind for n, kind in enumerate(kinds) if kind != Label.CLUE)
    sys.stdout.write(f"held out: AUC {roc_auc_score(is_clue, clue):.4f}, labels {right}/{int((~is_clue).sum())}\n")
    if args.write:
        write(fit(rows, kinds))


def row_runs(gold: Sequence[dict[str, object]], ruleset: Ruleset) -> list[Runs]:
    """Return the runs of the speaker that stands for each row; none where the trade is not mentioned."""
    found = []
    for row in gold:
        units = post_units(read_post_line(row), ruleset)
        found.append(frozenset(runs_of(speaking_unit(units, ruleset.weights).unit.own)) if units else frozenset())
    return found


def held_out(rows: Sequence[Runs], kinds: Sequence[str], groups: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return what models that have not seen a row's template say of it: for a clue, and for each clear label."""
    clue, labels = np.zeros(len(rows)), np.zeros((len(rows), len(CLEAR)))
    for train, test in GroupKFold(FOLDS).split(rows, kinds, groups):
        model = fit([rows[n] for n in train], [kinds[n] for n in train])
        clue[test], labels[test] = model.values([rows[n] for n in test])
    return clue, labels


def fit(rows: Sequence[Runs], kinds: Sequence[str]) -> WordingFit:
    """Return the model of these rows, fitted twice: on all runs, then on those that say most."""
    counts: dict[str, int] = {}
    for row in rows:
        for run in row:
            counts[run] = counts.get(run, 0) + 1
    runs = sorted(run for run, count in counts.items() if count >= LEAST_ROWS)
    model = _fit_once(rows, kinds, runs, counts)
    if len(runs) <= LARGEST:
        return model
    clue, labels = np.abs(model.clue), np.abs(model.labels).max(axis=1)
    size = clue / clue.max() + labels / labels.max()
    kept = sorted(runs[n] for n in np.argsort(-size)[:LARGEST])
    return _fit_once(rows, kinds, kept, counts)


def _fit_once(rows: Sequence[Runs], kinds: Sequence[str], runs: list[str], counts: dict[str, int]) -> WordingFit:
    rarity = np.array([1 + np.log((1 + len(rows)) / (1 + counts[run])) for run in runs])
    table = weigh(rows, runs, rarity)
    said = np.asarray(table.sum(axis=1)).ravel() > 0
    is_clue = np.array([kind == Label.CLUE for kind in kinds])
    clear = said & ~is_clue
    clue = _model().fit(table[said], is_clue[said])
    labels = _model().fit(table[clear], np.array(kinds)[clear])
    order = [list(labels.classes_).index(name) for name in CLEAR]
    return WordingFit(runs=runs, rarity=rarity, clue=clue.coef_[0], labels=labels.coef_[order].T)


def _model() -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=2000, tol=1e-3, class_weight="balanced")


def weigh(rows: Sequence[Runs], runs: Sequence[str], rarity: np.ndarray) -> csr_matrix:
    """Return the rows as vectors of unit length, short ones less."""
    index = {run: n for n, run in enumerate(runs)}
    places = [sorted(index[run] for run in row if run in index) for row in rows]
    ends = np.cumsum([0, *map(len, places)])
    columns = np.array([n for row in places for n in row], dtype=np.intp)
    values = rarity[columns] if len(columns) else np.zeros(0)
    for start, end in pairwise(ends):
        values[start:end] /= np.sqrt(FLOOR**2 + (values[start:end] ** 2).sum())
    return csr_matrix((values, columns, ends), shape=(len(rows), len(runs)))


def write(model: WordingFit) -> None:
    """Write the runs with their numbers, one a line."""
    lines = []
    for n, run in enumerate(model.runs):
        numbers = [round(float(value), 3) for value in (model.rarity[n], model.clue[n], *model.labels[n])]
        lines.append(f" {json.dumps(run, ensure_ascii=False)}: {json.dumps(numbers)}")
    WORDING.write_text('{"runs": {\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
