"""Terms found in disguise and in place, against a slow plain search; traps never."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.keywords import Hit, find_terms, find_terms_each
from classifiers.lexicon import PACKAGED_LEXICONS, Lexicon, load_lexicon
from classifiers.patterns import Automaton, Kind, Use
from classifiers.records import Role
from classifiers.terms import Boundary, Disguise, Weight
from classifiers.views import BARRIER, make_views
from tests.classifiers.terms_for_tests import EVERY_DISGUISE, make_test_lexicon, make_test_term

TERMS = ["停息挂账", "征信修复", "债务优化", "代理退保", "信用卡套现", "强制上岸"]
CURATED = make_test_lexicon(*(make_test_term(term, views=EVERY_DISGUISE) for term in TERMS))


@pytest.fixture(scope="module")
def packaged() -> Lexicon:
    return load_lexicon([PACKAGED_LEXICONS])


def hits(text: str, lexicon: Lexicon) -> list[Hit]:
    return find_terms(make_views(text), lexicon)


def rules(text: str, lexicon: Lexicon) -> set[str]:
    return {hit.term.term for hit in hits(text, lexicon)}


# --- the automaton and the plain matches against slow plain searches


@given(st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=6), st.text(max_size=60), st.data())
def test_the_automaton_finds_every_occurrence(patterns: set[str], text: str, data: st.DataObject) -> None:
    chosen = sorted(patterns)
    text += "".join(data.draw(st.lists(st.sampled_from(chosen), max_size=6)))
    automaton = Automaton({p: [Use(kind=Kind.PLAIN, term=n, form=p)] for n, p in enumerate(chosen)})
    found = {(start, end, chosen[index]) for start, end, index in automaton.scan(text)}
    naive = {(at, at + len(p), p) for p in chosen for at in range(len(text)) if text.startswith(p, at)}
    assert found == naive


PLAIN = ["停息", "停息挂账", "挂账", "代还", "五五", "账挂"]
PLAIN_LEXICON = make_test_lexicon(*PLAIN[:3], make_test_term("代还", exceptions=("时代还",)), *PLAIN[4:])
STRONG, WEAK = "。！？!?；;…", "，,、：:\n"
NOISE = " .·/*"


def slow_matches(text: str) -> set[tuple[str, int, int]]:
    """Every [start, end) of the text that spells a form once the marks are taken out, judged gap by gap."""
    dropped = STRONG + WEAK + NOISE
    spelled = {
        (start, end): "".join(char for char in text[start:end] if char not in dropped)
        for start in range(len(text))
        for end in range(start + 1, len(text) + 1)
        if text[start] not in dropped and text[end - 1] not in dropped
    }
    traps = [
        span
        for span, form in spelled.items()
        if form == "时代还" and not set(text[slice(*span)]) & set(STRONG + WEAK)
    ]
    return {
        (form, *span)
        for span, form in spelled.items()
        if form in PLAIN
        and not parted(text[slice(*span)], dropped)
        and not (form == "代还" and any(a <= span[0] and span[1] <= b for a, b in traps))
    }


def parted(piece: str, dropped: str) -> bool:
    """Say whether exactly one gap parts the piece, and it is the end of a sentence or clause."""
    gaps, gap, words, word = [], "", [], ""
    for char in piece:
        if char in dropped:
            gap += char
            continue
        if gap:
            gaps.append(gap)
            words.append(word)
            gap, word = "", ""
        word += char
    words.append(word)
    if len(gaps) != 1:
        return False
    if any(mark in STRONG for mark in gaps[0]):
        return True
    return any(mark in WEAK for mark in gaps[0]) and all(len(part) > 1 for part in words)


@given(st.text(st.sampled_from("停息挂账时代还五" + "。，\n. *"), max_size=24))
def test_plain_matches_are_those_of_a_slow_search(text: str) -> None:
    found = find_terms(make_views(text), PLAIN_LEXICON, nested=True)
    assert {(hit.term.term, hit.start, hit.end) for hit in found} == slow_matches(text)
    assert all(hit.text == text[hit.start : hit.end] for hit in found)


@given(
    st.lists(
        st.text(st.sampled_from("停息挂账征信修复债务优化 .,。x1a亻言💳🧿" + BARRIER), max_size=20), max_size=8
    )
)
def test_many_texts_in_one_go_give_what_each_gives_alone(texts: list[str]) -> None:
    alone = [hits(text, CURATED) for text in texts]
    assert find_terms_each(texts, CURATED) == alone


def test_portions_cover_every_text() -> None:
    texts = ["停息挂账" * 200] * 30 + ["", "征信修复"]
    assert find_terms_each(texts, CURATED) == [hits(text, CURATED) for text in texts]
    assert find_terms_each([], CURATED) == []


# --- disguises (the twenty-one ways of the benchmark: test_obfuscation.py)


def test_the_view_says_how_a_term_was_found() -> None:
    found = {
        text: [(hit.view, hit.score) for hit in hits(text, CURATED)]
        for text in (
            "停息挂账",
            "停息掛賬",
            "停·息·挂·账",
            "挺息挂账",
            "账挂息停",
            "停的息挂账",
            "停x挂z",
            "亻亭息挂账",
        )
    }
    assert found == {
        "停息挂账": [("surface", 100.0)],
        "停息掛賬": [("folded", 97.0)],
        "停·息·挂·账": [("squeezed", 96.0)],
        "挺息挂账": [("sound", 90.0)],
        "账挂息停": [("reversed", 95.0)],
        "停的息挂账": [("fuzzy", pytest.approx(88.9, abs=0.1))],
        "停x挂z": [("initials", 92.0)],
        "亻亭息挂账": [("restored", 95.0)],
    }


def test_disguises_are_opted_into() -> None:
    plain = make_test_lexicon("停息挂账")
    assert not any(hits(text, plain) for text in ("挺息挂账", "txgz", "账挂息停", "停的息挂账", "停挂息账"))
    sounding = make_test_lexicon(make_test_term("停息挂账", views=frozenset({Disguise.SOUND})))
    assert rules("挺息挂账", sounding)
    assert not rules("停的息挂账", sounding)


def test_all_readings_of_a_term_are_heard() -> None:
    lexicon = make_test_lexicon(make_test_term("协商还款", views=EVERY_DISGUISE))
    assert all(rules(text, lexicon) for text in ("xieshanghuankuan", "xieshanghaikuan", "协商环款", "协商孩款"))


def test_a_reading_that_no_other_character_has_is_left_out() -> None:
    lexicon = make_test_lexicon(make_test_term("得不偿失", views=EVERY_DISGUISE))
    assert rules("的不尝失", lexicon)


def test_three_syllables_must_sound_exactly_and_keep_a_character() -> None:
    lexicon = make_test_lexicon(make_test_term("反催收", views=EVERY_DISGUISE))
    assert all(rules(text, lexicon) for text in ("反崔收", "反cui收", "fancuishou"))
    assert not any(rules(text, lexicon) for text in ("饭脆手", "仿脆收", "wofancuishou"))


def test_three_syllables_may_nearly_sound_so_in_one_character_that_is_no_everyday_one() -> None:
    lexicon = make_test_lexicon(make_test_term("反催收", views=EVERY_DISGUISE))
    assert [hit.view for hit in hits("专做坊催收", lexicon)] == ["near"]
    assert rules("放催收", lexicon) == set()


# --- traps, edges, company


@pytest.mark.parametrize(
    ("text", "trap"),
    [
        ("这个时代还缺什么", "代还"),
        ("三代还宗", "代还"),
        ("老板不停催我们上菜", "停催"),
        ("对新剧十分期待", "分期"),
        ("万分期待这一天", "分期"),
        ("公司辞退保洁阿姨", "退保"),
        ("江水永不停息", "停息"),
        ("我又被催收费了", "催收"),
        ("请领奖，逾期不候", "逾期"),
        ("鸭子游上岸", "上岸"),
        ("帮助贷款的学生", "助贷"),
        ("预期客户会增长", "逾期名单"),
        ("事业证明了他的能力", "失业证明"),
        ("征信意义重大", "征信异议"),
        ("二次分歧难免", "二次分期"),
        ("the debt was added to my account", ""),
        ("debt and dd and bt", ""),
    ],
)
def test_traps_are_left_alone(text: str, trap: str, packaged: Lexicon) -> None:
    topics = [hit for hit in hits(text, packaged) if hit.role is Role.TOPIC]
    assert trap not in {hit.term.term for hit in topics}
    assert [hit.rule for hit in topics if hit.weight is not Weight.WEAK] == []


def test_the_longest_span_decides_between_term_and_exception() -> None:
    lexicon = make_test_lexicon(make_test_term("代还", exceptions=("时代还",)), "代还信用卡")
    assert rules("这个时代还没来", lexicon) == set()
    assert rules("新时代还信用卡", lexicon) == {"代还信用卡"}
    assert rules("时代还和代还", lexicon) == {"代还"}


def test_an_exception_ends_with_its_clause() -> None:
    lexicon = make_test_lexicon(make_test_term("代还", exceptions=("代还有", "时代还")))
    assert rules("这一代还有希望", lexicon) == set()
    assert rules("可代还，有需要的说", lexicon) == {"代还"}
    assert rules("过时。代还", lexicon) == {"代还"}
    assert rules("时 代 还没到", lexicon) == set()


@pytest.mark.parametrize(("text", "found"), [("我的vx是", True), ("mvx", False), ("vxa", False), ("vx138", True)])
def test_letters_are_no_match_inside_a_longer_word(text: str, found: bool) -> None:
    assert bool(hits(text, make_test_lexicon("vx"))) is found


@pytest.mark.parametrize(
    ("text", "found"), [("加q群", True), ("tx_88q", False), ("a8q群", False), ("9.9包邮 q", True)]
)
def test_letters_are_no_match_inside_an_id(text: str, found: bool) -> None:
    assert bool(hits(text, make_test_lexicon("q"))) is found


def test_numbers_are_no_match_inside_a_longer_number() -> None:
    lexicon = make_test_lexicon("60期", "5+8")
    assert rules("分60期，老规矩5+8", lexicon) == {"60期", "5+8"}
    assert rules("第160期，15+8", lexicon) == set()


def test_a_left_boundary_lets_an_id_follow() -> None:
    lexicon = make_test_lexicon(make_test_term("vx", boundary=Boundary.LEFT))
    assert rules("加vxabc88", lexicon) == {"vx"}
    assert rules("mvxabc", lexicon) == set()


def test_words_that_only_touch_across_a_space_are_no_alias() -> None:
    lexicon = make_test_lexicon(make_test_term("停息挂账", aliases=("txgz",)))
    assert rules("mtx gz", lexicon) == set()
    assert rules("办 t x g z 的", lexicon) == {"停息挂账"}


def test_a_short_alias_counts_in_company_only() -> None:
    lexicon = make_test_lexicon(
        make_test_term("反催收", aliases=("fcs",)), make_test_term("逾期", aliases=("yq",)), "征信"
    )
    assert rules("fcs", lexicon) == set()
    assert rules("fcs 和 yq", lexicon) == {"反催收", "逾期"}
    assert rules("征信不好 fcs", lexicon) == {"征信", "反催收"}


def test_a_term_that_needs_company_counts_beside_a_topic() -> None:
    lexicon = make_test_lexicon("征信", make_test_term("蹲", role=Role.CONTACT, needs_company=True))
    assert rules("蹲一个", lexicon) == set()
    assert rules("征信怎么修，蹲", lexicon) == {"征信", "蹲"}


def test_company_is_that_of_the_same_text() -> None:
    lexicon = make_test_lexicon("征信", make_test_term("蹲", role=Role.CONTACT, needs_company=True))
    assert [len(found) for found in find_terms_each(["蹲", "征信", "征信蹲"], lexicon)] == [0, 1, 2]


def test_the_longest_term_of_a_role_wins_and_other_roles_stay() -> None:
    lexicon = make_test_lexicon("退保", "代理退保", make_test_term("代理", role=Role.OFFER))
    assert rules("代理退保", lexicon) == {"代理退保", "代理"}
    assert {hit.term.term for hit in find_terms(make_views("代理退保"), lexicon, nested=True)} == {
        "退保",
        "代理退保",
        "代理",
    }


def test_hostile_text_is_searched_like_any_other(packaged: Lexicon) -> None:
    text = "\x00\ud800停息\u200b挂账\udfff\U0010ffff"
    found = [hit for hit in hits(text, packaged) if hit.term.term == "停息挂账"]
    assert [(hit.start, hit.end, hit.text) for hit in found] == [(2, 7, "停息\u200b挂账")]


@given(st.text(max_size=80))
def test_no_text_breaks_the_search(text: str) -> None:
    for hit in find_terms(make_views(text), CURATED):
        assert 0 <= hit.start < hit.end <= len(text)
