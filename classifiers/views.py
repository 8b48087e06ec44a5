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
from typing import TYPE_CHECKING

import numpy as np

from classifiers.tables import load_folding, load_shapes, load_sounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from classifiers.tables import Codes

    Indexes = npt.NDArray[np.intp]
    Offsets = Sequence[int] | Indexes

# Bits of a code point's class.
DROP, WEAK, STRONG, PICTURE, LATIN, RADICAL, SYMBOL, DIGIT = 1, 2, 4, 8, 16, 32, 64, 128

_BAD = re.compile("[\x00\ud800-\udfff]")
_LETTERS = re.compile("[a-z]+")
_INTERLEAVED = re.compile("[\u3400-\u9fff][a-z0-9]{1,2}[\u3400-\u9fff]")
_INVISIBLE = frozenset({0x200B, 0x200C, 0x200D, 0x2060, 0xFE0E, 0xFE0F, 0xFEFF})
_UTF32 = "utf-32-le"


class View:
    """One view: its text, and for each code point the [start, end) code points of the original."""

    __slots__ = ("_ends", "name", "starts", "text")

    def __init__(self, name: str, text: str, starts: Offsets, ends: Offsets | None = None) -> None:
        """Make a view; without ``ends`` every code point stands for one code point of the original."""
        self.name = name
        self.text = text
        self.starts = starts
        self._ends = ends

    @property
    def ends(self) -> Offsets:
        """The end, in the original, of what each code point stands for."""
        if self._ends is None:
            self._ends = np.asarray(self.starts, dtype=np.intp) + 1
        return self._ends

    def span(self, i: int, j: int) -> tuple[int, int]:
        """Return the [start, end) of the original that the view's code points i to j (exclusive) stand for."""
        if self._ends is None:
            return int(self.starts[i]), int(self.starts[j - 1]) + 1
        return int(self.starts[i]), int(self._ends[j - 1])


class Views:
    """All views of one text; made by :func:`make_views`, never changed."""

    __slots__ = ("_codes", "_kept", "_made", "_squeezed", "flags", "surface")

    def __init__(self, surface: str, codes: Indexes) -> None:
        """Take the text and its code points; the views are made when they are asked for."""
        folding = load_folding()
        self.surface = View("surface", surface, range(len(surface)))
        self.flags = int(np.bitwise_or.reduce(folding.classes[codes])) if surface else 0
        self._codes = codes
        self._kept = folding.kept[codes].nonzero()[0]
        self._squeezed = folding.fold[codes[self._kept]]
        self._made: dict[str, View] = {}

    def __getitem__(self, name: str) -> View:
        """Return the view of that name; KeyError when there is none."""
        view = self._made.get(name)
        if view is None:
            if name not in VIEW_NAMES:
                raise KeyError(name)
            make: Callable[[], View] = getattr(self, f"_make_{name}")
            view = self._made[name] = make()
        return view

    @property
    def has_latin(self) -> bool:
        """Say whether a Latin letter is left after folding."""
        return bool(self.flags & LATIN)

    @property
    def has_disguise(self) -> bool:
        """Say whether ``restored`` can differ from ``squeezed``."""
        return bool(self.flags & (PICTURE | RADICAL))

    @property
    def is_interleaved(self) -> bool:
        """Say whether letters or digits stand between hanzi, as when they are put into a word."""
        return bool(self.flags & (LATIN | DIGIT)) and _INTERLEAVED.search(self.squeezed.text) is not None

    @property
    def folded(self) -> View:
        """The text folded one code point for one."""
        return self["folded"]

    @property
    def squeezed(self) -> View:
        """The folded text without anything that only separates."""
        return self["squeezed"]

    @property
    def sound(self) -> View:
        """The exact toneless syllables."""
        return self["sound"]

    @property
    def near(self) -> View:
        """The syllables without the differences that are often not heard."""
        return self["near"]

    @property
    def hanzi(self) -> View:
        """The hanzi of the squeezed view alone."""
        return self["hanzi"]

    @property
    def initials(self) -> View:
        """The first letter of each hanzi's syllable; letters and digits as they are."""
        return self["initials"]

    @property
    def restored(self) -> View:
        """Squeezed, with picture substitutes kept and split characters joined."""
        return self["restored"]

    def broken(self, view: View, i: int, j: int) -> bool:
        """Say whether the match [i, j) of the view reaches across one sentence mark as if nothing stood there.

        Two or more gaps inside one match are a disguise (停.息.挂.账), a single mark is the end of a
        sentence (协商。还款). A comma or line break counts only between parts of two or more
        characters: no clause ends inside a morpheme.
        """
        starts = view.starts
        if starts[j - 1] - starts[i] == j - 1 - i:
            return False
        gaps = [k for k in range(i + 1, j) if starts[k] > view.ends[k - 1]]
        if len(gaps) != 1:
            return False
        gap = gaps[0]
        inside = self._codes[int(view.ends[gap - 1]) : int(starts[gap])]
        marks = int(np.bitwise_or.reduce(load_folding().classes[inside]))
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

    def _make_surface(self) -> View:
        return self.surface

    def _make_folded(self) -> View:
        return View("folded", _decode(load_folding().fold[self._codes]), self.surface.starts)

    def _make_squeezed(self) -> View:
        return View("squeezed", _decode(self._squeezed), self._kept)

    def _make_sound(self) -> View:
        sounds = load_sounds()
        view = View("sound", _decode(sounds.exact[self._squeezed]), self._kept)
        return _spell(view, sounds.spelled, sounds.longest) if self.has_latin else view

    def _make_near(self) -> View:
        sounds = load_sounds()
        view = View("near", _decode(sounds.near[self._squeezed]), self._kept)
        return _spell(view, sounds.spelled_near, sounds.longest) if self.has_latin else view

    def _make_hanzi(self) -> View:
        kept = (load_sounds().exact[self._squeezed] != self._squeezed).nonzero()[0]
        return View("hanzi", _decode(self._squeezed[kept]), self._kept[kept])

    def _make_initials(self) -> View:
        return View("initials", _decode(load_sounds().initial[self._squeezed]), self._kept)

    def _make_restored(self) -> View:
        folding = load_folding()
        kept = ((folding.classes[self._codes] & (DROP | PICTURE)) != DROP).nonzero()[0]
        return _join_parts(View("restored", _decode(folding.fold[self._codes[kept]]), kept))


VIEW_NAMES = ("surface", "folded", "squeezed", "sound", "near", "hanzi", "restored", "initials")


def make_views(text: str) -> Views:
    """Return the views of one text of any content; offsets count its code points."""
    try:
        raw = text.encode(_UTF32)
    except UnicodeEncodeError:
        text = _BAD.sub("\ufffd", text)
        raw = text.encode(_UTF32)
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
        raw = text.encode(_UTF32)
    return Views(text, np.frombuffer(raw, dtype=np.int32).astype(np.intp))


def fold_text(text: str) -> str:
    """Return the folded form of a short text (a term or variant of the lexicon)."""
    return make_views(text).folded.text


def squeeze_text(text: str) -> str:
    """Return the squeezed form of a short text (a term or variant of the lexicon)."""
    return make_views(text).squeezed.text


def _decode(codes: Codes) -> str:
    return codes.tobytes().decode(_UTF32)


def _spell(view: View, spelled: dict[str, str], longest: int) -> View:
    """Return the view with each run of letters cut into syllables, longest first; the rest stays letters."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for run in _LETTERS.finditer(view.text):
        first, last = run.span()
        text.append(view.text[done:first])
        starts.extend(view.starts[done:first])
        ends.extend(view.ends[done:first])
        for i, j, piece in cut_syllables(run.group(), spelled, longest):
            text.append(piece)
            starts.append(view.starts[first + i])
            ends.append(view.ends[first + j - 1])
        done = last
    text.append(view.text[done:])
    starts.extend(view.starts[done:])
    ends.extend(view.ends[done:])
    return View(view.name, "".join(text), starts, ends)


def cut_syllables(letters: str, spelled: dict[str, str], longest: int) -> list[tuple[int, int, str]]:
    """Return (start, end, code point) per syllable of a run of letters; a letter that starts none stays."""
    pieces, i = [], 0
    while i < len(letters):
        for j in range(min(len(letters), i + longest), i, -1):
            piece = spelled.get(letters[i:j])
            if piece is not None:
                break
        else:
            j, piece = i + 1, letters[i]
        pieces.append((i, j, piece))
        i = j
    return pieces


def _join_parts(view: View) -> View:
    """Return the view with characters that were written as their parts put together."""
    shapes = load_shapes()
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for match in shapes.split_pattern.finditer(view.text):
        first, last = match.span()
        text.append(view.text[done:first] + shapes.joined[match.group()])
        starts.extend([*view.starts[done:first], view.starts[first]])
        ends.extend([*view.ends[done:first], view.ends[last - 1]])
        done = last
    if not done:
        return view
    text.append(view.text[done:])
    starts.extend(view.starts[done:])
    ends.extend(view.ends[done:])
    return View(view.name, "".join(text), starts, ends)
