"""The work on a text grows with its length, whatever it holds, and no character can be made to cost far more.

Work is counted, not timed: every call of a function while a post is judged, and the fuzzy windows among them.
"""

from __future__ import annotations

import cProfile

import pytest

from benchmarks._hostile import NORMAL, OFFER, SHAPES, repeat, rules
from classifiers.engine import screen_post
from classifiers.fuzzy import FuzzyCounts
from classifiers.keywords import find_terms
from classifiers.records import CommentText, PostText
from classifiers.views import make_views

LENGTH = 1_000
MOST_GROWTH = 2.5
MOST_COST = 20
# So that the whole way is gone, beyond the search for terms.
TOPIC = "\n信用卡逾期"


def calls(post: PostText) -> int:
    """Return how many calls judging a post takes, after a first time that fills caches."""
    screen_post(post, rules())
    profile = cProfile.Profile(builtins=True)
    profile.enable()
    screen_post(post, rules())
    profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


def text_post(text: str) -> PostText:
    return PostText(id="1", text=text)


@pytest.fixture(scope="module")
def normal_cost() -> float:
    """Calls per character of a text as people write it."""
    text = repeat(NORMAL, LENGTH)
    return calls(text_post(text)) / len(text)


@pytest.mark.parametrize("shape", SHAPES)
def test_work_grows_with_the_length_and_no_character_costs_many_times_more(shape: str, normal_cost: float) -> None:
    once, twice = (calls(text_post(SHAPES[shape](length) + TOPIC)) for length in (LENGTH, 2 * LENGTH))
    assert twice / once <= MOST_GROWTH
    assert twice / (2 * LENGTH) <= MOST_COST * normal_cost


def windows(text: str) -> FuzzyCounts:
    counts = FuzzyCounts()
    find_terms(make_views(text), rules().lexicon, counts=counts)
    return counts


@pytest.mark.parametrize("shape", ["all halves", "half a term", "most of a term", "alternating pieces"])
def test_fuzzy_windows_grow_with_the_length(shape: str) -> None:
    once, twice = (windows(SHAPES[shape](length)) for length in (5 * LENGTH, 10 * LENGTH))
    assert twice.windows <= MOST_GROWTH * max(1, once.windows)
    assert twice.compared <= MOST_GROWTH * max(1, once.compared)
    assert twice.windows <= 20 * 10 * LENGTH


def thread(comments: int, *, own: bool, text: str = "信用卡逾期了怎么办", offer_every: int = 2) -> PostText:
    said = tuple(
        CommentText(
            text="今天天气不错" if number % offer_every else OFFER, author_name="楼主" if own else f"用户{number}"
        )
        for number in range(comments)
    )
    return PostText(id="1", text=text, author_name="楼主", comments=said)


@pytest.mark.parametrize("own", [True, False], ids=["of the author", "of others"])
def test_work_grows_with_the_number_of_comments(own: bool) -> None:
    once, twice = (calls(thread(number, own=own)) for number in (100, 200))
    assert twice / once <= MOST_GROWTH


def test_a_long_post_above_many_comments_does_not_cost_their_product() -> None:
    once, twice = (calls(thread(number, own=False, text=repeat("停息挂账，", 50 * number))) for number in (40, 80))
    assert twice / once <= MOST_GROWTH


def test_ten_thousand_comments_are_judged() -> None:
    verdict = screen_post(thread(10_000, own=False, text="我停息挂账被骗了，大家小心", offer_every=9_999), rules())
    assert verdict.flagged
    assert verdict.target is not None
    assert verdict.target.comment in (0, 9_999)
