"""The entries of the lexicon: what a file may say about a term, and the record that the matcher uses."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic reads the annotations at run time
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from classifiers.records import Category, Role  # noqa: TC001 - as above

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Weight(StrEnum):
    """How much a term says by itself."""

    STRONG = "strong"  # hardly ever outside the field
    NORMAL = "normal"
    WEAK = "weak"  # an everyday word: evidence beside others only


class Disguise(StrEnum):
    """Ways of looking for a term beyond its plain and folded form; each is opted into."""

    SOUND = "sound"  # homophones and pinyin; three characters and more
    FUZZY = "fuzzy"  # one plausible wrong, added or missing character; four and more, swapped three
    INITIALS = "initials"  # first letters of the syllables; four and more, three when mixed with hanzi
    REVERSED = "reversed"  # written backwards; three and more
    SPLIT = "split"  # characters written as their parts


class Boundary(StrEnum):
    """Where a term may not touch a further letter or digit of its own kind."""

    BOTH = "both"
    LEFT = "left"
    NONE = "none"


class Examples(BaseModel):
    """Sentences that the entry must match and must not match; they are its contract test."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matching: tuple[Text, ...] = Field(min_length=2)
    non_matching: tuple[Text, ...] = Field(min_length=1)


class Entry(BaseModel):
    """One term as written in a lexicon file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    term: Text
    variants: tuple[Text, ...] = ()
    aliases: tuple[Text, ...] = ()
    category: Category | None = None
    views: tuple[Disguise, ...] | None = None
    weight: Weight | None = None
    boundary: Boundary = Boundary.BOTH
    needs_company: bool = False
    exceptions: tuple[Text, ...] = ()
    examples: Examples
    source: Text | None = None
    date: dt.date | None = None
    note: str = ""


class LexiconFile(BaseModel):
    """One lexicon file: what its entries have in common, and the entries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    category: Category | None = None
    views: tuple[Disguise, ...] = ()
    weight: Weight = Weight.NORMAL
    source: Text
    date: dt.date
    terms: tuple[Entry, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of the lexicon; ``id`` is file and term and is the rule that findings name."""

    id: str
    role: Role
    category: Category | None
    weight: Weight
    term: str
    variants: tuple[str, ...]
    aliases: tuple[str, ...]
    views: frozenset[Disguise]
    boundary: Boundary
    needs_company: bool
    exceptions: tuple[str, ...]
    matching: tuple[str, ...]
    non_matching: tuple[str, ...]
    source: str
    date: dt.date
    note: str


def make_term(stem: str, file: LexiconFile, entry: Entry) -> Term:
    """Return the term of an entry, with what its file says for all."""
    views = file.views if entry.views is None else entry.views
    return Term(
        id=f"{stem}:{entry.term}",
        role=file.role,
        category=entry.category or file.category,
        weight=entry.weight or file.weight,
        term=entry.term,
        variants=entry.variants,
        aliases=entry.aliases,
        views=frozenset(views),
        boundary=entry.boundary,
        needs_company=entry.needs_company,
        exceptions=entry.exceptions,
        matching=entry.examples.matching,
        non_matching=entry.examples.non_matching,
        source=entry.source or file.source,
        date=entry.date or file.date,
        note=entry.note,
    )
