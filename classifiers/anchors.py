"""Words that a pattern cannot do without, so that one pass of an automaton says which patterns are worth trying.

Patterns of the data files use a small part of the syntax: literals, sets, groups, bounded repeats, looking around.
``split_choices`` cuts a pattern at its outermost bars, ``find_needs`` names sets of words of each of which every
match of one choice holds at least one: a part of the choice that can be written out is written out (骗我, 坑我,
害我, 骗了我 …), so that the words are as long and as rare as can be.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# More than so many members, and a set of characters is no anchor.
_LARGEST_SET = 40
_QUANTIFIERS = "?{"
# A part of a pattern that stands for more words than this is not written out.
_MOST_WORDS = 150
_EMPTY = frozenset({""})
# Among needed words: any decimal digit, in whatever script.
ANY_DIGIT = "\ufdd1"


def split_choices(pattern: str) -> list[str]:
    """Return the choices of a pattern, cut at the bars that stand in no group and no set."""
    choices, start, at = [], 0, 0
    while at < len(pattern):
        end = _piece_end(pattern, at)
        if pattern[at] == "|":
            choices.append(pattern[start:at])
            start = end
        at = end
    return [*choices, pattern[start:]]


@cache
def find_needs(choice: str) -> tuple[frozenset[str], ...]:
    """Return sets of words; every match of the choice holds a word of each. The rarest set comes first."""
    needs: list[frozenset[str]] = []
    run = _EMPTY
    for piece, quantifier in _pieces(choice):
        words = _words_of(piece, quantifier)
        joined = None if words is None else _product(run, words)
        if joined is not None:
            run = joined
            continue
        needs.append(run)
        run = words or _EMPTY
        if words is None and not _may_be_absent(quantifier):
            needs.extend(_needs_of_piece(piece))
    needs.append(run)
    return tuple(sorted((need for need in set(needs) if "" not in need), key=_rarity))


def _rarity(words: frozenset[str]) -> tuple[int, int, list[str]]:
    """Return what orders sets of words: that with the longest words first, of equally long ones the smaller."""
    return -min(map(len, words)), len(words), sorted(words)


def _pieces(choice: str) -> Iterator[tuple[str, str]]:
    """Yield the pieces of a choice, each with its quantifier, which is empty where there is none."""
    at = 0
    while at < len(choice):
        end = _piece_end(choice, at)
        after = _quantifier_end(choice, end)
        yield choice[at:end], choice[end:after]
        at = after


def _words_of(piece: str, quantifier: str) -> frozenset[str] | None:
    """Return everything that the piece matches, or None where that is no short list."""
    words = _EMPTY if _is_position(piece) else _words_of_piece(piece)
    if words is None or quantifier in ("", "?", "??"):
        return words | _EMPTY if words is not None and quantifier else words
    return None


def _words_of_piece(piece: str) -> frozenset[str] | None:
    if piece.startswith("(?:"):
        return _words_of_choices(split_choices(piece[3:-1]))
    if piece.startswith("[") and not piece.startswith("[^"):
        return _members(piece[1:-1]) or None
    literal = _literal_of(piece)
    return None if literal is None else frozenset({literal})


def _words_of_choices(choices: list[str]) -> frozenset[str] | None:
    words: frozenset[str] = frozenset()
    for choice in choices:
        run: frozenset[str] | None = _EMPTY
        for piece, quantifier in _pieces(choice):
            more = _words_of(piece, quantifier)
            run = None if run is None or more is None else _product(run, more)
        if run is None:
            return None
        words |= run
    return words if len(words) <= _MOST_WORDS else None


def _product(run: frozenset[str], words: frozenset[str]) -> frozenset[str] | None:
    """Return every word of the one followed by every word of the other, or None where they are too many."""
    if len(run) * len(words) > _MOST_WORDS:
        return None
    return frozenset(first + then for first in run for then in words)


def _needs_of_piece(piece: str) -> tuple[frozenset[str], ...]:
    """Return what a piece that cannot be written out needs: of a group, one set for all its choices."""
    words = _words_of_piece(piece)
    if words is not None:
        return (words,)
    if piece == r"\d":
        return (frozenset({ANY_DIGIT}),)
    if not piece.startswith("(?:"):
        return ()
    needs = [find_needs(choice) for choice in split_choices(piece[3:-1])]
    return (frozenset().union(*(need[0] for need in needs)),) if all(needs) else ()


def _is_position(piece: str) -> bool:
    """Say whether the piece matches a place and takes no character: an edge, or looking around."""
    return piece in ("^", "$", "\\b", "\\B") or piece.startswith(("(?=", "(?!", "(?<=", "(?<!"))


def _piece_end(pattern: str, at: int) -> int:
    """Return where the piece that begins here ends: an escape, a set, a group or one character."""
    if pattern[at] == "\\":
        return at + 2
    if pattern[at] == "[":
        return _set_end(pattern, at)
    if pattern[at] != "(":
        return at + 1
    depth, end = 0, at
    while end < len(pattern):
        if pattern[end] in "\\[":
            end = _piece_end(pattern, end)
            continue
        depth += {"(": 1, ")": -1}.get(pattern[end], 0)
        end += 1
        if depth == 0:
            break
    return end


def _set_end(pattern: str, at: int) -> int:
    end = at + 2 if pattern.startswith("[^", at) else at + 1
    while pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    return end + 1


def _quantifier_end(pattern: str, at: int) -> int:
    """Return where the quantifier that begins here ends, lazy mark included; ``at`` when there is none."""
    if at >= len(pattern) or pattern[at] not in _QUANTIFIERS:
        return at
    end = pattern.index("}", at) + 1 if pattern[at] == "{" else at + 1
    return end + 1 if pattern.startswith("?", end) else end


def _may_be_absent(quantifier: str) -> bool:
    return quantifier.startswith(("?", "{0"))


def _literal_of(piece: str) -> str | None:
    """Return the character that the piece stands for, or None for a set, group, class or position."""
    if len(piece) == 1:
        return None if piece in ".^$" else piece
    if piece[0] == "\\" and not piece[1].isalnum():
        return piece[1]
    return None


def _members(inside: str) -> frozenset[str]:
    """Return the characters of a set without ranges and classes; the empty set for any other."""
    members: list[str] = []
    at = 0
    while at < len(inside):
        end = _piece_end(inside, at) if inside[at] == "\\" else at + 1
        literal = inside[at] if end == at + 1 else _literal_of(inside[at:end])
        if literal is None or (literal == "-" and 0 < at < len(inside) - 1):
            return frozenset()
        members.append(literal)
        at = end
    return frozenset(members) if len(members) <= _LARGEST_SET else frozenset()
