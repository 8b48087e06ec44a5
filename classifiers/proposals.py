"""From a rejected clue to a change of one entry: which term misled the machine, and the least that mends it.

The entry that carried most weight is the one to mend. An exception is the shortest longer word around the hit that
takes the hit away and leaves every example of the entry as it was; a counter-example is the clause around the hit
together with the least edit under which the entry leaves it alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from classifiers.examples import broken_examples
from classifiers.keywords import find_terms
from classifiers.lexicon import make_lexicon
from classifiers.terms import Disguise
from classifiers.views import make_views

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from classifiers.terms import Term

LONGEST_EXCERPT = 40
"""Characters of a counter-example: the clause around the hit, cut where it is longer."""

_REACH = 3
"""Characters by which an exception is longer than the hit, on each side at the most."""

_CLAUSE_END = re.compile(r"[\s，。！？；、：,.!?;:~～…|｜「」『』“”\"（）()【】\[\]]")
_DISGUISES = {
    "sound": Disguise.SOUND,
    "near": Disguise.SOUND,
    "fuzzy": Disguise.FUZZY,
    "initials": Disguise.INITIALS,
    "reversed": Disguise.REVERSED,
    "split": Disguise.SPLIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TermHit:
    """Where a term of the lexicon misled the machine, within its field's text."""

    rule: str
    field: str
    start: int
    end: int
    view: str
    weight: float
    text: str

    @property
    def excerpt_span(self) -> tuple[int, int]:
        """The clause around the hit, as a span of the text."""
        first, last = _clause(self.text, self.start, self.end)
        room = max(0, LONGEST_EXCERPT - (self.end - self.start)) // 2
        return max(first, self.start - room), min(last, self.end + room)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermEdit:
    """What is added to an entry, and the views it keeps where one is taken away."""

    rule: str
    exceptions: tuple[str, ...] = ()
    non_matching: tuple[str, ...] = ()
    views: tuple[str, ...] | None = None


def leading_hit(
    findings: Sequence[Mapping[str, object]], texts: Mapping[str, str], rule: str | None = None
) -> TermHit | None:
    """Return the finding of a lexicon entry that carried most weight, or of one entry; None when there is none.

    ``findings`` are those of a stored verdict, ``texts`` the fields they point into.
    """
    hits = [
        finding
        for finding in findings
        if ":" in str(finding["rule"])
        and finding["field"] in texts
        and (finding["rule"] == rule if rule else _weight(finding) > 0)
    ]
    if not hits:
        return None
    best = max(hits, key=_weight)
    field = str(best["field"])
    return TermHit(
        rule=str(best["rule"]),
        field=field,
        start=int(str(best["start"])),
        end=int(str(best["end"])),
        view=str(best["view"]),
        weight=_weight(best),
        text=texts[field],
    )


def exception_edit(hit: TermHit, term: Term, word: str | None = None) -> TermEdit | None:
    """Return the edit that adds the shortest sound exception, or one with this word; None when none helps."""
    clause = excerpt(hit)
    for longer in [word] if word else longer_words(hit):
        edit = TermEdit(rule=hit.rule, exceptions=(longer,))
        if _mends(term, edit, clause):
            return edit
    return None


def counter_example_edit(hit: TermHit, term: Term, contacts: Sequence[tuple[int, int]] = ()) -> TermEdit | None:
    """Return the edit that adds the clause as a counter-example, with the least that makes the entry heed it.

    ``contacts`` are spans of the field that must not get into a rule file; the clause is cut there.
    """
    clause = excerpt(hit, contacts)
    example = TermEdit(rule=hit.rule, non_matching=(clause,))
    edits = [example, *(replace(example, exceptions=(word,)) for word in longer_words(hit) if word in clause)]
    disguise = _DISGUISES.get(hit.view)
    if disguise in term.views:
        kept = tuple(sorted(view.value for view in term.views if view is not disguise))
        edits.append(replace(example, views=kept))
    return next((edit for edit in edits if _mends(term, edit, clause)), None)


def excerpt(hit: TermHit, contacts: Sequence[tuple[int, int]] = ()) -> str:
    """Return the clause around the hit, without the contacts beside it."""
    first, last = hit.excerpt_span
    for start, end in contacts:
        if end <= hit.start:
            first = max(first, end)
        elif start >= hit.end:
            last = min(last, start)
    return hit.text[first:last]


def longer_words(hit: TermHit) -> Iterator[str]:
    """Yield the longer words around the hit, the shortest first, on its left before its right."""
    first, last = _clause(hit.text, hit.start, hit.end)
    left, right = min(_REACH, hit.start - first), min(_REACH, last - hit.end)
    steps = [(before, after) for before in range(left + 1) for after in range(right + 1) if before or after]
    for before, after in sorted(steps, key=lambda step: (sum(step), step[1])):
        yield hit.text[hit.start - before : hit.end + after]


def edited(term: Term, edit: TermEdit) -> Term:
    """Return the term as it is after the edit."""
    views = term.views if edit.views is None else frozenset(Disguise(view) for view in edit.views)
    return replace(
        term,
        exceptions=(*term.exceptions, *edit.exceptions),
        non_matching=(*term.non_matching, *edit.non_matching),
        views=views,
    )


def _mends(term: Term, edit: TermEdit, clause: str) -> bool:
    """Tell whether the edited entry, looked at alone, misses the clause and breaks none of its examples."""
    term = replace(term, needs_company=False)  # alone it would be found nowhere
    lexicon = make_lexicon([edited(term, edit)])
    if any(hit.rule == term.id for hit in find_terms(make_views(clause), lexicon, nested=True)):
        return False
    broken = {example.text for example in broken_examples(make_lexicon([term]))}
    return {example.text for example in broken_examples(lexicon)} <= broken


def _clause(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span between the marks around [start, end)."""
    before = [found.end() for found in _CLAUSE_END.finditer(text, 0, start)]
    after = _CLAUSE_END.search(text, end)
    return before[-1] if before else 0, after.start() if after else len(text)


def _weight(finding: Mapping[str, object]) -> float:
    return float(str(finding["weight"]))
