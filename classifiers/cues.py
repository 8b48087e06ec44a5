"""Turns of speech as data: the constructions that tell an offer from a warning, a report or a debtor's story.

A cue is a set of patterns over the folded view (``data/cues.yml``). ``~N`` in a pattern stands for up to N code
points inside one sentence; every other repeat is bounded too, so the work grows linearly with the text. One pass of
an automaton over the words that the patterns cannot do without says which of them are tried at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from classifiers.anchors import find_needs, split_choices
from classifiers.datafiles import DataFileError, DataNode, read_data_file
from classifiers.gate import Gate
from classifiers.records import Role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What a number that a span ends in goes on with: digits, and what they count.
_NUMBER = re.compile(
    r"[\d一二两三四五六七八九十百千万]{0,6}(?:[.\-]\d{1,6})?(?:%|个点|个百分点|[万元块天年期个位岁条wk折成](?![\d]))?"
)
_NUMERAL = re.compile(r"[\d一二两三四五六七八九十]")
_REST = ' ,。!?;:、|~\n\t“”"‘’「『(（'
_GAP = re.compile(r"~(\d+)")
_UNBOUNDED = re.compile(r"(?<!\\)[*+](?![^\[\]]*\])|\{\d*,\}")


class Voice(StrEnum):
    """Who speaks in a sentence."""

    PROVIDER = "provider"
    WARNER = "warner"
    REPORTER = "reporter"
    DEBTOR = "debtor"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One construction: its id, its role in a finding, the voice it gives to a sentence, its patterns."""

    id: str
    role: Role
    speaks: Voice
    choices: tuple[re.Pattern[str], ...]
    hits: tuple[str, ...]
    misses: tuple[str, ...]


class CueHit(NamedTuple):
    """A cue found at [start, end) of a field."""

    cue: Cue
    start: int
    end: int


class CueSet:
    """The cues compiled for search; never changed after it is made."""

    def __init__(self, cues: Sequence[Cue], whole_words: Sequence[str] = ()) -> None:
        """Compile the choices of the cues and the automaton over their anchors."""
        self.cues = tuple(cues)
        longest_first = sorted(whole_words, key=len, reverse=True)
        self._words = re.compile("|".join(map(re.escape, longest_first))) if whole_words else None
        self._reach = max(map(len, whole_words), default=1)
        self._choices = [(cue, choice) for cue in self.cues for choice in cue.choices]
        self._gate = Gate([find_needs(pattern.pattern) for _, pattern in self._choices])

    def find(self, folded: str) -> list[CueHit]:
        """Return every cue found in the folded text, by place; of one cue the hits do not overlap."""
        choices = self._choices
        found = [
            (match.start(), -match.end(), choices[number][0].id, number)
            for number in self._gate.passed(folded)
            for match in choices[number][1].finditer(folded)
            if match.end() > match.start()
        ]
        return [
            CueHit(cue=choices[number][0], start=start, end=self._whole_end(folded, start, -end))
            for start, end, _, number in _without_overlaps(found)
        ]

    def _whole_end(self, folded: str, start: int, last: int) -> int:
        """Return where the words end that the match is about: not inside of one, not at a mark behind them."""
        end = start + len(folded[start:last].rstrip(_REST)) or last
        if end > start and _NUMERAL.match(folded, end - 1):
            number = _NUMBER.match(folded, end)
            return number.end() if number else end
        if self._words is not None:
            for first in range(max(start, end - self._reach + 1), end):
                word = self._words.match(folded, first)
                if word and word.end() > end:
                    return word.end()
        return end


def _without_overlaps(found: list[tuple[int, int, str, int]]) -> list[tuple[int, int, str, int]]:
    """Return the matches (start, -end, id of the cue, number of the choice) by place, none of a cue in another."""
    reach: dict[str, int] = {}
    kept = []
    for match in sorted(found):
        if match[0] >= reach.get(match[2], 0):
            reach[match[2]] = -match[1]
            kept.append(match)
    return kept


def load_cues(path: Path) -> CueSet:
    """Read and compile the cues; raise DataFileError on a wrong pattern, key or double id."""
    data = read_data_file(path)
    whole_words = data.texts("whole_words") if data.has("whole_words") else ()
    cues = [_make_cue(path, node) for node in data.nodes("cues")]
    data.close()
    if len({cue.id for cue in cues}) != len(cues):
        raise DataFileError(path, "a cue id stands twice")
    return CueSet(cues, whole_words)


def _make_cue(path: Path, node: DataNode) -> Cue:
    name = node.text("id")
    try:
        cue = Cue(
            id=name,
            role=Role(node.text("role")),
            speaks=Voice(node.text("speaks")) if node.has("speaks") else Voice.NONE,
            choices=tuple(
                re.compile(choice)
                for pattern in node.texts("patterns")
                for choice in split_choices(expand_pattern(pattern))
            ),
            hits=node.texts("hits"),
            misses=node.texts("misses"),
        )
    except (re.error, ValueError) as error:
        raise DataFileError(path, f"cue {name}: {error}") from error
    node.close()
    return cue


def expand_pattern(pattern: str) -> str:
    """Return the pattern with ``~N`` written out; raise ValueError where a repeat has no bound."""
    if _UNBOUNDED.search(pattern):
        raise ValueError(f"a repeat without a bound in {pattern!r}")
    return _GAP.sub(lambda match: rf"[^。!?;\n]{{0,{match[1]}}}?", pattern)
