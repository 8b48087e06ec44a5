"""The texts of the simulated forum, put together from the parts in ``content``: pure functions of a seeded dice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import random

CONTENT = Path(__file__).parent / "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What somebody writes; ``category`` is None for an innocent text, ``sort`` its class or ``offer``."""

    title: str
    paragraphs: tuple[str, ...]
    sort: str
    category: str | None = None


def write_offer(dice: random.Random, category: str, contact: str) -> Text:
    """Return a solicitation of a category with this contact in it."""
    parts = _parts("offers")
    own = parts["categories"][category]
    offer = f"{dice.choice(own['openings'])}\n{dice.choice(own['claims'])}"
    close = f"{dice.choice(parts['fees'])}{dice.choice(parts['calls']).format(contact=contact)}"
    return Text(title=dice.choice(own["titles"]), paragraphs=(offer, close), sort="offer", category=category)


def write_pitch(dice: random.Random, contact: str) -> tuple[str, str]:
    """Return a comment that solicits, and its category."""
    chosen = dice.choice(_parts("offers")["comments"])
    return chosen["text"].format(contact=contact), chosen["category"]


def write_ordinary(dice: random.Random, sort: str) -> Text:
    """Return an innocent post of a class: victim, warning, education, everyday, news."""
    own = _parts("ordinary")["classes"][sort]
    story = f"{dice.choice(own['openings'])}{dice.choice(own['middles'])}"
    return Text(title=dice.choice(own["titles"]), paragraphs=(story, dice.choice(own["ends"])), sort=sort)


def write_remark(dice: random.Random) -> str:
    """Return an innocent comment."""
    return str(dice.choice(_parts("ordinary")["remarks"]))


def write_edit(dice: random.Random) -> str:
    """Return what an author adds to an offer afterwards."""
    return str(dice.choice(_parts("offers")["edits"]))


def categories() -> tuple[str, ...]:
    """Return the categories that operators offer."""
    return tuple(_parts("offers")["categories"])


def sorts() -> tuple[str, ...]:
    """Return the classes of innocent posts."""
    return tuple(_parts("ordinary")["classes"])


def boards() -> dict[str, str]:
    """Return the forum's boards, address to title."""
    return dict(_parts("ordinary")["boards"])


def make_name(dice: random.Random, *, offers: bool) -> str:
    """Return a nickname; a number makes it one account's own."""
    return f"{dice.choice(_parts('offers' if offers else 'ordinary')['names'])}{dice.randint(100, 99999)}"


def make_contact(dice: random.Random) -> str:
    """Return an invented messenger id."""
    letters = "".join(dice.choices("abcdefghkmnprstwxy", k=5))
    return f"qysim_{letters}{dice.randint(10, 99)}"


@cache
def _parts(name: str) -> dict[str, Any]:
    parts: dict[str, Any] = yaml.safe_load((CONTENT / f"{name}.yml").read_text("utf-8"))
    return parts
