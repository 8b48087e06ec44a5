"""The forum's addresses: start page, boards, threads, accounts, robots.txt and sitemaps."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from demo.pages import (
    PLAIN,
    XML,
    Page,
    common_page,
    iso,
    list_page,
    live_articles,
    modified_at,
    notice_page,
    section_path,
)
from demo.world import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from demo.pages import Site

SITEMAP_SIZE = 100
SITEMAP_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def forum_page(site: Site, path: str, query: Mapping[str, str]) -> Page:
    """Return the forum's answer to a request for this path."""
    number = query.get("page", "1")
    if path == "/robots.txt":
        return robots(site, sitemap=True)
    if path == "/":
        return list_page(site, live_articles(site), title="最新主题", number=_number(number))
    for slug, label in site.platform.sections.items():
        if path == section_path(site, slug):
            own = [article for article in live_articles(site) if article.section == slug]
            return list_page(site, own, title=label, number=_number(number))
    found = _sitemap_page(site, path) or common_page(site, path)
    return found or notice_page(site, _gone_threads(site).get(path, State.MISSING))


def robots(site: Site, *, sitemap: bool) -> Page:
    """Return robots.txt: everything may be read but /private/."""
    lines = ["User-agent: *", "Disallow: /private/", ""]
    if sitemap:
        lines.append(f"Sitemap: {site.base}/sitemap.xml\n")
    return Page(body="\n".join(lines).encode(), content_type=PLAIN)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


def _gone_threads(site: Site) -> dict[str, State]:
    return {f"/thread/{number}.html": State(way) for number, way in site.world.corpus.gone.items()}


def _sitemap_page(site: Site, path: str) -> Page | None:
    chunks = _chunks(site)
    if path == "/sitemap.xml":
        entries = [(f"/sitemap-{number}.xml", max(it[1] for it in chunk)) for number, chunk in enumerate(chunks, 1)]
        return _sitemap(site, "sitemapindex", "sitemap", entries)
    for number, chunk in enumerate(chunks, 1):
        if path == f"/sitemap-{number}.xml":
            return _sitemap(site, "urlset", "url", chunk)
    return None


def _chunks(site: Site) -> list[list[tuple[str, datetime]]]:
    """Return addresses with their last change; threads that were gone at the start are still listed."""
    listed = [(article.path, modified_at(site, article)) for article in live_articles(site)]
    oldest = min(article.published_at for article in site.articles.values())
    listed += [(path, oldest) for path in _gone_threads(site)]
    return [listed[start : start + SITEMAP_SIZE] for start in range(0, len(listed), SITEMAP_SIZE)]


def _sitemap(site: Site, root: str, child: str, entries: list[tuple[str, datetime]]) -> Page:
    rows = "".join(
        f"<{child}><loc>{escape(site.base + path)}</loc><lastmod>{iso(moment)}</lastmod></{child}>\n"
        for path, moment in entries
    )
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{SITEMAP_NAMESPACE}">\n{rows}</{root}>\n'
    return Page(body=text.encode(), content_type=XML, modified_at=max(moment for _, moment in entries))
