"""Figures: Wilson intervals, rows that count once, rows that stand apart, one file one figure."""

from __future__ import annotations

from functools import cache

import pytest

from classifiers.engine import Ruleset, load_ruleset
from classifiers.evaluate import evaluate, evaluate_rows, rate

OFFER = "我们专业办理停息挂账，不成功不收费，加微信 anping_kefu7"
CALM = "今天的云很好看"


@cache
def rules() -> Ruleset:
    return load_ruleset()


def row(label: str | None, text: str, **more: object) -> dict[str, object]:
    return {"id": "r", "text": text, **({"label": label} if label else {}), **more}


def test_the_wilson_interval_matches_the_textbook() -> None:
    assert rate(9, 10) == {"hits": 9, "total": 10, "low": 0.5958, "high": 0.9821}
    assert rate(0, 0) == {"hits": 0, "total": 0, "low": None, "high": None}
    assert rate(0, 5)["low"] == 0.0
    assert rate(5, 5)["high"] == 1.0


def test_unsure_and_unlabelled_rows_stand_apart() -> None:
    rows = [row("clue", OFFER), row("clue", CALM), row("unsure", OFFER), row(None, OFFER), row("news", CALM)]
    figures = evaluate_rows("a.jsonl", rows, rules())
    assert (figures["rows"], figures["unlabelled"], figures["unsure"]) == (
        5,
        {"rows": 1, "flagged": 1},
        {"rows": 1, "flagged": 1},
    )
    assert figures["recall"]["hits"] == 1
    assert figures["recall"]["total"] == 2
    assert figures["precision"]["total"] == 1
    assert figures["by_class"]["news"]["hits"] == 0
    assert figures["confusion"]["clue"] == {"clue": 1, "unrelated": 1}
    assert [error["gold"] for error in figures["errors"]] == ["clue"]


def test_rows_of_one_group_count_once_and_half_is_enough() -> None:
    rows = [
        row("clue", OFFER, subtype="s", group="g"),
        row("clue", CALM, subtype="s", group="g"),
        row("clue", CALM, subtype="s", group="h"),
        row("clue", OFFER, subtype="s", group="h"),
        row("clue", CALM, subtype="s", group="h"),
        row("clue", OFFER, subtype="t"),
    ]
    figures = evaluate_rows("a.jsonl", rows, rules())["by_subtype"]
    assert (figures["s"]["hits"], figures["s"]["total"]) == (1, 2)
    assert (figures["t"]["hits"], figures["t"]["total"]) == (1, 1)


@pytest.mark.parametrize(
    ("where", "author", "right"),
    [(["text", "bio"], {}, 1), (["bio"], {}, 0), (["bio"], {"name": "老周", "bio": OFFER}, 1)],
)
def test_targets_follow_the_places(where: list[str], author: dict[str, str], right: int) -> None:
    text = CALM if author else OFFER
    figures = evaluate_rows("a.jsonl", [row("clue", text, author=author, where=where)], rules())
    assert figures["targets"] == {"right": right, "total": 1}


def test_contacts_are_compared_by_kind_and_value_over_all_rows() -> None:
    gold = [{"kind": "wechat", "value": "anping_kefu7"}, {"kind": "qq", "value": "812345678"}]
    figures = evaluate_rows("a.jsonl", [row("victim", OFFER, contacts=gold)], rules())["contacts"]
    assert (figures["recall"]["hits"], figures["recall"]["total"]) == (1, 2)
    assert (figures["precision"]["hits"], figures["precision"]["total"]) == (1, 1)


def test_absent_fields_give_null() -> None:
    figures = evaluate_rows("a.jsonl", [row(None, CALM)], rules())
    nulls = ("recall", "precision", "by_category", "by_class", "by_obfuscation", "by_platform", "by_field",
             "by_subtype", "contacts", "targets")  # fmt: skip
    assert [key for key in nulls if figures[key] is not None] == []


def test_every_file_is_judged_by_itself() -> None:
    result = evaluate([("a", [row("clue", OFFER)]), ("b", [row("clue", CALM)])], rules())
    assert [file["recall"]["hits"] for file in result["files"]] == [1, 0]
    assert result["ruleset"] == rules().version


def test_odd_values_in_a_row_break_nothing() -> None:
    rows: list[dict[str, object]] = [
        {"id": 7, "text": None, "author": "x", "comments": "no", "label": "strange", "contacts": [1], "where": 3}
    ]
    assert evaluate_rows("a", rows, rules())["unlabelled"] == {"rows": 1, "flagged": 0}
