"""Read the generated text tables into arrays that map every code point at once.

The files are made by ``scripts/build_text_tables.py``; each array has one entry per code point
(0x110000), so that a whole text is mapped by one ``take``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable

Codes = npt.NDArray[np.uint32]
Classes = npt.NDArray[np.uint16]

CODE_POINTS = 0x110000
# Syllables are written as private-use code points from here on; the squeezed view holds none of its own.
FIRST_SYLLABLE = 0xE000
_REPLACEMENT = 0xFFFD
# Bits of a code point's class, as classifiers.views names them.
_DROP, _WEAK, _STRONG, _PICTURE, _LATIN, _RADICAL, _SYMBOL, _DIGIT, _SIGN = (1 << n for n in range(9))
# Pairs that many speakers do not keep apart: first and last sounds of a syllable.
_NEAR_FIRST = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("l", "n"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """By code point: its folded form and the bits of its class."""

    fold: Codes
    classes: Classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounds:
    """Syllables: per code point (``exact``, ``near``, ``initial``; others map to themselves) and by spelling."""

    exact: Codes
    near: Codes
    initial: Codes
    spelled: dict[str, str]
    spelled_near: dict[str, str]
    longest: int
    polyphones: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Characters written as parts (``joined``: parts to character), by character all that look like it.

    ``everyday`` are the characters that stand in every sentence.
    """

    joined: dict[str, str]
    split_pattern: re.Pattern[str]
    splits: dict[str, tuple[str, ...]]
    alike: dict[str, str]
    everyday: frozenset[str]


def _read(name: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
    return json.loads((files("classifiers.tables") / name).read_text(encoding="utf-8"))


def _codes(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


@cache
def load_folding() -> Folding:
    """Return the folding table."""
    data = _read("folding.json")
    fold = np.arange(CODE_POINTS, dtype=np.uint32)
    for target, sources in data["fold"].items():
        fold[_codes(sources)] = ord(target)
    fold[0] = fold[0xD800:0xE000] = _REPLACEMENT
    classes = _make_classes(data["classes"], fold)
    return Folding(fold=fold, classes=classes)


def _make_classes(data: dict[str, Any], fold: Codes) -> Classes:
    classes = np.zeros(CODE_POINTS, dtype=np.uint16)
    for name, bit in (("drop", _DROP), ("symbols", _SYMBOL), ("signs", _SIGN)):
        for first, last in data[name]:
            classes[first : last + 1] |= bit
    for name, bit in (("weak", _WEAK), ("strong", _STRONG), ("pictures", _PICTURE), ("radicals", _RADICAL)):
        classes[_codes(data[name])] |= bit
    kept = (classes & _DROP) == 0
    classes[(fold >= ord("a")) & (fold <= ord("z")) & kept] |= _LATIN
    classes[(fold >= ord("0")) & (fold <= ord("9")) & kept] |= _DIGIT
    return classes


@cache
def load_sounds() -> Sounds:
    """Return the syllable tables."""
    data = _read("sounds.json")
    syllables = {name: chr(FIRST_SYLLABLE + index) for index, name in enumerate(data["syllables"])}
    keys: dict[str, str] = {}
    near = {name: keys.setdefault(near_key(name), code) for name, code in syllables.items()}
    exact, close, initial = (np.arange(CODE_POINTS, dtype=np.uint32) for _ in range(3))
    for name, chars in data["syllables"].items():
        codes = _codes(chars)
        exact[codes], close[codes], initial[codes] = ord(syllables[name]), ord(near[name]), ord(name[0])
    return Sounds(
        exact=exact,
        near=close,
        initial=initial,
        spelled=syllables,
        spelled_near=near,
        longest=max(map(len, syllables)),
        polyphones={char: tuple(names) for char, names in data["polyphones"].items()},
    )


def near_key(syllable: str) -> str:
    """Return the syllable without zh/z, ch/c, sh/s, l/n and final ng/n differences."""
    for long, short in _NEAR_FIRST:
        if syllable.startswith(long):
            syllable = short + syllable.removeprefix(long)
            break
    return syllable[:-1] if syllable.endswith(("ang", "eng", "ing")) else syllable


@cache
def load_shapes() -> Shapes:
    """Return the tables of split characters and look-alikes."""
    data = _read("shapes.json")
    splits = {char: tuple(forms.split()) for char, forms in data["splits"].items()}
    radicals = set(data["radicals"])
    joined: dict[str, str] = {}
    for char, forms in splits.items():
        for parts in forms:
            if radicals & set(parts):
                joined.setdefault(parts, char)
    return Shapes(
        joined=joined,
        split_pattern=_any_of(joined),
        splits=splits,
        alike=data["alike"],
        everyday=frozenset(data["everyday"]),
    )


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that matches any of the texts, the longest; sorted by first character, which is quick."""
    by_first: dict[str, list[str]] = {}
    for text in sorted(texts, key=len, reverse=True):
        by_first.setdefault(text[0], []).append(re.escape(text[1:]))
    return re.compile("|".join(f"{re.escape(first)}(?:{'|'.join(rests)})" for first, rests in by_first.items()))
