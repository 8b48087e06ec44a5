"""Views of a text: the same text folded, squeezed or turned into sounds, with the way back to the original.

A term that a seller disguises is not looked for with a looser comparison but in a view where the
disguise is gone. Every view knows, for each of its code points, which code points of the original it
stands for, so that a match is always shown in the text as it was written.

- ``surface``: the text itself; NUL and lone surrogates become U+FFFD, one for one.
- ``folded``: width, case, traditional and variant characters, circled digits and picture substitutes
  replaced one code point for one.
- ``squeezed``: folded, without spaces, punctuation, symbols, emoji, combining and invisible marks.
- ``sound``: squeezed, each hanzi as one private-use code point for its toneless syllable; a run of Latin
  letters becomes the syllables it spells.
- ``near``: sound without the differences that southern speakers do not make (zh/z, ch/c, sh/s, ng/n, l/n).
- ``hanzi``: squeezed, hanzi only (letters and digits between them removed).
- ``restored``: squeezed, picture substitutes kept as the characters they stand for, split characters joined.
- ``initials``: squeezed, each hanzi as the first letter of its syllable.

Views are made by vectorised table look-ups when they are first asked for.
"""

from __future__ import annotations

import re
from codecs import utf_32_le_decode, utf_32_le_encode  # half the cost of going through the registry
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from classifiers.tables import load_folding, load_shapes, load_sounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from classifiers.tables import Codes

    Indexes = npt.NDArray[np.intp]

# Bits of a code point's class.
DROP, WEAK, STRONG, PICTURE, LATIN, RADICAL, SYMBOL, DIGIT, SIGN = (1 << n for n in range(9))

# Stands between texts that are looked at in one go; kept in every view, part of no term.
BARRIER = "\ufdd0"
_BAD = re.compile("[\x00\ud800-\udfff]")
_LETTERS = re.compile("[a-z]+")
# Longer runs of letters are cut anew each time: a memory of them would grow with what is thrown at it.
_LONGEST_KEPT_RUN = 64
# English words hold syllables too (phone: ho, ne); a run is pinyin when nearly all of it spells.
LEAST_PINYIN = 0.75
# One thing in quotation marks or brackets ends and, behind it, the next begins: an enumeration.
_QUOTE_END, _QUOTE_START = re.compile('[”"’』」》）】]'), re.compile('[“"‘『「《（【]')
_INVISIBLE = frozenset({0x200B, 0x200C, 0x200D, 0x2060, 0xFE0E, 0xFE0F, 0xFEFF})


class View:
    """One view: its text, and for each code point the [start, end) code points of the original."""

    __slots__ = ("_ends", "_starts", "name", "text")

    def __init__(self, name: str, text: str, starts: Indexes | range, ends: Indexes | None = None) -> None:
        """Make a view; without ``ends`` every code point stands for one code point of the original."""
        self.name = name
        self.text = text
        # A memoryview hands out plain integers one by one; a list of them all costs more than the search.
        self._starts: Sequence[int] = starts if isinstance(starts, range) else starts.data
        self._ends: Sequence[int] | None = None if ends is None else ends.data

    @property
    def starts(self) -> Sequence[int]:
        """Where, in the original, what each code point stands for begins."""
        return self._starts

    @property
    def ends(self) -> Sequence[int]:
        """Where, in the original, what each code point stands for ends."""
        if self._ends is None:
            self._ends = [start + 1 for start in self._starts]
        return self._ends

    def span(self, i: int, j: int) -> tuple[int, int]:
        """Return the [start, end) of the original that the view's code points i to j (exclusive) stand for."""
        starts = self._starts
        return starts[i], starts[j - 1] + 1 if self._ends is None else self._ends[j - 1]

    def gaps(self, i: int, j: int) -> list[int]:
        """Return the code points k between i and j (exclusive) before which the view leaves something out."""
        starts, ends = self._starts, self._ends
        if ends is None:
            return [k for k in range(i + 1, j) if starts[k] > starts[k - 1] + 1]
        return [k for k in range(i + 1, j) if starts[k] > ends[k - 1]]


class Views:
    """All views of one text; made by :func:`make_views`, never changed."""

    __slots__ = (
        "_codes",
        "_folded",
        "_folded_codes",
        "_hanzi",
        "_initials",
        "_kept",
        "_near",
        "_restored",
        "_sound",
        "_squeezed",
        "_squeezed_codes",
        "flags",
        "surface",
    )

    def __init__(self, surface: str, codes: Indexes) -> None:
        """Take the text and its code points; the views are made when they are asked for."""
        folding = load_folding()
        classes = folding.classes.take(codes)
        self.surface = View("surface", surface, range(len(surface)))
        self.flags = int(np.bitwise_or.reduce(classes)) if surface else 0
        self._codes = codes
        self._kept = ((classes & DROP) == 0).nonzero()[0]
        self._folded_codes = folding.fold.take(codes)
        self._squeezed_codes = self._folded_codes.take(self._kept)
        self._folded: View | None = None
        self._squeezed: View | None = None
        self._sound: View | None = None
        self._near: View | None = None
        self._hanzi: View | None = None
        self._initials: View | None = None
        self._restored: View | None = None

    def __getitem__(self, name: str) -> View:
        """Return the view of that name; KeyError when there is none."""
        if name not in VIEW_NAMES:
            raise KeyError(name)
        view: View = getattr(self, name)
        return view

    @property
    def has_latin(self) -> bool:
        """Say whether a Latin letter is left after folding."""
        return bool(self.flags & LATIN)

    @property
    def has_signs(self) -> bool:
        """Say whether the squeezed view drops a sign that a term can need: a symbol, or one like + and %."""
        return bool(self.flags & SIGN)

    @property
    def has_symbols(self) -> bool:
        """Say whether a picture of a thing is in the text."""
        return bool(self.flags & SYMBOL)

    @property
    def has_disguise(self) -> bool:
        """Say whether ``restored`` can differ from ``squeezed``."""
        return bool(self.flags & (PICTURE | RADICAL))

    @property
    def has_letters(self) -> bool:
        """Say whether a Latin letter or digit is left after folding."""
        return bool(self.flags & (LATIN | DIGIT))

    @property
    def folded(self) -> View:
        """The text folded one code point for one."""
        if self._folded is None:
            self._folded = self._make_folded()
        return self._folded

    @property
    def squeezed(self) -> View:
        """The folded text without anything that only separates."""
        if self._squeezed is None:
            self._squeezed = self._make_squeezed()
        return self._squeezed

    @property
    def sound(self) -> View:
        """The exact toneless syllables."""
        if self._sound is None:
            self._sound = self._make_sound()
        return self._sound

    @property
    def near(self) -> View:
        """The syllables without the differences that are often not heard."""
        if self._near is None:
            self._near = self._make_near()
        return self._near

    @property
    def hanzi(self) -> View:
        """The hanzi of the squeezed view alone."""
        if self._hanzi is None:
            self._hanzi = self._make_hanzi()
        return self._hanzi

    @property
    def initials(self) -> View:
        """The first letter of each hanzi's syllable; letters and digits as they are."""
        if self._initials is None:
            self._initials = self._make_initials()
        return self._initials

    @property
    def restored(self) -> View:
        """Squeezed, with picture substitutes kept and split characters joined."""
        if self._restored is None:
            self._restored = self._make_restored()
        return self._restored

    def broken(self, view: View, i: int, j: int) -> bool:
        """Say whether the match [i, j) of the view reaches across one sentence mark as if nothing stood there.

        Two or more gaps inside one match are a disguise (停.息.挂.账), a single mark is the end of a
        sentence (协商。还款). A comma or line break counts only between parts of two or more
        characters: no clause ends inside a morpheme.
        """
        starts = view.starts
        if starts[j - 1] - starts[i] == j - 1 - i:
            return False
        gaps = view.gaps(i, j)
        if len(gaps) != 1:
            return False
        gap = gaps[0]
        between = slice(view.span(gap - 1, gap)[1], starts[gap])
        if _holds_next_quote(self.surface.text[between]):
            return True
        marks = int(np.bitwise_or.reduce(load_folding().classes[self._codes[between]]))
        if marks & STRONG:
            return True
        return bool(marks & WEAK) and gap - i > 1 and j - gap > 1

    def picture_at(self, position: int, step: int) -> int | None:
        """Return the offset of a picture that stands at ``position`` of the original, else None.

        ``step`` is 1 to look forwards, -1 backwards; variation selectors and joiners are skipped.
        """
        classes = load_folding().classes
        while 0 <= position < len(self._codes):
            marks = int(classes[self._codes[position]])
            if marks & SYMBOL:
                return position
            if int(self._codes[position]) not in _INVISIBLE:
                return None
            position += step
        return None

    def _make_folded(self) -> View:
        return View("folded", _decode(self._folded_codes), range(len(self._codes)))

    def _make_squeezed(self) -> View:
        return View("squeezed", _decode(self._squeezed_codes), self._kept)

    def _make_sound(self) -> View:
        text = _decode(load_sounds().exact.take(self._squeezed_codes))
        return _spell("sound", text, self._kept) if self.has_latin else View("sound", text, self._kept)

    def _make_near(self) -> View:
        text = _decode(load_sounds().near.take(self._squeezed_codes))
        return _spell("near", text, self._kept) if self.has_latin else View("near", text, self._kept)

    def _make_hanzi(self) -> View:
        codes = self._squeezed_codes
        kept = ((load_sounds().exact.take(codes) != codes) | (codes == ord(BARRIER))).nonzero()[0]
        return View("hanzi", _decode(codes.take(kept)), self._kept.take(kept))

    def _make_initials(self) -> View:
        return View("initials", _decode(load_sounds().initial.take(self._squeezed_codes)), self._kept)

    def _make_restored(self) -> View:
        folding = load_folding()
        kept = ((folding.classes.take(self._codes) & (DROP | PICTURE)) != DROP).nonzero()[0]
        return _join_parts("restored", _decode(self._folded_codes.take(kept)), kept)


VIEW_NAMES = ("surface", "folded", "squeezed", "sound", "near", "hanzi", "restored", "initials")


def make_views(text: str) -> Views:
    """Return the views of one text of any content; offsets count its code points."""
    try:
        raw = utf_32_le_encode(text)[0]
    except UnicodeEncodeError:
        text = _BAD.sub("\ufffd", text)
        raw = utf_32_le_encode(text)[0]
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
        raw = utf_32_le_encode(text)[0]
    return Views(text, np.frombuffer(raw, dtype=np.int32).astype(np.intp))


def fold_text(text: str) -> str:
    """Return the folded form of a short text (a term or variant of the lexicon)."""
    return make_views(text).folded.text


def squeeze_text(text: str) -> str:
    """Return the squeezed form of a short text (a term or variant of the lexicon)."""
    return make_views(text).squeezed.text


def _holds_next_quote(between: str) -> bool:
    end = _QUOTE_END.search(between)
    return end is not None and _QUOTE_START.search(between, end.end()) is not None


def _decode(codes: Codes) -> str:
    return utf_32_le_decode(codes.tobytes())[0]


def _spell(name: str, text: str, starts: Indexes) -> View:
    """Return a view of syllables in which runs of letters that are mostly pinyin are cut, longest first."""
    found = [
        (run.start() + start, run.start() + end, code)
        for run in _LETTERS.finditer(text)
        for start, end, code in _cut_letters(name, run.group())
    ]
    return View(name, text, starts) if not found else _replace(name, text, starts, found)


def _replace(name: str, text: str, starts: Indexes, found: list[tuple[int, int, str]]) -> View:
    """Return a view in which each [start, end) of the text is one code point; they do not overlap."""
    parts: list[str] = []
    at = 0
    for start, end, code in found:
        parts += (text[at:start], code)
        at = end
    parts.append(text[at:])
    first, last = (np.array([span[side] for span in found]) for side in (0, 1))
    # Plus one where a replaced stretch goes on, minus one behind it: the sum is 0 where a code point is kept.
    inside = np.zeros(len(starts) + 1, dtype=np.intp)
    np.add.at(inside, first + 1, 1)
    np.add.at(inside, last, -1)
    kept = np.cumsum(inside[:-1]) == 0
    ends = starts + 1
    ends[first] = starts[last - 1] + 1
    return View(name, "".join(parts), starts[kept], ends[kept])


def _cut_letters(name: str, letters: str) -> tuple[tuple[int, int, str], ...]:
    return (_cut_run if len(letters) <= _LONGEST_KEPT_RUN else _cut_run.__wrapped__)(name, letters)


@lru_cache(maxsize=8192)
def _cut_run(name: str, letters: str) -> tuple[tuple[int, int, str], ...]:
    """Return the syllables of a run of letters; none when too little of it is pinyin."""
    sounds = load_sounds()
    found = cut_syllables(letters, sounds.spelled_near if name == "near" else sounds.spelled, sounds.longest)
    if sum(end - start for start, end, _ in found) < LEAST_PINYIN * len(letters):
        return ()
    return tuple(found)


def cut_syllables(letters: str, spelled: dict[str, str], longest: int) -> list[tuple[int, int, str]]:
    """Return (start, end, code point) per syllable of a run of letters; letters that spell none are left out."""
    pieces, i = [], 0
    while i < len(letters):
        for j in range(min(len(letters), i + longest), i, -1):
            code = spelled.get(letters[i:j])
            if code is not None:
                pieces.append((i, j, code))
                break
        else:
            j = i + 1
        i = j
    return pieces


def _join_parts(name: str, text: str, starts: Indexes) -> View:
    """Return a view in which characters that were written as their parts are put together."""
    shapes = load_shapes()
    found = [
        (match.start(), match.end(), shapes.joined[match.group()]) for match in shapes.split_pattern.finditer(text)
    ]
    return View(name, text, starts) if not found else _replace(name, text, starts, found)
