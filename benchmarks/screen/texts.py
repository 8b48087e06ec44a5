"""Posts and terms of this benchmark: word lists, sets of terms, and posts drawn from the words.

No public corpus of such posts exists, so they are made: 60 to 400 characters, words drawn by Zipf's law from a
list of everyday words and a tail of dictionary words, with marks between clauses. One post in twenty carries a
term as it is written; in the dense set every post does, half of them in disguise.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.obfuscation.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def make_stream(terms: Sequence[str], topics: Sequence[str], *, count: int, one_in: int = ONE_IN) -> PostSet:
    """Return posts of which one in so many carries a term; in the others stands no topic of the lexicon."""
    writer = Writer(1)
    posts: list[str] = []
    while len(posts) < count:
        carries = len(posts) % one_in == 0
        post = writer.post(writer.dice.choice(terms) if carries else "")
        if carries or not any(topic in post for topic in topics):
            posts.append(post)
    return PostSet(title=f"stream, a term in one of {one_in}", posts=tuple(posts))


def make_short_lines(*, count: int) -> PostSet:
    """Return short lines, as comments and titles are."""
    writer = Writer(2)
    return PostSet(title=f"lines of {SHORT} characters", posts=tuple(writer.text(SHORT) for _ in range(count)))


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
