"""Fit the numbers by which clear texts get their label and write ``classifiers/data/clear_labels.yml``.

Multinomial logistic regression with a ridge on the gold rows of the five clear classes, over what was heard and
over what the wording model says of a row whose template it has not seen; the accuracy on held-out parts (split by
template) is printed first. Run after ``fit_weights``, whose weights choose the speaker of a row.
Development only: needs scikit-learn.

    python -m scripts.fit_labels [--write]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from classifiers.clear_labels import CLEAR_LABELS, label_features
from classifiers.engine import load_ruleset, post_units, speaking_unit
from classifiers.postlines import read_post_line
from classifiers.records import Label
from scripts.fit_wording import held_out, row_runs
from scripts.gold import read_gold, template_of

if TYPE_CHECKING:
    from classifiers.engine import Ruleset

LABELS_FILE = Path(__file__).resolve().parent.parent / "classifiers" / "data" / "clear_labels.yml"
STRENGTH = 0.3
FOLDS = 5
LEAST = 0.02
HEAD = f"""# What each thing heard in a clear text adds to its possible labels; the highest sum wins.
# Fitted by scripts/fit_labels.py on tests/gold alone (multinomial logistic regression, C {STRENGTH});
# do not edit by hand.
"""


def main() -> None:
    """Fit, show the held-out accuracy, and write the file when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rows, said = read_rows(load_ruleset())
    names = sorted({name for _, features, _ in rows for name in features})
    table = np.array([[name in features for name in names] for _, features, _ in rows], dtype=float)
    table = np.column_stack([table, said])
    names += [f"wording.{label}" for label in CLEAR_LABELS]
    labels = np.array([label for label, _, _ in rows])
    right = 0
    for train, test in GroupKFold(FOLDS).split(table, labels, [group for _, _, group in rows]):
        right += int((make_model().fit(table[train], labels[train]).predict(table[test]) == labels[test]).sum())
    sys.stdout.write(f"held out: {right}/{len(rows)} right\n")
    if args.write:
        write(make_model().fit(table, labels), names)


def make_model() -> LogisticRegression:
    """Return the unfitted model."""
    return LogisticRegression(C=STRENGTH, max_iter=2000, class_weight="balanced")


def read_rows(ruleset: Ruleset) -> tuple[list[tuple[str, frozenset[str], str]], np.ndarray]:
    """Return (label, features, template) of the gold rows of the clear classes in which anything is read.

    With them, in the same order, what wording models say for each clear label that have not seen the template.
    """
    gold = [row for row in read_gold() if row["label"] != Label.UNSURE]
    _, said = held_out(row_runs(gold, ruleset), [str(row["label"]) for row in gold], [*map(template_of, gold)])
    found, places = [], []
    for number, row in enumerate(gold):
        units = post_units(read_post_line(row), ruleset)
        if units and row["label"] in CLEAR_LABELS:
            unit = speaking_unit(units, ruleset.weights)
            found.append((str(row["label"]), label_features(unit), template_of(row)))
            places.append(number)
    return found, said[places]


def write(model: LogisticRegression, names: list[str]) -> None:
    """Write the numbers with their head."""
    classes = [str(name) for name in model.classes_]
    starts = ", ".join(f"{name}: {value:.3f}" for name, value in zip(classes, model.intercept_, strict=True))
    lines = [HEAD, f"start: {{{starts}}}\n", "features:\n"]
    for number, name in enumerate(names):
        pairs = zip(classes, model.coef_[:, number], strict=True)
        kept = ", ".join(f"{label}: {value:.3f}" for label, value in pairs if abs(value) >= LEAST)
        if kept:
            lines.append(f"  {name}: {{{kept}}}\n")
    LABELS_FILE.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
