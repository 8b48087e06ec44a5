"""What a read of a page is, before and after parsing. Pure functions over stored bytes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from crawler.adapters import AdapterConfig, Limits
from crawler.markup import decode_page
from storage.records import ReadOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from crawler.adapters import Marker
    from crawler.watch import CommentSelectors
    from storage.records import AccountFacts, CommentFacts, PostFacts

START, SITEMAP, FEED, LIST, PAGE, ARTICLE = "start", "sitemap", "feed", "list", "page", "article"
"""Kinds of frontier rows; ``start`` and ``page`` turn into one of the others once they are read."""

QUERY, NOTE, PROFILE = "query", "note", "profile"
"""Kinds of rows of platforms that are read through a browser; a note's row only remembers when it was read."""

NO_PAGES = frozenset({SITEMAP, FEED})
"""Kinds that are read but are no pages in a run's counts."""

_LISTING = re.compile(r"(?i)\.(?:xml|rss|atom|rdf)(?:\.gz)?(?:\?|$)|/(?:feed|rss|atom)/?(?:\?|$)")
_TELLING = (200, 404)  # answers in which a site says what became of a page; an error page says nothing
_HEAD_CHARS = 4096
_LITTLE_TEXT_CHARS = 800
_JUDGED_BYTES = 200_000  # a challenge page's scripts are long too, but not without end
_NOISE = re.compile(r"(?is)<(script|style|noscript|template)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>")
_TITLE = re.compile(r"(?is)<title\b.*?</title\s*>")  # carries what people write, where the rest is drawn by scripts
_BLOCKED = {401: "http_401", 403: "http_403", 429: "http_429"}
_GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead:
    """One answer of a server: its decoded bytes and what surrounds them. ``headers`` have lower-case names."""

    url: str
    asked_url: str
    status: int
    body: bytes
    at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRules:
    """What a source and its platform say about reading its pages."""

    platform: str
    article: str | None = None
    follow: str | None = None
    comments: CommentSelectors | None = None
    base_url: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address found on a page that may be read; ``kind`` as far as it is known."""

    url: str
    kind: str = PAGE
    lastmod: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParse:
    """What a page held: its kind, posts and links; ``outcome`` is format_changed where it made no sense."""

    kind: str
    outcome: ReadOutcome = ReadOutcome.OK
    posts: tuple[PostFacts, ...] = ()
    links: tuple[Link, ...] = ()
    reason: str | None = None
    problems: tuple[str, ...] = ()
    comments: tuple[CommentFacts, ...] = ()
    """Comments that came apart from their post."""
    accounts: tuple[AccountFacts, ...] = ()
    more: bool | None = None
    """Whether a list says that it goes on; None where it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a read is by its status and its markers, before its content is parsed.

    ``stops`` is True for a challenge or a login wall: the source is left alone at once. ``wall`` is True for the
    second of them.
    """

    outcome: ReadOutcome
    marker: str | None = None
    stops: bool = False
    wall: bool = False
    means: str = "content_removed"
    """What a page that is gone says of the target (an outcome kind)."""


def is_page(kind: str, url: str, platform: str) -> bool:
    """Tell whether a read counts as one of a page: sitemaps and feeds do not, also those that could not be read."""
    if kind == START:
        return platform != "feed" and not _LISTING.search(url)
    return kind not in NO_PAGES


def judge(read: PageRead, adapter: AdapterConfig) -> Judged:
    """Tell what a read is: ``ok`` here only means that its content may be parsed.

    A 404 is ``unknown`` with the marker ``http_404``: one sighting proves nothing (design §9). What a platform says
    of several things alike is ``unknown`` too, with the marker's name.
    """
    markers = adapter.markers
    for stopping in (markers.challenge, markers.login_wall):
        if (name := first_marker(read, stopping)) is not None:
            wall = stopping is markers.login_wall
            return Judged(outcome=ReadOutcome.BLOCKED, marker=name, stops=True, wall=wall)
    if read.status in _BLOCKED:
        return Judged(outcome=ReadOutcome.BLOCKED, marker=_BLOCKED[read.status])
    if (name := first_marker(read, markers.ambiguous)) is not None:
        return Judged(outcome=ReadOutcome.UNKNOWN, marker=name)
    if read.status == _GONE:
        return Judged(outcome=ReadOutcome.GONE, marker="http_410")
    told = markers.gone if read.status in _TELLING else ()
    if (gone := next((marker for marker in told if _shows(read, marker)), None)) is not None:
        return Judged(outcome=ReadOutcome.GONE, marker=gone.name, means=gone.means)
    if 200 <= read.status < 300 or read.status == 304:  # noqa: PLR2004 - HTTP's own classes
        return Judged(outcome=ReadOutcome.OK)
    return Judged(outcome=ReadOutcome.UNKNOWN, marker=f"http_{read.status}")


def first_marker(read: PageRead, markers: Sequence[Marker]) -> str | None:
    """Return the name of the first marker that a read shows, or None."""
    return next((marker.name for marker in markers if _shows(read, marker)), None)


def _shows(read: PageRead, marker: Marker) -> bool:
    pattern = _compiled(marker.pattern)
    if marker.place == "url":
        return read.url != read.asked_url and bool(pattern.search(read.url))
    if marker.place == "status":
        return bool(pattern.search(str(read.status)))
    if marker.place == "header":
        return any(pattern.search(f"{name}: {value}") for name, value in read.headers.items())
    code = _json_code(read.body)
    if marker.place == "json" or code is not None:  # a JSON answer carries what people write: its words are no sign
        return marker.place == "json" and code is not None and bool(pattern.search(code))
    page = decode_page(read.body[:_JUDGED_BYTES], read.headers.get("content-type"))
    shown = page[:_HEAD_CHARS] if marker.place == "head" else _visible(_TITLE.sub(" ", page))
    return bool(pattern.search(shown)) and _has_little_text(page)


@lru_cache(maxsize=4)
def _json_code(body: bytes) -> str | None:
    """Return the value of ``code`` in a JSON object, "" where it has none; None = the body is no JSON object."""
    if not body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return str(found.get("code", "")) if isinstance(found, dict) else None


def _visible(page: str) -> str:
    return " ".join(_NOISE.sub(" ", page).split())


def _has_little_text(page: str) -> bool:
    return len(_visible(page).replace(" ", "")) <= _LITTLE_TEXT_CHARS


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
