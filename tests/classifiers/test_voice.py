"""Who speaks: quotation, attribution, negation, question, and the cues themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifiers
from classifiers.anchors import ANY_DIGIT, find_needs, split_choices
from classifiers.cues import Voice, expand_pattern, load_cues
from classifiers.datafiles import DataFileError
from classifiers.gate import Gate
from classifiers.records import Role
from classifiers.views import make_views
from classifiers.voice import Reading, find_quotes, is_active, read_field

CUES_FILE = Path(classifiers.__file__).parent / "data" / "cues.yml"
CUES = load_cues(CUES_FILE)
GOLD = Path(__file__).parent.parent / "gold" / "posts.jsonl"


def read(text: str) -> Reading:
    folded = make_views(text).folded.text
    return read_field("text", text, folded, terms=(), cues=CUES.find(folded), contacts=())


def ids(text: str) -> set[str]:
    return {hit.cue.id for hit in CUES.find(make_views(text).folded.text)}


@pytest.mark.parametrize("cue", CUES.cues, ids=lambda cue: cue.id)
def test_every_cue_passes_its_own_examples(cue: object) -> None:
    held = next(one for one in CUES.cues if one is cue)
    assert [text for text in held.hits if held.id not in ids(text)] == []
    assert [text for text in held.misses if held.id in ids(text)] == []


@given(st.sampled_from(GOLD.read_text("utf-8").splitlines()))
def test_anchors_never_hide_a_cue(line: str) -> None:
    folded = make_views(line).folded.text
    found = {hit.cue.id for hit in CUES.find(folded)}
    plain = {cue.id for cue in CUES.cues if any(choice.search(folded) for choice in cue.choices)}
    assert found == plain


@pytest.mark.parametrize(
    ("choice", "needs"),
    [
        ("(?:收费|报价)x?[0-9]", [{"收费", "报价", "收费x", "报价x"}]),
        ("a?[bc]", [{"b", "c", "ab", "ac"}]),
        (r"\d{2,6}", [{ANY_DIGIT}]),
        ("[0-9]{2,6}", []),
        (r"\d?停", [{"停"}]),
        (r"(?<!不)骗(?:了)?我(?!们)", [{"骗我", "骗了我"}]),
        (r"办(?:理)?[^。!?;\n]{0,6}?(?:停息|延期)\d", [{"停息", "延期"}, {"办", "办理"}, {ANY_DIGIT}]),
        (r"[滴踢]{1,4}我$", [{"我"}, {"滴", "踢"}]),
        (r"(?:大?额|.)停", [{"停"}]),
        (r"(?:收\d|付款)元", [{"收", "付款"}, {"元"}]),
    ],
)
def test_every_match_holds_a_word_of_each_need(choice: str, needs: list[set[str]]) -> None:
    assert sorted(map(sorted, find_needs(choice))) == sorted(map(sorted, needs))


def test_choices_are_cut_at_the_outermost_bars() -> None:
    assert split_choices("a|(?:b|c)[|]|d") == ["a", "(?:b|c)[|]", "d"]


def test_a_gate_lets_through_what_has_all_it_needs() -> None:
    gate = Gate(
        [find_needs("骗了?我"), find_needs("[^。]"), find_needs("办~{0,3}(?:停息|延期)"), find_needs("停.{0,3}我")]
    )
    assert gate.passed("") == [1]
    assert gate.passed("他骗了我") == [0, 1]
    assert gate.passed("停息也要找我") == [1, 3]
    assert gate.passed("可以办延期") == [1, 2]
    assert gate.passed("\U0010ffff") == [1]


@pytest.mark.parametrize("digit", ["7", "\u0667"])
def test_a_gate_knows_the_digits_of_every_script(digit: str) -> None:
    gate = Gate([find_needs(r"收\d{1,3}"), find_needs("(?:我们|咱)办")])
    assert gate.passed("收一笔") == []
    assert gate.passed(f"收{digit}") == [0]
    assert gate.passed("我要办,他们也办") == []
    assert gate.passed("我们的咱办") == [1]


@pytest.mark.parametrize("pattern", ["a.*b", "a+", "x{2,}"])
def test_a_repeat_without_bound_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="without a bound"):
        expand_pattern(pattern)


def test_a_wrong_pattern_names_its_cue(tmp_path: Path) -> None:
    path = tmp_path / "cues.yml"
    path.write_text("cues:\n  - {id: x.y, role: offer, patterns: ['('], hits: [], misses: []}\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"x\.y"):
        load_cues(path)


@pytest.mark.parametrize(
    ("text", "cue", "span"),
    [
        ("我们专业停催，先办后付", "offer.trade", "专业停催"),
        ("全国可做，三天见效", "offer.trade", "全国可做"),
        ("要办的找我，手续我跑", "offer.serve", "找我"),
        ("不成功不收费的", "promise.nowinnofee", "不成功不收费"),
        ("按本金收3个点", "fee.share", "按本金收3个点"),
        ("一个平台收280元起", "fee.price", "一个平台收280元"),
        ("要看的加微信 hxlab8", "contact.route", "加微信"),
    ],
)
def test_a_span_ends_with_the_words_that_it_is_about(text: str, cue: str, span: str) -> None:
    found = [hit for hit in CUES.find(make_views(text).folded.text) if hit.cue.id == cue]
    assert [text[hit.start : hit.end] for hit in found] == [span]


def test_a_service_number_inside_an_id_is_none() -> None:
    assert "voice.licensed" in ids("请拨打12345反映")
    assert "voice.licensed" not in ids("加微信 hxlab12345")


def test_quotation_crosses_sentences() -> None:
    text = "他说“先付三成。批了再补。”我没有理"
    assert [text[start:end] for start, end in find_quotes(text)] == ["先付三成。批了再补。"]


def test_an_open_quotation_ends_with_its_paragraph() -> None:
    text = "对方称“包过\n我不信"
    assert [text[start:end] for start, end in find_quotes(text)] == ["包过"]


def active(text: str, word: str, role: Role = Role.OFFER) -> bool:
    reading = read(text)
    heard = {voice for sentence in reading.sentences for voice in sentence.voices} - {Voice.PROVIDER}
    return is_active(reading, text.index(word), quotes_count=bool(heard), role=role)


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("我们专业办理延期。", "专业办理", True),
        ("不法分子声称专业办理延期。", "专业办理", False),
        ("切勿轻信专业办理延期的广告。", "专业办理", False),
        ("“专业办理延期，不成不收”都是骗局。", "专业办理", False),
        ("警方通报，该公司专业办理延期。", "专业办理", False),
        ("专业办理延期靠谱吗？", "专业办理", False),
        ("我行不会专业办理此事。", "专业办理", False),
        ("别信那些骗子，我们专业办理，私信我。", "专业办理", True),
        ("很多人被骗。我们专业办理延期。", "专业办理", True),
    ],
)
def test_an_offer_counts_in_a_providers_own_voice_only(text: str, word: str, *, expected: bool) -> None:
    assert active(text, word) is expected


def test_the_word_to_send_may_stand_in_quotation_marks() -> None:
    assert "contact.route" in ids("想办的评论区打“分期”")
    assert active("想办的评论区打“分期”", "分期", Role.CONTACT)


@given(st.text(max_size=400))
def test_any_text_is_cut_into_sentences_without_gaps(text: str) -> None:
    reading = read(text)
    assert all(one.end == other.start for one, other in zip(reading.sentences, reading.sentences[1:], strict=False))
    assert reading.sentences[-1].end == len(text)
