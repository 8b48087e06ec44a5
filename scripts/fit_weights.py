"""Fit the weights of the screening model on the gold set and write ``classifiers/data/weights.yml``.

Logistic loss with a ridge and sign constraints: a sign says what evidence of that kind can mean at all (an offer
never speaks against a clue, a reporter's voice never for one), so a small gold set cannot teach an accident. Rows
labelled unsure are left out. Where a post has several speakers, the one who offers most clearly under the current
weights stands for it, and the fit is repeated until the choice settles. With ``--folds`` the rows are split by
template and the figures on the held-out parts are printed. Development only: needs scikit-learn's SciPy.

    python -m scripts.fit_weights [--folds 5] [--write]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from sklearn.model_selection import GroupKFold

from classifiers.engine import Ruleset, load_ruleset, post_units
from classifiers.postlines import read_post_line

if TYPE_CHECKING:
    from classifiers.model import Weights

ROOT = Path(__file__).resolve().parent.parent
GOLD = ROOT / "tests" / "gold"
WEIGHTS = ROOT / "classifiers" / "data" / "weights.yml"
AGAINST = ("voice.warner", "voice.reporter", "voice.attribution", "voice.debtor", "voice.licensed",
           "voice.question", "voice.selfhelp", "voice.law", "voice.insider", "voice.service", "verified.",
           "other.", "term.warning", "term.victim", "contact.named", "quoted.")  # fmt: skip
RIDGE = 0.6
LARGEST_BIAS = -3.5
TOPIC_LIMIT = 0.8
ROUNDS = 4
HEAD = """# Log-odds per feature of a speaker's texts; an absent feature adds nothing.
# Fitted by scripts/fit_weights.py on tests/gold alone (logistic loss, ridge {ridge}, sign constraints);
# do not edit by hand.
"""


def main() -> None:
    """Fit, show the figures, and write the file when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rows = [row for row in read_gold() if row["label"] != "unsure"]
    ruleset = load_ruleset()
    units = [row_features(row, ruleset) for row in rows]
    labels = np.array([row["label"] == "clue" for row in rows], dtype=float)
    if args.folds:
        show_folds(units, labels, groups=[str(row.get("template", row["id"])) for row in rows], folds=args.folds)
    weights = fit(units, labels, ruleset.weights)
    show("all", units, labels, weights, rows)
    if args.write:
        write(weights)


def read_gold() -> list[dict[str, object]]:
    """Return the rows of every gold file."""
    return [
        json.loads(line) for path in sorted(GOLD.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    ]


def row_features(row: dict[str, object], ruleset: Ruleset) -> list[frozenset[str]]:
    """Return the features of every speaker of a row, the author first."""
    return [frozenset(unit.features) for unit in post_units(read_post_line(row), ruleset)] or [frozenset()]


def sign_of(feature: str) -> int:
    """Return +1 where the feature can only speak for a clue, -1 where only against."""
    if feature == "voice.pitch_last":
        return 1
    plain = feature.removeprefix("profile.")
    return -1 if plain.startswith(AGAINST) else 1


def bounds_of(feature: str) -> tuple[float | None, float | None]:
    """Return the range of the weight; what a text is about must never flag it alone."""
    if sign_of(feature) < 0:
        return None, 0.0
    is_topic = "topic" in feature
    return 0.0, TOPIC_LIMIT if is_topic else None


def odds(features: frozenset[str], weights: Weights) -> float:
    """Return the log-odds of a speaker."""
    return weights.bias + sum(weights.of(feature) for feature in features)


def fit(units: list[list[frozenset[str]]], labels: np.ndarray, start: Weights) -> Weights:
    """Return fitted weights."""
    weights = start
    for _ in range(ROUNDS):
        chosen = [max(speakers, key=lambda features: odds(features, weights)) for speakers in units]
        weights = fit_once(chosen, labels, weights)
    return weights


def fit_once(chosen: list[frozenset[str]], labels: np.ndarray, start: Weights) -> Weights:
    """Return the weights that fit the chosen speakers."""
    names = sorted({feature for features in chosen for feature in features})
    table = np.array([[name in features for name in names] for features in chosen], dtype=float)
    target = 2 * labels - 1

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        margin = target * (table @ values[1:] + values[0])
        gap = 1 / (1 + np.exp(margin))
        value = float(np.logaddexp(0, -margin).sum() + RIDGE / 2 * (values[1:] ** 2).sum())
        slope = -(target * gap)
        return value, np.concatenate([[slope.sum()], table.T @ slope + RIDGE * values[1:]])

    bounds = [(None, LARGEST_BIAS), *(bounds_of(name) for name in names)]
    first = np.array([-4.0, *(0.1 * sign_of(name) for name in names)])
    best = minimize(loss, first, jac=True, bounds=bounds, method="L-BFGS-B").x
    features = {name: round(float(value), 3) for name, value in zip(names, best[1:], strict=True)}
    return replace(start, bias=round(float(best[0]), 3), features=features)


def show_folds(units: list[list[frozenset[str]]], labels: np.ndarray, *, groups: list[str], folds: int) -> None:
    """Print recall and false flags on parts that the fit has not seen."""
    found = flagged = 0
    for train, test in GroupKFold(folds).split(units, labels, groups):
        weights = fit([units[n] for n in train], labels[train], load_ruleset().weights)
        scores = np.array([max(odds(features, weights) for features in units[n]) for n in test])
        found += int(((scores >= 0) & (labels[test] == 1)).sum())
        flagged += int(((scores >= 0) & (labels[test] == 0)).sum())
    sys.stdout.write(f"held out: {found}/{int(labels.sum())} found, {flagged}/{int((1 - labels).sum())} false\n")


def show(
    name: str,
    units: list[list[frozenset[str]]],
    labels: np.ndarray,
    weights: Weights,
    rows: list[dict[str, object]],
) -> None:
    """Print the figures and the errors on the rows."""
    scores = np.array([max(odds(features, weights) for features in speakers) for speakers in units])
    found = int(((scores >= 0) & (labels == 1)).sum())
    false = int(((scores >= 0) & (labels == 0)).sum())
    sys.stdout.write(f"{name}: {found}/{int(labels.sum())} found, {false}/{int((1 - labels).sum())} false\n")
    for row, score, label in zip(rows, scores, labels, strict=True):
        if (score >= 0) != bool(label):
            sys.stdout.write(
                f"  {row['id']} {row['label']} {score:+.2f} {row['title']!s}{str(row['text'])[:60]!r}\n"
            )


def write(weights: Weights) -> None:
    """Write the weights with their head."""
    lines = [HEAD.format(ridge=RIDGE), f"bias: {weights.bias}\nflagged_from: {weights.flagged_from}\n"]
    lines.append(f"unsure_from: {weights.unsure_from}\nfeatures:\n")
    lines.extend(f"  {name}: {value}\n" for name, value in sorted(weights.features.items()))
    WEIGHTS.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
