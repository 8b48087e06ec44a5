"""Reading JSON of platforms strictly: each value is taken, ignored on purpose or left over. Pure functions."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.post_lines import parse_count
from storage.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.records import Json

_MAX_PROBLEMS = 20
_STATE = re.compile(r"window\.__INITIAL_STATE__\s*=\s*(\{.*?\})\s*;?\s*</script>", re.DOTALL)
_LITERALS = re.compile(r'"(?:[^"\\]|\\.)*"|\bundefined\b|\bNaN\b|-?\bInfinity\b', re.DOTALL)
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_BOXES = ("_value", "_rawValue", "_raw_value")


class Audit:
    """What a reading could not account for, each thing once."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    def note(self, message: str) -> None:
        """Remember one thing."""
        if len(self._found) < _MAX_PROBLEMS:
            self._found.setdefault(message)

    @property
    def problems(self) -> tuple[str, ...]:
        """What was noted, in order."""
        return tuple(self._found)


class Fields:
    """A JSON object that is taken apart; :meth:`done` names the keys that nobody took."""

    def __init__(self, value: object, place: str, audit: Audit) -> None:
        if not isinstance(value, dict | None):
            audit.note(f"{place} is no object")
        self._left: Json = dict(value) if isinstance(value, dict) else {}
        self.is_there = isinstance(value, dict)
        self.place = place
        self._audit = audit

    def take(self, *names: str) -> Any:  # noqa: ANN401 - a JSON value
        """Return the first of these values that is there, None where none is; all of them count as taken."""
        values = [self._left.pop(name, None) for name in names]
        return next((value for value in values if value is not None), None)

    def text(self, *names: str) -> str:
        """Return a text; numbers are written out, because ids are text at every step; "" where there is none."""
        value = self.take(*names)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is not None and not isinstance(value, str):
            self._audit.note(f"{self.place}.{names[0]} is no text")
        return clean_text(value) if isinstance(value, str) else ""

    def count(self, name: str, *others: str) -> tuple[int | None, str]:
        """Return a count as number and as it was written; None where there is none or it is no count."""
        written = self.text(name, *others).strip()
        found = parse_count(written) if written else None
        if written and found is None and re.search(r"[0-9]", written):
            self._audit.note(f"{self.place}.{name} is no count")
        return found, written

    def moment(self, name: str, *, at: datetime) -> datetime | None:
        """Return a time given in milliseconds; None where it is none or lies after ``at``."""
        value = self.take(name)
        number = parse_count(value) if not isinstance(value, str) or value.isdigit() else None
        if value is not None and number is None:
            self._audit.note(f"{self.place}.{name} is no time")
        if not number:
            return None
        try:
            found = datetime.fromtimestamp(number / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return None
        return found if found <= at else None

    def flag(self, name: str) -> bool | None:
        """Return a truth value, None where there is none."""
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            self._audit.note(f"{self.place}.{name} is neither true nor false")
        return value if isinstance(value, bool) else None

    def inner(self, *names: str) -> Fields:
        """Return an object inside; an empty one where there is none."""
        return Fields(self.take(*names), f"{self.place}.{names[0]}", self._audit)

    def each(self, *names: str) -> Iterator[Fields]:
        """Yield the objects of a list; nothing where there is none."""
        value = self.take(*names)
        if value is not None and not isinstance(value, list):
            self._audit.note(f"{self.place}.{names[0]} is no list")
        for entry in value if isinstance(value, list) else ():
            yield Fields(entry, f"{self.place}.{names[0]}[]", self._audit)

    def ignore(self, *names: str) -> None:
        """Leave values out on purpose."""
        self.take(*names)

    def put(self, name: str, value: Fields) -> None:
        """Put an object back of which something was taken."""
        self._left[name] = dict(value._left) if value.is_there else None

    def done(self) -> None:
        """Name the keys that nobody took."""
        for name in self._left:
            self._audit.note(f"unknown key {self.place}.{clean_text(str(name))[:60]}")


def read_json(body: bytes) -> Json | None:
    """Return the JSON object of an answer, None where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def read_state(page: str) -> Json | None:
    """Return the state that a page's script sets, its keys in snake case; None where there is none.

    Such states are JavaScript: a bare ``undefined`` or ``NaN`` outside of strings becomes null. Boxed values
    (``_value``, ``_rawValue``) are taken out of their box.
    """
    found = _STATE.search(page)
    if not found:
        return None
    plain = _LITERALS.sub(lambda literal: literal[0] if literal[0].startswith('"') else "null", found[1])
    try:
        state = json.loads(plain)
        return snake_keys(state) if isinstance(state, dict) else None
    except (ValueError, RecursionError):
        return None


def snake_keys(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value with its keys in snake case and its boxed values unboxed."""
    if isinstance(value, list):
        return [snake_keys(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    for name in _BOXES:
        if name in value:
            return snake_keys(value[name])
    return {_CAMEL.sub(r"_\1", name).lower(): snake_keys(entry) for name, entry in value.items()}
