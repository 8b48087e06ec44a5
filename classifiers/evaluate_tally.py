"""Counters behind the figures: rows go in one by one, nothing of a row is kept.

Every rate is hits of total with a Wilson 95 % interval.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from classifiers.evaluate_gold import contact_lines
from classifiers.records import ContactKind, Label, TargetKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifiers.evaluate_gold import Gold
    from classifiers.records import Verdict

Row = dict[str, object]
Z_95 = 1.959963984540054
# Places of the field `where`, in the order in which they decide the target.
_POST_PLACES = frozenset({"title", "text"})
_ACCOUNT_PLACES = frozenset({"name", "bio"})
# Disguises of a whole text, which no matching of words undoes.
_HARD = frozenset({"coded_story", "warning_opening", "staged_qa"})


def rate(hits: int, total: int) -> Row:
    """Return hits of total with the Wilson 95 % interval; low and high are None where total is 0."""
    if total == 0:
        return {"hits": hits, "total": total, "low": None, "high": None}
    share, square = hits / total, Z_95**2
    middle = share + square / (2 * total)
    spread = Z_95 * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    low, high = (middle - spread) / (1 + square / total), (middle + spread) / (1 + square / total)
    return {"hits": hits, "total": total, "low": round(max(0.0, low), 4), "high": round(min(1.0, high), 4)}


class Share:
    """Hits of total."""

    def __init__(self) -> None:
        self.hits = self.total = 0

    def add(self, *, hit: bool) -> None:
        """Count one."""
        self.hits += hit
        self.total += 1

    def rate(self) -> Row:
        """Return the rate."""
        return rate(self.hits, self.total)


class Shares:
    """Hits of total per group."""

    def __init__(self) -> None:
        self._groups: defaultdict[str, Share] = defaultdict(Share)

    def add(self, groups: Iterable[str], *, hit: bool) -> None:
        """Count one in each of these groups."""
        for group in groups:
            self._groups[group].add(hit=hit)

    def merge(self, other: Shares) -> None:
        """Count what the other one counted too."""
        for group, share in other._groups.items():
            own = self._groups[group]
            own.hits, own.total = own.hits + share.hits, own.total + share.total

    def rates(self) -> Row | None:
        """Return the rate of every group by name; None without any."""
        return {group: share.rate() for group, share in sorted(self._groups.items())} or None


class FlagTally:
    """What is flagged, of clues and of the others, as a whole and in parts."""

    def __init__(self) -> None:
        self.rows = self.labelled = 0
        self._unlabelled, self._unsure = Share(), Share()
        self._recall, self._precision = Share(), Share()
        self._parts = {
            name: Shares() for name in ("category", "class", "obfuscation", "platform", "field", "difficulty")
        }
        self._has_obfuscations = self._has_subtypes = False
        self._subtypes = Shares()
        self._campaigns: defaultdict[tuple[str, str], Share] = defaultdict(Share)

    def add(self, gold: Gold, *, flagged: bool) -> None:
        """Count one row."""
        self.rows += 1
        if gold.label is None:
            self._unlabelled.add(hit=flagged)
            return
        self.labelled += 1
        if gold.label is Label.UNSURE:
            self._unsure.add(hit=flagged)
            return
        self._parts["class"].add([gold.label.value], hit=flagged)
        if flagged:
            self._precision.add(hit=gold.label is Label.CLUE)
        if gold.label is Label.CLUE:
            self._add_clue(gold, flagged=flagged)

    def _add_clue(self, gold: Gold, *, flagged: bool) -> None:
        self._recall.add(hit=flagged)
        self._has_obfuscations |= gold.obfuscations is not None
        self._has_subtypes |= gold.has_subtype
        self._parts["category"].add(gold.categories, hit=flagged)
        self._parts["obfuscation"].add(gold.obfuscations or ["plain"], hit=flagged)
        self._parts["difficulty"].add([difficulty(gold)], hit=flagged)
        self._parts["platform"].add([gold.platform] if gold.platform else [], hit=flagged)
        self._parts["field"].add(gold.where, hit=flagged)
        subtype = gold.subtype or "none"
        if gold.group:
            self._campaigns[subtype, gold.group].add(hit=flagged)
        else:
            self._subtypes.add([subtype], hit=flagged)

    def counts(self) -> Row:
        """Return how many rows stand apart, and how many of them are flagged."""
        apart = {"unlabelled": self._unlabelled, "unsure": self._unsure}
        return {name: {"rows": share.total, "flagged": share.hits} for name, share in apart.items()}

    def rates(self) -> Row:
        """Return recall, precision and recall in parts; of by_class every class is the share that is flagged."""
        parts = {name: self._parts[name].rates() for name in ("category", "class", "platform", "field")}
        return {
            "recall": self._recall.rate() if self._recall.total else None,
            "precision": self._precision.rate() if self.labelled else None,
            "by_category": parts["category"],
            "by_class": parts["class"],
            "by_obfuscation": self._parts["obfuscation"].rates() if self._has_obfuscations else None,
            "by_platform": parts["platform"],
            "by_field": parts["field"],
            "by_subtype": self._by_subtype(),
        }

    def by_difficulty(self) -> Row | None:
        """Return the recall of plain, disguised and hard clues; None where no row names its disguises."""
        return self._parts["difficulty"].rates() if self._has_obfuscations else None

    def _by_subtype(self) -> Row | None:
        """Return hits per subtype; rows of one group count once, a hit when at least half of them are flagged."""
        if not self._has_subtypes:
            return None
        whole = Shares()
        for (subtype, _), members in self._campaigns.items():
            whole.add([subtype], hit=2 * members.hits >= members.total)
        whole.merge(self._subtypes)
        return whole.rates()


def difficulty(gold: Gold) -> str:
    """Return hard where the whole text is a disguise or only profile or comments solicit, disguised, or plain."""
    disguises = set(gold.obfuscations or ())
    if disguises & _HARD or (gold.where and not _POST_PLACES & set(gold.where)):
        return "hard"
    return "disguised" if disguises - {"contact_alias"} else "plain"


class LabelTally:
    """Gold label against the verdict's, over every labelled row."""

    def __init__(self) -> None:
        self._table: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, gold: Label, found: Label) -> None:
        """Count one labelled row."""
        self._table[gold.value][found.value] += 1

    def right(self) -> Row:
        """Return how many labels are right, of how many."""
        hits = sum(found[gold] for gold, found in self._table.items())
        return {"right": hits, "total": sum(found.total() for found in self._table.values())}

    def confusion(self) -> Row:
        """Return the predicted labels of every gold label."""
        return {gold: dict(sorted(found.items())) for gold, found in sorted(self._table.items())}

    def by_label(self) -> Row | None:
        """Return recall and precision of every label that a row has or was given; None without rows."""
        given: Counter[str] = Counter()
        for found in self._table.values():
            given.update(found)
        rows: Row = {}
        for label in sorted(set(self._table) | set(given)):
            own = self._table.get(label, Counter())
            rows[label] = {"recall": rate(own[label], own.total()), "precision": rate(own[label], given[label])}
        return rows or None


class TargetTally:
    """Whether the verdicts on clues point to where the provider speaks."""

    def __init__(self) -> None:
        self._share = Share()

    def add(self, gold: Gold, verdict: Verdict) -> None:
        """Count one row; only clues that say their place and got a target are counted."""
        right = has_right_target(gold, verdict)
        if right is not None:
            self._share.add(hit=right)

    def right(self) -> Row | None:
        """Return how many targets are right, of how many; None without any."""
        return {"right": self._share.hits, "total": self._share.total} if self._share.total else None


def has_right_target(gold: Gold, verdict: Verdict) -> bool | None:
    """Return whether the target is where the row says; None where there is nothing to compare."""
    if gold.label is not Label.CLUE or not gold.where or verdict.target is None:
        return None
    return verdict.target.kind is expected_target(gold)


def expected_target(gold: Gold) -> TargetKind:
    """Return what a row's places make the target: title or text win, then nickname and bio, then comments."""
    places = set(gold.where)
    if places & _POST_PLACES:
        return TargetKind.POST
    return TargetKind.ACCOUNT if places & _ACCOUNT_PLACES else TargetKind.COMMENT


class ContactTally:
    """Contacts found against stated ones, by kind and value, over all rows that state theirs."""

    def __init__(self) -> None:
        self._stated: Counter[str] = Counter()
        self._found: Counter[str] = Counter()
        self._right: Counter[str] = Counter()

    def add(self, gold: Gold, verdict: Verdict) -> None:
        """Count one row; one that states nothing about contacts is left out."""
        if gold.contacts is None:
            return
        own = contacts_of(verdict)
        for counter, contacts in (
            (self._stated, gold.contacts),
            (self._found, own),
            (self._right, gold.contacts & own),
        ):
            counter.update(kind for kind, _ in contacts)

    def figures(self) -> Row | None:
        """Return recall and precision over all kinds; None where no row states a contact."""
        if not self._stated:
            return None
        right = self._right.total()
        return {"recall": rate(right, self._stated.total()), "precision": rate(right, self._found.total())}

    def by_kind(self) -> Row | None:
        """Return recall and precision of every kind that is stated or found; None where no row states a contact."""
        if not self._stated:
            return None
        kinds = [kind.value for kind in ContactKind if self._stated[kind.value] or self._found[kind.value]]
        return {
            kind: {
                "recall": rate(self._right[kind], self._stated[kind]),
                "precision": rate(self._right[kind], self._found[kind]),
            }
            for kind in kinds
        }


def contacts_of(verdict: Verdict) -> frozenset[tuple[str, str]]:
    """Return the contacts of a verdict as (kind, value)."""
    return frozenset((contact.kind.value, contact.value) for contact in verdict.contacts)


def missed_and_false(gold: Gold, verdict: Verdict) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the contacts that were not found, and those that are none; both empty where the row states nothing."""
    if gold.contacts is None:
        return [], []
    own = contacts_of(verdict)
    return contact_lines(gold.contacts - own), contact_lines(own - gold.contacts)


class PairedTally:
    """Two judges of the same rows: where only one is right, and how likely so uneven a split is by chance."""

    def __init__(self) -> None:
        self.only_first = self.only_second = 0

    def add(self, *, first: bool, second: bool) -> None:
        """Count one row; whether the first and the second are right on it."""
        self.only_first += first and not second
        self.only_second += second and not first

    def p_value(self) -> float:
        """Return the exact two-sided McNemar probability to six digits: 1 where nothing speaks for a difference."""
        number, fewer = self.only_first + self.only_second, min(self.only_first, self.only_second)
        if 2 * fewer == number:
            return 1.0
        logs = (
            math.lgamma(number + 1) - math.lgamma(k + 1) - math.lgamma(number - k + 1) - number * math.log(2)
            for k in range(fewer + 1)
        )
        return min(1.0, float(f"{2 * math.fsum(math.exp(log) for log in logs):.6g}"))
