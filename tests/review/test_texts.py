"""Texts as the desk shows them: masked, marked, decoded, with hidden characters as tokens."""

# ruff: noqa: RUF001 - look-alike characters are what is tested

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.explaining import explain, marks_of
from review.hidden import Token, show_hidden, split_hidden
from review.marking import LONGEST_SHOWN, Mark, decode_text, mark_text
from review.masking import find_private, hide

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d"
INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u180e\u200b\u200c\u200d\u2060\u2063\u2800\u3164\ufe00\ufeff\uffa0\U000e0041\U000e0100"
)
ANY_TEXT = st.text(st.characters(codec=None), max_size=80)


def mark(start: int, end: int, **wanted: object) -> Mark:
    known: dict[str, object] = {"number": 1, "rule": "r", "role": "offer", "view": "squeezed", "weight": 1.0}
    return Mark(start=start, end=end, **(known | wanted))  # type: ignore[arg-type]  # fields of the record


def masked(text: str, field: str = "text") -> str:
    return hide(text, find_private({field: text})[field])


@pytest.mark.parametrize("character", BIDI + INVISIBLE)
def test_what_nobody_sees_is_a_token(character: str) -> None:
    parts = list(split_hidden(f"停{character}息"))
    assert [str(part) for part in parts] == ["停", f"U+{ord(character):04X}", "息"]
    assert character not in show_hidden(f"停{character}息")


@pytest.mark.parametrize("text", ["❤️好", "👨‍👩‍👧 一家", "1️⃣", "a\r\nb", "你好\n\t吃了吗", "é ñ ü", "สวัสดีครับ น้ำ"])
def test_what_belongs_to_something_visible_stays(text: str) -> None:
    assert list(split_hidden(text)) == [text]


def test_long_runs_and_towers_are_counted() -> None:
    assert show_hidden("a" + "\u200b" * 37 + "b") == "a⟨U+200B×37⟩b"
    assert show_hidden("Z" + "\u0301" * 60 + "!") == "Z⟨U+0301×60⟩!"
    assert show_hidden("\u202e" * 2) == "⟨U+202E⟩⟨U+202E⟩"


@given(ANY_TEXT)
def test_tokens_and_text_together_are_the_whole_text(text: str) -> None:
    parts = list(split_hidden(text))
    assert sum(part.times if isinstance(part, Token) else len(part) for part in parts) == len(text)
    for part in parts:
        if isinstance(part, str):
            assert not any(unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "LRI", "RLI"} for c in part)


@pytest.mark.parametrize(
    "text",
    [
        "加微信 zhaiwu888 咨询",
        "➕V：zhaiwu888",
        "薇❤zhaiwu888",
        "电话13812345678联系",
        "电话 138 1234 5678",
        "电话１３８１２３４５６７８",
        "电话①③⑧①②③④⑤⑥⑦⑧",
        "打138\u200b1234\u200b5678",
        "QQ 345678901 私聊",
        "我的身份证 11010519491231002X 被盗",
        "银行卡 6222 0202 0000 1234 567",
        "写信到 zhang.san@example.cn",
        "官网 zhaiwu888.com/vip",
    ],
)
def test_contacts_and_numbers_of_people_are_masked(text: str) -> None:
    shown = masked(text)
    assert len(shown) == len(text)
    assert "*" in shown
    for secret in (
        "zhaiwu888",
        "13812345678",
        "1234 5678",
        "２３４５",
        "②③④⑤",
        "345678",
        "19491231",
        "0202",
        "zhang.san",
    ):
        assert secret not in shown


@pytest.mark.parametrize(
    "text", ["请拨打95588核实", "拨打12378投诉", "发布于2026-11-18 10:30", "停息挂账60期", "赞1234 转发5678"]
)
def test_hotlines_dates_and_amounts_stay_readable(text: str) -> None:
    assert masked(text) == text


def test_a_contact_is_masked_wherever_else_it_stands() -> None:
    texts = {
        "text": "加微信 zhaiwu888",
        "author.name": "债务zhaiwu888",
        "title": "ＺＨＡＩＷＵ８８８ 上岸",
        "comments[0].text": "我加了z.h.a.i.w.u.8.8.8，真的",
        "comments[1].text": "没有别的",
    }
    spans = find_private(texts)
    shown = {name: hide(text, spans[name]) for name, text in texts.items()}
    assert "zhaiwu" not in shown["author.name"]
    assert "ＨＡＩＷＵ" not in shown["title"]
    assert "h.a.i.w" not in shown["comments[0].text"]
    assert shown["comments[1].text"] == "没有别的"


def test_stored_spans_are_masked_even_when_the_search_finds_nothing() -> None:
    assert hide("暗号就是他", find_private({"text": "暗号就是他"}, {"text": [(0, 5)]})["text"]) == "暗***他"
    assert find_private({"text": "短"}, {"text": [(0, 9), (-1, 1)], "gone": [(0, 1)]}) == {"text": []}


@given(ANY_TEXT, st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=4))
def test_masking_and_marking_keep_every_place(text: str, pairs: list[tuple[int, int]]) -> None:
    text = text.encode("utf-8", "replace").decode()
    spans = [(min(a, b), max(a, b)) for a, b in pairs if a != b and max(a, b) <= len(text)]
    private = find_private({"text": text}, {"text": spans})["text"]
    shown = hide(text, private)
    assert len(shown) == len(text)
    pieces = mark_text(shown, [mark(*span) for span in spans], private)
    length = sum(piece.token.times if piece.token else len(piece.text) for piece in pieces)
    assert length == len(text)
    decode_text(text, [mark(*span) for span in spans], shown=shown)


def test_overlapping_marks_are_split_and_coloured_by_the_heaviest() -> None:
    pieces = mark_text("停息挂账代办", [mark(0, 4, role="topic", weight=0.5), mark(2, 6, number=2, weight=-2.0)])
    assert [(p.text, len(p.marks), p.role, p.begins) for p in pieces] == [
        ("停息", 1, "topic", True),
        ("挂账", 2, "offer", True),
        ("代办", 1, "offer", False),
    ]


def test_long_texts_are_cut_for_the_page() -> None:
    assert sum(len(piece.text) for piece in mark_text("啊" * (LONGEST_SHOWN + 500))) == LONGEST_SHOWN


def _decoded(text: str, *marks: Mark, private: tuple[tuple[int, int], ...] = ()) -> str:
    return "".join(part.text for part in decode_text(text, marks, shown=hide(text, private)))


def test_disguises_are_undone_beside_the_original() -> None:
    assert _decoded("停\u200b息挂帐") != ""
    assert _decoded("專業代辦") == "专业代办"
    assert _decoded("停.息*挂.账，来", mark(0, 7)) == "停息挂账，来"
    assert _decoded("停息挂账，来。Hello", mark(0, 4)) == "", "nothing is shown twice"


def test_what_is_masked_is_not_decoded() -> None:
    text = "➕V：ｚｈａｉｗｕ８８８"
    private = find_private({"text": text})["text"]
    assert private
    shown = _decoded(text, private=tuple(private))
    assert "haiwu" not in shown
    assert shown.startswith("加")


def test_an_explanation_adds_up_to_the_score() -> None:
    findings = [
        {
            "rule": rule,
            "role": "offer",
            "field": "text",
            "start": 0,
            "end": 2,
            "text": "停息",
            "view": "s",
            "weight": w,
        }
        for rule, w in (("a", 2.125), ("b", -0.5), ("c", 0), ("d", 1.0))
    ]
    told = explain(-3.5, findings)
    assert [finding["rule"] for finding in told.weighty] == ["a", "d", "b"]
    assert (told.total, told.score, told.silent) == (-0.875, 29.4, 1)
    assert explain(-9999, []).score == 0.0
    assert explain(9999, []).score == 100.0


def test_a_finding_that_no_longer_fits_its_text_is_not_drawn() -> None:
    finding = {
        "rule": "a",
        "role": "offer",
        "field": "text",
        "start": 0,
        "end": 2,
        "text": "停息",
        "view": "s",
        "weight": 1,
    }
    assert len(marks_of([finding], "text", "停息挂账")) == 1
    assert marks_of([finding], "text", "别的内容") == []
    assert marks_of([finding], "title", "停息挂账") == []
    assert marks_of([{**finding, "text": "", "end": 0}], "text", "停息") == []
