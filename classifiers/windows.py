"""Long fields in windows: looked at piece by piece, so that memory and the work per character stay bounded.

Nothing behind a limit is left out: a field longer than :data:`WINDOW` is looked at in as many windows as it takes.
Each window owns a stretch of the field and looks on beyond both of its ends, further than any term, cue or contact
reaches. What it finds is kept where it begins in its own stretch: whatever lies across a seam is found, once, and
with the offsets of the whole field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.contacts import find_contacts, may_hold_contact
from classifiers.cues import CueHit
from classifiers.hits import Hit, Matches, settle
from classifiers.keywords import Joined, find_matches, find_terms_joined
from classifiers.records import ContactFound
from classifiers.views import make_views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifiers.contact_tables import ContactTables
    from classifiers.contacts import Speaker
    from classifiers.cues import CueSet
    from classifiers.fuzzy import FuzzyCounts
    from classifiers.lexicon import Lexicon

WINDOW = 20_000
"""Characters of one window; a field up to this long is looked at in one go."""

TERM_MARGIN = 200
"""Squeezed characters beyond a window: the longest term has eleven, written out as syllables some sixty letters."""

TEXT_MARGIN = 400
"""Characters beyond a window for cues and contacts: the longest contact is an address of some three hundred."""


@dataclass(frozen=True, slots=True)
class Window:
    """It owns [first, last) of a field and looks at [begin, end)."""

    first: int
    last: int
    begin: int
    end: int

    def owns(self, offset: int) -> bool:
        """Say whether something that begins at this offset of the field is this window's to keep."""
        return self.first <= offset < self.last


def cut_windows(length: int, *, size: int, margin: int) -> Iterator[Window]:
    """Yield the windows of a field of so many characters."""
    for first in range(0, length, size):
        last = min(length, first + size)
        yield Window(first, last, max(0, first - margin), min(length, last + margin))


def cut_kept_windows(starts: Sequence[int], length: int, *, size: int, margin: int) -> Iterator[Window]:
    """Yield windows that are measured in kept characters, which stand at ``starts`` of the field.

    What only separates may stand between the characters of a term in any number, so it must not fill a margin.
    """
    places = [*starts, length] if starts else [length]
    for window in cut_windows(len(starts), size=size, margin=margin):
        yield Window(
            places[window.first] if window.first else 0,
            places[window.last],
            places[window.begin] if window.begin else 0,
            places[window.end],
        )
    if not starts:
        yield Window(0, length, 0, length)


def find_terms_in(
    joined: Joined, lexicon: Lexicon, *, counts: FuzzyCounts | None = None, size: int = WINDOW
) -> list[list[Hit]]:
    """Return the terms found in each of the joined texts, as one look at the whole would find them.

    A text longer than a window is joined with no other.
    """
    text = joined.views.surface.text
    if len(text) <= size or len(joined.offsets) > 1:
        return find_terms_joined(joined, lexicon, counts=counts)
    found = Matches([], [], {})
    starts = joined.views.squeezed.starts
    for window in cut_kept_windows(starts, len(text), size=size, margin=TERM_MARGIN):
        _take_over(found, find_matches(make_views(text[window.begin : window.end]), lexicon, counts), window)
    return settle(found, text, lexicon.terms, offsets=joined.offsets)


def _take_over(found: Matches, part: Matches, window: Window) -> None:
    """Add what a window found where it is the window's own."""
    at = window.begin
    for kept, candidates in ((found.found, part.found), (found.lonely, part.lonely)):
        kept.extend(
            (start + at, end - at, score, term, view, form)
            for start, end, score, term, view, form in candidates
            if window.owns(start + at)
        )
    for term, spans in part.exceptions.items():
        own = [(start + at, end + at) for start, end in spans if window.owns(start + at)]
        if own:
            found.exceptions.setdefault(term, []).extend(own)


def find_cues_in(folded: str, cues: CueSet, *, size: int = WINDOW) -> list[CueHit]:
    """Return the cues found in the folded view of a field, by place."""
    if len(folded) <= size:
        return cues.find(folded)
    return [
        CueHit(cue=hit.cue, start=hit.start + window.begin, end=hit.end + window.begin)
        for window in cut_windows(len(folded), size=size, margin=TEXT_MARGIN)
        for hit in cues.find(folded[window.begin : window.end])
        if window.owns(hit.start + window.begin)
    ]


def find_contacts_in(
    field: str, text: str, speaker: Speaker, *, tables: ContactTables, folded: str, size: int = WINDOW
) -> list[ContactFound]:
    """Return the contacts of one field in reading order, each (kind, value) once."""
    found: dict[tuple[str, str], ContactFound] = {}
    for window in cut_windows(len(folded), size=size, margin=TEXT_MARGIN if len(folded) > size else 0):
        part = folded[window.begin : window.end]
        if not may_hold_contact(part):
            continue
        seen = text[window.begin : window.end]
        for contact in find_contacts(field, seen, speaker, tables=tables, folded=part):
            if window.owns(contact.start + window.begin):
                found.setdefault((contact.kind, contact.value), _moved(contact, window.begin))
    return list(found.values())


def _moved(contact: ContactFound, by: int) -> ContactFound:
    if not by:
        return contact
    return ContactFound(
        kind=contact.kind,
        value=contact.value,
        field=contact.field,
        start=contact.start + by,
        end=contact.end + by,
    )
