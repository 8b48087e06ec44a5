"""Where on a page a clue's target stands, so that it can be shown alone. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.comments import find_comments
from crawler.markup import decode_page, page_address, parse_html, select
from crawler.schema_org import things
from crawler.shot_masks import COMMENT_MARKUP
from storage.records import TargetKind

if TYPE_CHECKING:
    from crawler.markup import Node
    from crawler.reading import PageRead
    from crawler.watch import SourceConfig
    from storage.screenshots import ShotTarget

_POSTS = (
    '[itemtype$="/DiscussionForumPosting"]',
    '[itemtype$="/SocialMediaPosting"]',
    '[itemtype$="Article"]',
    '[itemtype$="/BlogPosting"]',
    "article",
)
_MAIN_PARTS = ("main", "#content", ".content")
"""Elements that hold the post, and on pages without better marks the replies below it too."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_:.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """The target on its page: a CSS selector, which of its matches, and whether it may hold unmarked replies."""

    css: str
    index: int = 0
    mixed: bool = False


def find_place(source: SourceConfig, target: ShotTarget, read: PageRead) -> Place | None:
    """Return where on the page the target stands, None where the page does not mark it."""
    root = parse_html(decode_page(read.body, "text/html; charset=utf-8"))
    if root is None:
        return None
    if target.kind is not TargetKind.COMMENT:
        return _post_place(source, root)
    element_id = target.native_id.partition("#")[2]
    if _PLAIN_ID.fullmatch(element_id) and not element_id.startswith("c-"):
        return Place(f'[id="{element_id}"]')
    return _by_hash(source, target, read, root)


def _post_place(source: SourceConfig, root: Node) -> Place | None:
    css = next((css for css in (*_POSTS, *_MAIN_PARTS) if len(select(root, css)) == 1), None)
    if css is None:
        return None
    marked = source.comments is not None or any(select(root, other) for other in COMMENT_MARKUP)
    return Place(css, mixed=css in _MAIN_PARTS and not marked)


def _by_hash(source: SourceConfig, target: ShotTarget, read: PageRead, root: Node) -> Place | None:
    """Find a comment that has no id of its own by what it says."""
    css = source.comments.item if source.comments else '[itemscope][itemtype$="/Comment"]'
    url = page_address(root, read.url)
    for index, node in enumerate(select(root, css)):
        alone = find_comments(
            node if source.comments is None else root,
            url,
            selectors=source.comments,
            things=things(node) if source.comments is None else [],
            at=read.at,
            limit=index + 1 if source.comments else 1,
        )
        if any(comment.native_id == target.native_id for comment in alone.comments):
            return Place(css, index)
    return None
