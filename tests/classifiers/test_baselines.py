"""The plain judges: what each of them looks at, and that they are counted as the rules are."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers.baselines import Baselines, training_rows
from classifiers.evaluate import evaluate_rows
from classifiers.ngrams import OneClassError, fit_ngrams
from tests.classifiers.labelled import CALM, OFFER, row, rules

TOPIC = "停息挂账是什么意思"
WITH_OFFER = "停息挂账专业办理"
WITH_CONTACT = "停息挂账，微信 anping_kefu7"
NO_TOPIC = "卖蜂蜜，加微信 fengmi_88，专业养蜂"


def judge(*rows: dict[str, object], fitted_on: tuple[str, ...] = ()) -> dict[str, Any]:
    baselines = Baselines(rules().lexicon, lambda texts: ["蜂" in text for text in texts], fitted_on=fitted_on)
    evaluate_rows("a", rows, rules(), watchers=[baselines.watch])
    return baselines.as_row()


@pytest.mark.parametrize(
    ("text", "topic", "company"),
    [(TOPIC, 1, 0), (WITH_OFFER, 1, 1), (WITH_CONTACT, 1, 1), (NO_TOPIC, 0, 0), (CALM, 0, 0)],
)
def test_words_decide_whoever_speaks(text: str, topic: int, company: int) -> None:
    found = judge(row("clue", text))
    assert found["topic"]["recall"]["hits"] == topic
    assert found["topic_with_offer_or_contact"]["recall"]["hits"] == company


def test_every_field_is_looked_at() -> None:
    bio = row(
        "clue", CALM, author={"name": "甲", "bio": "停息挂账"}, comments=[{"author": "乙", "text": "加微信聊"}]
    )
    assert judge(bio)["topic_with_offer_or_contact"]["recall"]["hits"] == 1


def test_judges_are_counted_as_the_rules_are_and_paired_with_them() -> None:
    found = judge(
        row("clue", OFFER, subtype="s", group="g"), row("news", TOPIC), row("unsure", TOPIC), row(None, NO_TOPIC)
    )
    assert found["topic"]["precision"] == {"hits": 1, "total": 2, "low": 0.0945, "high": 0.9055}
    assert found["topic"]["unsure"] == {"rows": 1, "flagged": 1}
    assert found["topic"]["by_class"]["news"]["hits"] == 1
    assert found["topic"]["by_subtype"]["s"]["hits"] == 1
    assert found["topic"]["paired"] == {"only_rules": 1, "only_baseline": 0, "p": 1.0}
    assert found["ngram_regression"]["unlabelled"] == {"rows": 1, "flagged": 1}
    assert found["ngram_regression"]["paired"]["only_rules"] == 1


def test_rows_that_stand_in_the_fitted_file_are_counted() -> None:
    assert judge(row("clue", OFFER), row("clue", CALM), fitted_on=(OFFER,))["known_rows"] == 1


def test_unsure_and_unlabelled_rows_teach_nothing() -> None:
    rows = [row("clue", "甲", title="题"), row("news", "乙"), row("unsure", "丙"), row(None, "丁")]
    assert training_rows(rows) == (["题\n甲", "乙"], [True, False])


def test_the_regression_learns_what_separates_the_rows() -> None:
    clues = [f"专业代办，包结果，加我 {number}" for number in range(20)]
    others = [f"今天天气不错，去爬山 {number}" for number in range(20)]
    judged = fit_ngrams([*clues, *others], [True] * 20 + [False] * 20)
    assert judged(["找专业代办的加我", "周末去爬山，天气好"]) == [True, False]
    again = fit_ngrams([*clues, *others], [True] * 20 + [False] * 20)
    assert again(clues + others) == judged(clues + others) == [True] * 20 + [False] * 20


@pytest.mark.parametrize("are_clues", [[], [True, True], [False]])
def test_rows_of_one_class_teach_nothing(are_clues: list[bool]) -> None:
    with pytest.raises(OneClassError):
        fit_ngrams(["甲"] * len(are_clues), are_clues)
