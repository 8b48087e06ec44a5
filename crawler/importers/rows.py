"""Rows of handed-over files on their way to posts."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from crawler.comments import comment_hash
from crawler.urls import canonical_url
from storage.accounts import named_id
from storage.post_lines import LineProblem, PostLine
from storage.records import AccountFacts, CommentFacts, PostFacts

if TYPE_CHECKING:
    from crawler.watch import SourceConfig
    from storage.post_lines import LineComment

ADDRESSED = frozenset({"web", "feed"})
"""Platforms whose posts are known by their address."""

_PLATFORM = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_BARE_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+([/:?#].*)?", re.ASCII)


def facts_of(line: PostLine, source: SourceConfig, *, line_no: int) -> PostFacts | LineProblem:
    """Return a readable line as the post it is, or why it cannot be one (contracts §2 and §5)."""
    platform = line.platform or source.platform
    if not _PLATFORM.fullmatch(platform):
        message = "platform must be a name of a-z, 0-9 and _"
        return LineProblem(code="bad_field", line=line_no, field="platform", id=line.id, message=message)
    url = _address(line.url, source.base_url) if line.url else None
    if line.url and url is None:
        message = "url is no http or https address"
        return LineProblem(code="bad_field", line=line_no, field="url", id=line.id, message=message)
    native_id = url if url and platform in ADDRESSED else line.id
    return PostFacts(
        platform=platform,
        native_id=native_id,
        kind=line.kind or "post",
        url=url,
        author=_account(line.author),
        title=line.title,
        text=line.text,
        parent=line.parent,
        comments=tuple(_comment(entry, native_id) for entry in line.comments if entry.text.strip()),
        images=line.images,
        metrics=line.metrics,
        ip_region=line.ip_region,
        published_at=line.published_at,
    )


def _address(url: str, base_url: str | None) -> str | None:
    whole = urljoin(base_url, url) if base_url else url
    return canonical_url(f"https://{whole}" if _BARE_HOST.fullmatch(whole) else whole)


def _account(author: AccountFacts) -> AccountFacts:
    if author.native_id or not author.name.strip():
        return author
    return replace(author, native_id=named_id(author.name))


def _comment(entry: LineComment, native_id: str) -> CommentFacts:
    own = entry.native_id or f"{native_id}#{comment_hash(entry.author.name, entry.text)}"
    return CommentFacts(
        native_id=own,
        author=_account(entry.author),
        text=entry.text,
        parent=entry.parent,
        published_at=entry.published_at,
    )
