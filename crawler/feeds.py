"""Feeds: RSS, Atom and RDF by feedparser, JSON Feed by our own reading. Pure functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import feedparser

from crawler.markup import parse_html, text_of
from crawler.times import page_time
from storage.text import clean_json, clean_text

MAX_ENTRIES = 2000
# What feedparser raises on malformed documents, found by trying them; it promises to raise nothing.
_BREAKS = (ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, RecursionError)
_JSON_FEED = "https://jsonfeed.org/version/"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One entry as the feed has it; ``link`` may be relative, ``changed`` is its own word on its last change."""

    link: str
    guid: str
    title: str
    text: str
    author: str
    published_at: datetime | None
    changed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed; ``complaint`` says what is not well-formed about it where its entries could still be read."""

    title: str
    link: str
    entries: tuple[FeedEntry, ...]
    complaint: str | None = None


def looks_like_feed(data: bytes) -> bool:
    """Tell by its first bytes whether a document is meant as a feed."""
    head = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{"):
        return _JSON_FEED.encode() in data[:2000].replace(b"\\/", b"/")
    return any(mark in head for mark in (b"<rss", b"<feed", b"<rdf:RDF"))


def parse_feed(data: bytes, *, content_type: str | None, at: datetime) -> Feed | None:
    """Return a feed's entries, None when the document is no feed that can be read."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _json_feed(data, at)
    if b"<!ENTITY" in data[:4000]:  # nobody needs entities in a feed but an attacker
        return None
    headers = {"content-type": content_type} if content_type else {}
    try:
        found = feedparser.parse(data, response_headers=headers, resolve_relative_uris=False)
    except _BREAKS:
        return None
    broken = found.bozo and not isinstance(
        found.get("bozo_exception"), feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType
    )
    if not found.get("version") or (broken and not found.entries):
        return None
    return Feed(
        title=clean_text(found.feed.get("title", "")),
        link=clean_text(found.feed.get("link", "")),
        entries=tuple(_entry(entry, at) for entry in found.entries[:MAX_ENTRIES]),
        complaint=str(found.bozo_exception)[:200] if broken else None,
    )


def _entry(entry: Any, at: datetime) -> FeedEntry:  # noqa: ANN401 - feedparser's own dictionaries
    contents = [part.get("value", "") for part in entry.get("content", [])]
    body = max([*contents, entry.get("summary", "")], key=len)
    # .get("updated") would warn and hand out the publishing date where there is none.
    changed = entry["updated"] if "updated" in entry else ""  # noqa: SIM401
    shown = entry.get("published", "") or changed
    guid = clean_text(entry.get("id", ""))
    return FeedEntry(
        link=clean_text(entry.get("link", "") or (guid if guid.startswith(("http://", "https://")) else "")),
        guid=guid,
        title=plain_text(entry.get("title", "")).replace("\n", " "),
        text=plain_text(body),
        author=clean_text(entry.get("author", "")).strip(),
        published_at=page_time(shown, at) or _moment(entry.get("published_parsed"), at),
        changed=changed or None,
    )


def _moment(parsed: Any, at: datetime) -> datetime | None:  # noqa: ANN401 - a time tuple in UTC, or None
    if not parsed:
        return None
    try:
        year, month, day, hour, minute, second = parsed[:6]
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return moment if moment <= at else None


def _json_feed(data: bytes, at: datetime) -> Feed | None:
    """Read a JSON Feed 1.0 or 1.1 (jsonfeed.org/version/1.1)."""
    try:
        found = clean_json(json.loads(data))
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not str(found.get("version", "")).startswith(_JSON_FEED):
        return None
    items = found.get("items")
    if not isinstance(items, list):
        return None
    entries = [_json_entry(item, at) for item in items[:MAX_ENTRIES] if isinstance(item, dict)]
    return Feed(title=_str(found.get("title")), link=_str(found.get("home_page_url")), entries=tuple(entries))


def _json_entry(item: dict[str, Any], at: datetime) -> FeedEntry:
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = [_str(one.get("name")) for one in authors or [] if isinstance(one, dict)]
    text = _str(item.get("content_text")) or plain_text(_str(item.get("content_html"))) or _str(item.get("summary"))
    return FeedEntry(
        link=_str(item.get("url")) or _str(item.get("external_url")),
        guid=_str(item.get("id")),
        title=_str(item.get("title")),
        text=text,
        author=next((name for name in names if name), ""),
        published_at=page_time(_str(item.get("date_published")), at),
        changed=_str(item.get("date_modified")) or None,
    )


def _str(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def plain_text(markup: str) -> str:
    """Return the text of an HTML fragment, one line per block; plain text comes back as it is."""
    markup = clean_text(markup)
    if "<" not in markup and "&" not in markup:
        return markup.strip()
    root = parse_html(f"<div>{markup}</div>")
    return "" if root is None else text_of(root)
