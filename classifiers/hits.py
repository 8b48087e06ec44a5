"""What the search found: matches, and the hits that are left of them.

A match stands unless an exception of its term covers it; a short alias stands in company only; of matches at
one place the longest of a role stays, of equally long ones the surest.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from classifiers.records import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifiers.records import Category
    from classifiers.terms import Term, Weight

# How sure a match is by the view it was found in, 0 to 100; a fuzzy match scores its similarity.
SCORES = {
    "surface": 100.0,
    "folded": 97.0,
    "squeezed": 96.0,
    "restored": 95.0,
    "split": 95.0,
    "reversed": 95.0,
    "hanzi": 93.0,
    "initials": 92.0,
    "sound": 90.0,
    "near": 87.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One term found: in which view, where in the original ([start, end)), what stands there, how sure (0-100)."""

    term: Term
    view: str
    start: int
    end: int
    text: str
    score: float
    form: str

    @property
    def rule(self) -> str:
        """The id of the term, which findings name as their rule."""
        return self.term.id

    @property
    def role(self) -> Role:
        """The role of the term."""
        return self.term.role

    @property
    def category(self) -> Category | None:
        """The category of the term."""
        return self.term.category

    @property
    def weight(self) -> Weight:
        """The weight class of the term."""
        return self.term.weight


# A match before it is known whether it stands: start, -end, -score (so that sorting puts the longest and surest
# first), index of the term, view, form.
Candidate = tuple[int, int, float, int, str, str]


@dataclass(frozen=True, slots=True)
class Matches:
    """Matches of one search: those that stand alone, those that need company, and spans by excepted term."""

    found: list[Candidate]
    lonely: list[Candidate]
    exceptions: dict[int, list[tuple[int, int]]]


def settle(
    matches: Matches, surface: str, terms: Sequence[Term], *, offsets: Sequence[int], nested: bool = False
) -> list[list[Hit]]:
    """Return the hits that stand, for each text that begins at one of the offsets of the surface."""
    settled: list[list[Hit]] = [[] for _ in offsets]
    parts: dict[int, tuple[list[Candidate], list[Candidate]]] = {}
    for kind, candidates in enumerate((matches.found, matches.lonely)):
        for each in _without_exceptions(candidates, matches.exceptions):
            parts.setdefault(bisect_right(offsets, each[0]) - 1, ([], []))[kind].append(each)
    for at, (found, lonely) in parts.items():
        if lonely and _is_company(found, lonely, terms):
            found.extend(lonely)
        kept = sorted(found) if nested else _outermost(found, terms)
        settled[at] = _make_hits(kept, surface, terms, offset=offsets[at])
    return settled


def _without_exceptions(found: list[Candidate], exceptions: dict[int, list[tuple[int, int]]]) -> list[Candidate]:
    if not exceptions:
        return found
    reaches = {index: _reaches(spans) for index, spans in exceptions.items()}
    return [each for each in found if each[3] not in reaches or not _is_covered(each, *reaches[each[3]])]


def _reaches(spans: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return the starts of the spans, sorted, and how far any span reaches that begins there or before."""
    ordered = sorted(spans)
    return [start for start, _ in ordered], list(accumulate((end for _, end in ordered), max))


def _is_covered(each: Candidate, starts: list[int], reaches: list[int]) -> bool:
    before = bisect_right(starts, each[0])
    return before > 0 and reaches[before - 1] >= -each[1]


def _is_company(found: list[Candidate], lonely: list[Candidate], terms: Sequence[Term]) -> bool:
    """Say whether a topic stands in the text, or two different terms that need company."""
    return any(terms[each[3]].role is Role.TOPIC for each in found) or len({each[3] for each in lonely}) > 1


def _outermost(found: list[Candidate], terms: Sequence[Term]) -> list[Candidate]:
    kept: list[Candidate] = []
    reach: dict[Role, int] = {}
    for each in sorted(found):
        role = terms[each[3]].role
        if -each[1] > reach.get(role, -1):
            reach[role] = -each[1]
            kept.append(each)
    return kept


def _make_hits(found: list[Candidate], surface: str, terms: Sequence[Term], *, offset: int) -> list[Hit]:
    return [
        Hit(
            term=terms[index],
            view=view,
            start=start - offset,
            end=-end - offset,
            text=surface[start:-end],
            score=-score,
            form=form,
        )
        for start, end, score, index, view, form in found
    ]
