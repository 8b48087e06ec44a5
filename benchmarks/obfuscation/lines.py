"""Make the lines that hold no term: each set from its inventory of hand-written sentences and slots.

    python -m benchmarks.obfuscation --make-lines

writes ``data/<set>.txt``, the same lines every time. The files are shipped: a measurement needs none of this.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent
INVENTORIES, DATA = FOLDER / "inventories", FOLDER / "data"
SETS = ("unrelated", "neutral_finance", "borrower_questions")
SEED, LINES, TRIES = 20261122, 3_300, 60
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Sentences with named places, and what may stand there."""

    lines: tuple[str, ...]
    slots: dict[str, tuple[str, ...]]


def load_inventory(name: str) -> Inventory:
    """Return the inventory of one set."""
    data = yaml.safe_load((INVENTORIES / f"{name}.yml").read_text(encoding="utf-8"))
    return Inventory(
        lines=tuple(str(line) for line in data["lines"]),
        slots={slot: tuple(str(text) for text in texts) for slot, texts in data["slots"].items()},
    )


def make_lines(name: str) -> list[str]:
    """Return the distinct lines of one set: every sentence in turn, filled anew, until there are enough."""
    inventory, rng = load_inventory(name), random.Random(f"{SEED} {name}")
    made: dict[str, None] = {}
    for _ in range(TRIES):
        for line in inventory.lines:
            made.setdefault(_fill(line, inventory.slots, rng))
            if len(made) == LINES:
                return rng.sample(list(made), LINES)
    raise ValueError(name)


def _fill(line: str, slots: dict[str, tuple[str, ...]], rng: random.Random) -> str:
    """Put one text into each place; two places of one name take two different texts."""
    drawn: dict[str, list[str]] = {}

    def draw(found: re.Match[str]) -> str:
        left = drawn.setdefault(found[1], rng.sample(slots[found[1]], len(slots[found[1]])))
        return left.pop()

    return _SLOT.sub(draw, line)


def load_lines(name: str) -> list[str]:
    """Return the shipped lines of one set."""
    return (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def write_lines() -> None:
    """Write the files of all sets."""
    DATA.mkdir(exist_ok=True)
    for name in SETS:
        (DATA / f"{name}.txt").write_text("\n".join(make_lines(name)) + "\n", encoding="utf-8")
