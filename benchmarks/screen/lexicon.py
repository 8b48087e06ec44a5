"""The one configuration of all lines: that of the fifty terms of benchmarks/obfuscation, for all 2,000.

Every term opts into every disguise, and the matcher's own limits say which of them its length allows: two
characters none, three some, four and more nearly all. Terms of the lexicon keep their traps; words have none.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from benchmarks.obfuscation.configurations import fifty_terms, shipped_lexicon
from classifiers.lexicon import Lexicon, make_lexicon
from classifiers.records import Category, Role
from classifiers.terms import Boundary, Disguise, Term, Weight

if TYPE_CHECKING:
    from collections.abc import Sequence

_DATE = dt.date(2026, 11, 22)


def make_lexicon_of(texts: Sequence[str]) -> Lexicon:
    """Return the compiled lexicon of these terms."""
    return make_lexicon(_known_terms().get(text) or _make_word(text) for text in texts)


@cache
def _known_terms() -> dict[str, Term]:
    """Return the lexicon's topics by written form, then the fifty terms as they are measured for recall."""
    terms = {
        form: _in_every_disguise(entry, form)
        for entry in shipped_lexicon().terms
        if entry.role is Role.TOPIC
        for form in (entry.term, *entry.variants)
    }
    return terms | {term.term: term for term in fifty_terms().lexicon.terms}


def _in_every_disguise(entry: Term, form: str) -> Term:
    views = frozenset(Disguise)
    return replace(
        entry, id=f"benchmark:{form}", term=form, variants=(), aliases=(), views=views, needs_company=False
    )


def _make_word(text: str) -> Term:
    return Term(
        id=f"benchmark:{text}",
        role=Role.TOPIC,
        category=Category.INTEREST_SUSPENSION,
        weight=Weight.NORMAL,
        term=text,
        variants=(),
        aliases=(),
        views=frozenset(Disguise),
        boundary=Boundary.BOTH,
        needs_company=False,
        exceptions=(),
        matching=(text, text),
        non_matching=("无",),
        source="benchmarks/screen/terms.txt",
        date=_DATE,
        note="",
    )
