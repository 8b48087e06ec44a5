"""Sitemaps and sitemap indexes (sitemaps.org 0.9), plain or gzip. Pure functions."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.markup import parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_BYTES = 50 << 20
"""Unpacked size of one sitemap, the protocol's own bound."""

MAX_ENTRIES = 50_000
"""Entries of one sitemap, the protocol's own bound."""

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class SitemapEntry:
    """One address of a sitemap with its ``lastmod`` as written."""

    url: str
    lastmod: str | None


@dataclass(frozen=True, slots=True)
class Sitemap:
    """A sitemap; ``is_index`` tells that its entries are sitemaps themselves."""

    entries: tuple[SitemapEntry, ...]
    is_index: bool


def unpack(data: bytes, *, limit: int = MAX_BYTES) -> bytes | None:
    """Return gzip data unpacked, other data as it is; None when it is broken or grows beyond the limit."""
    if not data.startswith(_GZIP):
        return data
    machine = zlib.decompressobj(wbits=31)
    try:
        plain = machine.decompress(data, limit)
    except zlib.error:
        return None
    return plain if machine.eof else None


def looks_like_sitemap(data: bytes) -> bool:
    """Tell by its first bytes whether a document is meant as a sitemap or an index of them."""
    head = data[:2000]
    return b"<urlset" in head or b"<sitemapindex" in head


def parse_sitemap(data: bytes) -> Sitemap | None:
    """Return the entries of a sitemap, None when it is no well-formed one."""
    root = parse_xml(data)
    if root is None or _name(root) not in {"urlset", "sitemapindex"}:
        return None
    entries = []
    for node in root:
        entry = _entry(node)
        if entry is not None:
            entries.append(entry)
        if len(entries) == MAX_ENTRIES:
            break
    return Sitemap(tuple(entries), is_index=_name(root) == "sitemapindex")


def _entry(node: _Element) -> SitemapEntry | None:
    if _name(node) not in {"url", "sitemap"}:
        return None
    found = {_name(child): (child.text or "").strip() for child in node}
    return SitemapEntry(found["loc"], found.get("lastmod") or None) if found.get("loc") else None


def _name(node: _Element) -> str:
    return str(node.tag).rpartition("}")[2] if isinstance(node.tag, str) else ""
