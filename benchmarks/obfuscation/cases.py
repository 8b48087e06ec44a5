"""The cases of the benchmark: every term, disguised in every way, put into sentences that hold nothing else."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.obfuscation.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).parent
SEED = 20261122
DRAWS = 10
PLACE = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One disguised term in one text, and its place [start, end) there."""

    way: str
    term: str
    disguised: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the disguised term ends."""
        return self.start + len(self.disguised)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that are neither empty nor comments."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("# ")]


def load_terms() -> list[str]:
    """Return the fifty terms."""
    return read_lines(FOLDER / "terms.txt")


def load_carriers() -> list[str]:
    """Return the written carriers; each has one place for a term."""
    return read_lines(FOLDER / "carriers.txt")


def make_natural_carriers(lines: Sequence[str]) -> list[str]:
    """Return the lines with a place for a term: anywhere between two characters, but not inside a Latin word."""
    rng = random.Random(f"{SEED} natural")
    carriers = []
    for line in lines:
        safe = line.replace("{", "").replace("}", "")
        places = [at for at in range(1, len(safe)) if not (safe[at - 1].isascii() and safe[at].isascii())]
        if places:
            at = rng.choice(places)
            carriers.append(safe[:at] + PLACE + safe[at:])
    return carriers


def make_cases(terms: Sequence[str], carriers: Sequence[str], *, draws: int = DRAWS) -> list[Case]:
    """Return so many draws of every way for every term to which it applies; the same ones every time."""
    cases = []
    for way, disguise in WAYS.items():
        rng = random.Random(f"{SEED} {way}")
        for term in terms:
            for _ in range(draws):
                disguised = disguise(term, rng)
                carrier = rng.choice(carriers)
                if disguised is not None:
                    text = carrier.replace(PLACE, disguised)
                    start = carrier.index(PLACE)
                    cases.append(Case(way=way, term=term, disguised=disguised, text=text, start=start))
    return cases
