"""The terms, posts and ratios of benchmarks/screen, and the work that the matcher does on them, counted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from benchmarks.obfuscation.cases import load_terms
from benchmarks.obfuscation.configurations import fifty_terms
from benchmarks.screen.lexicon import make_lexicon_of
from benchmarks.screen.texts import LONGEST, SHORTEST, SIZES, TERMS, Writer, make_decorated, make_stream, read_words
from benchmarks.screen.timing import Laps, Way, ratio_of, run_laps
from classifiers.fuzzy import FuzzyCounts
from classifiers.keywords import find_terms_each

if TYPE_CHECKING:
    from classifiers.lexicon import Lexicon

ALL_TERMS = read_words(TERMS)
POSTS = 300
# Fuzzy windows and comparisons a post, at most, by number of terms: what is done, not how long it takes.
MOST_WORK = {50: (0.1, 0.01), 200: (0.5, 0.05), 2_000: (4.0, 0.5)}


@pytest.fixture(scope="module")
def lexicons() -> dict[int, Lexicon]:
    return {size: make_lexicon_of(ALL_TERMS[:size]) for size in SIZES}


def test_the_sets_of_terms_are_nested_and_begin_with_the_fifty() -> None:
    assert len(ALL_TERMS) == SIZES[-1]
    assert ALL_TERMS[:50] == list(load_terms())
    assert all(3 <= len(word) <= 6 for word in ALL_TERMS[SIZES[1] :])


def test_the_fifty_are_looked_for_as_where_their_recall_is_measured(lexicons: dict[int, Lexicon]) -> None:
    assert lexicons[50].version == fifty_terms().lexicon.version


def test_posts_are_the_same_every_time_and_one_in_twenty_carries_a_term() -> None:
    stream = make_stream(ALL_TERMS[:50], count=40)
    assert stream == make_stream(ALL_TERMS[:50], count=40)
    assert all(any(term in post for term in ALL_TERMS[:50]) for post in stream.posts[::20])
    writer = Writer(5)
    assert all(SHORTEST <= len(writer.post()) <= LONGEST for _ in range(50))


@pytest.mark.parametrize("size", SIZES)
def test_the_gates_leave_little_to_fuzzy_windows(size: int, lexicons: dict[int, Lexicon]) -> None:
    for posts in (make_stream(ALL_TERMS[:50], count=POSTS), make_decorated(ALL_TERMS[:50], count=POSTS)):
        counts = FuzzyCounts()
        assert any(find_terms_each(posts.posts, lexicons[size], counts=counts))
        windows, compared = MOST_WORK[size]
        assert counts.windows <= windows * POSTS
        assert counts.compared <= compared * POSTS


def test_a_ratio_is_the_median_of_each_repeats_own() -> None:
    fast = Laps(wall=[1.0, 2.0, 4.0], cpu=[1.0, 1.0, 1.0])
    slow = Laps(wall=[3.0, 8.0, 8.0], cpu=[2.0, 2.0, 5.0])
    assert (ratio_of(fast, slow).wall, ratio_of(fast, slow).cpu) == (3.0, 2.0)


def test_ways_take_turns_and_the_first_turn_is_not_counted() -> None:
    calls: list[str] = []
    ways = {name: Way(work=partial(calls.append, name), items=10) for name in "ab"}
    laps = run_laps(ways, repeats=2)
    assert calls == ["a", "b"] * 3
    assert [len(each.cpu) for each in laps.values()] == [2, 2]
