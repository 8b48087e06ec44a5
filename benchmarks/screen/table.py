"""The table: every line a ratio of two ways of reading the same posts, in one run.

One file of terms (``terms.txt``, nested sets of 50, 200 and 2,000), one configuration of them (``lexicon.py``),
five interleaved repeats, median, on two clocks. Floors are what a first trial of this design reached, aims what
it should reach. Baselines: RapidFuzz's ``partial_ratio`` of every term with every post at a cut-off of 80; one
``ahocorasick_rs`` automaton (DFA, overlapping matches) over the terms as they are written, post by post. Two
processes against one are timed by benchmarks/processes.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ahocorasick_rs
from pypinyin import lazy_pinyin
from rapidfuzz import fuzz

from benchmarks.screen.lexicon import make_lexicon_of
from benchmarks.screen.texts import (
    SIZES,
    TERMS,
    make_decorated,
    make_dense,
    make_short_lines,
    make_stream,
    read_words,
)
from benchmarks.screen.timing import Way, ratio_of, run_laps
from classifiers.engine import load_ruleset, post_units, screen_posts
from classifiers.fuzzy import FuzzyCounts
from classifiers.keywords import find_terms, find_terms_each, join_texts
from classifiers.records import Band, PostText
from classifiers.tables import load_folding, load_sounds
from classifiers.views import make_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.screen.texts import PostSet
    from benchmarks.screen.timing import Laps, Ratio
    from classifiers.engine import Ruleset
    from classifiers.lexicon import Lexicon

POSTS = 1_500
# Commands hand over so many posts at a time.
PORTION = 100
CUTOFF = 80
# Posts that the slow ways read, by number of terms.
BRUTE_POSTS = {50: 400, 200: 100, 2_000: 12}
PINYIN_POSTS = 60
COMPILES = 5
# (floor, aim) of the ratios.
AGAINST_BRUTE = {50: (9, 10), 200: (18, 25), 2_000: (43, 50)}
AGAINST_PLAIN = {200: (0.09, 0.25)}
SCREENING = (0.5, 0.5)
AGAINST_PINYIN, AGAINST_TRANSLATE = (500, 500), (5, 5)


def main() -> None:
    """Print the table."""
    terms = read_words(TERMS)
    ruleset = load_ruleset()
    few, some, _ = SIZES
    stream = make_stream(terms[:few], count=POSTS)
    decorated, short = make_decorated(terms[:few], count=POSTS), make_short_lines(count=POSTS)
    dense = make_dense(terms[:few], count=POSTS // 5)
    quiet = make_stream(terms[:few], count=POSTS, is_quiet=lambda text: not _is_judged(text, ruleset))
    print(
        f"{POSTS} posts of {sum(map(len, stream.posts)) / POSTS:.0f} characters on average; ratio by CPU | by wall"
    )
    for size in SIZES:
        _compare_matchers(terms[:size], stream)
    for other in (decorated, dense, short):
        _compare_matchers(terms[:some], other, brute=False)
    for each in (quiet, stream, decorated, dense, short):
        _compare_screening(each, ruleset, goal=SCREENING if each is quiet else None)
    _compare_views(stream)


def _is_judged(text: str, ruleset: Ruleset) -> bool:
    return bool(post_units(PostText(id="", text=text), ruleset))


def _compare_matchers(terms: Sequence[str], posts: PostSet, *, brute: bool = True) -> None:
    size, texts = len(terms), posts.posts
    lexicon = make_lexicon_of(terms)
    plain = _plain(terms)
    ways = {
        "plain": Way(
            work=lambda: [plain.find_matches_as_indexes(text, overlapping=True) for text in texts], items=len(texts)
        ),
        "matcher": Way(work=lambda: find_terms_each(texts, lexicon), items=len(texts)),
        "alone": Way(work=lambda: [find_terms(make_views(text), lexicon) for text in texts], items=len(texts)),
    }
    if brute:
        fewer = texts[: BRUTE_POSTS[size]]
        ways["brute"] = Way(work=lambda: _brute(terms, fewer), items=len(fewer))
    laps = run_laps(ways)
    print(f"\n{size} terms, {posts.title}: {_work(texts, lexicon)}")
    _print_speeds(laps)
    if brute:
        _print_ratio(
            "matcher / brute-force RapidFuzz", ratio_of(laps["matcher"], laps["brute"]), AGAINST_BRUTE[size]
        )
        _compare_compiling(terms)
    goal = AGAINST_PLAIN.get(size) if brute else None
    _print_ratio("matcher / plain scan", ratio_of(laps["matcher"], laps["plain"]), goal)
    _print_ratio("matcher, text by text / plain scan", ratio_of(laps["alone"], laps["plain"]))


def _plain(terms: Sequence[str]) -> ahocorasick_rs.AhoCorasick:
    return ahocorasick_rs.AhoCorasick(list(terms), implementation=ahocorasick_rs.Implementation.DFA)


def _brute(terms: Sequence[str], texts: Sequence[str]) -> list[float]:
    return [fuzz.partial_ratio(term, text, score_cutoff=CUTOFF) for text in texts for term in terms]


def _work(texts: Sequence[str], lexicon: Lexicon) -> str:
    """Return what the matcher found, and the work of its fuzzy windows, as counts."""
    counts = FuzzyCounts()
    found = sum(map(bool, find_terms_each(texts, lexicon, counts=counts)))
    return (
        f"hits in {found} of {len(texts)}, "
        f"{counts.windows / len(texts):.2f} windows and {counts.compared / len(texts):.2f} comparisons a post"
    )


def _compare_compiling(terms: Sequence[str]) -> None:
    ways = {
        "lexicon": Way(work=lambda: make_lexicon_of(terms), items=1),
        "automaton": Way(work=lambda: _plain(terms), items=1),
    }
    laps = run_laps(ways, repeats=COMPILES)
    own, plain = (1_000 / laps[name].per_second() for name in ("lexicon", "automaton"))
    print(f"  compile: {own:.0f} ms, a plain automaton {plain:.1f} ms")


def _compare_screening(posts: PostSet, ruleset: Ruleset, *, goal: tuple[float, float] | None) -> None:
    texts, lexicon = posts.posts, ruleset.lexicon
    records = [PostText(id=str(number), text=text) for number, text in enumerate(texts)]
    portions = [slice(at, at + PORTION) for at in range(0, len(texts), PORTION)]
    laps = run_laps(
        {
            "matcher": Way(
                work=lambda: [find_terms_each(texts[part], lexicon) for part in portions], items=len(texts)
            ),
            "screening": Way(
                work=lambda: [screen_posts(records[part], ruleset) for part in portions], items=len(texts)
            ),
        }
    )
    verdicts = screen_posts(records, ruleset)
    judged = sum(_is_judged(text, ruleset) for text in texts)
    clues = sum(verdict.band is not Band.CLEAR for verdict in verdicts)
    print(f"\nshipped ruleset, {len(lexicon.terms)} terms, {posts.title}: {judged} judged, {clues} not clear")
    _print_speeds(laps)
    _print_ratio("whole screening / matcher", ratio_of(laps["screening"], laps["matcher"]), goal)


def _compare_views(posts: PostSet) -> None:
    texts = posts.posts
    fewer = texts[:PINYIN_POSTS]
    table = _translation()
    laps = run_laps(
        {
            "views": Way(work=lambda: [joined.views.near for joined in join_texts(texts)], items=len(texts)),
            "translate": Way(work=lambda: [text.translate(table) for text in texts], items=len(texts)),
            "pypinyin": Way(work=lambda: [lazy_pinyin(text) for text in fewer], items=len(fewer)),
        }
    )
    print("\nfolding with the sound view and the way back to the original")
    _print_speeds(laps)
    _print_ratio("views / pypinyin.lazy_pinyin", ratio_of(laps["views"], laps["pypinyin"]), AGAINST_PINYIN)
    _print_ratio("views / str.translate", ratio_of(laps["views"], laps["translate"]), AGAINST_TRANSLATE)


def _translation() -> dict[int, str | None]:
    """Return the table with which ``str.translate`` folds, squeezes and turns hanzi into near syllables."""
    folding, sounds = load_folding(), load_sounds()
    dropped = (folding.classes & 1) != 0
    near = sounds.near[folding.fold]
    changed = (dropped | (near != range(len(near)))).nonzero()[0]
    return {int(code): None if dropped[code] else chr(near[code]) for code in changed}


def _print_speeds(laps: dict[str, Laps]) -> None:
    print("  posts/s of CPU: " + ", ".join(f"{name} {each.per_second():,.0f}" for name, each in laps.items()))


def _print_ratio(name: str, ratio: Ratio, goal: tuple[float, float] | None = None) -> None:
    said = ""
    if goal:
        floor, aim = goal
        said = f"  floor {floor:g}, aim {aim:g}" + ("" if ratio.cpu >= floor else "  MISSED")
    print(f"  {name:<38}{format_ratio(ratio.cpu):>9} |{format_ratio(ratio.wall):>9}{said}")


def format_ratio(ratio: float) -> str:
    """Return a ratio with two or three figures that mean something."""
    return f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.3f}"
