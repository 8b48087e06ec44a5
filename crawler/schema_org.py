"""What a page says of itself in schema.org's words: JSON-LD and microdata. Pure functions.

Vocabulary: schema.org/Article, /DiscussionForumPosting, /Comment, /Person (version 29, seen November 2026).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from crawler.markup import attribute, select, text_of
from storage.text import clean_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.markup import Node

ARTICLE_TYPES = frozenset(
    {
        "AdvertiserContentArticle",
        "Article",
        "BlogPosting",
        "DiscussionForumPosting",
        "NewsArticle",
        "QAPage",
        "Question",
        "Report",
        "Review",
        "SocialMediaPosting",
        "TechArticle",
    }
)
_MAX_SCRIPT_CHARS = 1 << 19
_MAX_OBJECTS = 5000
_MAX_DEPTH = 30


@dataclass(frozen=True, slots=True)
class Thing:
    """One described thing: its types, its plain properties, and the element it stands on (None for JSON-LD)."""

    types: frozenset[str]
    values: dict[str, Any]
    node: Node | None = None

    def text(self, *names: str) -> str:
        """Return the first of the properties that has a text, else an empty text."""
        return next((found for name in names if (found := _plain(self.values.get(name)))), "")

    def part(self, *names: str) -> Thing | None:
        """Return the first of the properties that is a thing of its own, else None."""
        for name in names:
            for value in _listed(self.values.get(name)):
                if isinstance(value, dict):
                    return Thing(_types(value.get("@type")), value)
        return None

    def parts(self, *names: str) -> list[Thing]:
        """Return all things that these properties hold."""
        return [
            Thing(_types(value.get("@type")), value)
            for name in names
            for value in _listed(self.values.get(name))
            if isinstance(value, dict)
        ]


def things(root: Node) -> list[Thing]:
    """Return all things that a page describes, JSON-LD first, each in page order."""
    found = [Thing(_types(value.get("@type")), value) for value in _json_ld(root)]
    scopes = [node for node in select(root, "[itemscope]") if not node.get("itemprop") or node.get("itemtype")]
    found += [Thing(_types(attribute(node, "itemtype").split()), _properties(node, 0), node) for node in scopes]
    return found


def first_article(found: list[Thing]) -> Thing | None:
    """Return the thing that the page is about, or None."""
    return next((thing for thing in found if thing.types & ARTICLE_TYPES), None)


def person(thing: Thing | None, *names: str) -> tuple[str, str, str]:
    """Return name, description and address of the person or organisation in a property, empty where it has none."""
    if thing is None:
        return "", "", ""
    author = thing.part(*names)
    if author is None:
        return thing.text(*names), "", ""
    return author.text("name", "alternateName"), author.text("description"), author.text("url")


def _json_ld(root: Node) -> Iterator[dict[str, Any]]:
    budget = _MAX_OBJECTS
    for script in select(root, 'script[type="application/ld+json"]'):
        text = script.text or ""
        if len(text) > _MAX_SCRIPT_CHARS:
            continue
        try:
            value = clean_json(json.loads(text))
        except (ValueError, RecursionError):
            continue  # a site's broken markup is no reason to refuse its page
        for found in _objects(value, 0):
            budget -= 1
            if budget < 0:
                return
            yield found


def _objects(value: object, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        if "@type" in value:
            yield cast("dict[str, Any]", value)
        for inner in value.values():
            yield from _objects(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, depth + 1)


def _types(value: object) -> frozenset[str]:
    return frozenset(str(one).rpartition("/")[2] for one in _listed(value))


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _plain(value: object) -> str:
    for one in _listed(value):
        if isinstance(one, str | int | float) and not isinstance(one, bool) and str(one).strip():
            return str(one).strip()
        if isinstance(one, dict) and (found := _plain(one.get("@value") or one.get("name"))):
            return found
    return ""


def _properties(scope: Node, depth: int) -> dict[str, Any]:
    """Return the microdata properties of one scope; a property that is a scope itself is a dictionary."""
    found: dict[str, Any] = {"@type": attribute(scope, "itemtype").split()}
    waiting = list(scope)
    while waiting:
        node = waiting.pop(0)
        names = attribute(node, "itemprop").split()
        inner = node.get("itemscope") is not None
        if names and inner and depth < _MAX_DEPTH:
            value: Any = _properties(node, depth + 1)
        else:
            value = None if inner else _value(node) if names else None
        for name in names:
            if value not in (None, ""):
                found.setdefault(name, []).append(value)
        if not inner:
            waiting[:0] = list(node)
    return found


def _value(node: Node) -> str:
    if node.tag == "meta":
        return attribute(node, "content")
    if node.tag in {"time", "data"}:
        return attribute(node, "datetime", "value") or text_of(node)
    if node.tag in {"a", "link"} and attribute(node, "itemprop") == "url":
        return attribute(node, "href")
    return attribute(node, "content") or text_of(node)
