"""Two rulesets on the same rows: what changes, in which findings, and how sure that is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from classifiers.comparison import (
    ChangeKind,
    Comparison,
    change_between,
    compare_rulesets,
    differing_findings,
    excerpt_of,
)
from classifiers.engine import load_ruleset
from classifiers.evaluate import evaluate_rows
from classifiers.records import Band, Category, Label, PostText, TargetKind
from tests.classifiers.labelled import CALM, OFFER, judged, overlay_with_weights, row, rules
from tests.classifiers.test_judging import POISON, poisoned

if TYPE_CHECKING:
    from pathlib import Path

    from classifiers.records import Verdict


def offer_verdict() -> Verdict:
    return judged(row("clue", OFFER))[0].verdict


def test_stricter_rules_clear_what_was_flagged(tmp_path: Path) -> None:
    strict = load_ruleset([overlay_with_weights(tmp_path, flagged_from=90.0, unsure_from=80.0)])
    rows = [row("clue", OFFER, id="1"), row("news", OFFER, id="2"), row("unrelated", CALM, id="3")]
    result: dict[str, Any] = compare_rulesets(rows, rules(), strict)
    assert result["rulesets"] == {"before": rules().version, "after": strict.version}
    assert result["before"]["recall"]["hits"] == 1
    assert result["after"]["recall"]["hits"] == 0
    assert result["changes"]["newly_cleared"] == 2
    assert [changed["id"] for changed in result["changed"]] == ["1", "2"]
    assert result["changed"][0]["before"]["flagged"]
    assert not result["changed"][0]["after"]["flagged"]
    assert result["significance"]["flags"] == {"only_before": 1, "only_after": 1, "p": 1.0}


def test_both_sides_have_the_figures_that_evaluate_gives(tmp_path: Path) -> None:
    loose = load_ruleset([overlay_with_weights(tmp_path, flagged_from=-90.0, unsure_from=-91.0)])
    rows = [row("clue", OFFER), row("unsure", OFFER), row(None, CALM), row("victim", "加微信聊", contacts=[])]
    result: dict[str, Any] = compare_rulesets(rows, rules(), loose)
    for side, ruleset in (("before", rules()), ("after", loose)):
        alone = evaluate_rows("x", rows, ruleset)
        assert result[side] == {key: value for key, value in alone.items() if key not in {"file", "errors"}}


def test_the_same_rules_change_nothing() -> None:
    result: dict[str, Any] = compare_rulesets([row("clue", OFFER), row("news", OFFER)], rules(), rules())
    assert result["changed"] == []
    assert set(result["changes"].values()) == {0}
    assert result["significance"]["labels"] == {"only_before": 0, "only_after": 0, "p": 1.0}


def test_rows_beyond_the_most_are_counted_not_listed(tmp_path: Path) -> None:
    strict = load_ruleset([overlay_with_weights(tmp_path, flagged_from=90.0, unsure_from=80.0)])
    result: dict[str, Any] = compare_rulesets([row("clue", OFFER)] * 5, rules(), strict, most=2)
    assert (len(result["changed"]), result["changes"]["newly_cleared"]) == (2, 5)


def test_a_row_that_only_the_other_rules_cannot_judge_is_counted_apart() -> None:
    comparison = Comparison(poisoned())
    comparison.watch(judged(row("clue", OFFER), row("news", POISON)))
    result: dict[str, Any] = comparison.as_row()
    assert (result["failed"], result["after"]["rows"], result["changed"]) == (1, 1, [])


def test_kinds_of_change() -> None:
    before = offer_verdict()
    assert change_between(before, before) is None
    assert change_between(before, replace(before, score=1.0, ruleset="other", findings=())) is None
    unsure = replace(before, flagged=False, band=Band.UNSURE, label=Label.UNSURE)
    assert kinds(before, unsure) == (ChangeKind.NEWLY_CLEARED, ChangeKind.RELABELLED)
    assert kinds(unsure, before) == (ChangeKind.NEWLY_FLAGGED, ChangeKind.RELABELLED)
    other = replace(before, categories=(Category.SURRENDER,))
    assert kinds(before, other) == (ChangeKind.RECATEGORISED,)
    both = replace(before, categories=(Category.SURRENDER, *before.categories))
    assert change_between(both, replace(both, categories=both.categories[::-1])) is None
    cleared = replace(unsure, label=Label.NEWS, band=Band.CLEAR, categories=(), target=None)
    assert ChangeKind.RECATEGORISED not in kinds(before, cleared)


def kinds(before: Verdict, after: Verdict) -> tuple[ChangeKind, ...]:
    change = change_between(before, after)
    assert change is not None
    return change.kinds


def test_findings_that_only_one_has_or_that_weigh_otherwise_are_shown() -> None:
    before = offer_verdict()
    assert before.target is not None
    assert before.target.kind is TargetKind.POST
    first, second, *rest = before.findings
    heavier = replace(second, weight=second.weight + 1)
    found: dict[str, Any] = differing_findings(before, replace(before, findings=(heavier, *rest)))
    assert [(line["rule"], line["weight"]) for line in found["gone"]] == [
        (first.rule, first.weight),
        (second.rule, second.weight),
    ]
    assert [(line["rule"], line["weight"]) for line in found["new"]] == [(second.rule, heavier.weight)]


def test_an_excerpt_is_short_and_on_one_line() -> None:
    assert excerpt_of(PostText(id="1", title="甲\n乙", text="丙")) == "甲 乙 丙"
    assert excerpt_of(PostText(id="1", author_bio="简介")) == "简介"
    assert len(excerpt_of(PostText(id="1", text="长" * 500))) == 120
