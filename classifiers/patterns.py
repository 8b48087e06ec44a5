"""Compile terms into automata: which strings to look for in which view, and what each of them means.

A disguise that can be written down is written down (reversed, swapped, one character missing, split into
parts, initials, every reading of a character with two). Only what cannot (a wrong or an added character) is
left to the fuzzy windows, which open where a piece of a term stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, product
from typing import TYPE_CHECKING

import daachorse

from classifiers.tables import load_shapes, load_sounds
from classifiers.terms import Disguise
from classifiers.views import cut_syllables, make_views

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from classifiers.terms import Term

# Shorter terms are looked for in fewer views: what is left of a two-character word after one change is any word.
SHORTEST_SOUND, SHORTEST_FUZZY, SHORTEST_LOOSE = 3, 4, 6
SHORTEST_INITIALS, SHORTEST_REVERSED, SHORTEST_LETTERS = 3, 4, 4
SHORTEST_HANZI = 3
MOST_READINGS = 8


class Kind(StrEnum):
    """What a pattern of the automaton stands for."""

    PLAIN = "plain"
    ALIAS = "alias"
    EXCEPTION = "exception"
    REVERSED = "reversed"
    SPLIT = "split"
    SWAPPED = "swapped"
    DROPPED = "dropped"
    PICTURE = "picture"
    PIECE = "piece"
    SOUND = "sound"
    INITIALS = "initials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One meaning of a pattern: for which term (by index), of which form of it, and where in that form."""

    kind: Kind
    term: int
    form: str
    at: int = 0


class Automaton:
    """Every occurrence of every pattern in a text, overlapping ones too."""

    __slots__ = ("_machine", "_uses")

    def __init__(self, uses: dict[str, list[Use]]) -> None:
        """Compile the patterns (the keys); each stands for one or more uses."""
        self._uses = tuple(tuple(found) for found in uses.values())
        self._machine = daachorse.CharwiseDoubleArrayAhoCorasick(list(uses)) if uses else None

    def __len__(self) -> int:
        """Return the number of patterns."""
        return len(self._uses)

    def scan(self, text: str) -> list[tuple[int, int, tuple[Use, ...]]]:
        """Return (start, end, uses) of every occurrence, by end; offsets are code points of the text."""
        if self._machine is None or not text:
            return []
        uses = self._uses
        return [(start, end, uses[index]) for start, end, index in self._machine.find_overlapping(text)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """The automata of a lexicon, by the view that they read."""

    folded: Automaton
    squeezed: Automaton
    near: Automaton
    hanzi: Automaton
    restored: Automaton
    initials: Automaton


def compile_patterns(terms: Sequence[Term]) -> Patterns:
    """Return the automata of these terms."""
    tables: dict[str, dict[str, list[Use]]] = {name: {} for name in Patterns.__dataclass_fields__}
    for index, term in enumerate(terms):
        for view, pattern, use in _term_patterns(index, term):
            uses = tables[view].setdefault(pattern, [])
            if use not in uses:
                uses.append(use)
    return Patterns(**{name: Automaton(uses) for name, uses in tables.items()})


Found = tuple[str, str, Use]


def _term_patterns(index: int, term: Term) -> Iterator[Found]:
    for text in term.exceptions:
        form = make_views(text).squeezed.text
        yield "squeezed", form, Use(kind=Kind.EXCEPTION, term=index, form=form)
    for text in term.aliases:
        form = make_views(text).squeezed.text
        yield "squeezed", form, Use(kind=Kind.ALIAS, term=index, form=form)
    for text in dict.fromkeys((term.term, *term.variants)):
        views = make_views(text)
        if views.squeezed.text != views.folded.text:
            # The form needs its sign (5+8, 100%), so it is looked for where signs are kept.
            form = views.folded.text
            yield "folded", form, Use(kind=Kind.PLAIN, term=index, form=form)
            continue
        form = views.squeezed.text
        plain = Use(kind=Kind.PLAIN, term=index, form=form)
        yield "squeezed", form, plain
        yield "restored", form, plain
        if len(views.hanzi.text) == len(form):
            yield from _disguises(index, term, form)


def _disguises(index: int, term: Term, form: str) -> Iterator[Found]:
    """Yield what the opted-in disguises of an all-hanzi form look like."""
    if len(form) >= SHORTEST_HANZI:
        yield "hanzi", form, Use(kind=Kind.PLAIN, term=index, form=form)
    if Disguise.SOUND in term.views and len(form) >= SHORTEST_SOUND:
        yield from _sounds(index, form)
    if Disguise.INITIALS in term.views and len(form) >= SHORTEST_INITIALS:
        yield "initials", make_views(form).initials.text, Use(kind=Kind.INITIALS, term=index, form=form)
    if Disguise.SPLIT in term.views:
        yield from _splits(index, form)
    if Disguise.REVERSED in term.views and len(form) >= SHORTEST_REVERSED:
        yield "squeezed", form[::-1], Use(kind=Kind.REVERSED, term=index, form=form)
    if Disguise.FUZZY in term.views and len(form) >= SHORTEST_FUZZY:
        yield from _changed(index, form)
        yield from _pieces(index, form)


def _sounds(index: int, form: str) -> Iterator[Found]:
    """Yield every reading of a form, as exact syllables told apart by the use, found by near ones."""
    sounds = load_sounds()
    first = {char: chr(int(sounds.exact[ord(char)])) for char in form}
    names = {code: name for name, code in sounds.spelled.items()}
    choices = [
        list(dict.fromkeys([first[char], *(sounds.spelled[name] for name in sounds.polyphones.get(char, ()))]))
        for char in form
    ]
    for reading in islice(product(*choices), MOST_READINGS):
        exact = "".join(reading)
        spelling = "".join(names.get(code, code) for code in reading)
        for cut in (exact, "".join(code for _, _, code in cut_syllables(spelling, sounds.spelled, sounds.longest))):
            near = "".join(sounds.spelled_near[names[code]] if code in names else code for code in cut)
            yield "near", near, Use(kind=Kind.SOUND, term=index, form=form + cut, at=len(form))


def _splits(index: int, form: str) -> Iterator[Found]:
    splits = load_shapes().splits
    written = [splits.get(char, (char,))[0] for char in form]
    use = Use(kind=Kind.SPLIT, term=index, form=form)
    for at, char in enumerate(form):
        for parts in splits.get(char, ()):
            yield "squeezed", form[:at] + parts + form[at + 1 :], use
    if "".join(written) != form:
        yield "squeezed", "".join(written), use


def _changed(index: int, form: str) -> Iterator[Found]:
    """Yield the form with two neighbours swapped, or one character missing."""
    for at in range(len(form) - 1):
        if form[at] != form[at + 1]:
            swapped = form[:at] + form[at + 1] + form[at] + form[at + 2 :]
            yield "squeezed", swapped, Use(kind=Kind.SWAPPED, term=index, form=form, at=at)
    kind = Kind.DROPPED if len(form) >= SHORTEST_LOOSE else Kind.PICTURE
    for at in range(len(form)):
        yield "squeezed", form[:at] + form[at + 1 :], Use(kind=kind, term=index, form=form, at=at)


def _pieces(index: int, form: str) -> Iterator[Found]:
    """Yield pieces of which one stays whole under as many changes as are tolerated (pigeonhole)."""
    for start, end in cut_pieces(len(form)):
        yield "squeezed", form[start:end], Use(kind=Kind.PIECE, term=index, form=form, at=start)


def most_changes(length: int) -> int:
    """Return how many changed characters a form of that length tolerates."""
    if length < SHORTEST_FUZZY:
        return 0
    return 1 if length < SHORTEST_LOOSE else 2


def cut_pieces(length: int) -> Iterable[tuple[int, int]]:
    """Return the [start, end) of ``most_changes + 1`` pieces of nearly equal length."""
    count = most_changes(length) + 1
    return [(length * n // count, length * (n + 1) // count) for n in range(count)]
