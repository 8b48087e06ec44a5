"""The contract of a lexicon entry: it finds its matching examples and leaves the others alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.keywords import find_terms
from classifiers.views import make_views

if TYPE_CHECKING:
    from classifiers.lexicon import Lexicon


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenExample:
    """An example that an entry (``rule``) does not live up to; ``found`` says what it does instead."""

    rule: str
    text: str
    found: bool


def broken_examples(lexicon: Lexicon) -> list[BrokenExample]:
    """Return every example that its own entry fails within this lexicon; empty when all hold.

    A term counts as found also where a longer term of its role stands around it.
    """
    broken: list[BrokenExample] = []
    for term in lexicon.terms:
        for expected, texts in ((True, term.matching), (False, term.non_matching)):
            for text in texts:
                hits = find_terms(make_views(text), lexicon, nested=True)
                found = any(hit.rule == term.id for hit in hits)
                if found is not expected:
                    broken.append(BrokenExample(rule=term.id, text=text, found=found))
    return broken
