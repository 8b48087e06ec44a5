"""Count what each engine finds of the disguised terms, and what it finds where there are none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ahocorasick_rs
from rapidfuzz import fuzz, process

from classifiers.engine import screen_posts
from classifiers.keywords import find_terms_each
from classifiers.records import PostText

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.obfuscation.cases import Case
    from benchmarks.obfuscation.configurations import Configuration
    from classifiers.engine import Ruleset
    from classifiers.hits import Hit
    from classifiers.records import Band

THRESHOLDS = (75, 80, 85, 90)
# What stands as it is, or folds to it one for one, is no disguise.
PLAIN_VIEWS = frozenset({"surface", "folded"})
_PORTION = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many of so many."""

    hits: int
    total: int

    @property
    def rate(self) -> float:
        """The share; 0 of nothing is 0."""
        return self.hits / self.total if self.total else 0.0


def count_by_way(cases: Sequence[Case], found: Sequence[bool]) -> dict[str, Share]:
    """Return the recall of each way, in their order, and of all as ``micro``."""
    totals = Counter(case.way for case in cases)
    hits = Counter(case.way for case, hit in zip(cases, found, strict=True) if hit)
    table = {way: Share(hits=hits[way], total=total) for way, total in totals.items()}
    return {**table, "micro": Share(hits=sum(hits.values()), total=len(cases))}


def seen_by_matcher(cases: Sequence[Case], configuration: Configuration) -> list[bool]:
    """Say of each case whether the matcher names the term at the place where it was put."""
    each = find_terms_each([case.text for case in cases], configuration.lexicon)
    return [
        any(_is_it(hit, case, configuration.rules[case.term]) for hit in hits)
        for case, hits in zip(cases, each, strict=True)
    ]


def _is_it(hit: Hit, case: Case, rule: str) -> bool:
    return hit.rule == rule and hit.start < case.end and case.start < hit.end


def seen_by_plain_scan(cases: Sequence[Case], terms: Sequence[str]) -> list[bool]:
    """Say of each case whether one automaton over the terms, on the raw text, finds the term."""
    plain = ahocorasick_rs.AhoCorasick(list(terms), implementation=ahocorasick_rs.Implementation.DFA)
    return [
        any(terms[index] == case.term for index, _, _ in plain.find_matches_as_indexes(case.text, overlapping=True))
        for case in cases
    ]


def scores_by_brute_force(cases: Sequence[Case]) -> list[float]:
    """Return of each case how like its text is to the term at best (``partial_ratio``), 0 to 100."""
    return [fuzz.partial_ratio(case.term, case.text) for case in cases]


def false_hits(lines: Sequence[str], configuration: Configuration) -> list[tuple[str, Hit]]:
    """Return each line in which one of the fifty terms is named, with the first such hit; none stands there."""
    rules = frozenset(configuration.rules.values())
    each = find_terms_each(lines, configuration.lexicon)
    found = ((line, [hit for hit in hits if hit.rule in rules]) for line, hits in zip(lines, each, strict=True))
    return [(line, hits[0]) for line, hits in found if hits]


def false_plain(lines: Sequence[str], terms: Sequence[str]) -> int:
    """Return in how many lines the letters of a term stand."""
    return sum(any(term in line for term in terms) for line in lines)


def false_by_brute_force(lines: Sequence[str], terms: Sequence[str]) -> list[float]:
    """Return of each line how like it is to the likest term (``partial_ratio``), 0 to 100."""
    best: list[float] = []
    for first in range(0, len(lines), _PORTION):
        portion = lines[first : first + _PORTION]
        likeness = process.cdist(portion, terms, scorer=fuzz.partial_ratio, score_cutoff=min(THRESHOLDS) - 5)
        best.extend(likeness.max(axis=1).tolist())
    return best


def bands_of(lines: Sequence[str], ruleset: Ruleset) -> list[Band]:
    """Return in which band whole screening puts each line, taken as a post."""
    bands: list[Band] = []
    for first in range(0, len(lines), _PORTION):
        portion = lines[first : first + _PORTION]
        posts = [PostText(id=str(number), text=line) for number, line in enumerate(portion)]
        bands.extend(verdict.band for verdict in screen_posts(posts, ruleset))
    return bands


def count_at(scores: Iterable[float], threshold: int) -> int:
    """Return how many scores reach the threshold."""
    return sum(score >= threshold for score in scores)
