"""Fuzzy windows: what they accept against a slow plain search, and how much work they are."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.fuzzy import FuzzyCounts, compare_window, is_plausible
from classifiers.keywords import find_terms
from classifiers.lexicon import PACKAGED_LEXICONS, Lexicon, load_lexicon
from classifiers.patterns import cut_pieces, most_changes
from classifiers.terms import Disguise
from classifiers.views import make_views
from tests.classifiers.terms_for_tests import EVERY_DISGUISE, make_test_lexicon, make_test_term

FUZZY_ONLY = frozenset({Disguise.FUZZY})
FORMS = ["停息挂账", "全额退保", "信用卡停息", "非恶意逾期证明"]
LEXICON = make_test_lexicon(*(make_test_term(form, views=FUZZY_ONLY) for form in FORMS))


def is_subsequence(form: str, window: str) -> bool:
    rest = iter(window)
    return all(char in rest for char in form)


def is_widened(window: str, form: str) -> bool:
    return window[0] == form[0] and window[-1] == form[-1] and is_subsequence(form, window)


def slow_windows(text: str, form: str) -> set[tuple[int, int]]:
    """Every window that is the form with plausible wrong characters or with added ones inside."""
    most, found = most_changes(len(form)), set()
    for start in range(len(text)):
        for length in range(len(form), len(form) + most + 1):
            window = text[start : start + length]
            if len(window) < length or window == form:
                continue
            if length == len(form):
                wrong = [(a, b) for a, b in zip(form, window, strict=True) if a != b]
                if len(wrong) <= most and all(is_plausible(a, b) for a, b in wrong):
                    found.add((start, start + length))
            elif is_widened(window, form) and not is_put_between_words(window, form):
                found.add((start, start + length))
    return found


def is_put_between_words(window: str, form: str) -> bool:
    """Say whether one hanzi that is no particle stands where the words of a form of four or five meet."""
    added = {window[at] for at in range(2, len(form) - 1) if form[:at] + window[at] + form[at:] == window}
    return len(form) < 6 and any(char not in "的x" for char in added)


@given(st.text(st.sampled_from("停息挂账亭桂胀的x全额退保信用卡非恶意逾期证明"), max_size=26))
def test_windows_found_are_those_of_a_slow_search(text: str) -> None:
    hits = [hit for hit in find_terms(make_views(text), LEXICON, nested=True) if hit.view == "fuzzy"]
    for form in FORMS:
        slow = slow_windows(text, form)
        plain = {at for at in range(len(text)) if text.startswith(form, at)}
        own = {(hit.start, hit.end) for hit in hits if hit.term.term == form and hit.end - hit.start >= len(form)}
        near = {span for span in own if sorted(text[slice(*span)]) != sorted(form)}
        assert near <= slow
        # Each place is covered; of windows around one piece the surest is kept, none beside a plain match.
        for start, end in slow:
            beside = any(abs(at - start) <= most_changes(len(form)) for at in plain)
            assert beside or any(a < end and start < b for a, b in own)


@given(st.text(st.sampled_from("停息挂账征信修复的x"), min_size=1, max_size=9), st.sampled_from(FORMS))
def test_a_window_is_compared_as_a_slow_search_would(window: str, form: str) -> None:
    score = compare_window(window, form, FuzzyCounts())
    assert (score is not None) == ((0, len(window)) in slow_windows(window, form))
    assert score is None or 0 < score < 100


@pytest.mark.parametrize("length", range(4, 12))
def test_under_the_tolerated_changes_one_piece_stays_whole(length: int) -> None:
    pieces = list(cut_pieces(length))
    assert len(pieces) == most_changes(length) + 1
    assert [start for start, _ in pieces[1:]] == [end for _, end in pieces[:-1]]
    assert (pieces[0][0], pieces[-1][1]) == (0, length)


@pytest.mark.parametrize(
    ("expected", "seen", "plausible"),
    [
        ("停", "亭", True),
        ("停", "挺", True),
        ("停", "x", True),
        ("停", "止", False),
        ("挂", "卦", True),
        ("债", "绩", True),
        ("停", "渟", True),
        ("务", "夆", True),
        ("款", "项", False),
    ],
)
def test_a_writer_puts_a_like_sound_a_look_alike_or_no_hanzi(expected: str, seen: str, plausible: bool) -> None:
    assert is_plausible(expected, seen) is plausible


@pytest.mark.parametrize(
    "text",
    [
        "停止挂账",
        "停息账",
        "停车挂账",
        "债务停息的了挂账",
        "全额度退还保金",
        "停息后挂账",
        "停息并挂账",
        "信用卡可停息",
        "信用卡能停息吗",
    ],
)
def test_everyday_changes_are_no_disguise(text: str) -> None:
    assert find_terms(make_views(text), LEXICON) == []


@pytest.mark.parametrize(
    "text", ["停的息挂账", "停息的挂账", "停息x挂账", "停息挂了账", "信用的卡停息", "信用卡1停息"]
)
def test_what_is_put_into_a_word_or_is_no_word_is_a_disguise(text: str) -> None:
    assert [hit.text for hit in find_terms(make_views(text), LEXICON)] == [text]


@pytest.mark.parametrize(("text", "found"), [("分六期", False), ("分6期", False), ("分大期", True)])
def test_a_number_before_a_measure_is_counting(text: str, found: bool) -> None:
    lexicon = make_test_lexicon(make_test_term("协商分期", views=FUZZY_ONLY))
    assert bool(find_terms(make_views(f"协商{text}还"), lexicon)) is found


def test_a_term_of_five_loses_a_character_inside_only() -> None:
    lexicon = make_test_lexicon(make_test_term("信用卡套现", views=FUZZY_ONLY))
    assert [hit.view for hit in find_terms(make_views("找我信用套现"), lexicon)] == ["fuzzy"]
    assert not any(find_terms(make_views(text), lexicon) for text in ("用卡套现", "信用卡套"))


def test_a_term_of_three_is_seen_through_one_look_alike_that_is_no_everyday_character() -> None:
    lexicon = make_test_lexicon(make_test_term("代投诉", views=FUZZY_ONLY))
    assert [hit.view for hit in find_terms(make_views("代投拆"), lexicon)] == ["fuzzy"]
    assert find_terms(make_views("我投诉"), lexicon) == []


@pytest.mark.parametrize(
    ("text", "found"), [("0【息挂账", False), ("停息挂】x", False), ("x息挂账", True), ("停 息 挂 x", True)]
)
def test_a_sign_that_only_stands_near_is_no_character_of_the_term(text: str, found: bool) -> None:
    assert bool(find_terms(make_views(text), LEXICON)) is found


@pytest.mark.parametrize("text", ["个性化，投诉", "停，息桂账", "恢复，再清零"])
def test_what_is_disguised_is_not_cut_by_a_comma_too(text: str) -> None:
    lexicon = make_test_lexicon(
        *(make_test_term(t, views=EVERY_DISGUISE) for t in ("代投诉", "停息挂账", "负债清零"))
    )
    assert find_terms(make_views(text), lexicon) == []


def test_a_window_never_reaches_across_a_sentence_mark() -> None:
    assert find_terms(make_views("停息的。挂账"), LEXICON) == []


ADVERSARIES = [
    "停息",
    "停息挂",
    "停的息挂账",
    "信用卡停",
    "债务征信协商退保",
    "非恶意逾期证",
    "停息卦x",
    "x停y息z挂",
    "停\n",
]


@pytest.fixture(scope="module")
def packaged() -> Lexicon:
    return load_lexicon([PACKAGED_LEXICONS])


@pytest.mark.parametrize("unit", ADVERSARIES)
def test_work_grows_no_faster_than_the_text(unit: str, packaged: Lexicon) -> None:
    work = []
    for size in (2_000, 4_000, 8_000):
        counts = FuzzyCounts()
        find_terms(make_views((unit * size)[:size]), packaged, counts=counts)
        work.append(counts.windows + counts.compared)
    assert all(more <= 2.5 * max(less, 1) for less, more in itertools.pairwise(work))
    assert work[-1] <= 40 * 8_000


def test_an_ordinary_text_opens_hardly_a_window(packaged: Lexicon) -> None:
    text = "周末和朋友去爬山，山顶的风很大，下山以后在镇上吃了一碗热汤面，老板还送了一碟小菜。" * 20
    counts = FuzzyCounts()
    find_terms(make_views(text), packaged, counts=counts)
    assert counts.compared == 0
    assert counts.windows <= len(text) / 20
