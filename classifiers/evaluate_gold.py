"""What a labelled row says about itself: its label, and where known categories, contacts, places and groups.

A field that is not as it must be is left out and named as a fault; the row's other fields are used. Absent and
null mean that nothing was said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from classifiers.records import Category, ContactKind, Label

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

LABELS = frozenset(label.value for label in Label)
CATEGORIES = frozenset(category.value for category in Category)
CONTACT_KINDS = frozenset(kind.value for kind in ContactKind)
PLACES = frozenset({"title", "text", "name", "bio", "comments"})
"""Where a solicitation can stand; nickname and bio together are the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A field that cannot be used, and why."""

    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """What is known of a row; None where the row does not say it.

    ``contacts`` holds (kind, value) as the row states them; ``why`` is the labeller's reason.
    """

    label: Label | None = None
    categories: tuple[str, ...] = ()
    contacts: frozenset[tuple[str, str]] | None = None
    obfuscations: tuple[str, ...] | None = None
    where: tuple[str, ...] = ()
    platform: str = ""
    subtype: str = ""
    has_subtype: bool = False
    group: str = ""
    why: str = ""
    faults: tuple[Fault, ...] = ()

    @property
    def is_decided(self) -> bool:
        """Whether recall and precision count the row: it has a label other than unsure."""
        return self.label is not None and self.label is not Label.UNSURE


class _Reader:
    """Takes the fields of one row and keeps what is wrong with them."""

    def __init__(self, row: Mapping[str, object]) -> None:
        self.row = row
        self.faults: list[Fault] = []

    def fault(self, field: str, message: str) -> None:
        self.faults.append(Fault(field=field, message=message))

    def text(self, key: str) -> str:
        value = self.row.get(key)
        if value is not None and not isinstance(value, str):
            self.fault(key, f"{key} must be a text")
        return value if isinstance(value, str) else ""

    def list(self, key: str) -> list[object] | None:
        value = self.row.get(key)
        if value is not None and not isinstance(value, list):
            self.fault(key, f"{key} must be a list")
        return value if isinstance(value, list) else None

    def words(self, key: str, known: Collection[str] | None = None) -> tuple[str, ...] | None:
        """Return the texts of a list, those that are not known left out, each once."""
        found = self.list(key)
        if found is None:
            return None
        kept: list[str] = []
        for index, value in enumerate(found):
            place = f"{key}[{index}]"
            if not isinstance(value, str):
                self.fault(place, f"{place} must be a text")
            elif known is not None and value not in known:
                self.fault(place, f"{value[:40]!r} is none of {', '.join(sorted(known))}")
            else:
                kept.append(value)
        return tuple(dict.fromkeys(kept))


def read_gold(row: Mapping[str, object]) -> Gold:
    """Return what a row says about itself; what cannot be used is left out and named in ``faults``."""
    reader = _Reader(row)
    label = _label(reader)
    contacts = _contacts(reader)
    if label is None:
        return Gold(contacts=contacts, faults=tuple(reader.faults))
    gold = Gold(
        label=label,
        categories=reader.words("categories", CATEGORIES) or (),
        contacts=contacts,
        obfuscations=reader.words("obfuscations"),
        where=reader.words("where", PLACES) or (),
        platform=reader.text("platform"),
        subtype=reader.text("subtype"),
        has_subtype="subtype" in row,
        group=reader.text("group"),
        why=reader.text("why"),
    )
    return replace(gold, faults=tuple(reader.faults))


def gold_line(gold: Gold) -> dict[str, object]:
    """Return what a row says about itself as a JSON object, without what it does not say."""
    line: dict[str, object] = {"label": gold.label.value if gold.label else None}
    lists = {"categories": gold.categories, "where": gold.where, "obfuscations": gold.obfuscations}
    line |= {key: list(value) for key, value in lists.items() if value}
    if gold.contacts is not None:
        line["contacts"] = contact_lines(gold.contacts)
    texts = {"subtype": gold.subtype, "group": gold.group, "why": gold.why}
    return line | {key: value for key, value in texts.items() if value}


def contact_lines(contacts: Collection[tuple[str, str]]) -> list[dict[str, str]]:
    """Return contacts as JSON objects in a fixed order."""
    return [{"kind": kind, "value": value} for kind, value in sorted(contacts)]


def _label(reader: _Reader) -> Label | None:
    value = reader.row.get("label")
    if value is None or value == "":
        return None
    if not isinstance(value, str) or value not in LABELS:
        reader.fault("label", f"{str(value)[:40]!r} is none of {', '.join(label.value for label in Label)}")
        return None
    return Label(value)


def _contacts(reader: _Reader) -> frozenset[tuple[str, str]] | None:
    """Return the contacts that the row states; a number as value is read as its digits."""
    found = reader.list("contacts")
    if found is None:
        return None
    contacts = set()
    for index, entry in enumerate(found):
        kind, value = (entry.get("kind"), entry.get("value")) if isinstance(entry, dict) else (None, None)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        why = _contact_fault(kind, value)
        if why:
            reader.fault(f"contacts[{index}]{why[0]}", why[1])
        else:
            contacts.add((str(kind), str(value)))
    return frozenset(contacts)


def _contact_fault(kind: object, value: object) -> tuple[str, str] | None:
    """Return the key at fault and why, or None where both are as they must be."""
    if not isinstance(kind, str) or kind not in CONTACT_KINDS:
        return ".kind", f"{str(kind)[:40]!r} is none of {', '.join(sorted(CONTACT_KINDS))}"
    if not isinstance(value, str) or not value.strip():
        return ".value", "the value must be a text"
    return None
