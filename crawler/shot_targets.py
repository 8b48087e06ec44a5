"""Where on a page a clue's target stands, so that it can be shown alone. Pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crawler.comments import find_comments
from crawler.markup import decode_page, page_address, parse_html, select
from crawler.schema_org import things
from storage.records import TargetKind

if TYPE_CHECKING:
    from crawler.reading import PageRead
    from crawler.watch import SourceConfig
    from storage.screenshots import ShotTarget

HIDE_COMMENTS = """
[itemprop~=comment], [itemtype$="/Comment"], #comments, .comments, .comment-list { display: none !important; }
"""
"""Style that takes other people's comments out of the picture of a post."""

_ARTICLES = (
    '[itemtype$="/DiscussionForumPosting"]',
    '[itemtype$="/SocialMediaPosting"]',
    '[itemtype$="Article"]',
    '[itemtype$="/BlogPosting"]',
    "article",
    "main",
    "#content",
    ".content",
)
_PLAIN_ID = re.compile(r"[A-Za-z0-9_:.-]+", re.ASCII)


def target_selector(source: SourceConfig, target: ShotTarget, read: PageRead) -> tuple[str, int] | None:
    """Return a CSS selector and which of its matches is the target, None where the page does not mark it."""
    if target.kind is not TargetKind.COMMENT:
        root = parse_html(decode_page(read.body, "text/html; charset=utf-8"))
        found = () if root is None else (css for css in _ARTICLES if len(select(root, css)) == 1)
        css = next(iter(found), None)
        return (css, 0) if css else None
    element_id = target.native_id.partition("#")[2]
    if _PLAIN_ID.fullmatch(element_id) and not element_id.startswith("c-"):
        return f'[id="{element_id}"]', 0
    return _by_hash(source, target, read)


def _by_hash(source: SourceConfig, target: ShotTarget, read: PageRead) -> tuple[str, int] | None:
    """Find a comment that has no id of its own by what it says."""
    root = parse_html(decode_page(read.body, "text/html; charset=utf-8"))
    if root is None:
        return None
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
            return css, index
    return None
