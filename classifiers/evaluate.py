"""Figures over labelled rows: what a ruleset finds, what it flags wrongly, and where.

Pure: rows in, one object out, as the ``evaluate`` row of CONTRACTS §1 describes it. A row is predicted positive
when it is flagged. Rows labelled unsure, and rows without a label, are in neither recall nor
precision; they are counted apart. Every file is judged by itself. Every rate is hits of total with a Wilson 95 %
interval.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.engine import screen_posts
from classifiers.postlines import read_post_line
from classifiers.records import Label, TargetKind, verdict_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from classifiers.engine import Ruleset
    from classifiers.records import Verdict

Row = dict[str, object]
Z_95 = 1.959963984540054
LABELS = frozenset(label.value for label in Label)
# Places of the field `where`, in the order in which they decide the target.
_POST_PLACES = frozenset({"title", "text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A row, its gold label (None without one) and the verdict on it."""

    row: Mapping[str, object]
    label: str | None
    verdict: Verdict


def evaluate(files: Iterable[tuple[str, Iterable[Mapping[str, object]]]], ruleset: Ruleset) -> Row:
    """Return the figures of every (file name, rows)."""
    return {"files": [evaluate_rows(name, rows, ruleset) for name, rows in files], "ruleset": ruleset.version}


def evaluate_rows(name: str, rows: Iterable[Mapping[str, object]], ruleset: Ruleset) -> Row:
    """Return the figures of one file."""
    judged = _judge_all(list(rows), ruleset)
    labelled = [item for item in judged if item.label is not None]
    decided = [item for item in labelled if item.label != Label.UNSURE]
    clues = [item for item in decided if item.label == Label.CLUE]
    flagged = [item for item in decided if item.verdict.flagged]
    return {
        "file": name,
        "rows": len(judged),
        "unlabelled": _count([item for item in judged if item.label is None]),
        "unsure": _count([item for item in labelled if item.label == Label.UNSURE]),
        "labels": {"right": sum(item.verdict.label == item.label for item in labelled), "total": len(labelled)},
        "targets": _targets(clues),
        "confusion": _confusion(labelled),
        "recall": _share(clues, _is_flagged) if clues else None,
        "precision": _share(flagged, lambda item: item.label == Label.CLUE) if labelled else None,
        "by_category": _rates(clues, lambda item: _texts(item.row, "categories")),
        "by_class": _rates(decided, lambda item: [str(item.label)]) if labelled else None,
        "by_obfuscation": _rates(clues, lambda item: _texts(item.row, "obfuscations") or ["plain"])
        if _any_has(clues, "obfuscations")
        else None,
        "by_platform": _rates(clues, lambda item: [str(item.row["platform"])] if item.row.get("platform") else []),
        "by_field": _rates(clues, lambda item: _texts(item.row, "where")),
        "by_subtype": _by_subtype(clues),
        "contacts": _contacts(judged),
        "errors": [_error(item) for item in decided if _is_flagged(item) != (item.label == Label.CLUE)],
    }


def rate(hits: int, total: int) -> Row:
    """Return hits of total with the Wilson 95 % interval; low and high are None where total is 0."""
    if total == 0:
        return {"hits": hits, "total": total, "low": None, "high": None}
    share, square = hits / total, Z_95**2
    middle = share + square / (2 * total)
    spread = Z_95 * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    low, high = (middle - spread) / (1 + square / total), (middle + spread) / (1 + square / total)
    return {"hits": hits, "total": total, "low": round(max(0.0, low), 4), "high": round(min(1.0, high), 4)}


def _judge_all(rows: Sequence[Mapping[str, object]], ruleset: Ruleset) -> list[_Judged]:
    verdicts = screen_posts([read_post_line(row) for row in rows], ruleset)
    return [
        _Judged(row=row, label=_label_of(row), verdict=verdict) for row, verdict in zip(rows, verdicts, strict=True)
    ]


def _label_of(row: Mapping[str, object]) -> str | None:
    label = row.get("label")
    return label if isinstance(label, str) and label in LABELS else None


def _is_flagged(item: _Judged) -> bool:
    return item.verdict.flagged


def _count(items: Sequence[_Judged]) -> Row:
    return {"rows": len(items), "flagged": sum(map(_is_flagged, items))}


def _share(items: Sequence[_Judged], is_hit: Callable[[_Judged], bool]) -> Row:
    return rate(sum(map(is_hit, items)), len(items))


def _texts(row: Mapping[str, object], key: str) -> list[str]:
    value = row.get(key)
    return [str(entry) for entry in value] if isinstance(value, list) else []


def _any_has(items: Iterable[_Judged], key: str) -> bool:
    return any(key in item.row for item in items)


def _rates(items: Sequence[_Judged], groups_of: Callable[[_Judged], Sequence[str]]) -> Row | None:
    """Return flagged of total per group; None where no row is in any."""
    groups: defaultdict[str, list[_Judged]] = defaultdict(list)
    for item in items:
        for group in groups_of(item):
            groups[group].append(item)
    return {group: _share(members, _is_flagged) for group, members in sorted(groups.items())} or None


def _by_subtype(clues: Sequence[_Judged]) -> Row | None:
    """Return hits per subtype; rows of one group count once, a hit when at least half of them are flagged."""
    if not _any_has(clues, "subtype"):
        return None
    campaigns: defaultdict[tuple[str, str], list[_Judged]] = defaultdict(list)
    for number, item in enumerate(clues):
        subtype = str(item.row.get("subtype") or "none")
        campaigns[subtype, str(item.row.get("group") or f"#{number}")].append(item)
    hits: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for (subtype, _), members in campaigns.items():
        totals[subtype] += 1
        hits[subtype] += 2 * sum(map(_is_flagged, members)) >= len(members)
    return {subtype: rate(hits[subtype], total) for subtype, total in sorted(totals.items())}


def _confusion(items: Iterable[_Judged]) -> Row:
    table: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        table[str(item.label)][item.verdict.label.value] += 1
    return {gold: dict(sorted(found.items())) for gold, found in sorted(table.items())}


def _targets(clues: Iterable[_Judged]) -> Row | None:
    """Return how many flagged clues point where the row's `where` says that the provider speaks."""
    placed = [item for item in clues if _texts(item.row, "where") and item.verdict.target is not None]
    if not placed:
        return None
    return {"right": sum(map(_has_right_target, placed)), "total": len(placed)}


def _has_right_target(item: _Judged) -> bool:
    places = set(_texts(item.row, "where"))
    if places & _POST_PLACES:
        expected = TargetKind.POST
    else:
        expected = TargetKind.ACCOUNT if "bio" in places else TargetKind.COMMENT
    return item.verdict.target is not None and item.verdict.target.kind is expected


def _contacts(items: Iterable[_Judged]) -> Row | None:
    """Return recall and precision of contacts by kind and value, over all rows that state theirs."""
    right = stated = found = 0
    for item in items:
        value = item.row.get("contacts")
        if not isinstance(value, list):
            continue
        gold = {(str(entry.get("kind")), str(entry.get("value"))) for entry in value if isinstance(entry, dict)}
        own = {(contact.kind.value, contact.value) for contact in item.verdict.contacts}
        right, stated, found = right + len(gold & own), stated + len(gold), found + len(own)
    if not stated:
        return None
    return {"recall": rate(right, stated), "precision": rate(right, found)}


def _error(item: _Judged) -> Row:
    """Return a wrongly judged row with its verdict."""
    return {"gold": item.label, **verdict_line(str(item.row.get("id", "")), item.verdict)}
