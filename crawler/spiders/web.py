"""Any web site: sitemaps, feeds and lists lead to articles; articles have text, writer, time and comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crawler.base import SourceSpider
from crawler.comments import find_comments, web_account
from crawler.feeds import looks_like_feed
from crawler.listings import html_links, is_article, parse_feed_links, parse_sitemap_page
from crawler.main_text import main_text
from crawler.markup import (
    attribute,
    decode_page,
    drop,
    meta_content,
    page_address,
    page_links,
    parse_html,
    select,
    text_of,
)
from crawler.reading import ARTICLE, FEED, LIST, SITEMAP, START, PageParse
from crawler.schema_org import first_article, person, things
from crawler.sitemaps import looks_like_sitemap, unpack
from crawler.times import page_time
from crawler.urls import canonical_url, resolve
from storage.records import AccountFacts, PostFacts, ReadOutcome

if TYPE_CHECKING:
    from datetime import datetime

    from crawler.markup import Node
    from crawler.reading import PageRead, ReadRules
    from crawler.schema_org import Thing

_THREADS = frozenset({"DiscussionForumPosting", "QAPage", "Question", "SocialMediaPosting"})
_MAX_ANCHORS = 1000
_MAX_NAME_CHARS = 60
_AFTER_NAME = re.compile(r"\s*(?:[|·•]|发表|发布|时间|日期|更新|(?:19|20)[0-9]{2}\s*[-/.年]).*", re.DOTALL)


class WebSpider(SourceSpider):
    """Reads a web site."""

    name = "web"

    @staticmethod
    def parse_page(read: PageRead, kind: str, rules: ReadRules) -> PageParse:
        """Return what a page holds; see :func:`parse_page`."""
        return parse_page(read, kind, rules)


def parse_page(read: PageRead, kind: str, rules: ReadRules) -> PageParse:
    """Return what a page holds: a pure function of the stored bytes. ``kind`` is what it was asked for as."""
    if kind in {START, SITEMAP, FEED}:
        plain = unpack(read.body) or b""
        if kind == SITEMAP or looks_like_sitemap(plain):
            return parse_sitemap_page(read, rules)
        if kind == FEED or looks_like_feed(plain):
            return parse_feed_links(read, rules)
    return parse_html_page(read, kind, rules)


def parse_html_page(read: PageRead, kind: str, rules: ReadRules) -> PageParse:
    """Return the article and the links of an HTML page; format_changed when what must be an article is none."""
    root = parse_html(decode_page(read.body, read.headers.get("content-type")))
    if root is None:
        return PageParse(kind=LIST, outcome=ReadOutcome.FORMAT_CHANGED, reason="no HTML page")
    own = canonical_url(read.url) or read.url
    addresses = page_links(root, read.url, limit=rules.limits.max_links)
    named = is_article(own, rules) if rules.article is not None else kind == ARTICLE
    may_be = named or rules.article is None
    post = parse_article(root, read, rules, must=named) if may_be else None
    links = html_links(addresses, own, rules, follows_all=kind == START or post is None)
    if named and post is None:
        reason = "an article without text"
        return PageParse(kind=ARTICLE, outcome=ReadOutcome.FORMAT_CHANGED, links=links, reason=reason)
    return PageParse(kind=LIST if post is None else ARTICLE, posts=() if post is None else (post,), links=links)


def parse_article(root: Node, read: PageRead, rules: ReadRules, *, must: bool) -> PostFacts | None:
    """Return the article of a page, None where it has none.

    ``must`` takes any text for an article; otherwise the text beside its links needs the platform's minimum.
    """
    url = page_address(root, read.url)
    found = things(root)
    article = first_article(found)
    comments = find_comments(
        root, url, selectors=rules.comments, things=found, at=read.at, limit=rules.limits.max_comments
    )
    anchors = [text_of(link).replace("\n", " ") for link in select(root, "a[href]")[:_MAX_ANCHORS]]
    title = _title(root, article)
    author = _author(root, article, url)
    published = _published(root, article, read.at)
    drop(list(comments.nodes))
    text = _text(root, article, title)
    if not text or not (must or _beside_links(text, anchors) >= rules.limits.min_text_chars):
        return None
    return PostFacts(
        platform=rules.platform,
        native_id=url,
        kind="thread" if article and article.types & _THREADS else "article",
        url=url,
        author=author,
        title=title,
        text=text,
        comments=comments.comments,
        published_at=published,
    )


def _title(root: Node, article: Thing | None) -> str:
    marked = article.text("headline", "name") if article else ""
    headings = select(root, "h1")
    heading = text_of(headings[0]).replace("\n", " ") if len(headings) == 1 else ""
    page = " ".join(" ".join(select(root, "title")[:1][0].itertext()).split()) if select(root, "title") else ""
    return marked or heading or meta_content(root, "og:title") or page


def _author(root: Node, article: Thing | None, url: str) -> AccountFacts:
    name, bio, address = person(article, "author", "creator")
    if not name:
        name = meta_content(root, "author", "article:author") or _byline(root)
        name = "" if name.startswith(("http://", "https://")) else name
    return web_account(url, name=name, bio=bio, url=(resolve(url, address) or "") if address else "")


def _byline(root: Node) -> str:
    for node in select(root, "[rel~=author], [itemprop=author], .byline, .author-name, .post-author, .author"):
        name = _AFTER_NAME.sub("", text_of(node).partition("\n")[0].removeprefix("作者").lstrip(":： ")).strip()
        if 0 < len(name) <= _MAX_NAME_CHARS:
            return name
    return ""


def _published(root: Node, article: Thing | None, at: datetime) -> datetime | None:
    marked = article.text("datePublished", "dateCreated") if article else ""
    named = meta_content(root, "article:published_time", "datePublished", "pubdate", "publishdate")
    shown = [attribute(node, "datetime") for node in select(root, "time[pubdate], article time[datetime]")[:1]]
    return next((moment for text in (marked, named, *shown) if (moment := page_time(text, at))), None)


def _text(root: Node, article: Thing | None, title: str) -> str:
    """Return the main text: what the page marks as its body, else what trafilatura finds; without the title."""
    bodies = [] if article is None or article.node is None else select(article.node, "[itemprop~=articleBody]")
    if article is not None and article.node is not None and not bodies:
        bodies = [node for node in select(article.node, "[itemprop~=text]") if node.get("itemscope") is None]
    text = "\n".join(filter(None, (text_of(node) for node in bodies[:1]))) or main_text(root)
    first, _, rest = text.partition("\n")
    return rest if first.strip() == title.strip() else text


def _beside_links(text: str, anchors: list[str]) -> int:
    """Return how many characters of a text are no link's own text: a page that lists others has few."""
    rest = text.replace("\n", " ")
    for anchor in sorted(filter(None, anchors), key=len, reverse=True):
        rest = rest.replace(anchor, "", 1)
    return len("".join(rest.split()))
