"""Counters: the interval of the textbook, and the same figures as plain lists of rows give."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.evaluate_gold import CATEGORIES, PLACES, Gold
from classifiers.evaluate_tally import FlagTally, LabelTally, PairedTally, rate
from classifiers.records import Label

CLASSES = st.sampled_from([None, *Label])
WORDS = st.lists(st.sampled_from(["a", "b", "coded_story", "contact_alias"]), unique=True)
GOLDS = st.builds(
    Gold,
    label=CLASSES,
    categories=st.lists(st.sampled_from(sorted(CATEGORIES)), unique=True, max_size=3).map(tuple),
    obfuscations=st.none() | WORDS.map(tuple),
    where=st.lists(st.sampled_from(sorted(PLACES)), unique=True).map(tuple),
    platform=st.sampled_from(["", "weibo", "zhihu"]),
    subtype=st.sampled_from(["", "s", "t"]),
    has_subtype=st.booleans(),
    group=st.sampled_from(["", "g", "h"]),
)
ROWS = st.lists(st.tuples(GOLDS, st.booleans()), max_size=40)


def test_the_wilson_interval_matches_the_textbook() -> None:
    assert rate(9, 10) == {"hits": 9, "total": 10, "low": 0.5958, "high": 0.9821}
    assert rate(0, 0) == {"hits": 0, "total": 0, "low": None, "high": None}
    assert rate(0, 5)["low"] == 0.0
    assert rate(5, 5)["high"] == 1.0


@given(ROWS)
def test_counting_one_by_one_gives_what_lists_of_rows_give(rows: list[tuple[Gold, bool]]) -> None:
    tally = FlagTally()
    for gold, flagged in rows:
        tally.add(gold, flagged=flagged)
    decided = [(gold, flag) for gold, flag in rows if gold.label not in (None, Label.UNSURE)]
    clues = [(gold, flag) for gold, flag in decided if gold.label is Label.CLUE]
    found = tally.rates()
    assert found["recall"] == (rate(sum(flag for _, flag in clues), len(clues)) if clues else None)
    right = [gold.label is Label.CLUE for gold, flag in decided if flag]
    assert found["precision"] == (rate(sum(right), len(right)) if any(gold.label for gold, _ in rows) else None)
    for key, groups_of in (
        ("by_category", lambda gold: gold.categories),
        ("by_field", lambda gold: gold.where),
        ("by_platform", lambda gold: [gold.platform] if gold.platform else []),
    ):
        groups = sorted({group for gold, _ in clues for group in groups_of(gold)})
        plain = {
            group: rate(
                sum(flag for gold, flag in clues if group in groups_of(gold)),
                sum(group in groups_of(gold) for gold, _ in clues),
            )
            for group in groups
        }
        assert found[key] == (plain or None)


@given(ROWS)
def test_campaigns_count_once_and_lone_rows_each(rows: list[tuple[Gold, bool]]) -> None:
    tally = FlagTally()
    for gold, flagged in rows:
        tally.add(gold, flagged=flagged)
    clues = [(gold, flag) for gold, flag in rows if gold.label is Label.CLUE]
    expected: dict[str, list[bool]] = {}
    for subtype in {gold.subtype for gold, _ in clues}:
        own = [(gold, flag) for gold, flag in clues if gold.subtype == subtype]
        hits = expected.setdefault(subtype or "none", [])
        hits += [flag for gold, flag in own if not gold.group]
        for group in {gold.group for gold, _ in own if gold.group}:
            flags = [flag for gold, flag in own if gold.group == group]
            hits.append(sum(flags) >= len(flags) / 2)
    if not any(gold.has_subtype for gold, _ in clues):
        assert tally.rates()["by_subtype"] is None
    else:
        assert tally.rates()["by_subtype"] == {
            name: rate(sum(hits), len(hits)) for name, hits in sorted(expected.items())
        }


@given(st.lists(st.tuples(st.sampled_from(Label), st.sampled_from(Label))))
def test_labels_add_up(pairs: list[tuple[Label, Label]]) -> None:
    tally = LabelTally()
    for gold, found in pairs:
        tally.add(gold, found)
    assert tally.right() == {"right": sum(gold is found for gold, found in pairs), "total": len(pairs)}
    for label, both in (tally.by_label() or {}).items():
        right = pairs.count((Label(label), Label(label)))
        assert both["recall"] == rate(right, sum(gold == label for gold, _ in pairs))
        assert both["precision"] == rate(right, sum(found == label for _, found in pairs))


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 5, 1.0), (10, 2, 158 / 4096), (2, 10, 158 / 4096), (6, 0, 2 / 64)],
)
def test_mcnemar_is_exact(first: int, second: int, p: float) -> None:
    assert paired(first, second).p_value() == pytest.approx(p, rel=1e-5)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_two_sided_binomial(first: int, second: int) -> None:
    total = first + second
    tail = 2 * sum(comb(total, k) for k in range(min(first, second) + 1)) / 2**total
    assert paired(first, second).p_value() == pytest.approx(min(1.0, tail), rel=1e-5)


def test_rows_on_which_both_are_right_or_wrong_say_nothing() -> None:
    tally = paired(3, 0)
    tally.add(first=True, second=True)
    tally.add(first=False, second=False)
    assert (tally.only_first, tally.only_second, tally.p_value()) == (3, 0, pytest.approx(0.25))


def paired(first: int, second: int) -> PairedTally:
    tally = PairedTally()
    for count, first_right in ((first, True), (second, False)):
        for _ in range(count):
            tally.add(first=first_right, second=not first_right)
    return tally
