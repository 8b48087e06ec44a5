"""Small lexicons for tests, made in memory."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from classifiers.lexicon import make_lexicon
from classifiers.records import Category, Role
from classifiers.terms import Boundary, Disguise, Term, Weight

if TYPE_CHECKING:
    from classifiers.lexicon import Lexicon

EVERY_DISGUISE = frozenset(Disguise)


def make_test_term(
    term: str,
    *,
    role: Role = Role.TOPIC,
    variants: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    exceptions: tuple[str, ...] = (),
    views: frozenset[Disguise] = frozenset(),
    boundary: Boundary = Boundary.BOTH,
    needs_company: bool = False,
) -> Term:
    """Return a term with what matters to a test."""
    return Term(
        id=f"test:{role}:{term}",
        role=role,
        category=Category.ANTI_COLLECTION,
        weight=Weight.NORMAL,
        term=term,
        variants=variants,
        aliases=aliases,
        views=views,
        boundary=boundary,
        needs_company=needs_company,
        exceptions=exceptions,
        matching=(term, term),
        non_matching=("无",),
        source="test",
        date=dt.date(2026, 11, 21),
        note="",
    )


def make_test_lexicon(*terms: Term | str) -> Lexicon:
    """Return a lexicon of terms; a plain string is a term without disguises."""
    return make_lexicon([make_test_term(term) if isinstance(term, str) else term for term in terms])
