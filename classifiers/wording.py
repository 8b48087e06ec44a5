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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifiers.clear_labels import CLEAR_LABELS
from classifiers.datafiles import DataFileError, read_data_file
from classifiers.records import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from classifiers.records import Label
    from classifiers.voice import Reading

LONGEST_RUN = 3
# A shorter quotation may be emphasis or the word to send.
CITED_FROM = 7
# What stands for the start of a field, a number, a contact, a quotation, and a term of each role.
START, NUMBER, CONTACT, QUOTE = "\n", "0", "\ue000", "\ue001"
_TERM_SIGNS = {role: chr(0xE010 + number) for number, role in enumerate(Role)}
# Digits, and what has no shape.
_DIGIT = re.compile("[0-9]")
_BLANK = re.compile("[\\s\u200b-\u200f\u2060\ufeff\ufe0e\ufe0f]")
DECIMALS = 3
# Length to which short texts are filled up: a handful of runs must not say as much as a whole text of them.
FLOOR = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of characters: how rare it is, what it says for a clue and, in their order, for the clear labels."""

    rarity: float
    clue: float
    labels: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The runs that say something."""

    runs: Mapping[str, Run]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceWording:
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
    signs: dict[int, str] = {}
    hidden: set[int] = set()
    for start, end, sign in _replaced(reading):
        hidden.update(range(start, end))
        signs[start] = sign
    chars, offsets = [START], [0]
    for at, char in enumerate(reading.folded):
        if at in hidden:
            shown = signs.get(at, "")
        elif _BLANK.match(char):
            continue
        else:
            shown = NUMBER if _DIGIT.match(char) else char
        if shown and not (shown == NUMBER == chars[-1]):
            chars.append(shown)
            offsets.append(at)
    return "".join(chars), offsets


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
    known = [
        (run, place) for text, place in runs_of(readings).items() if (run := wording.runs.get(text)) is not None
    ]
    if not known:
        return Heard()
    norm = math.sqrt(FLOOR**2 + sum(run.rarity**2 for run, _ in known))
    sums: dict[tuple[str, int, int], float] = {}
    for run, (reading, offset) in known:
        sentence = reading.sentence_at(offset)
        key = (reading.field, sentence.start, min(sentence.end, len(reading.text)))
        sums[key] = sums.get(key, 0.0) + scale * run.rarity * run.clue / norm
    sentences = [
        SentenceWording(field=name, start=start, end=end, weight=rounded)
        for (name, start, end), value in sums.items()
        if (rounded := round(value, DECIMALS))
    ]
    labels = {
        label: sum(run.rarity * run.labels[at] for run, _ in known) / norm for at, label in enumerate(CLEAR_LABELS)
    }
    return Heard(sentences=tuple(sentences), labels=labels)


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
