"""Which clues seem to be one operator's: groups from shared contacts, similar texts and people's judgements.

A shared contact joins, unless so many clues share it that it says nothing. Texts join more carefully, because
single links chain (measured: at ratio 80 one cluster swallowed 819 of 1,781 texts that named different banks):

1. copies gather around the text that has most of them, each similar to that one;
2. two such groups join when more than half of each is linked to the other;
3. contact groups are joined by copies only when these make up at least half of each.

The result depends on the clues' numbers, links and judgements, never on the order in which they come.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifiers.clustering import STRONG, WEAK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    Pair = tuple[int, int]

MAX_SHARING = 200
"""A contact that more clues share says nothing by itself (a platform's hotline, a public short link)."""

CORE = 8
"""Links that are enough whatever the size of a group: a text is compared with some copies, not with all."""

_HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about a set of clues; pairs are (smaller number, greater number).

    ``contacts`` are the ways to reach the provider per clue, ``texts`` the similarity of linked pairs; ``same`` and
    ``different`` are people's judgements, which no machine link overrules.
    """

    clues: Collection[int]
    contacts: Mapping[int, Collection[int]] = field(default_factory=dict)
    texts: Mapping[Pair, float] = field(default_factory=dict)
    same: Collection[Pair] = ()
    different: Collection[Pair] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Clues that seem to belong together, and on what basis: ``contact``, ``text``, or none but judgements."""

    members: frozenset[int]
    basis: tuple[str, ...]


class _Forest:
    """Disjoint groups that refuse to hold a pair that people called different."""

    def __init__(self, clues: Iterable[int], different: Iterable[Pair]) -> None:
        self._members = {number: {number} for number in clues}
        self._root = {number: number for number in self._members}
        self._enemies: dict[int, set[int]] = defaultdict(set)
        for one, other in different:
            self._enemies[one].add(other)
            self._enemies[other].add(one)

    def root(self, number: int) -> int:
        return self._root[number]

    def members(self, number: int) -> set[int]:
        return self._members[self._root[number]]

    def groups(self) -> list[set[int]]:
        return list(self._members.values())

    def join(self, one: int, other: int) -> bool:
        """Join the groups of two clues; False when people keep them apart."""
        first, second = sorted((self._root[one], self._root[other]))
        if first == second:
            return True
        small, great = sorted((self._members[first], self._members[second]), key=len)
        if any(self._enemies[number] & great for number in small if number in self._enemies):
            return False
        for number in self._members[second]:
            self._root[number] = first
        self._members[first] |= self._members.pop(second)
        return True


def group_clues(evidence: Evidence) -> list[Group]:
    """Return the groups of two and more clues, by their smallest number."""
    known = set(evidence.clues)
    different = [pair for pair in evidence.different if known.issuperset(pair)]
    together = _Forest(known, different)
    for one, other in sorted(pair for pair in evidence.same if known.issuperset(pair)):
        together.join(one, other)
    telling = [block for _, block in telling_contacts(evidence)]
    blocks = sorted(block for block in telling if len(block) > 1)
    for block in blocks:
        _join_block(together, block)
    texts = {pair: score for pair, score in evidence.texts.items() if known.issuperset(pair) and score >= WEAK}
    alike = _text_groups(known, texts, different)
    _join_by_text(together, alike, {number for block in telling for number in block})
    by_contact = _bound_by_contact(together, blocks)
    by_text = {together.root(one) for one, other in texts if together.root(one) == together.root(other)}
    found = []
    for members in sorted((members for members in together.groups() if len(members) > 1), key=min):
        root = together.root(min(members))
        basis = [name for name, roots in (("contact", by_contact), ("text", by_text)) if root in roots]
        found.append(Group(members=frozenset(members), basis=tuple(basis)))
    return found


def telling_contacts(evidence: Evidence) -> list[tuple[int, list[int]]]:
    """Return (contact, its clues, sorted); contacts that too many clues share are left out."""
    sharing: dict[int, set[int]] = defaultdict(set)
    for number in evidence.clues:
        for contact in evidence.contacts.get(number, ()):
            sharing[contact].add(number)
    return sorted((contact, sorted(block)) for contact, block in sharing.items() if len(block) <= MAX_SHARING)


def _bound_by_contact(together: _Forest, blocks: Iterable[Sequence[int]]) -> set[int]:
    """Return the roots of groups in which two members share a contact."""
    found: set[int] = set()
    for block in blocks:
        counted = Counter(together.root(number) for number in block)
        found.update(root for root, number in counted.items() if number > 1)
    return found


def _join_block(together: _Forest, block: list[int]) -> None:
    """Join each clue of a block to the first earlier one that it may be with."""
    for index, number in enumerate(block):
        for earlier in block[:index]:
            if together.join(earlier, number):
                break


def _text_groups(clues: Iterable[int], texts: Mapping[Pair, float], different: Collection[Pair]) -> list[set[int]]:
    """Return groups of copies, more than one member each."""
    forest = _Forest(clues, different)
    for leader, copies in _stars(texts):
        for copy in copies:
            forest.join(leader, copy)
    _merge_linked(forest, texts)
    return sorted((members for members in forest.groups() if len(members) > 1), key=min)


def _stars(texts: Mapping[Pair, float]) -> list[tuple[int, list[int]]]:
    """Return (leader, copies): the text with most copies first, each copy with one leader only."""
    near: dict[int, set[int]] = defaultdict(set)
    for (one, other), score in texts.items():
        if score >= STRONG:
            near[one].add(other)
            near[other].add(one)
    stars: list[tuple[int, list[int]]] = []
    taken: set[int] = set()
    for leader in sorted(near, key=lambda number: (-len(near[number]), number)):
        if leader in taken:
            continue
        copies = sorted(near[leader] - taken)
        taken.update((leader, *copies))
        stars.append((leader, copies))
    return stars


def _merge_linked(forest: _Forest, texts: Mapping[Pair, float]) -> None:
    """Join groups that are linked broadly, the most broadly linked pair first, until no pair is."""
    links: dict[int, dict[int, set[Pair]]] = defaultdict(lambda: defaultdict(set))
    for one, other in texts:
        first, second = forest.root(one), forest.root(other)
        if first != second:
            links[first][second].add((one, other))
            links[second][first].add((one, other))
    queue = [
        entry
        for first in links
        for second in links[first]
        if first < second
        for entry in _offer(forest, links, (first, second))
    ]
    heapq.heapify(queue)
    while queue:
        offered = heapq.heappop(queue)
        first, second = offered[1:]
        if second not in links.get(first, {}) or [offered] != _offer(forest, links, (first, second)):
            continue  # one of them has changed since: the present offer is in the queue too
        if not forest.join(first, second):
            continue
        for neighbour in _relink(links, first, second):
            for entry in _offer(forest, links, (min(first, neighbour), max(first, neighbour))):
                heapq.heappush(queue, entry)


def _offer(
    forest: _Forest, links: Mapping[int, Mapping[int, set[Pair]]], pair: Pair
) -> list[tuple[float, int, int]]:
    """Return a queue entry for two groups if more than half of each is linked to the other."""
    linked = {number for link in links[pair[0]][pair[1]] for number in link}
    breadth = 0.0
    for group in pair:
        members = forest.members(group)
        reached = len(linked & members)
        if reached < min(len(members) // 2 + 1, CORE):
            return []
        breadth += reached / len(members)
    return [(-breadth, *pair)]


def _relink(links: dict[int, dict[int, set[Pair]]], first: int, second: int) -> list[int]:
    """Give the links of the second group to the first, which has swallowed it; return the first's neighbours."""
    for neighbour, pairs in links.pop(second).items():
        del links[neighbour][second]
        if neighbour != first:
            links[first][neighbour] |= pairs
            links[neighbour][first] |= pairs
    return sorted(links[first])


def _join_by_text(together: _Forest, alike: Iterable[set[int]], reachable: Collection[int]) -> None:
    """Join what shares copies; what has contacts of its own only when the copies are at least half of each."""
    before = {number: frozenset(together.members(number)) for copies in alike for number in copies}
    for copies in alike:
        parts = sorted({before[number] for number in copies}, key=lambda part: (-len(part & copies), min(part)))
        bound = [part for part in parts if len(part) > 1 or min(part) in reachable]
        broad = [part for part in bound if len(part & copies) >= _HALF * len(part)]
        host = (broad or bound or parts)[0]
        for part in parts:
            if part not in bound or (part in broad and host in broad):
                together.join(min(host & copies), min(part & copies))
