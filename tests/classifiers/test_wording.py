"""The wording model: what it reads of a text, how its sentences add up, and what its file may hold."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.clear_labels import CLEAR_LABELS
from classifiers.datafiles import DataFileError
from classifiers.engine import Ruleset, load_ruleset, post_units, screen_post
from classifiers.records import PostText
from classifiers.voice import Reading, read_field
from classifiers.wording import FLOOR, WORDING_RULE, Run, Wording, hear, load_wording, render, runs_of

if TYPE_CHECKING:
    from pathlib import Path

LABELS = tuple(0.0 for _ in CLEAR_LABELS)


@cache
def rules() -> Ruleset:
    return load_ruleset()


def reading(text: str, field: str = "text") -> Reading:
    return read_field(field, text, text, terms=(), cues=(), contacts=())


def model(**clue: float) -> Wording:
    return Wording({text: Run(rarity=2.0, clue=value, labels=LABELS) for text, value in clue.items()})


def test_numbers_blanks_and_long_quotations_leave_a_sign_each() -> None:
    text, offsets = render(reading("收 12 34元，他说“先交八百块定金再办”。"))
    assert text == "\n收0元，他说“\ue001”。"
    assert [offsets[0], offsets[1], offsets[2]] == [0, 0, 2]


def test_a_short_quotation_is_read_as_it_is() -> None:
    assert "分期" in render(reading("评论区打“分期”"))[0]


def test_terms_and_contacts_are_signs_so_that_only_the_talk_around_them_counts() -> None:
    post = PostText(id="a", text="停息挂账这块门儿清得很，微信zhang_demo_7")
    unit = post_units(post, rules())[0]
    text, _ = render(unit.unit.main[0])
    assert "停息挂账" not in text
    assert "zhang" not in text
    assert "门儿清" in text


def test_a_run_counts_once_where_it_first_stands() -> None:
    found = hear([reading("滴我。别的话。滴我。")], model(滴我=1.0), scale=1.0)
    assert [(one.start, one.end) for one in found.sentences] == [(0, 3)]


def test_sentences_add_up_to_what_the_runs_say() -> None:
    found = hear([reading("滴我。有人专门管。")], model(滴我=1.0, 专门管=3.0, 管=-1.0), scale=2.0)
    norm = math.sqrt(FLOOR**2 + 3 * 2.0**2)
    assert [one.weight for one in found.sentences] == [
        round(2 * 2.0 / norm, 3),
        round(2 * 2.0 * (3.0 - 1.0) / norm, 3),
    ]
    assert found.total == pytest.approx(2 * 2.0 * 3.0 / norm, abs=0.002)


def test_a_text_of_unknown_runs_says_nothing() -> None:
    found = hear([reading("今天吃什么")], model(滴我=1.0), scale=2.0)
    assert (found.sentences, found.labels) == ((), {})


def test_a_speaker_is_heard_in_all_his_fields() -> None:
    fields = [reading("随便看看"), reading("滴我", "author.bio")]
    assert [one.field for one in hear(fields, model(滴我=1.0), scale=1.0).sentences] == ["author.bio"]


@given(st.text(alphabet="停息挂账 12,。“”\n私信我\u200b🌟ab", max_size=120))
def test_every_run_stands_where_it_says(text: str) -> None:
    own = reading(text)
    for run, (where, offset) in runs_of([own]).items():
        assert where is own
        assert 0 <= offset <= max(0, len(text) - 1)
        assert len(run) <= 3


@settings(deadline=None)
@given(st.text(alphabet="停息挂账代办私信我微信abc123。，“”\n", max_size=200))
def test_bias_and_findings_give_the_score_with_wording_among_them(text: str) -> None:
    verdict = screen_post(PostText(id="a", text=text), rules())
    total = verdict.bias
    for finding in verdict.findings:
        assert finding.text == text[finding.start : finding.end]
        total += finding.weight
    assert verdict.score == round(100 / (1 + math.exp(-total)), 1)


def test_wording_is_listed_by_whole_sentences() -> None:
    text = "卡债压得喘不过气。我们专人帮您跟银行谈停息挂账，谈成再收费。想办的私信我。"
    found = [f for f in screen_post(PostText(id="a", text=text), rules()).findings if f.rule == WORDING_RULE]
    assert found
    assert all(finding.text[-1] == "。" for finding in found)


@pytest.mark.parametrize("row", [[1.0], [1.0] * 6 + ["x"], [1.0] * 6 + [True], "x"])
def test_a_row_of_another_shape_is_refused(tmp_path: Path, row: object) -> None:
    path = tmp_path / "wording.json"
    path.write_text(json.dumps({"runs": {"滴我": row}}), encoding="utf-8")
    with pytest.raises(DataFileError, match="滴我"):
        load_wording(path)


@pytest.mark.parametrize("content", ["{", '{"runs": {}, "more": 1}', "[]", '{"runs": []}'])
def test_a_broken_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "wording.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataFileError):
        load_wording(path)
