"""Which of many patterns are worth trying on a text: those of whose needed words one of each set stands in it."""

from __future__ import annotations

import re
from codecs import utf_32_le_encode
from collections import defaultdict
from typing import TYPE_CHECKING

import daachorse
import numpy as np

from classifiers.anchors import ANY_DIGIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    Needs = Sequence[frozenset[str]]

_DIGIT = re.compile(r"\d")


class Gate:
    """The needs of all patterns, compiled for one pass over a text; never changed after it is made.

    Words are looked for by an automaton, single characters among those of the text. Every set is one bit, so that
    one comparison says whether all sets of a pattern are met.
    """

    def __init__(self, needs: Sequence[Needs]) -> None:
        """Take the needs of every pattern, the rarest set first; a pattern without any is always tried."""
        bits: defaultdict[str, int] = defaultdict(int)
        owners: defaultdict[str, list[int]] = defaultdict(list)
        numbers: dict[frozenset[str], int] = {}
        self._needed: list[int] = []
        self._always = [pattern for pattern, sets in enumerate(needs) if not sets]
        for pattern, sets in enumerate(needs):
            looked_for = [_looked_for(words) for words in sets]
            for words in looked_for:
                bit = numbers.setdefault(words, 1 << len(numbers))
                for word in words:
                    bits[word] |= bit
            for word in looked_for[0] if looked_for else ():
                owners[word].append(pattern)
            self._needed.append(sum({numbers[words] for words in looked_for}))
        chars = sorted(word for word in bits if len(word) == 1)
        held: list[tuple[int, Sequence[int]]] = [(bits[char], owners.get(char, ())) for char in chars]
        self._chars = [(0, ()), *held]
        self._digit = chars.index(ANY_DIGIT) + 1 if ANY_DIGIT in chars else 0
        # Which of them a code point is; the last place stands for all code points behind.
        self._places = np.zeros(max(map(ord, chars), default=0) + 2, dtype=np.intp)
        self._places[[ord(char) for char in chars]] = range(1, len(chars) + 1)
        longer = sorted(word for word in bits if len(word) > 1)
        self._words: list[tuple[int, Sequence[int]]] = [(bits[word], owners.get(word, ())) for word in longer]
        self._machine = daachorse.CharwiseDoubleArrayAhoCorasick(longer) if longer else None

    def passed(self, text: str) -> list[int]:
        """Return the numbers of the patterns that can match somewhere in the text, in order."""
        found = self._chars_of(text)
        if self._machine is not None and text:
            words = self._words
            found += [words[number] for number in {number for _, _, number in self._machine.find_overlapping(text)}]
        met, needed = 0, self._needed
        tried = set(self._always)
        for bits, owners in found:
            met |= bits
            if owners:
                tried.update(owners)
        return sorted(pattern for pattern in tried if needed[pattern] & met == needed[pattern])

    def _chars_of(self, text: str) -> list[tuple[int, Sequence[int]]]:
        """Return (bits, patterns) of the single characters that stand in the text."""
        seen = np.zeros(len(self._chars), dtype=bool)
        codes = np.frombuffer(utf_32_le_encode(text, "surrogatepass")[0], dtype=np.uint32)
        seen[self._places.take(codes, mode="clip")] = True
        seen[self._digit] |= bool(self._digit) and _DIGIT.search(text) is not None
        chars = self._chars
        return [chars[number] for number in seen.nonzero()[0].tolist()]


def _looked_for(words: frozenset[str]) -> frozenset[str]:
    """Return what shows that a need is met: its words but those that hold a single character that does so too."""
    chars = {word for word in words if len(word) == 1}
    return frozenset(word for word in words if len(word) == 1 or chars.isdisjoint(word))
