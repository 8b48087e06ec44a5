"""Find the terms of a lexicon in a text, in every view, and say where in the original they stand.

Steps: one pass of an automaton per view; refuse matches inside a longer Latin word or number, across a
sentence mark, or where a disguise is only half there; take away what an exception covers; open fuzzy windows
at pieces; keep one match per place, the best view and the longest term of a role.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from classifiers.fuzzy import FuzzyCounts, find_window, has_one_odd, opens_window
from classifiers.hits import SCORES, Hit, Matches, settle
from classifiers.patterns import SHORTEST_LETTERS, SHORTEST_SOUND, Kind
from classifiers.terms import Boundary
from classifiers.views import BARRIER, make_views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifiers.lexicon import Lexicon
    from classifiers.patterns import Automaton, Use
    from classifiers.views import View, Views

__all__ = ["Hit", "Joined", "find_matches", "find_terms", "find_terms_each", "find_terms_joined", "join_texts"]

# Views in which a match can begin or end with a letter though the form does not.
_LOOSE_VIEWS = frozenset({"initials", "sound", "near", "fuzzy"})
_CHANGED_KINDS = frozenset({Kind.SWAPPED, Kind.DROPPED, Kind.ALIKE})
_PLAIN_KINDS = {Kind.ALIAS: "", Kind.REVERSED: "reversed", Kind.SPLIT: "split"}
# Latin letters of an alias that also stand in other words' initials: they count in company only.
_SHORT_ALIAS = 3
# Places between the characters of a form at which something was put in.
LEAST_GAPS = 2
# Ends a clause or sentence, and with it any word.
_MARK = re.compile("[，。、；：！？…,;:!?\n]")
# What an id is made of, and how long one is.
_ID_SIGNS = "abcdefghijklmnopqrstuvwxyz0123456789_"
LONGEST_ID = 24
_ASCII = re.compile("[\x01-\x7f]+")
# Characters looked at in one go by find_terms_each.
_PORTION = 16_000


@dataclass(slots=True)
class _Search:
    """What one text has given so far; ``exact`` holds the places of plain forms, ``pieces`` where windows open."""

    views: Views
    lexicon: Lexicon
    counts: FuzzyCounts
    matches: Matches
    pieces: list[tuple[int, Use]]
    exact: set[tuple[int, int]]


def find_terms(
    views: Views, lexicon: Lexicon, *, counts: FuzzyCounts | None = None, nested: bool = False
) -> list[Hit]:
    """Return the terms found in a text, by place.

    ``counts`` collects the work of the fuzzy windows; ``nested`` keeps terms inside a longer one of their role too.
    """
    matches = find_matches(views, lexicon, counts)
    return settle(matches, views.surface.text, lexicon.terms, offsets=[0], nested=nested)[0]


def find_terms_each(
    texts: Sequence[str], lexicon: Lexicon, *, counts: FuzzyCounts | None = None
) -> list[list[Hit]]:
    """Return the terms found in each of many texts, as :func:`find_terms` would.

    Texts are looked at in one go up to some thousand characters: for short ones the fixed cost of a look
    is several times that of its characters.
    """
    return [hits for joined in join_texts(texts) for hits in find_terms_joined(joined, lexicon, counts=counts)]


@dataclass(frozen=True, slots=True)
class Joined:
    """Texts that are looked at in one go: their views as one text, and where in it each begins."""

    views: Views
    offsets: list[int]

    def folded(self) -> list[str]:
        """Return the folded view of each text."""
        whole = self.views.folded.text
        if len(self.offsets) == 1:
            return [whole]
        ends = [*(offset - 1 for offset in self.offsets[1:]), len(whole)]
        return [whole[start:end] for start, end in zip(self.offsets, ends, strict=True)]


def join_texts(texts: Sequence[str]) -> Iterator[Joined]:
    """Yield the texts in runs that together are not much longer than a portion."""
    for first, last in _portions(texts):
        portion = texts[first:last]
        offsets = [0, *accumulate(len(text) + 1 for text in portion[:-1])] if last - first > 1 else [0]
        yield Joined(make_views(BARRIER.join(portion)), offsets)


def find_terms_joined(joined: Joined, lexicon: Lexicon, *, counts: FuzzyCounts | None = None) -> list[list[Hit]]:
    """Return the terms found in each of the joined texts; offsets count the code points of that text."""
    views = joined.views
    matches = find_matches(views, lexicon, counts)
    return settle(matches, views.surface.text, lexicon.terms, offsets=joined.offsets)


def _portions(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield [first, last) of runs of texts that together are not much longer than a portion."""
    first = size = 0
    for index, text in enumerate(texts):
        if size and size + len(text) > _PORTION:
            yield first, index
            first, size = index, 0
        size += len(text)
    if first < len(texts):
        yield first, len(texts)


def find_matches(views: Views, lexicon: Lexicon, counts: FuzzyCounts | None = None) -> Matches:
    """Return what the search finds in a text, before it is settled which of the matches stand."""
    search = _Search(views, lexicon, counts or FuzzyCounts(), Matches([], [], {}), [], set())
    patterns = lexicon.patterns
    _scan_squeezed(search)
    if views.has_signs:
        _scan_plain(search, views.folded, patterns.folded, "")
    _scan_near(search)
    if views.has_latin:
        _scan_initials(search)
    if views.has_letters:
        _scan_hanzi(search)
    if views.has_disguise:
        _scan_plain(search, views.restored, patterns.restored, "restored")
    if search.pieces:
        _open_windows(search)
    return search.matches


def _scan_squeezed(search: _Search) -> None:
    view, automaton = search.views.squeezed, search.lexicon.patterns.squeezed
    text, meanings = view.text, automaton.meanings
    for start, end, index in automaton.scan(text):
        meaning = meanings[index]
        for use in meaning.uses:
            if use.kind is not Kind.PLAIN:
                _take_squeezed(search, view, start, end, use)
            elif use.edged:
                _add(search, view, start, end, use, name="")
            else:
                _take_plain(search, view, start, end, use)
        if meaning.is_piece:
            for use in meaning.pieces_near(text, start, end):
                if opens_window(text, start, end, use):
                    search.pieces.append((start - use.at, use))


def _take_plain(search: _Search, view: View, start: int, end: int, use: Use) -> None:
    """Add a form that stands as it is; most matches are such."""
    starts = view.starts
    first, last = starts[start], starts[end - 1] + 1
    search.exact.add((first, use.term))
    if last - first != end - start:
        _add(search, view, start, end, use, name="")
        return
    name = "surface" if search.views.surface.text[first:last] == use.form else "folded"
    matches = search.matches
    candidates = matches.lonely if search.lexicon.terms[use.term].needs_company else matches.found
    candidates.append((first, -last, -SCORES[name], use.term, name, use.form))


def _take_squeezed(search: _Search, view: View, start: int, end: int, use: Use) -> None:
    kind = use.kind
    if kind is Kind.EXCEPTION:
        span = view.span(start, end)
        if not _MARK.search(search.views.surface.text, *span):  # 可代还，有需要的 is no 代还有
            search.matches.exceptions.setdefault(use.term, []).append(span)
    elif kind is Kind.PICTURE:
        if search.views.has_symbols:
            _add_pictured(search, view, start, end, use)
    elif kind in _CHANGED_KINDS:
        _add(search, view, start, end, use, name="fuzzy", score=100.0 * (1 - 1 / len(use.form)))
    else:
        _add(search, view, start, end, use, name=_PLAIN_KINDS[kind])


def _scan_plain(search: _Search, view: View, automaton: Automaton, name: str) -> None:
    for start, end, index in automaton.scan(view.text):
        for use in automaton.meanings[index].uses:
            _add(search, view, start, end, use, name=name)


def _scan_near(search: _Search) -> None:
    view, automaton = search.views.near, search.lexicon.patterns.near
    for start, end, index in automaton.scan(view.text):
        first = view.span(start, end)[0]
        for use in automaton.meanings[index].uses:
            if (first, use.term) in search.exact:
                continue
            name = _sound_name(search.views, view, start, end, use)
            if name:
                _add(search, view, start, end, use, name=name)


def _scan_hanzi(search: _Search) -> None:
    """Add forms into which letters or digits were put at two places or more; at one, the windows find them."""
    view, automaton = search.views.hanzi, search.lexicon.patterns.hanzi
    starts = view.starts
    for start, end, index in automaton.scan(view.text):
        gaps = sum(starts[at + 1] - starts[at] > 1 for at in range(start, end - 1))
        if gaps >= LEAST_GAPS:
            for use in automaton.meanings[index].uses:
                _add(search, view, start, end, use, name="hanzi")


def _sound_name(views: Views, view: View, start: int, end: int, use: Use) -> str:
    """Return ``sound`` or ``near`` when the syllables are enough like the form, else the empty string.

    A form of three syllables must sound exactly so and keep one of its characters (two, if the third only
    sounds nearly so), or be a whole word of letters; longer ones may differ in what is often not heard.
    """
    form, cut = use.form[: use.at], use.form[use.at :]
    exact = views.sound.text[start:end] == cut
    if len(form) > SHORTEST_SOUND:
        return "sound" if exact else "near"
    first, last = view.span(start, end)
    folded = views.folded.text
    if not exact:
        return "near" if has_one_odd(folded[first:last], form) else ""
    if folded[first:last].isascii():
        return "sound" if _stands_alone(folded, first, last) else ""
    return "sound" if any(char in form for char in folded[first:last]) else ""


def _scan_initials(search: _Search) -> None:
    """Add forms of which initials stand for characters; only around letters, since no match is without one."""
    views = search.views
    view, letters = views.initials, views.squeezed.text
    automaton = search.lexicon.patterns.initials
    spans = list(_around_letters(letters, automaton.longest - 1))
    # One look at all of it: a look costs as much as some hundred characters.
    begins = list(accumulate((last - first + 1 for first, last in spans), initial=0))
    for start, end, index in automaton.scan(BARRIER.join([view.text[first:last] for first, last in spans])):
        number = bisect_right(begins, start) - 1
        shift = spans[number][0] - begins[number]
        written = letters[start + shift : end + shift]
        latin = sum(char.isascii() for char in written)
        if not latin:
            continue
        for use in automaton.meanings[index].uses:
            if _is_initials(written, use.form, latin):
                _add(search, view, start + shift, end + shift, use, name="initials")


def _around_letters(text: str, reach: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the text that lie within ``reach`` of a Latin letter or digit, each once."""
    first = last = 0
    for run in _ASCII.finditer(text):
        if run.start() - reach > last:
            if last:
                yield first, last
            first = max(0, run.start() - reach)
        last = run.end() + reach
    if last:
        yield first, min(last, len(text))


def _is_initials(written: str, form: str, latin: int) -> bool:
    same = sum(a == b for a, b in zip(written, form, strict=True))
    if same + latin < len(written):
        return False
    return same >= SHORTEST_SOUND - 1 or (not same and latin >= SHORTEST_LETTERS) or (same > 0 and latin > same)


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
    if views.broken(view, start, end):
        return
    loose = name in _LOOSE_VIEWS
    if loose and _is_parted(views, view, start, end):
        return
    if (use.edged or loose) and not _has_boundaries(views.folded.text, first, last, term.boundary):
        return
    if not name:
        name = _plain_name(views, first, last, use.form)
    _keep(search, use, name=name, start=first, end=last, score=SCORES[name] if score is None else score)


def _keep(search: _Search, use: Use, *, name: str, start: int, end: int, score: float) -> None:
    lonely = search.lexicon.terms[use.term].needs_company or (
        use.kind is Kind.ALIAS and len(use.form) <= _SHORT_ALIAS
    )
    (search.matches.lonely if lonely else search.matches.found).append(
        (start, -end, -score, use.term, name, use.form)
    )


def _is_parted(views: Views, view: View, start: int, end: int) -> bool:
    """Say whether the one gap in a match holds a mark: what is disguised already is not cut by a comma too."""
    starts, ends = view.starts, view.ends
    gaps = [(ends[at - 1], starts[at]) for at in range(start + 1, end) if starts[at] > ends[at - 1]]
    return len(gaps) == 1 and _MARK.search(views.surface.text, *gaps[0]) is not None


def _plain_name(views: Views, first: int, last: int, form: str) -> str:
    if views.surface.text[first:last] == form:
        return "surface"
    return "folded" if last - first == len(form) else "squeezed"


def _has_boundaries(folded: str, first: int, last: int, boundary: Boundary) -> bool:
    """Say whether the match is not part of a longer Latin word or number, as far as its term cares."""
    if boundary is Boundary.NONE:
        return True
    if first and (_same_kind(folded[first - 1], folded[first]) or _is_in_id(folded, first)):
        return False
    return boundary is Boundary.LEFT or last == len(folded) or not _same_kind(folded[last - 1], folded[last])


def _is_in_id(folded: str, first: int) -> bool:
    """Say whether a form that begins with a Latin letter or digit stands behind the beginning of an id (tx_8q…)."""
    if folded[first - 1] not in _ID_SIGNS or not folded[first].isascii():
        return False
    before = folded[max(0, first - LONGEST_ID) : first]
    head = before[len(before.rstrip(_ID_SIGNS)) :]
    return not head.isdigit()


def _same_kind(one: str, other: str) -> bool:
    if not (one.isascii() and other.isascii()):
        return False
    return (one.isalpha() and other.isalpha()) or (one.isdigit() and other.isdigit())


def _stands_alone(folded: str, first: int, last: int) -> bool:
    return _has_boundaries(folded, first, last, Boundary.BOTH)


def _open_windows(search: _Search) -> None:
    """Look for nearly equal forms around the pieces, where the term does not stand as it is."""
    view = search.views.squeezed
    starts = view.starts
    seen: set[tuple[int, int, str]] = set()
    for start, use in search.pieces:
        key = (start, use.term, use.form)
        if start < 0 or key in seen or (starts[start], use.term) in search.exact:
            continue
        seen.add(key)
        window = find_window(view.text, use.form, start, search.counts)
        if window is not None and not _hangs_loose(view, window[0], window[1], use.form):
            _add(search, view, window[0], window[1], use, name="fuzzy", score=window[2])


def _hangs_loose(view: View, first: int, last: int, form: str) -> bool:
    """Say whether what stands for one end of the form is no hanzi and only near: 0【息挂账 begins with no 停.

    Where every character stands apart (停 息 挂 x) it belongs to them.
    """
    starts = view.starts
    gaps = {at for at in range(first + 1, last) if starts[at] - starts[at - 1] > 1}
    if len(gaps) == last - first - 1:
        return False
    ends = ((first + 1, view.text[first], form[0]), (last - 1, view.text[last - 1], form[-1]))
    return any(gap in gaps and seen != meant and not "\u3400" <= seen <= "\u9fff" for gap, seen, meant in ends)
