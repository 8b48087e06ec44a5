"""Which of many patterns are worth trying on a text: those of whose needed words one of each set stands in it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import daachorse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Needs = Sequence[frozenset[str]]


class Gate:
    """The needs of all patterns, compiled for one pass over a text; never changed after it is made.

    Words are looked for by an automaton. Of a set that holds a single character only the first characters of its
    words count, which are looked up among those of the text. Every set is one bit, so that one comparison says
    whether all sets of a pattern are met.
    """

    def __init__(self, needs: Sequence[Needs]) -> None:
        """Take the needs of every pattern, the rarest set first; a pattern without any is always tried."""
        self._bits: defaultdict[str, int] = defaultdict(int)
        self._owners: defaultdict[str, list[int]] = defaultdict(list)
        self._needed: list[int] = []
        self._always = [pattern for pattern, sets in enumerate(needs) if not sets]
        bits: dict[frozenset[str], int] = {}
        for pattern, sets in enumerate(needs):
            looked_for = [_looked_for(words) for words in sets]
            for words in looked_for:
                bit = bits.setdefault(words, 1 << len(bits))
                for word in words:
                    self._bits[word] |= bit
            for word in looked_for[0] if looked_for else ():
                self._owners[word].append(pattern)
            self._needed.append(sum({bits[words] for words in looked_for}))
        self._chars = frozenset(word for word in self._bits if len(word) == 1)
        self._words = sorted(self._bits.keys() - self._chars)
        self._machine = daachorse.CharwiseDoubleArrayAhoCorasick(self._words) if self._words else None

    def passed(self, text: str) -> list[int]:
        """Return the numbers of the patterns that can match somewhere in the text, in order."""
        found: Iterable[str] = self._chars.intersection(text)
        if self._machine is not None and text:
            words = self._words
            found = {words[number] for _, _, number in self._machine.find_overlapping(text)}.union(found)
        met, needed = 0, self._needed
        tried = set(self._always)
        for word in found:
            met |= self._bits[word]
            if word in self._owners:
                tried.update(self._owners[word])
        return sorted(pattern for pattern in tried if needed[pattern] & met == needed[pattern])


def _looked_for(words: frozenset[str]) -> frozenset[str]:
    """Return what shows that a need is met: its words, or their first characters if one is no longer."""
    return frozenset(word[0] for word in words) if min(map(len, words)) == 1 else words
