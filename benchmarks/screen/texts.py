"""Posts and terms of this benchmark: word lists, sets of terms, and posts drawn from the words.

No public corpus of such posts exists, so they are made: 60 to 400 characters, words drawn by Zipf's law from a
list of everyday words and a tail of dictionary words, with marks between clauses. One post in twenty carries a
term as it is written; in the dense set every post does, half of them in disguise. Decorated posts have pictures,
tags, prices and foreign words as posts of the platforms do, and so every view is needed for them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.obfuscation.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HERE = Path(__file__).parent
COMMON, RARE, TERMS = _HERE / "common_words.txt", _HERE / "rare_words.txt", _HERE / "terms.txt"
# Sizes of the nested sets of terms.
SIZES = (50, 200, 2_000)
SHORTEST, LONGEST = 60, 400
ONE_IN = 20
# Characters of a short line, as in a comment or a title.
SHORT = 29
# Zipf-Mandelbrot: the weight of rank n is 1 / (n + SHIFT).
_SHIFT = 2.7
_MARKS = "，，，，。。。！？、 \n"
_CLAUSE = (2, 9)
_DECORATION = [
    "😂",
    "🎉",
    "✨✨",
    "❤️",
    "👍",
    "🔥",
    "💰",
    "📷",
    "😭😭",
    "☀️",
    "🍜",
    "✅",
    "❗",
    "#日常#",
    "#vlog",
    "#打卡[话题]#",
    "@小鱼",
    "iPhone",
    "ok",
    "app",
    "wifi",
    "PK",
    "CP",
    "yyds",
    "nice",
    "xswl",
    "3.9元",
    "99%",
    "5+1",
    "v2.0",
    "p1",
    "2026年",
    "100块",
    "24h",
    "～",
    "…",
    "——",
    "【】",
    "（笑）",
    "emo",
]


def read_words(path: Path) -> list[str]:
    """Return the words of a list, each once, in its order; lines that begin with # say what it is."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(word for line in lines if not line.startswith("#") for word in line.split()))


class Writer:
    """Writes posts of words drawn by frequency; the same seed writes the same posts."""

    def __init__(self, seed: int) -> None:
        """Read the words and weigh them by rank."""
        self.dice = random.Random(seed)
        self._words = [*read_words(COMMON), *read_words(RARE)]
        self._weights = list(accumulate(1 / (rank + _SHIFT) for rank in range(1, len(self._words) + 1)))

    def text(self, length: int) -> str:
        """Return a text of so many characters."""
        parts: list[str] = []
        size = 0
        while size < length:
            words = self.dice.choices(self._words, cum_weights=self._weights, k=self.dice.randint(*_CLAUSE))
            clause = "".join(words) + self.dice.choice(_MARKS)
            parts.append(clause)
            size += len(clause)
        return "".join(parts)[:length]

    def post(self, term: str = "") -> str:
        """Return a post of ordinary length that holds the term in one of its places."""
        text = self.text(self.dice.randint(SHORTEST, LONGEST))
        at = self.dice.randrange(len(text))
        return text[:at] + term + text[at:]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostSet:
    """A set of posts, with what is in it."""

    title: str
    posts: tuple[str, ...]


def make_stream(
    terms: Sequence[str], *, count: int, one_in: int = ONE_IN, is_quiet: Callable[[str], bool] | None = None
) -> PostSet:
    """Return posts of which one in so many carries a term; the others are as they fall, or all quiet ones."""
    writer = Writer(1)
    posts: list[str] = []
    while len(posts) < count:
        carries = len(posts) % one_in == 0
        post = writer.post(writer.dice.choice(terms) if carries else "")
        if carries or is_quiet is None or is_quiet(post):
            posts.append(post)
    others = "as they fall" if is_quiet is None else "quiet"
    return PostSet(title=f"stream, a term in one of {one_in}, others {others}", posts=tuple(posts))


def make_short_lines(*, count: int) -> PostSet:
    """Return short lines, as comments and titles are."""
    writer = Writer(2)
    return PostSet(title=f"lines of {SHORT} characters", posts=tuple(writer.text(SHORT) for _ in range(count)))


def make_decorated(terms: Sequence[str], *, count: int) -> PostSet:
    """Return posts of a stream with pictures, tags, prices and foreign words between their words."""
    writer = Writer(4)
    posts = []
    for number in range(count):
        parts = [writer.post("" if number % ONE_IN else writer.dice.choice(terms))]
        for _ in range(writer.dice.randint(2, 8)):
            at = writer.dice.randrange(len(parts[-1]) + 1)
            parts[-1:] = [parts[-1][:at], writer.dice.choice(_DECORATION), parts[-1][at:]]
        posts.append("".join(parts))
    return PostSet(title="decorated, pictures and letters in every post", posts=tuple(posts))


def make_dense(terms: Sequence[str], *, count: int) -> PostSet:
    """Return posts that all carry a term, every second one disguised in one of the ways of the other benchmark."""
    writer = Writer(3)
    ways = list(WAYS.values())
    posts = []
    for number in range(count):
        term = writer.dice.choice(terms)
        if number % 2:
            term = writer.dice.choice(ways)(term, writer.dice) or term
        posts.append(writer.post(term))
    return PostSet(title="dense, a term in every post, half of them disguised", posts=tuple(posts))
