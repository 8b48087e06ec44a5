"""How a text is worded: short runs of characters that solicitations have and other texts have not.

Cues and terms catch what somebody thought of; the turns that nobody listed are left to a linear model over runs of
one to three characters of everything that one speaker says. What the terms and contacts say already, and the words
between quotation marks, are replaced by a sign each, so the model hears the talk around them. A run counts once,
where it first stands, and what the runs of one sentence add up to is shown as one finding about that sentence.

The numbers are data (``data/wording.json``), fitted on the gold set by ``scripts/fit_wording.py``.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import daachorse
import numpy as np

from classifiers.clear_labels import CLEAR_LABELS
from classifiers.datafiles import DataFileError, read_data_file
from classifiers.records import Role
from classifiers.voice import CITED_FROM

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from classifiers.records import Label
    from classifiers.voice import Reading

    Indexes = npt.NDArray[np.intp]

LONGEST_RUN = 3
WORDING_RULE = "wording"
# What stands for the start of a field, a number, a contact, a quotation, and a term of each role.
START, NUMBER, CONTACT, QUOTE = "\n", "0", "\ue000", "\ue001"
_TERM_SIGNS = {role: chr(0xE010 + number) for number, role in enumerate(Role)}
# A number, or what stands between numbers and what has no shape.
_PIECE = re.compile("[0-9]+|[^0-9\\s\u200b-\u200f\u2060\ufeff\ufe0e\ufe0f]+")
_DIGITS = frozenset("0123456789")
DECIMALS = 3
_NONE = np.zeros(0, dtype=np.intp)
# Length to which short texts are filled up: a handful of runs must not say as much as a whole text of them.
FLOOR = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of characters: how rare it is, what it says for a clue and, in their order, for the clear labels."""

    rarity: float
    clue: float
    labels: tuple[float, ...]


class Wording:
    """The runs that say something, compiled for one pass over a text; never changed after it is made."""

    def __init__(self, runs: Mapping[str, Run]) -> None:
        """Compile the runs."""
        self.runs = runs
        self._machine = daachorse.CharwiseDoubleArrayAhoCorasick(list(runs)) if runs else None
        rarity = np.array([run.rarity for run in runs.values()])
        clue = np.array([run.clue for run in runs.values()])
        labels = np.array([run.labels for run in runs.values()]).reshape(len(runs), len(CLEAR_LABELS))
        # For each run what it adds to the norm, for a clue and for each clear label: one place in memory.
        self.rows = np.column_stack((rarity**2, rarity * clue, rarity[:, None] * labels))

    def find(self, text: str) -> dict[int, int]:
        """Return the known runs that stand in the text, by number, with the place where each first stands."""
        if self._machine is None or not text:
            return {}
        # What is written last is the first place.
        return {number: start for start, _, number in reversed(self._machine.find_overlapping(text))}


class SentenceWording(NamedTuple):
    """What the wording of one sentence of a field adds to the log-odds of a clue."""

    field: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the wording of one speaker says: by sentence for a clue, and in sum for each clear label."""

    sentences: tuple[SentenceWording, ...] = ()
    labels: Mapping[Label, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Return what all sentences add to the log-odds."""
        return sum(sentence.weight for sentence in self.sentences)


def render(reading: Reading) -> tuple[str, list[int]]:
    """Return the text of a field with signs for terms, contacts, quotations and numbers, and the offset of each."""
    signs = {start: sign for start, _, sign in _replaced(reading)}
    parts, offsets = [START], [0]
    last, at, folded = START, 0, reading.folded
    for start, end in _hidden(reading):
        last = _add_plain(folded, at, start, parts=parts, offsets=offsets, last=last)
        for place in range(start, end):
            if place in signs:
                last = signs[place]
                parts.append(last)
                offsets.append(place)
        at = end
    _add_plain(folded, at, len(folded), parts=parts, offsets=offsets, last=last)
    return "".join(parts), offsets


def _add_plain(folded: str, start: int, end: int, *, parts: list[str], offsets: list[int], last: str) -> str:
    """Add what stands between two signs, and return its last character; numbers in a row are one."""
    for piece in _PIECE.finditer(folded, start, end):
        text = piece.group()
        if text[0] not in _DIGITS:
            parts.append(text)
            offsets.extend(range(piece.start(), piece.end()))
            last = text[-1]
        elif last != NUMBER:
            parts.append(NUMBER)
            offsets.append(piece.start())
            last = NUMBER
    return last


def _hidden(reading: Reading) -> list[tuple[int, int]]:
    """Return what signs stand for as [start, end), in order and without overlaps."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted((start, end) for start, end, _ in _replaced(reading)):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def _replaced(reading: Reading) -> Iterator[tuple[int, int, str]]:
    """Yield what a sign stands for; a later one wins where two begin at one place."""
    for hit in reading.terms:
        yield hit.start, hit.end, _TERM_SIGNS[hit.role]
    for contact in reading.contacts:
        yield contact.start, contact.end, CONTACT
    for start, end in reading.quotes:
        if end - start >= CITED_FROM:
            yield start, end, QUOTE


def runs_of(readings: Iterable[Reading]) -> dict[str, tuple[Reading, int]]:
    """Return every run of one speaker's fields with the place where it first stands."""
    first: dict[str, tuple[Reading, int]] = {}
    for reading in readings:
        text, offsets = render(reading)
        for length in range(1, LONGEST_RUN + 1):
            for at in range(len(text) + 1 - length):
                run = text[at : at + length]
                if run not in first:
                    first[run] = (reading, offsets[at])
    return first


def hear(readings: Sequence[Reading], wording: Wording, *, scale: float) -> Heard:
    """Return what the wording of one speaker's fields says; nothing where no known run stands in them.

    ``scale`` is the log-odds that one point of the wording model is worth beside the other findings.
    """
    numbers, spoken = _first_places(readings, wording)
    if not len(numbers):
        return Heard()
    rows = wording.rows.take(numbers, axis=0)
    squares, _, *labels = rows.sum(axis=0).tolist()
    norm = math.sqrt(FLOOR**2 + squares)
    weights = np.bincount(spoken, weights=rows[:, 1]) * (scale / norm)
    sentences = [(reading, sentence) for reading in readings for sentence in reading.sentences]
    return Heard(
        sentences=tuple(
            SentenceWording(reading.field, sentence.start, min(sentence.end, len(reading.text)), weight)
            for (reading, sentence), weight in zip(sentences, weights.round(DECIMALS).tolist(), strict=False)
            if weight
        ),
        labels={label: value / norm for label, value in zip(CLEAR_LABELS, labels, strict=True)},
    )


def _first_places(readings: Sequence[Reading], wording: Wording) -> tuple[Indexes, Indexes]:
    """Return the known runs of one speaker by number, and the sentence of all his in which each first stands."""
    seen: set[int] = set()
    numbers, spoken = [_NONE], [_NONE]
    sentences = 0
    for reading in readings:
        text, offsets = render(reading)
        places = wording.find(text)
        if seen:
            places = {number: at for number, at in places.items() if number not in seen}
        if places:
            seen.update(places)
            starts = [bisect_left(offsets, sentence.start) for sentence in reading.sentences]
            numbers.append(_integers(places))
            spoken.append(np.searchsorted(starts, _integers(places.values()), side="right") - 1 + sentences)
        sentences += len(reading.sentences)
    return np.concatenate(numbers), np.concatenate(spoken)


def _integers(values: Collection[int]) -> Indexes:
    return np.fromiter(values, dtype=np.intp, count=len(values))


def load_wording(path: Path) -> Wording:
    """Read the runs; raise DataFileError on an unknown or missing key or a row of another shape."""
    data = read_data_file(path)
    wording = Wording(runs={text: _run(path, text, row) for text, row in data.node("runs").items()})
    data.close()
    return wording


def _run(path: Path, text: str, row: object) -> Run:
    """Return the run of one row: rarity, what it adds for a clue, what it adds for each clear label."""
    if not isinstance(row, list) or len(row) != 2 + len(CLEAR_LABELS):
        raise DataFileError(path, f"the run {text!r} needs {2 + len(CLEAR_LABELS)} numbers", field=f"runs.{text}")
    numbers = [value for value in row if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != len(row):
        raise DataFileError(path, f"the run {text!r} holds something that is no number", field=f"runs.{text}")
    return Run(rarity=float(numbers[0]), clue=float(numbers[1]), labels=tuple(map(float, numbers[2:])))
