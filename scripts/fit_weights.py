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
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from sklearn.model_selection import GroupKFold

from classifiers.engine import Ruleset, load_ruleset, post_units
from classifiers.postlines import read_post_line
from scripts.fit_wording import fit as fit_runs
from scripts.fit_wording import held_out, row_runs
from scripts.gold import read_gold, template_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifiers.model import Weights
    from scripts.fit_wording import Runs

ROOT = Path(__file__).resolve().parent.parent
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
    groups = [template_of(row) for row in rows]
    runs, kinds = row_runs(rows, ruleset), [str(row["label"]) for row in rows]
    heard, _ = held_out(runs, kinds, groups)
    data = Rows(units=units, heard=heard, labels=np.array([kind == "clue" for kind in kinds], dtype=float))
    if args.folds:
        show_folds(data, runs, kinds, groups=groups, folds=args.folds)
    weights = fit(data, ruleset.weights)
    show("all", data, weights, rows)
    if args.write:
        write(weights)


def row_features(row: dict[str, object], ruleset: Ruleset) -> list[frozenset[str]]:
    """Return the features of every speaker of a row, the author first."""
    return [frozenset(unit.features) for unit in post_units(read_post_line(row), ruleset)] or [frozenset()]


def sign_of(feature: str) -> int:
    """Return +1 where the feature can only speak for a clue, -1 where only against."""
    if feature.startswith("voice.pitch"):
        return 1
    plain = feature.removeprefix("profile.")
    return -1 if plain.startswith(AGAINST) else 1


def bounds_of(feature: str) -> tuple[float | None, float | None]:
    """Return the range of the weight; what a text is about must never flag it alone."""
    if sign_of(feature) < 0:
        return None, 0.0
    is_topic = "topic" in feature
    return 0.0, TOPIC_LIMIT if is_topic else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Gold rows: the features of every speaker, what the wording model says of one, and the label."""

    units: list[list[frozenset[str]]]
    heard: np.ndarray
    labels: np.ndarray

    def part(self, places: Iterable[int]) -> Rows:
        """Return some of the rows."""
        chosen = np.array(list(places))
        units = [self.units[n] for n in chosen]
        return Rows(units=units, heard=self.heard[chosen], labels=self.labels[chosen])

    def odds(self, weights: Weights) -> np.ndarray:
        """Return the log-odds of each row."""
        best = [max(odds(features, weights) for features in speakers) for speakers in self.units]
        return np.array(best) + weights.wording * self.heard


def odds(features: frozenset[str], weights: Weights) -> float:
    """Return the log-odds of a speaker without his wording."""
    return weights.bias + sum(weights.of(feature) for feature in features)


def fit(rows: Rows, start: Weights) -> Weights:
    """Return fitted weights."""
    weights = start
    for _ in range(ROUNDS):
        chosen = [max(speakers, key=lambda features: odds(features, weights)) for speakers in rows.units]
        weights = fit_once(chosen, rows, weights)
    return weights


def fit_once(chosen: list[frozenset[str]], rows: Rows, start: Weights) -> Weights:
    """Return the weights that fit the chosen speakers; the last number is that of the wording model."""
    names = sorted({feature for features in chosen for feature in features})
    table = np.array([[name in features for name in names] for features in chosen], dtype=float)
    table = np.column_stack([table, rows.heard])
    target = 2 * rows.labels - 1
    ridge = np.array([*(RIDGE for _ in names), 0.0])

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        margin = target * (table @ values[1:] + values[0])
        gap = 1 / (1 + np.exp(margin))
        value = float(np.logaddexp(0, -margin).sum() + (ridge / 2 * values[1:] ** 2).sum())
        slope = -(target * gap)
        return value, np.concatenate([[slope.sum()], table.T @ slope + ridge * values[1:]])

    bounds = [(None, LARGEST_BIAS), *(bounds_of(name) for name in names), (0.0, None)]
    first = np.array([-4.0, *(0.1 * sign_of(name) for name in names), 1.0])
    best = [round(float(value), 3) for value in minimize(loss, first, jac=True, bounds=bounds, method="L-BFGS-B").x]
    features = dict(zip(names, best[1:-1], strict=True))
    return replace(start, bias=best[0], wording=best[-1], features=features)


def show_folds(rows: Rows, runs: list[Runs], kinds: list[str], *, groups: list[str], folds: int) -> None:
    """Print recall and false flags on parts that neither model has seen."""
    found = flagged = 0
    for train, test in GroupKFold(folds).split(runs, kinds, groups):
        known = [runs[n] for n in train], [kinds[n] for n in train]
        heard, _ = held_out(*known, [groups[n] for n in train])
        weights = fit(replace(rows.part(train), heard=heard), load_ruleset().weights)
        said, _ = fit_runs(*known).values([runs[n] for n in test])
        part = replace(rows.part(test), heard=said)
        scores = part.odds(weights)
        found += int(((scores >= 0) & (part.labels == 1)).sum())
        flagged += int(((scores >= 0) & (part.labels == 0)).sum())
    clues = kinds.count("clue")
    sys.stdout.write(f"held out: {found}/{clues} found, {flagged}/{len(kinds) - clues} false\n")


def show(name: str, data: Rows, weights: Weights, rows: list[dict[str, object]]) -> None:
    """Print the figures and the errors on the rows."""
    scores, labels = data.odds(weights), data.labels
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
    lines.append(f"unsure_from: {weights.unsure_from}\nwording: {weights.wording}\n")
    lines.append(f"silent_margin: {weights.silent_margin}\nother_margin: {weights.other_margin}\nfeatures:\n")
    lines.extend(f"  {name}: {value}\n" for name, value in sorted(weights.features.items()))
    WEIGHTS.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
