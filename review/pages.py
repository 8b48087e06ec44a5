"""The templates and what they may use: everything that is printed is escaped, nothing is marked safe."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from classifiers.records import CATEGORY_TITLES, CONTACT_TITLES, Category, ContactKind
from review.hidden import show_hidden
from review.marking import mark_text

if TYPE_CHECKING:
    from review.i18n import Catalogue

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""The zone of every time that the desk shows."""

_FOLDER = Path(__file__).parent / "templates"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@cache
def load_pages() -> Environment:
    """Return the environment of the desk's templates."""
    pages = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"moment": moment, "age": age, "category": category_title, "contact": contact_title}
    pages.filters |= {"pieces": pieces, "plain": show_hidden, "signed": signed}
    return pages


def moment(value: datetime | str | None) -> str:
    """Return a time in Shanghai to the minute, empty for None."""
    if value is None:
        return ""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def age(value: datetime, words: Catalogue, now: datetime) -> str:
    """Return how long ago something was, in one unit."""
    seconds = max((now - value).total_seconds(), 0)
    for unit, length in (("days", _DAY), ("hours", _HOUR), ("minutes", _MINUTE)):
        if seconds >= length:
            return words(f"age.{unit}", n=int(seconds // length))
    return words("age.now")


def category_title(key: str | None, words: Catalogue) -> str:
    """Return a category's shown title; a key that this version does not know stays as it is."""
    if key not in set(Category):
        return key or ""
    return CATEGORY_TITLES[Category(key)][0 if words.language == "zh" else 1]


def contact_title(key: str, words: Catalogue) -> str:
    """Return the shown title of a kind of contact; an unknown one stays as it is."""
    if key not in set(ContactKind):
        return key
    return CONTACT_TITLES[ContactKind(key)][0 if words.language == "zh" else 1]


def pieces(text: str | None) -> list[object]:
    """Return a strange text in pieces for the macro that shows hidden characters."""
    return list(mark_text(text or ""))


def signed(number: float) -> str:
    """Return a number with its sign, as short as it is exact; nothing has none."""
    return f"{number:+.4f}".rstrip("0").rstrip(".") if number else "0"
