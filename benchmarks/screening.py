"""Speed of the matcher and of whole screening against a plain scan of the same terms.

Baseline: one ``ahocorasick_rs`` automaton (DFA) over every written form of the lexicon, overlapping matches, on the
raw text: it finds plain spellings only. All lines read the same posts in one process; five repeats, median. The
posts are made of neutral clauses; in the stream one in twenty carries sentences of the field, in the dense set
every one does, among the plain posts and the short lines none. Commands screen in portions.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING

import ahocorasick_rs

from classifiers.engine import load_ruleset, screen_post, screen_posts
from classifiers.fuzzy import FuzzyCounts
from classifiers.keywords import find_terms, find_terms_each
from classifiers.lexicon import written_forms
from classifiers.records import PostText
from classifiers.views import make_views

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from classifiers.engine import Ruleset

REPEATS = 5
POSTS = 1_500
PORTION = 100
SHORTEST, LONGEST = 60, 400
ONE_IN = 20
SHORT = 29

_SUBJECTS = ["我", "她", "邻居", "同事", "孩子", "老板", "楼下的大爷", "我们班长", "表姐", "隔壁的猫"]
_TIMES = ["今天", "昨晚", "上周末", "一大早", "下班以后", "去年冬天", "刚才", "放假那几天", "中午", "雨停之后"]
_DEEDS = [
    "去菜市场买了两斤西红柿",
    "在河边走了一个小时",
    "把旧书架重新刷了一遍",
    "给阳台的花换了土",
    "排队吃到了那家面馆",
    "看完了整季的纪录片",
    "学会了做红烧排骨",
    "骑车去了植物园",
    "在图书馆坐了一下午",
    "把相册里的照片整理好了",
    "跟着视频练了半小时瑜伽",
    "坐高铁回了一趟老家",
    "修好了漏水的水龙头",
    "在操场跑了五公里",
    "给奶奶打了一通视频",
]
_FEELINGS = [
    "心情特别好",
    "有点累但是值得",
    "下次还想再来",
    "推荐给大家试试",
    "说不上来的舒服",
    "差点忘了时间",
    "味道比想象中好",
]
_MARKS = "，，，。。！～"


def neutral_text(dice: random.Random, length: int) -> str:
    """Return about so many characters of everyday life."""
    text = ""
    while len(text) < length:
        text += dice.choice(_TIMES) + dice.choice(_SUBJECTS) + dice.choice(_DEEDS) + dice.choice(_MARKS)
        if dice.random() < 1 / 3:
            text += dice.choice(_FEELINGS) + dice.choice(_MARKS)
    return text


def make_posts(ruleset: Ruleset, *, one_in: int) -> list[str]:
    """Return posts of which one in so many carries two sentences that the lexicon is meant to find."""
    dice = random.Random(11)
    sentences = [text for term in ruleset.lexicon.terms for text in term.matching]
    posts = []
    for number in range(POSTS):
        text = neutral_text(dice, dice.randint(SHORTEST, LONGEST))
        if number % one_in == 0:
            text += "，".join(dice.choices(sentences, k=2))
        posts.append(text)
    return posts


def median_seconds(work: Callable[[], object]) -> float:
    """Return the median of the repeats, after one that is not counted."""
    work()
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def compare(posts: Sequence[str], ruleset: Ruleset) -> dict[str, float]:
    """Return each way of reading the posts as its share of the plain scan's speed."""
    lexicon = ruleset.lexicon
    forms = sorted({form for term in lexicon.terms for form in written_forms(term)})
    plain = ahocorasick_rs.AhoCorasick(forms, implementation=ahocorasick_rs.Implementation.DFA)
    records = [PostText(id=str(number), text=text) for number, text in enumerate(posts)]
    portions = [posts[at : at + PORTION] for at in range(0, len(posts), PORTION)]
    ways: dict[str, Callable[[], object]] = {
        "plain scan": lambda: [plain.find_matches_as_indexes(text, overlapping=True) for text in posts],
        "views": lambda: [make_views(text).near for text in posts],
        "matcher, text by text": lambda: [find_terms(make_views(text), lexicon) for text in posts],
        "matcher, in one go": lambda: [find_terms_each(portion, lexicon) for portion in portions],
        "screening, post by post": lambda: [screen_post(record, ruleset) for record in records],
        "screening, in portions": lambda: [
            screen_posts(records[at : at + PORTION], ruleset) for at in range(0, len(records), PORTION)
        ],
    }
    seconds = {name: median_seconds(work) for name, work in ways.items()}
    return {name: seconds["plain scan"] / taken for name, taken in seconds.items()}


def main() -> None:
    """Print the table."""
    ruleset = load_ruleset()
    print(
        f"{len(ruleset.lexicon.terms)} terms, {POSTS} posts of {SHORTEST}-{LONGEST} characters, 1.00 = plain scan"
    )
    dice = random.Random(12)
    sets = {
        "stream": make_posts(ruleset, one_in=ONE_IN),
        "dense": make_posts(ruleset, one_in=1),
        "plain posts": make_posts(ruleset, one_in=POSTS + 1)[1:],
        "short lines": [neutral_text(dice, SHORT)[:SHORT] for _ in range(POSTS)],
    }
    for title, posts in sets.items():
        counts = FuzzyCounts()
        find_terms_each(posts, ruleset.lexicon, counts=counts)
        print(f"{title}: {counts.windows / len(posts):.2f} windows per post, {counts.compared} compared")
        for name, ratio in compare(posts, ruleset).items():
            print(f"  {name:<24}{ratio:7.3f}")


if __name__ == "__main__":
    main()
