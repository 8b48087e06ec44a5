"""Characters that nobody sees or that turn a line around, as visible tokens."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Controls, soft hyphen, joiners, fillers, bidi marks and isolates, variation selectors, tags, private use,
# unassigned specials: Unicode categories Cc, Cf, Co, Cs, Zl, Zp, and letters or marks that draw nothing.
_NOT_SEEN = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
# Marks that are drawn over a letter; real writing stacks three at the most, a tower of them covers other lines.
_TOWER = (
    "[\u0300-\u034e\u0350-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4,}"
)
HIDDEN = re.compile(_NOT_SEEN)
_SPECIAL = re.compile(f"{_NOT_SEEN}|{_TOWER}")

_JOINER, _EMOJI_STYLE, _KEYCAP = "\u200d", "\ufe0f", frozenset("0123456789#*")
_SYMBOLS = frozenset({"So", "Sk", "Sm", "Po"})
_LONGEST_RUN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A run of one hidden character: ``U+200B``, its name, how often."""

    code: str
    name: str
    times: int

    def __str__(self) -> str:
        """Return what is shown in the character's place."""
        return self.code if self.times == 1 else f"{self.code}×{self.times}"


def split_hidden(text: str, start: int = 0, end: int | None = None) -> Iterator[str | Token]:
    """Yield the visible stretches of text[start:end] as they are and hidden characters as tokens.

    What makes an emoji (a joiner between two symbols, the style mark after one) stays, as does a return before a
    line feed.
    """
    end = len(text) if end is None else end
    done = position = start
    while (found := _SPECIAL.search(text, position, end)) is not None:
        at, position = found.span()
        if position - at == 1 and _belongs(text, at):
            continue
        if position - at == 1:
            while position < end and text[position] == text[at]:
                position += 1
        if done < at:
            yield text[done:at]
        yield from _tokens(text[at], position - at)
        done = position
    if done < end:
        yield text[done:end]


def show_hidden(text: str) -> str:
    """Return the text with tokens in ⟨⟩ for hidden characters, for places that take plain text only."""
    return "".join(part if isinstance(part, str) else f"⟨{part}⟩" for part in split_hidden(text))


def is_hidden(character: str) -> bool:
    """Return whether a character draws nothing by itself."""
    return HIDDEN.match(character) is not None


def _tokens(character: str, times: int) -> Iterator[Token]:
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "") or unicodedata.category(character)
    if times <= _LONGEST_RUN:
        yield from (Token(code=code, name=name, times=1) for _ in range(times))
    else:
        yield Token(code=code, name=name, times=times)


def _belongs(text: str, position: int) -> bool:
    """Return whether a hidden character is part of something visible."""
    character = text[position]
    before = text[position - 1] if position else ""
    after = text[position + 1] if position + 1 < len(text) else ""
    if character == "\r":
        return after == "\n"
    if character == _EMOJI_STYLE:
        return before != "" and (_is_symbol(before) or before in _KEYCAP)
    return character == _JOINER and _is_symbol(after) and (_is_symbol(before) or before == _EMOJI_STYLE)


def _is_symbol(character: str) -> bool:
    return character != "" and unicodedata.category(character) in _SYMBOLS
