"""What kind of harmless text it is, and offers whose goods are named as something else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import classifiers
from classifiers.clear_labels import load_clear_labels
from classifiers.datafiles import DataFileError
from classifiers.engine import Ruleset, load_ruleset, screen_post
from classifiers.records import CommentText, Label, PostText

DATA = Path(classifiers.__file__).parent / "data" / "clear_labels.yml"


@cache
def rules() -> Ruleset:
    return load_ruleset()


def label_of(text: str, title: str = "") -> Label:
    return screen_post(PostText(id="x", text=text, title=title), rules()).label


def test_an_explanation_that_begins_with_a_question_is_education() -> None:
    text = "先交钱的协商都别信，银行的个性化分期由本人申请，办法第七十条写得明白，切勿上当。"
    assert label_of(text, title="找人协商靠谱吗？") is Label.EDUCATION


def test_a_debtor_who_managed_alone_is_a_victim_class_text() -> None:
    assert label_of("没找中介，我自己跟银行谈的，欠了三年终于还清了，信用卡那几张都销了。") is Label.VICTIM


def test_who_names_the_trade_but_offers_nothing_is_no_clue() -> None:
    verdict = screen_post(PostText(id="x", text="停催、铲单、背债，都听说过", parent="停息挂账和征信修复"), rules())
    assert verdict.target is None


def test_an_offer_keeps_its_shape_when_its_goods_are_another_story() -> None:
    text = "船漏了别怕，我帮你补，补好了再谢两成，补不上一分不要，漏的私我"
    assert label_of(text) in (Label.CLUE, Label.UNSURE)
    assert label_of("船漏了别怕，慢慢补，补好了又能出海") is Label.UNRELATED


def test_goods_of_the_post_do_not_excuse_an_offer_in_the_comments() -> None:
    pitch = "统一回复：欠卡的我们帮你谈停息分期，办好再收五个点，加微信 lanqiao_tx5"
    post = PostText(
        id="x",
        text="二手显卡测评，装修党别看",
        author_name="老兰",
        comments=(CommentText(text=pitch, author_name="老兰"),),
    )
    assert screen_post(post, rules()).label is Label.CLUE


@pytest.mark.parametrize(
    "text",
    [
        "start: {unrelated: 0}\nfeatures: {}\n",
        "start: {unrelated: 0, victim: 0, education: 0, news: 0, legit: 0}\nfeatures: {a: {clue: 1}}\n",
        "start: {unrelated: 0, victim: 0, education: 0, news: 0, legit: 0}\nfeatures: {a: {news: x}}\n",
        "start: {unrelated: 0, victim: 0, education: 0, news: 0, legit: 0}\nfeatures: {}\nmore: 1\n",
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clear_labels.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataFileError):
        load_clear_labels(path)


def test_equal_sums_take_the_first_label() -> None:
    assert load_clear_labels(DATA).choose([], {}) in Label


def test_what_the_wording_says_moves_the_label(tmp_path: Path) -> None:
    path = tmp_path / "clear_labels.yml"
    start = "start: {unrelated: 0, victim: 0, education: 0, news: 0, legit: 0}\n"
    path.write_text(start + "features: {wording.news: {news: 1.0}, heard: {legit: 0.5}}\n", encoding="utf-8")
    labels = load_clear_labels(path)
    assert labels.choose(["heard"], {Label.NEWS: 0.4}) is Label.LEGIT
    assert labels.choose(["heard"], {Label.NEWS: 0.6}) is Label.NEWS


def test_an_invitation_without_any_word_of_the_trade_is_no_clue() -> None:
    assert label_of("懂的都懂，想上车的姐妹私信我，名额不多了哦") is not Label.CLUE
