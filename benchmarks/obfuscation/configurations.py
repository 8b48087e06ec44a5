"""The two configurations that are measured: the fifty terms in every disguise, and the lexicon as it is shipped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from benchmarks.obfuscation.cases import load_terms
from classifiers.lexicon import PACKAGED_LEXICONS, Lexicon, load_lexicon, make_lexicon
from classifiers.records import Role
from classifiers.terms import Disguise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifiers.terms import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A lexicon, and the rule that a hit of each of the fifty terms names."""

    name: str
    lexicon: Lexicon
    rules: Mapping[str, str]


@cache
def shipped_lexicon() -> Lexicon:
    """Return the packaged lexicon."""
    return load_lexicon([PACKAGED_LEXICONS])


def fifty_terms() -> Configuration:
    """Return the fifty terms alone, each in every disguise that its length allows, with its known traps."""
    entries = _entries()
    terms = [_bare(entries[text], text) for text in load_terms()]
    rules = {text: term.id for text, term in zip(load_terms(), terms, strict=True)}
    return Configuration(name="fifty terms", lexicon=make_lexicon(terms), rules=rules)


def shipped() -> Configuration:
    """Return the lexicon as it is shipped, each entry with the disguises that it opts into."""
    entries = _entries()
    rules = {text: entries[text].id for text in load_terms()}
    return Configuration(name="shipped lexicon", lexicon=shipped_lexicon(), rules=rules)


def _entries() -> dict[str, Term]:
    """Return the topic entry of each written form."""
    topics = (term for term in shipped_lexicon().terms if term.role is Role.TOPIC)
    return {form: term for term in topics for form in (term.term, *term.variants)}


def _bare(entry: Term, text: str) -> Term:
    """Return the term without its variants and aliases, so that nothing but the matcher finds a disguise."""
    return replace(
        entry,
        id=f"benchmark:{text}",
        term=text,
        variants=(),
        aliases=(),
        views=frozenset(Disguise),
        needs_company=False,
    )
