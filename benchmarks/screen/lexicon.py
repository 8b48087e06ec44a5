"""The one configuration of all lines: which disguises the terms of this benchmark are looked for in."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from classifiers.lexicon import Lexicon, make_lexicon
from classifiers.records import Category, Role
from classifiers.terms import Boundary, Disguise, Term, Weight

if TYPE_CHECKING:
    from collections.abc import Sequence

# Every disguise is opted into by every term of so many characters; two are looked for as written and folded.
SHORTEST_DISGUISED = 3
_DATE = dt.date(2026, 11, 22)


def make_term(text: str) -> Term:
    """Return a topic term with every disguise, if it is long enough for any."""
    disguised = len(text) >= SHORTEST_DISGUISED
    return Term(
        id=f"benchmark:{text}",
        role=Role.TOPIC,
        category=Category.INTEREST_SUSPENSION,
        weight=Weight.NORMAL,
        term=text,
        variants=(),
        aliases=(),
        views=frozenset(Disguise) if disguised else frozenset(),
        boundary=Boundary.BOTH,
        needs_company=False,
        exceptions=(),
        matching=(text, text),
        non_matching=("无",),
        source="benchmarks/screen/terms.txt",
        date=_DATE,
        note="",
    )


def make_lexicon_of(texts: Sequence[str]) -> Lexicon:
    """Return the compiled lexicon of these terms."""
    return make_lexicon(make_term(text) for text in texts)
