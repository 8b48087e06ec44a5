"""Reading the data files of the demo's content: entries with their class, checked key by key."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from demo.records import NOTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONTENT = Path(__file__).parent / "content"
TEXT_FILES = ("solicitations", "victims", "warnings", "news", "legit", "fringe", "everyday")
NOTE_FILES = ("notes_offers", "notes_people", "notes_public", "notes_everyday")

OFFER_KEYS = ("category", "how", "sub", "offer_in")
ARTICLE_KEYS = frozenset(
    ("id", "site", "board", "column", "title", "by", "bio", "text", "comments", "contact", *OFFER_KEYS)
)
NOTE_KEYS = frozenset(("class", "topics", "likes", "video", "trick")) | ARTICLE_KEYS
COMMENT_KEYS = frozenset(("by", "text", "category", "how", "replies"))
SLOT = re.compile(r"\{([^{}]*)\}")


class ContentError(ValueError):
    """A data file of the demo does not have the agreed form."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"demo/content/{file}.yml: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry of a data file together with what its file says about all of its entries."""

    key: str
    kind: str
    fields: Mapping[str, Any]
    ring: str | None = None


def expand(template: str, key: str, *, contact: str) -> str:
    """Return one copy of a ring's template: choices of wording, the contact, five random hanzi for {tail}."""
    rng = random.Random(f"{key}/{contact}")

    def fill(match: re.Match[str]) -> str:
        slot = match.group(1)
        if slot == "contact":
            return contact
        if slot == "tail":
            return "".join(chr(rng.randint(0x4E00, 0x8FFF)) for _ in range(5))
        choice: str = rng.choice(slot.split("|"))
        return choice

    return SLOT.sub(fill, template)


@cache
def read_content(file: str) -> Mapping[str, Any]:
    """Return one data file of the content; raises ContentError where it is no mapping."""
    loaded = yaml.safe_load((CONTENT / f"{file}.yml").read_text(encoding="utf-8"))
    if not isinstance(loaded, dict):
        raise ContentError(file, "a mapping is expected")
    return MappingProxyType(loaded)


def article_drafts() -> Iterator[Draft]:
    """Yield the entries of forum and feed."""
    for file in TEXT_FILES:
        data = read_content(file)
        for index, fields in enumerate(data["articles"]):
            check_keys(file, fields, ARTICLE_KEYS)
            merged = {"board": data.get("board", "life"), **fields}
            yield Draft(key=fields.get("id", f"{file}-{index}"), kind=data["class"], fields=merged)
    yield from (draft for draft in _ring_drafts() if draft.fields.get("site") != NOTES)


def note_drafts() -> Iterator[Draft]:
    """Yield the entries of the note platform; an entry may name a class other than its file's."""
    for file in NOTE_FILES:
        data = read_content(file)
        for index, fields in enumerate(data["articles"]):
            check_keys(file, fields, NOTE_KEYS)
            kind = str(fields.get("class", data["class"]))
            yield Draft(key=str(fields.get("id", f"{file}-{index}")), kind=kind, fields={**fields, "site": NOTES})
    yield from (draft for draft in _ring_drafts() if draft.fields.get("site") == NOTES)


def _ring_drafts() -> Iterator[Draft]:
    for ring in read_content("rings")["rings"]:
        for fields in ring["articles"]:
            check_keys("rings", fields, NOTE_KEYS)
            text = fields.get("text") or expand(ring["template"], fields["id"], contact=str(fields["contact"]))
            merged = {**fields, "text": text}
            yield Draft(key=fields["id"], kind="solicitation", fields=merged, ring=ring["id"])


def check_keys(file: str, fields: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Raise ContentError where an entry has a key that means nothing."""
    unknown = set(fields) - allowed
    if unknown:
        raise ContentError(file, f"unknown keys {sorted(unknown)} in {fields.get('title', fields)!r}")


def comment_fields(entry: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a comment's fields; in short form it is ``name｜text``."""
    if isinstance(entry, str):
        name, _, text = entry.partition("｜")
        return {"by": name, "text": text}
    check_keys("comments", entry, COMMENT_KEYS)
    return entry
