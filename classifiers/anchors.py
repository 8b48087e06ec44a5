"""Words that a pattern cannot do without, so that one pass of an automaton says which patterns are worth trying.

Patterns of the data files use a small part of the syntax: literals, sets, groups, bounded repeats, looking around.
``split_choices`` cuts a pattern at its outermost bars, ``find_anchors`` names a set of words of which every match
of one choice holds at least one; the empty set says that there is none and the choice must always be tried.
"""

from __future__ import annotations

from functools import cache

# More than so many members, and a set of characters is no anchor.
_LARGEST_SET = 40
_QUANTIFIERS = "?{"


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
def find_anchors(choice: str) -> frozenset[str]:
    """Return words of which every match of the choice holds at least one, or the empty set."""
    best: frozenset[str] = frozenset()
    run = ""
    at = 0
    while at < len(choice):
        end = _piece_end(choice, at)
        piece = choice[at:end]
        after = _quantifier_end(choice, end)
        literal = _literal_of(piece)
        if literal is not None and after == end:
            run += literal
        else:
            best, run = _better(best, run), ""
            if not _may_be_absent(choice[end:after]):
                best = _better_set(best, _anchors_of_piece(piece))
        at = after
    return _better(best, run)


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


def _anchors_of_piece(piece: str) -> frozenset[str]:
    if piece.startswith("(?:"):
        choices = [find_anchors(choice) for choice in split_choices(piece[3:-1])]
        return frozenset().union(*choices) if all(choices) else frozenset()
    if piece.startswith("[") and not piece.startswith("[^"):
        return _members(piece[1:-1])
    literal = _literal_of(piece)
    return frozenset() if literal is None else frozenset({literal})


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


def _better(best: frozenset[str], run: str) -> frozenset[str]:
    return _better_set(best, frozenset({run}) if run else frozenset())


def _better_set(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """Return the set whose shortest word is longer; of equally good ones the smaller."""
    if not one or not other:
        return one or other
    return min(one, other, key=lambda words: (-min(map(len, words)), len(words)))
