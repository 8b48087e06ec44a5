"""Pages that list others: sitemaps, feeds and HTML lists, and which of their links are read. Pure functions."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from crawler.feeds import parse_feed
from crawler.reading import ARTICLE, FEED, LIST, PAGE, SITEMAP, Link, PageParse
from crawler.sitemaps import parse_sitemap, unpack
from crawler.urls import is_trap, path_and_query, resolve, same_host
from storage.records import ReadOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crawler.feeds import FeedEntry
    from crawler.reading import PageRead, ReadRules

_NO_PAGES = frozenset(
    re.findall(
        r"\.\w+",
        ".7z .apk .avi .bmp .bz2 .css .csv .doc .docx .exe .flv .gif .gz .ico .iso .jpeg .jpg .js .json .m3u8 "
        ".mkv .mov .mp3 .mp4 .pdf .png .ppt .pptx .rar .svg .tar .tgz .tif .wav .webm .webp .woff .woff2 .xls "
        ".xlsx .zip",
    )
)


def is_article(url: str, rules: ReadRules) -> bool:
    """Tell whether the source's pattern says that a page is an article."""
    return rules.article is not None and bool(re.search(rules.article, path_and_query(url)))


def parse_sitemap_page(read: PageRead, rules: ReadRules) -> PageParse:
    """Return the links of a sitemap; format_changed when it is no well-formed one."""
    data = unpack(read.body)
    found = parse_sitemap(data) if data is not None else None
    if found is None:
        return PageParse(kind=SITEMAP, outcome=ReadOutcome.FORMAT_CHANGED, reason="no well-formed sitemap")
    links = _sitemap_links(read, rules, ((e.url, e.lastmod) for e in found.entries), is_index=found.is_index)
    return PageParse(kind=SITEMAP, links=tuple(links))


def _sitemap_links(
    read: PageRead, rules: ReadRules, entries: Iterable[tuple[str, str | None]], *, is_index: bool
) -> Iterator[Link]:
    for address, lastmod in entries:
        url = resolve(read.url, address)
        if url is None or not same_host(url, read.url) or is_trap(url):
            continue
        kind = SITEMAP if is_index else listed_kind(url, rules)
        if kind:
            yield Link(url=url, kind=kind, lastmod=lastmod)


def listed_kind(url: str, rules: ReadRules) -> str | None:
    """Return what a page of a sitemap or feed is, None when the source's patterns do not ask for it."""
    if rules.article is None or is_article(url, rules):
        return ARTICLE
    return LIST if rules.follow and re.search(rules.follow, path_and_query(url)) else None


def parse_feed_links(read: PageRead, rules: ReadRules) -> PageParse:
    """Return the pages that a feed lists; format_changed when it is no feed."""
    found = parse_feed(read.body, content_type=read.headers.get("content-type"), at=read.at)
    if found is None:
        return PageParse(kind=FEED, outcome=ReadOutcome.FORMAT_CHANGED, reason="no well-formed feed")
    links = []
    for entry in found.entries:
        url = resolve(read.url, entry.link) if entry.link else None
        kind = listed_kind(url, rules) if url else None
        if url and kind and same_host(url, read.url) and not is_trap(url):
            links.append(Link(url=url, kind=kind, lastmod=entry_state(entry)))
    problems = (f"the feed is not well-formed: {found.complaint}",) if found.complaint else ()
    return PageParse(kind=FEED, links=tuple(links), problems=problems)


def entry_state(entry: FeedEntry) -> str:
    """Return what changes when a feed's entry changes: its own date of change, else a hash of what it says."""
    digest = hashlib.sha256(f"{entry.title}\0{entry.text}".encode()).hexdigest()[:16]
    return entry.changed or f"h-{digest}"


def html_links(addresses: Iterable[str], own: str, rules: ReadRules, *, follows_all: bool) -> tuple[Link, ...]:
    """Return which of a page's links are read: same host, and matching ``follow`` or ``article`` where given.

    Without ``follow`` all of them are followed from lists (``follows_all``), none from articles.
    """
    found = {}
    for url in addresses:
        if url == own or not same_host(url, own) or is_trap(url) or _is_file(url):
            continue
        article = is_article(url, rules)
        asked = bool(re.search(rules.follow, path_and_query(url))) or article if rules.follow else follows_all
        if asked:
            found[url] = Link(url=url, kind=ARTICLE if article else LIST if rules.article else PAGE)
    return tuple(found.values())


def _is_file(url: str) -> bool:
    return PurePosixPath(urlsplit(url).path).suffix.lower() in _NO_PAGES
