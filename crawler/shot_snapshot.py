"""What a page shows and where, as the browser's own layout says. Pure functions over a DOM snapshot.

The snapshot comes from the browser's debugging protocol (``DOMSnapshot.captureSnapshot``, seen in Chromium 152): it
names every node that is laid out, with pseudo-elements, closed shadow roots and transformed boxes, and no script of
the page takes part in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cssselect import HTMLTranslator
from lxml import etree, html

from crawler.markup import settable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crawler.markup import Node

Json = dict[str, Any]

STYLES = (
    "display",
    "visibility",
    "opacity",
    "filter",
    "backdrop-filter",
    "text-shadow",
    "-webkit-box-reflect",
    "background-image",
)
"""Computed styles that a snapshot is asked for."""

_ELEMENT = 1
_INDEX = "qingyuan-node"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rect:
    """A box in CSS pixels of the document."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    @property
    def empty(self) -> bool:
        """Whether nothing can be seen in it."""
        return self.width <= 0 or self.height <= 0

    def meets(self, other: Rect) -> bool:
        """Tell whether two boxes have a part in common."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def padded(self, by: float) -> Rect:
        """Return the box, larger on each side."""
        return Rect(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)


@dataclass(frozen=True, slots=True)
class Box:
    """One thing that is laid out: its node, where it is, its text if it is one, and its computed styles."""

    node: int
    rect: Rect
    text: str | None
    styles: Mapping[str, str]


@dataclass(slots=True)
class Snapshot:
    """One document: parents and names by node, and what is laid out."""

    parents: list[int]
    names: list[str]
    values: list[str]
    backend: list[int]
    attributes: list[dict[str, str]]
    shadow: set[int]
    pseudo: set[int]
    boxes: list[Box]
    scroll: tuple[float, float]
    by_node: dict[int, list[Box]] = field(default_factory=dict)
    root: Node | None = None

    def chain(self, node: int) -> Iterator[int]:
        """Yield a node and its ancestors, innermost first."""
        while node >= 0:
            yield node
            node = self.parents[node]

    def inside(self, roots: set[int]) -> set[int]:
        """Return all nodes of the subtrees of these roots, shadow trees and pseudo-elements included."""
        found = set(roots)
        for node, parent in enumerate(self.parents):  # parents come before their children
            if parent in found:
                found.add(node)
        return found

    def named(self, name: str) -> set[int]:
        """Return the elements with this id."""
        return {node for node, held in enumerate(self.attributes) if name and held.get("id") == name}

    def style(self, node: int, name: str) -> str:
        """Return a computed style of a node, empty where it is not laid out."""
        boxes = self.by_node.get(node)
        return boxes[0].styles.get(name, "") if boxes else ""


def read_snapshot(answer: Json) -> Snapshot:
    """Return the main document of a snapshot."""
    strings: list[str] = answer["strings"]
    document = answer["documents"][0]
    nodes, layout = document["nodes"], document["layout"]
    pairs = [[strings[at] for at in entry] for entry in nodes["attributes"]]
    found = Snapshot(
        parents=list(nodes["parentIndex"]),
        names=[_text(strings, at).lower() for at in nodes["nodeName"]],
        values=[_text(strings, at) for at in nodes["nodeValue"]],
        backend=list(nodes["backendNodeId"]),
        attributes=[dict(zip(entry[::2], entry[1::2], strict=True)) for entry in pairs],
        shadow=set(nodes.get("shadowRootType", {}).get("index", ())),
        pseudo=set(nodes.get("pseudoType", {}).get("index", ())),
        boxes=[],
        scroll=(document.get("scrollOffsetX", 0.0), document.get("scrollOffsetY", 0.0)),
    )
    for place, node in enumerate(layout["nodeIndex"]):
        text = layout["text"][place]
        styles = {name: _text(strings, at) for name, at in zip(STYLES, layout["styles"][place], strict=False)}
        box = Box(node, Rect(*layout["bounds"][place]), strings[text] if text >= 0 else None, styles)
        found.boxes.append(box)
        found.by_node.setdefault(node, []).append(box)
    found.root = _tree(found, nodes["nodeType"])
    return found


def find_nodes(snapshot: Snapshot, selector: str, *, shadow: bool) -> list[int]:
    """Return the nodes that a CSS selector matches, in page order; ``shadow``: inside shadow trees too."""
    matches = () if snapshot.root is None else etree.XPath(HTMLTranslator().css_to_xpath(selector))(snapshot.root)
    found = [int(node.get(_INDEX)) for node in matches]
    if shadow:
        return found
    return [node for node in found if not any(one in snapshot.shadow for one in snapshot.chain(node))]


def _tree(snapshot: Snapshot, kinds: Sequence[int]) -> Node | None:
    """Return the elements as a tree that selectors can be asked of; shadow trees stand below their hosts."""
    made: dict[int, Node] = {}
    root: Node | None = None
    for node, parent in enumerate(snapshot.parents):
        if kinds[node] != _ELEMENT or node in snapshot.pseudo:
            continue
        name = snapshot.names[node]
        element = html.Element(name if _NAME.fullmatch(name) else "unknown")
        for key, value in snapshot.attributes[node].items():
            if _NAME.fullmatch(key):
                element.set(key, settable(value))
        element.set(_INDEX, str(node))
        made[node] = element
        above = next((made[one] for one in snapshot.chain(parent) if one in made), None)
        if above is not None:
            above.append(element)
        elif root is None:
            root = element
    return root


def _text(strings: list[str], at: int) -> str:
    return strings[at] if at >= 0 else ""
