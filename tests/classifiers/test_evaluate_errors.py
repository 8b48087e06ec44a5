"""Wrongly judged rows: the worst fault first, and a line that screening reads again."""

from __future__ import annotations

import pytest

from classifiers.engine import screen_post
from classifiers.evaluate_errors import Wrong, error_line, wrongs_of
from classifiers.postlines import read_post_line
from classifiers.records import verdict_line
from tests.classifiers.labelled import CALM, OFFER, judged, row, rules

OWN = {"kind": "wechat", "value": "anping_kefu7"}


@pytest.mark.parametrize(
    ("labelled", "wrong"),
    [
        (row("clue", OFFER), ()),
        (row("clue", CALM), (Wrong.MISSED, Wrong.LABEL)),
        (row("news", OFFER), (Wrong.FALSE_FLAG, Wrong.LABEL)),
        (row("unsure", OFFER), (Wrong.LABEL,)),
        (row("news", CALM), (Wrong.LABEL,)),
        (row("unrelated", CALM), ()),
        (row("clue", OFFER, contacts=[OWN]), ()),
        (row("clue", OFFER, contacts=[]), (Wrong.CONTACTS,)),
        (row(None, OFFER, contacts=[OWN, {"kind": "qq", "value": "1"}]), (Wrong.CONTACTS, Wrong.UNKNOWN_FLAG)),
        (row("clue", OFFER, where=["comments"]), (Wrong.TARGET,)),
        (row("news", OFFER, contacts=[]), (Wrong.FALSE_FLAG, Wrong.LABEL, Wrong.CONTACTS)),
        (row(None, OFFER), (Wrong.UNKNOWN_FLAG,)),
        (row(None, CALM), ()),
    ],
)
def test_everything_wrong_is_named_the_worst_first(labelled: dict[str, object], wrong: tuple[Wrong, ...]) -> None:
    (item,) = judged(labelled)
    assert wrongs_of(item) == wrong


def test_a_line_says_what_was_expected_and_what_was_found() -> None:
    contacts = [{"kind": "qq", "value": "812345678"}]
    (item,) = judged(row("victim", OFFER, contacts=contacts, id="7", where=["text"], why="says so"))
    line = error_line(item, "a.jsonl")
    assert (line["file"], line["id"], line["kind"]) == ("a.jsonl", "7", "false_flag")
    assert (line["missed_contacts"], line["false_contacts"]) == (contacts, [OWN])
    assert line["gold"] == {"label": "victim", "where": ["text"], "contacts": contacts, "why": "says so"}
    assert line["verdict"] == verdict_line("7", item.verdict)


def test_the_post_of_a_line_is_judged_as_the_row_was() -> None:
    whole = row(
        "news",
        OFFER,
        id="9",
        platform="weibo",
        kind="post",
        title="上岸",
        author={"name": "老周", "bio": "代办", "verified": True, "verified_as": "媒体"},
        parent="怎么办",
        comments=[{"author": "", "text": ""}, {"author": {"name": "甲", "bio": "乙"}, "text": "滴我"}],
    )
    (item,) = judged(whole)
    post = error_line(item, "a")["post"]
    assert isinstance(post, dict)
    assert read_post_line(post) == item.post
    assert screen_post(read_post_line(post), rules()) == item.verdict
