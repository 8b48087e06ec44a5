"""Turns of speech as data: the constructions that tell an offer from a warning, a report or a debtor's story.

A cue is a set of patterns over the folded view (``data/cues.yml``). ``~N`` in a pattern stands for up to N code
points inside one sentence; every other repeat is bounded too, so the work grows linearly with the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from classifiers.datafiles import DataFileError, DataNode, read_data_file
from classifiers.records import Role

if TYPE_CHECKING:
    from pathlib import Path

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
    pattern: re.Pattern[str]
    hits: tuple[str, ...]
    misses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CueHit:
    """A cue found at [start, end) of a field."""

    cue: Cue
    start: int
    end: int


def load_cues(path: Path) -> tuple[Cue, ...]:
    """Read and compile the cues; raise DataFileError on a wrong pattern, key or double id."""
    data = read_data_file(path)
    cues = tuple(_make_cue(path, node) for node in data.nodes("cues"))
    data.close()
    if len({cue.id for cue in cues}) != len(cues):
        raise DataFileError(path, "a cue id stands twice")
    return cues


def _make_cue(path: Path, node: DataNode) -> Cue:
    name = node.text("id")
    try:
        cue = Cue(
            id=name,
            role=Role(node.text("role")),
            speaks=Voice(node.text("speaks")) if node.has("speaks") else Voice.NONE,
            pattern=re.compile("|".join(expand_pattern(pattern) for pattern in node.texts("patterns"))),
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


def find_cues(folded: str, cues: tuple[Cue, ...]) -> list[CueHit]:
    """Return every cue found in the folded text, by place."""
    found = [
        CueHit(cue=cue, start=match.start(), end=match.end())
        for cue in cues
        for match in cue.pattern.finditer(folded)
    ]
    return sorted(found, key=lambda hit: (hit.start, hit.end, hit.cue.id))
