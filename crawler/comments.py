"""Comments below an article: by the source's CSS selectors, else by schema.org markup. Pure functions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urldefrag

from crawler.markup import attribute, select, text_of
from crawler.schema_org import person
from crawler.times import page_time
from crawler.urls import netloc
from storage.records import AccountFacts, CommentFacts
from storage.text import clean_text

if TYPE_CHECKING:
    from datetime import datetime

    from crawler.markup import Node
    from crawler.schema_org import Thing
    from crawler.watch import CommentSelectors


@dataclass(frozen=True, slots=True)
class FoundComments:
    """The comments of a page, and the elements they stand on."""

    comments: tuple[CommentFacts, ...] = ()
    nodes: tuple[Node, ...] = ()


def comment_id(page_url: str, *, element_id: str, author: str, text: str) -> str:
    """Return a web comment's native id: its page's address with the element's id, else with a hash."""
    return f"{page_url}#{element_id}" if element_id else f"{page_url}#{comment_hash(author, text)}"


def comment_hash(author: str, text: str) -> str:
    """Return what stands for the id of a comment without one: ``c-`` and 16 hex digits over author and text."""
    return "c-" + hashlib.sha256(clean_text(f"{author}\0{text}").encode()).hexdigest()[:16]


def web_account(page_url: str, *, name: str, bio: str = "", url: str = "") -> AccountFacts:
    """Return the account of a web page's writer: its native id is host and displayed name."""
    native_id = f"{netloc(page_url)}/{name}" if name else None
    return AccountFacts(native_id=native_id, name=name, bio=bio, url=url or None)


def find_comments(
    root: Node,
    page_url: str,
    *,
    selectors: CommentSelectors | None,
    things: list[Thing],
    at: datetime,
    limit: int,
) -> FoundComments:
    """Return the comments of a page in its order; without selectors those that schema.org markup names."""
    if selectors is not None:
        nodes = select(root, selectors.item)[:limit]
        read = [_selected(node, selectors, frozenset(nodes), page_url, at) for node in nodes]
    else:
        marked = [thing for thing in things if "Comment" in thing.types][:limit]
        nodes = [thing.node for thing in marked if thing.node is not None]
        read = [_described(thing, nodes, page_url, at) for thing in marked]
    by_id: dict[str, CommentFacts] = {}
    for comment in read:
        if comment.text:
            by_id.setdefault(comment.native_id, comment)
    return FoundComments(tuple(by_id.values()), tuple(nodes))


def _selected(
    node: Node, selectors: CommentSelectors, items: frozenset[Node], page_url: str, at: datetime
) -> CommentFacts:
    author = _own(node, selectors.author, items)
    body = _own(node, selectors.text, items)
    when = _own(node, selectors.published_at, items) if selectors.published_at else None
    name = text_of(author, skip=items).replace("\n", " ") if author is not None else ""
    text = text_of(body, skip=items - {node}) if body is not None else ""
    shown = "" if when is None else attribute(when, "datetime", "title", "content") or text_of(when)
    return CommentFacts(
        native_id=comment_id(page_url, element_id=attribute(node, "id"), author=name, text=text),
        author=web_account(page_url, name=name),
        text=text,
        parent=_parent(node, items, page_url),
        published_at=page_time(shown, at),
    )


def _own(node: Node, selector: str, items: frozenset[Node]) -> Node | None:
    """Return the first match inside a comment that does not stand in a reply below it."""
    for found in select(node, selector):
        holder = next((above for above in found.iterancestors() if above in items), None)
        if found is node or holder is node:
            return found
    return None


def _parent(node: Node, items: frozenset[Node], page_url: str) -> str | None:
    above = next((one for one in node.iterancestors() if one in items), None)
    element_id = "" if above is None else attribute(above, "id")
    return f"{page_url}#{element_id}" if element_id else None


def _described(thing: Thing, nodes: list[Node], page_url: str, at: datetime) -> CommentFacts:
    name, _, _ = person(thing, "author", "creator")
    text = thing.text("text", "commentText", "description")
    element_id = _fragment(thing.text("@id", "url"), page_url)
    parent = None
    if thing.node is not None:
        element_id = attribute(thing.node, "id") or element_id
        parent = _parent(thing.node, frozenset(nodes), page_url)
    return CommentFacts(
        native_id=comment_id(page_url, element_id=element_id, author=name, text=text),
        author=web_account(page_url, name=name),
        text=text,
        parent=parent,
        published_at=page_time(thing.text("datePublished", "dateCreated"), at),
    )


def _fragment(address: str, page_url: str) -> str:
    page, fragment = urldefrag(address)
    return fragment if page in {"", page_url} else ""
