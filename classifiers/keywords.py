"""Find the terms of a lexicon in a text, in every view, and say where in the original they stand.

Steps: one pass of an automaton per view; refuse matches inside a longer Latin word or number, across a
sentence mark, or where a disguise is only half there; take away what an exception covers; open fuzzy windows
at pieces; keep one match per place, the best view and the longest term of a role.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.fuzzy import FuzzyCounts, find_window
from classifiers.patterns import SHORTEST_LETTERS, SHORTEST_SOUND, Kind
from classifiers.records import Role
from classifiers.terms import Boundary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifiers.lexicon import Lexicon
    from classifiers.patterns import Use
    from classifiers.records import Category
    from classifiers.terms import Term, Weight
    from classifiers.views import View, Views

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
_PLAIN_KINDS = {Kind.PLAIN: "", Kind.ALIAS: "", Kind.REVERSED: "reversed", Kind.SPLIT: "split"}
# Latin letters of an alias that also stand in other words' initials: they count in company only.
_SHORT_ALIAS = 3


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


@dataclass(slots=True)
class _Search:
    """What one text has given so far."""

    views: Views
    lexicon: Lexicon
    counts: FuzzyCounts
    hits: list[Hit]
    lonely: list[Hit]
    exceptions: dict[str, list[tuple[int, int]]]
    pieces: list[tuple[int, Use]]
    exact: set[tuple[int, int]]


def find_terms(views: Views, lexicon: Lexicon, *, counts: FuzzyCounts | None = None) -> list[Hit]:
    """Return the terms found in a text, by place; ``counts`` collects the work of the fuzzy windows."""
    search = _Search(views, lexicon, counts or FuzzyCounts(), [], [], {}, [], set())
    _scan_squeezed(search)
    _scan_folded(search)
    _scan_near(search)
    if views.has_latin:
        _scan_initials(search)
    if views.is_interleaved:
        _scan_plain(search, views.hanzi, lexicon.patterns.hanzi.scan(views.hanzi.text), "hanzi")
    if views.has_disguise:
        _scan_plain(search, views.restored, lexicon.patterns.restored.scan(views.restored.text), "restored")
    _open_windows(search)
    return _settle(search)


def _scan_squeezed(search: _Search) -> None:
    view = search.views.squeezed
    for start, end, uses in search.lexicon.patterns.squeezed.scan(view.text):
        for use in uses:
            if use.kind is Kind.PIECE:
                search.pieces.append((start - use.at, use))
            elif use.kind is Kind.EXCEPTION:
                rule = search.lexicon.terms[use.term].id
                search.exceptions.setdefault(rule, []).append(view.span(start, end))
            elif use.kind is Kind.PICTURE:
                _add_pictured(search, view, start, end, use)
            else:
                _add_squeezed(search, view, start, end, use)


def _add_squeezed(search: _Search, view: View, start: int, end: int, use: Use) -> None:
    if use.kind is Kind.SWAPPED or use.kind is Kind.DROPPED:
        score = 100.0 * (1 - 1 / len(use.form))
        _add(search, view, start, end, use, name="fuzzy", score=score)
        return
    if use.kind is Kind.PLAIN:
        search.exact.add((start, use.term))
    _add(search, view, start, end, use, name=_PLAIN_KINDS[use.kind])


def _scan_plain(search: _Search, view: View, found: list[tuple[int, int, tuple[Use, ...]]], name: str) -> None:
    for start, end, uses in found:
        for use in uses:
            _add(search, view, start, end, use, name=name)


def _scan_folded(search: _Search) -> None:
    view = search.views.folded
    _scan_plain(search, view, search.lexicon.patterns.folded.scan(view.text), "")


def _scan_near(search: _Search) -> None:
    view = search.views.near
    for start, end, uses in search.lexicon.patterns.near.scan(view.text):
        for use in uses:
            name = _sound_name(search.views, view, start, end, use)
            if name:
                _add(search, view, start, end, use, name=name)


def _sound_name(views: Views, view: View, start: int, end: int, use: Use) -> str:
    """Return ``sound`` or ``near`` when the syllables are enough like the form, else the empty string.

    A form of three syllables must sound exactly so and keep one of its characters, or be a whole word
    of letters; longer ones may differ in what is often not heard.
    """
    form, cut = use.form[: use.at], use.form[use.at :]
    exact = views.sound.text[start:end] == cut
    if len(form) > SHORTEST_SOUND:
        return "sound" if exact else "near"
    if not exact:
        return ""
    first, last = view.span(start, end)
    folded = views.folded.text
    if folded[first:last].isascii():
        return "sound" if _stands_alone(folded, first, last) else ""
    kept = any(char in form for char in folded[first:last])
    return "sound" if kept else ""


def _scan_initials(search: _Search) -> None:
    views = search.views
    view, letters = views.initials, views.squeezed.text
    for start, end, uses in search.lexicon.patterns.initials.scan(view.text):
        written = letters[start:end]
        for use in uses:
            same = sum(a == b for a, b in zip(written, use.form, strict=True))
            latin = sum(char.isascii() for char in written)
            if not latin or same + latin < len(written):
                continue
            if same >= SHORTEST_SOUND - 1 or (not same and latin >= SHORTEST_LETTERS) or (same and latin > same):
                _add(search, view, start, end, use, name="initials")


def _add_pictured(search: _Search, view: View, start: int, end: int, use: Use) -> None:
    """Add a form of which one character is missing, if a picture stands in its place."""
    views, at = search.views, use.at
    first, last = view.span(start, end)
    if at == 0:
        picture = views.picture_at(first - 1, -1)
        first = first if picture is None else picture
    elif at == end - start:
        picture = views.picture_at(last, 1)
        last = last if picture is None else picture + 1
    else:
        picture = views.picture_at(view.span(start + at - 1, start + at)[1], 1)
    if picture is not None:
        score = 100.0 * (1 - 1 / len(use.form))
        _keep(search, use, name="fuzzy", start=first, end=last, score=score)


def _add(
    search: _Search, view: View, start: int, end: int, use: Use, *, name: str, score: float | None = None
) -> None:
    """Add the match [start, end) of a view unless its surroundings refuse it."""
    views = search.views
    term = search.lexicon.terms[use.term]
    first, last = view.span(start, end)
    if views.broken(view, start, end) or not _has_boundaries(views.folded.text, first, last, term.boundary):
        return
    if not name:
        name = _plain_name(views, first, last, use.form)
    _keep(search, use, name=name, start=first, end=last, score=SCORES[name] if score is None else score)


def _keep(search: _Search, use: Use, *, name: str, start: int, end: int, score: float) -> None:
    term = search.lexicon.terms[use.term]
    text = search.views.surface.text[start:end]
    hit = Hit(term=term, view=name, start=start, end=end, text=text, score=score, form=use.form)
    short = use.kind is Kind.ALIAS and len(use.form) <= _SHORT_ALIAS
    (search.lonely if short or term.needs_company else search.hits).append(hit)


def _plain_name(views: Views, first: int, last: int, form: str) -> str:
    if views.surface.text[first:last] == form:
        return "surface"
    return "folded" if last - first == len(form) else "squeezed"


def _has_boundaries(folded: str, first: int, last: int, boundary: Boundary) -> bool:
    """Say whether the match is not part of a longer Latin word or number, as far as its term cares."""
    if boundary is Boundary.NONE:
        return True
    if first and _same_kind(folded[first - 1], folded[first]):
        return False
    return boundary is Boundary.LEFT or last == len(folded) or not _same_kind(folded[last - 1], folded[last])


def _same_kind(one: str, other: str) -> bool:
    if not (one.isascii() and other.isascii()):
        return False
    return (one.isalpha() and other.isalpha()) or (one.isdigit() and other.isdigit())


def _stands_alone(folded: str, first: int, last: int) -> bool:
    return _has_boundaries(folded, first, last, Boundary.BOTH)


def _open_windows(search: _Search) -> None:
    """Look for nearly equal forms around the pieces, where the term does not stand as it is."""
    view = search.views.squeezed
    seen: set[tuple[int, int, str]] = set()
    for start, use in search.pieces:
        key = (start, use.term, use.form)
        if key in seen or (start, use.term) in search.exact:
            continue
        seen.add(key)
        window = find_window(view.text, use.form, start, search.counts)
        if window is not None:
            _add(search, view, window[0], window[1], use, name="fuzzy", score=window[2])


def _settle(search: _Search) -> list[Hit]:
    """Return the hits that stand: not excepted, in company where they need it, one per place."""
    hits = [hit for hit in search.hits if not _is_excepted(search, hit)]
    lonely = [hit for hit in search.lonely if not _is_excepted(search, hit)]
    if any(hit.role is Role.TOPIC for hit in hits) or len({hit.term.id for hit in lonely}) > 1:
        hits.extend(lonely)
    return keep_best(hits)


def _is_excepted(search: _Search, hit: Hit) -> bool:
    spans = search.exceptions.get(hit.term.id, ())
    return any(start <= hit.start and hit.end <= end for start, end in spans)


def keep_best(hits: Iterable[Hit]) -> list[Hit]:
    """Return one hit per place and role: the longest, of equally long ones the surest; sorted by place."""
    kept: list[Hit] = []
    reach: dict[str, int] = {}
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end, -hit.score, hit.term.id)):
        if hit.end > reach.get(hit.role, -1):
            reach[hit.role] = hit.end
            kept.append(hit)
    return kept
