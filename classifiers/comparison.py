"""Two rulesets on the same rows: their figures side by side, what changes, and whether that may be chance."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from classifiers.evaluate import Figures, is_flag_error, judge_portions
from classifiers.evaluate_tally import PairedTally, Row
from classifiers.judging import Failure, judge_each
from classifiers.records import verdict_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from classifiers.engine import Ruleset
    from classifiers.evaluate import Judged
    from classifiers.records import PostText, Verdict

_EXCERPT = 120


class ChangeKind(StrEnum):
    """In what two verdicts differ; one pair can differ in several ways."""

    NEWLY_FLAGGED = "newly_flagged"
    NEWLY_CLEARED = "newly_cleared"
    RELABELLED = "relabelled"
    RECATEGORISED = "recategorised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Two verdicts on one post that differ in flag, label or categories."""

    kinds: tuple[ChangeKind, ...]
    before: Verdict
    after: Verdict

    def as_row(self) -> Row:
        """Return both verdicts in short, and the findings that only one of them has."""
        return {
            "change": [kind.value for kind in self.kinds],
            "before": _short(self.before),
            "after": _short(self.after),
            "findings": differing_findings(self.before, self.after),
        }


def change_between(before: Verdict, after: Verdict) -> Change | None:
    """Return how two verdicts on one post differ; None where flag, label and categories are the same.

    Newly cleared means flagged before and not any more, though it may be unsure now. Categories count as a set, and
    as changed only where both verdicts have some.
    """
    kinds = []
    if before.flagged != after.flagged:
        kinds.append(ChangeKind.NEWLY_FLAGGED if after.flagged else ChangeKind.NEWLY_CLEARED)
    if before.label is not after.label:
        kinds.append(ChangeKind.RELABELLED)
    if before.categories and after.categories and set(before.categories) != set(after.categories):
        kinds.append(ChangeKind.RECATEGORISED)
    return Change(kinds=tuple(kinds), before=before, after=after) if kinds else None


def differing_findings(before: Verdict, after: Verdict) -> Row:
    """Return the findings that only one verdict has; one whose weight changed is in both lists."""
    own, other = set(before.findings), set(after.findings)
    return {
        "gone": [line for line, found in _lines(before) if found not in other],
        "new": [line for line, found in _lines(after) if found not in own],
    }


def compare_rulesets(
    rows: Iterable[Mapping[str, object]], before: Ruleset, after: Ruleset, *, most: int = 0
) -> Row:
    """Return what a ruleset changes on labelled rows.

    The keys are rulesets, before, after, changes, changed, significance, failed. ``before`` and ``after`` are
    figures as those of ``evaluate``, without file and errors. ``changes`` counts every kind of change, ``changed``
    lists the rows (at most ``most``; 0 = all), ``significance`` says for flags and labels where only one ruleset
    is right, with the exact McNemar probability of so uneven a split by chance.
    """
    figures = Figures()
    comparison = Comparison(after, most=most)
    for portion in judge_portions(rows, before):
        for item in portion:
            figures.add(item.gold, item.verdict)
        comparison.watch(portion)
    versions = {"before": before.version, "after": after.version}
    return {"rulesets": versions, "before": figures.as_row(), **comparison.as_row()}


class Comparison:
    """Judges rows that another ruleset has judged and keeps what differs."""

    def __init__(self, after: Ruleset, *, most: int = 0) -> None:
        """Compare with this ruleset; list at most so many changed rows (0 = all)."""
        self._after = after
        self._most = most
        self._figures = Figures()
        self._flags, self._labels = PairedTally(), PairedTally()
        self._counts: Counter[ChangeKind] = Counter()
        self._changed: list[Row] = []
        self._failed = 0

    def watch(self, items: Sequence[Judged]) -> None:
        """Judge these rows and count them."""
        verdicts = judge_each([item.post for item in items], self._after)
        for item, after in zip(items, verdicts, strict=True):
            if isinstance(after, Failure):
                self._failed += 1
                continue
            self._figures.add(item.gold, after)
            self._pair(item, after)
            change = change_between(item.verdict, after)
            if change is not None:
                self._counts.update(change.kinds)
                if not self._most or len(self._changed) < self._most:
                    gold = item.gold.label
                    head = {"id": item.post.id, "gold": gold and gold.value, "excerpt": excerpt_of(item.post)}
                    self._changed.append({**head, **change.as_row()})

    def _pair(self, item: Judged, after: Verdict) -> None:
        gold = item.gold
        if gold.is_decided:
            self._flags.add(first=not is_flag_error(gold, item.verdict), second=not is_flag_error(gold, after))
        if gold.label is not None:
            self._labels.add(first=item.verdict.label is gold.label, second=after.label is gold.label)

    def as_row(self) -> Row:
        """Return the figures of the ruleset, what changed, and how sure a difference is.

        ``failed`` counts rows on which it gave no verdict; they are in none of its figures.
        """
        return {
            "after": self._figures.as_row(),
            "changes": {kind.value: self._counts[kind] for kind in ChangeKind},
            "changed": self._changed,
            "significance": {"flags": _paired(self._flags), "labels": _paired(self._labels)},
            "failed": self._failed,
        }


def excerpt_of(post: PostText) -> str:
    """Return the first words of a post, from whichever field has some."""
    whole = " ".join(" ".join(text for _, text in post.fields()).split())
    return whole if len(whole) <= _EXCERPT else whole[: _EXCERPT - 1] + "…"


def _paired(tally: PairedTally) -> Row:
    return {"only_before": tally.only_first, "only_after": tally.only_second, "p": tally.p_value()}


def _short(verdict: Verdict) -> Row:
    line = verdict_line("", verdict)
    return {key: line[key] for key in ("flagged", "band", "score", "label", "categories")}


def _lines(verdict: Verdict) -> Iterable[tuple[Row, object]]:
    lines = verdict_line("", verdict)["findings"]
    return zip(lines, verdict.findings, strict=True) if isinstance(lines, list) else ()
