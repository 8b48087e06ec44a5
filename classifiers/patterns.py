"""Compile terms into automata: which strings to look for in which view, and what each of them means.

A disguise that can be written down is written down (reversed, swapped, one character missing, split into
parts, initials, every reading of a character with two). Only what cannot (a wrong or an added character) is
left to the fuzzy windows, which open where a piece of a term stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import islice, product
from typing import TYPE_CHECKING

import daachorse

from classifiers.tables import load_shapes, load_sounds
from classifiers.terms import Disguise
from classifiers.views import make_views

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from classifiers.terms import Term

# Shorter terms are looked for in fewer views: what is left of a two-character word after one change is any word.
SHORTEST_SOUND, SHORTEST_FUZZY, SHORTEST_LOOSE = 3, 4, 6
SHORTEST_INITIALS, SHORTEST_LETTERS = 3, 4
SHORTEST_REVERSED, SHORTEST_SWAPPED = 3, 3
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
    ALIKE = "alike"
    DROPPED = "dropped"
    PICTURE = "picture"
    PIECE = "piece"
    SOUND = "sound"
    INITIALS = "initials"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Use:
    """One meaning of a pattern: for which term (by index), of which form of it, and where in that form.

    ``edged`` says that the form begins or ends with a Latin letter or digit. A piece names the form's other
    characters (``rest``) and how many of them (``least``) must stand near for a window to be opened.
    """

    kind: Kind
    term: int
    form: str
    at: int = 0
    edged: bool = False
    rest: str = ""
    least: int = 0

    @property
    def key(self) -> tuple[str, int, str, int]:
        """What tells uses of one pattern apart; uses themselves compare by identity, which is quick."""
        return self.kind, self.term, self.form, self.at


class Meaning:
    """All uses of one pattern; those as a piece are kept apart, by the characters of which they need one near."""

    __slots__ = ("_ahead_chars", "_behind_chars", "ahead", "behind", "is_piece", "reach", "uses")

    def __init__(self, uses: Iterable[Use]) -> None:
        """Sort the uses of one pattern."""
        self.uses = tuple(uses)
        self.is_piece, self.reach = False, 0
        self.ahead: dict[str, tuple[Use, ...]] = {}
        self.behind: dict[str, tuple[Use, ...]] = {}
        pieces = [use for use in self.uses if use.kind is Kind.PIECE]
        if pieces:
            self.uses = tuple(use for use in self.uses if use.kind is not Kind.PIECE)
            self._hold(pieces)

    def _hold(self, pieces: Sequence[Use]) -> None:
        self.is_piece = True
        self.ahead = _by_char((char, use) for use in pieces for char in use.rest[use.at :])
        self.behind = _by_char((char, use) for use in pieces for char in use.rest[: use.at])
        self._ahead_chars, self._behind_chars = frozenset(self.ahead), frozenset(self.behind)
        self.reach = max(len(use.rest) + most_changes(len(use.form)) for use in pieces)

    def pieces_near(self, text: str, start: int, end: int) -> set[Use]:
        """Return the uses as a piece at [start, end) of which one further character stands near."""
        found: set[Use] = set()
        # Most pieces stand alone, and a whole look at what is near costs a third of one by characters.
        ahead = text[end : end + self.reach]
        if not self._ahead_chars.isdisjoint(ahead):
            found.update(*(self.ahead[char] for char in ahead if char in self.ahead))
        if self._behind_chars:
            behind = text[max(0, start - self.reach) : start]
            if not self._behind_chars.isdisjoint(behind):
                found.update(*(self.behind[char] for char in behind if char in self.behind))
        return found


def _by_char(pairs: Iterable[tuple[str, Use]]) -> dict[str, tuple[Use, ...]]:
    table: dict[str, list[Use]] = {}
    for char, use in pairs:
        table.setdefault(char, []).append(use)
    return {char: tuple(uses) for char, uses in table.items()}


class Automaton:
    """Every occurrence of every pattern in a text, overlapping ones too."""

    __slots__ = ("_machine", "longest", "meanings")

    def __init__(self, uses: dict[str, list[Use]]) -> None:
        """Compile the patterns (the keys); each stands for one or more uses."""
        self.meanings = tuple(Meaning(found) for found in uses.values())
        self.longest = max(map(len, uses), default=0)
        self._machine = daachorse.CharwiseDoubleArrayAhoCorasick(list(uses)) if uses else None

    def __len__(self) -> int:
        """Return the number of patterns."""
        return len(self.meanings)

    def scan(self, text: str) -> list[tuple[int, int, int]]:
        """Return (start, end, index of its meaning) of every occurrence; offsets are code points of the text."""
        if self._machine is None or not text:
            return []
        found: list[tuple[int, int, int]] = self._machine.find_overlapping(text)
        return found


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
    tables: dict[str, dict[str, list[Use]]] = {name: {} for name in _AUTOMATA}
    for index, term in enumerate(terms):
        for view, pattern, use in _term_patterns(index, term):
            uses = tables[view].setdefault(pattern, [])
            if not uses or use.key not in {other.key for other in uses}:
                uses.append(use)
    automata = {name: Automaton(uses) for name, uses in tables.items()}
    return Patterns(**automata)


_AUTOMATA = ("folded", "squeezed", "near", "hanzi", "restored", "initials")
Found = tuple[str, str, Use]


def _term_patterns(index: int, term: Term) -> Iterator[Found]:
    for text in term.exceptions:
        form = make_views(text).squeezed.text
        yield "squeezed", form, Use(kind=Kind.EXCEPTION, term=index, form=form)
    for text in term.aliases:
        form = make_views(text).squeezed.text
        yield "squeezed", form, Use(kind=Kind.ALIAS, term=index, form=form, edged=True)
    for text in dict.fromkeys((term.term, *term.variants)):
        views = make_views(text)
        if views.has_signs or not views.squeezed.text:
            # The form needs its sign (5+8, 100%), so it is looked for where signs are kept.
            form = views.folded.text
            yield "folded", form, Use(kind=Kind.PLAIN, term=index, form=form, edged=_is_edged(form))
            continue
        form = views.squeezed.text
        plain = Use(kind=Kind.PLAIN, term=index, form=form, edged=_is_edged(form))
        yield "squeezed", form, plain
        yield "restored", form, plain
        if len(views.hanzi.text) == len(form):
            yield from _disguises(index, term, form)


def _is_edged(form: str) -> bool:
    return form[0].isascii() or form[-1].isascii()


def _disguises(index: int, term: Term, form: str) -> Iterator[Found]:
    """Yield what the opted-in disguises of an all-hanzi form look like."""
    if len(form) >= SHORTEST_HANZI:
        yield "hanzi", form, Use(kind=Kind.PLAIN, term=index, form=form)
    if Disguise.SOUND in term.views and len(form) >= SHORTEST_SOUND:
        yield from _sounds(index, form)
    if Disguise.INITIALS in term.views and len(form) >= SHORTEST_INITIALS:
        yield from _initials(index, form)
    if Disguise.SPLIT in term.views:
        yield from _splits(index, form)
    if Disguise.REVERSED in term.views and len(form) >= SHORTEST_REVERSED:
        yield "squeezed", form[::-1], Use(kind=Kind.REVERSED, term=index, form=form)
    if Disguise.FUZZY in term.views and len(form) >= SHORTEST_SWAPPED:
        yield from _changed(index, form)


def _changed(index: int, form: str) -> Iterator[Found]:
    """Yield what a form looks like with one change; a short one has no pieces from which a window could open."""
    yield from _swapped(index, form)
    if len(form) < SHORTEST_FUZZY:
        yield from _short(index, form)
    else:
        yield from _dropped(index, form)
        yield from _pieces(index, form)


@cache
def _names() -> dict[str, str]:
    """Return the spelling of every syllable by its code point."""
    return {code: name for name, code in load_sounds().spelled.items()}


def _readings(form: str) -> Iterator[tuple[str, ...]]:
    """Yield the ways to read a form, as the code points of its exact syllables."""
    sounds = load_sounds()
    spelled = sounds.spelled
    choices = []
    for char in form:
        others = (spelled[name] for name in sounds.polyphones.get(char, ()) if name in spelled)
        choices.append(dict.fromkeys([chr(int(sounds.exact[ord(char)])), *others]))
    return islice(product(*choices), MOST_READINGS)


def _sounds(index: int, form: str) -> Iterator[Found]:
    """Yield every reading of a form, as exact syllables told apart by the use, found by near ones."""
    sounds, names = load_sounds(), _names()
    for reading in _readings(form):
        exact = "".join(reading)
        near = "".join(sounds.spelled_near[names[code]] if code in names else code for code in exact)
        yield "near", near, Use(kind=Kind.SOUND, term=index, form=form + exact, at=len(form))
        # Letters are cut longest first, which may not be where this word is cut (xi'an, xian).
        written = make_views("".join(names.get(code, code) for code in exact))
        if written.sound.text != exact:
            use = Use(kind=Kind.SOUND, term=index, form=form + written.sound.text, at=len(form))
            yield "near", written.near.text, use


def _initials(index: int, form: str) -> Iterator[Found]:
    """Yield the first letters of every reading of a form."""
    names, use = _names(), Use(kind=Kind.INITIALS, term=index, form=form)
    written = ("".join(names.get(code, code)[0] for code in reading) for reading in _readings(form))
    for letters in dict.fromkeys([make_views(form).initials.text, *written]):
        yield "initials", letters, use


def _splits(index: int, form: str) -> Iterator[Found]:
    splits = load_shapes().splits
    written = [splits.get(char, (char,))[0] for char in form]
    use = Use(kind=Kind.SPLIT, term=index, form=form)
    for at, char in enumerate(form):
        for parts in splits.get(char, ()):
            yield "squeezed", form[:at] + parts + form[at + 1 :], use
    if "".join(written) != form:
        yield "squeezed", "".join(written), use


def _swapped(index: int, form: str) -> Iterator[Found]:
    """Yield the form with two neighbours swapped."""
    for at in range(len(form) - 1):
        if form[at] != form[at + 1]:
            swapped = form[:at] + form[at + 1] + form[at] + form[at + 2 :]
            yield "squeezed", swapped, Use(kind=Kind.SWAPPED, term=index, form=form, at=at)


def _short(index: int, form: str) -> Iterator[Found]:
    """Yield what a form too short for a window looks like with one look-alike, or with a picture in the middle."""
    shapes = load_shapes()
    for at, char in enumerate(form):
        use = Use(kind=Kind.ALIKE, term=index, form=form, at=at)
        for other in set(shapes.alike.get(char, "")) - shapes.everyday:
            yield "squeezed", form[:at] + other + form[at + 1 :], use
    yield "squeezed", form[0] + form[-1], Use(kind=Kind.PICTURE, term=index, form=form, at=1)


def _dropped(index: int, form: str) -> Iterator[Found]:
    """Yield the form with one character missing; a short one must have a picture in its place.

    Between the two lies a form of five: its ends must stand, or what is left begins or ends like any phrase.
    """
    for at in range(len(form)):
        inside = 0 < at < len(form) - 1
        loose = len(form) >= SHORTEST_LOOSE or (inside and len(form) == SHORTEST_LOOSE - 1)
        kind = Kind.DROPPED if loose else Kind.PICTURE
        yield "squeezed", form[:at] + form[at + 1 :], Use(kind=kind, term=index, form=form, at=at)


def _pieces(index: int, form: str) -> Iterator[Found]:
    """Yield pieces of which one stays whole under as many changes as are tolerated (pigeonhole)."""
    most = most_changes(len(form))
    for start, end in cut_pieces(len(form)):
        rest = form[:start] + form[end:]
        least = max(0, len(rest) - most)
        use = Use(kind=Kind.PIECE, term=index, form=form, at=start, rest=rest, least=least)
        yield "squeezed", form[start:end], use


def most_changes(length: int) -> int:
    """Return how many changed characters a form of that length tolerates."""
    if length < SHORTEST_FUZZY:
        return 0
    return 1 if length < SHORTEST_LOOSE else 2


def cut_pieces(length: int) -> Iterable[tuple[int, int]]:
    """Return the [start, end) of ``most_changes + 1`` pieces of nearly equal length."""
    count = most_changes(length) + 1
    return [(length * n // count, length * (n + 1) // count) for n in range(count)]
