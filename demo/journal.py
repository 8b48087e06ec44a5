"""The feed platform's addresses: start page, columns with their feeds, entries, accounts.

Each column has a feed of another kind: RSS 2.0, Atom and JSON Feed 1.1. All hold the column's live entries in
full. The links of the RSS feed carry tracking keys, as blog software likes to add them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING

from demo.forum import robots
from demo.pages import (
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
    from demo.records import Article

TRACKING = "?utm_source=rss&utm_medium=feed"
RSS_NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Where a column's feed stands and what it is."""

    column: str
    path: str
    content_type: str
    title: str


FEEDS = (
    Feed(column="life", path="/life/feed.xml", content_type="application/rss+xml", title="人间日常"),
    Feed(column="money", path="/money/atom.xml", content_type="application/atom+xml", title="钱与生活"),
    Feed(column="notes", path="/notes/feed.json", content_type="application/feed+json", title="随手笔记"),
)


def journal_page(site: Site, path: str, query: Mapping[str, str]) -> Page:
    """Return the feed platform's answer to a request for this path."""
    number = query.get("page", "1")
    page = int(number) if number.isascii() and number.isdecimal() else 0
    if path == "/robots.txt":
        return robots(site, sitemap=False)
    if path == "/":
        return list_page(site, live_articles(site), title="最新文章", number=page, feeds=FEEDS)
    for feed in FEEDS:
        own = [article for article in live_articles(site) if article.section == feed.column]
        if path == feed.path:
            return _feed_page(site, feed, own)
        if path == section_path(site, feed.column):
            return list_page(site, own, title=feed.title, number=page, feeds=(feed,))
    return common_page(site, path) or notice_page(site, State.MISSING)


def _feed_page(site: Site, feed: Feed, articles: list[Article]) -> Page:
    make = {"life": _rss, "money": _atom, "notes": _json_feed}[feed.column]
    everything = [article for article in site.articles.values() if article.section == feed.column]
    updated = max(modified_at(site, article) for article in everything)
    text = make(site, feed, articles, updated)
    return Page(body=text.encode(), content_type=f"{feed.content_type}; charset=utf-8", modified_at=updated)


def _html(article: Article) -> str:
    """Return the text as feeds carry it: paragraphs and line breaks."""
    return "".join(f"<p>{escape(part).replace(chr(10), '<br/>')}</p>" for part in article.paragraphs)


def _rss(site: Site, feed: Feed, articles: list[Article], updated: datetime) -> str:
    items = "".join(
        f"<item><title>{escape(article.title)}</title>"
        f"<link>{escape(site.base + article.path + TRACKING)}</link>"
        f'<guid isPermaLink="true">{escape(site.base + article.path)}</guid>'
        f"<dc:creator>{escape(article.author.name)}</dc:creator>"
        f"<pubDate>{format_datetime(article.published_at)}</pubDate>"
        f"<description>{escape(article.text[:60])}…</description>"
        f"<content:encoded>{escape(_html(article))}</content:encoded></item>\n"
        for article in articles
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" {RSS_NAMESPACES}><channel>'
        f"<title>{feed.title} - {site.platform.name}</title><link>{site.base}/column/{feed.column}/</link>"
        f"<description>{site.platform.slogan}</description><language>zh-cn</language><ttl>60</ttl>"
        f"<lastBuildDate>{format_datetime(updated)}</lastBuildDate>\n{items}</channel></rss>\n"
    )


def _atom(site: Site, feed: Feed, articles: list[Article], updated: datetime) -> str:
    entries = "".join(
        f"<entry><title>{escape(article.title)}</title><id>{escape(site.base + article.path)}</id>"
        f'<link rel="alternate" type="text/html" href="{escape(site.base + article.path)}"/>'
        f"<author><name>{escape(article.author.name)}</name>"
        f"<uri>{escape(site.base + article.author.path)}</uri></author>"
        f"<published>{iso(article.published_at)}</published>"
        f"<updated>{iso(modified_at(site, article))}</updated>"
        f'<content type="html">{escape(_html(article))}</content></entry>\n'
        for article in articles
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh-CN">'
        f"<title>{feed.title} - {site.platform.name}</title><id>{site.base}{feed.path}</id>"
        f'<link rel="self" href="{site.base}{feed.path}"/><link href="{site.base}/column/{feed.column}/"/>'
        f"<updated>{iso(updated)}</updated>\n{entries}</feed>\n"
    )


def _json_feed(site: Site, feed: Feed, articles: list[Article], _updated: datetime) -> str:
    items = [
        {
            "id": site.base + article.path,
            "url": site.base + article.path,
            "title": article.title,
            "content_html": _html(article),
            "date_published": iso(article.published_at),
            "date_modified": iso(modified_at(site, article)),
            "authors": [{"name": article.author.name, "url": site.base + article.author.path}],
        }
        for article in articles
    ]
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": f"{feed.title} - {site.platform.name}",
        "home_page_url": f"{site.base}/column/{feed.column}/",
        "feed_url": site.base + feed.path,
        "language": "zh-CN",
        "items": items,
    }
    return json.dumps(document, ensure_ascii=False, indent=1)
