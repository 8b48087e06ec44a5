"""Feeds: RSS, Atom, RDF and JSON Feed; every entry is a post."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.base import SourceSpider
from crawler.comments import web_account
from crawler.feeds import parse_feed
from crawler.listings import is_article
from crawler.main_text import main_text
from crawler.markup import decode_page, page_address, parse_html, text_of
from crawler.reading import FEED, PAGE, PageParse
from crawler.sitemaps import unpack
from crawler.urls import resolve
from storage.records import PostFacts, ReadOutcome

if TYPE_CHECKING:
    from crawler.feeds import FeedEntry
    from crawler.reading import PageRead, ReadRules


class FeedSpider(SourceSpider):
    """Reads feeds; ``article`` names the entries to keep where it is given."""

    name = "feed"
    conditional = True

    @staticmethod
    def parse_page(read: PageRead, kind: str, rules: ReadRules) -> PageParse:
        """Return what a feed holds; see :func:`parse_page`."""
        return parse_page(read, kind, rules)


def parse_page(read: PageRead, kind: str, rules: ReadRules) -> PageParse:
    """Return the posts of a feed: a pure function of the stored bytes.

    A page of an entry (kind ``page``) is only looked at by rechecks, for its main text.
    """
    if kind == PAGE:
        return _entry_page(read, rules)
    body = unpack(read.body) or b""
    feed = parse_feed(body, content_type=read.headers.get("content-type"), at=read.at)
    if feed is None:
        return PageParse(kind=FEED, outcome=ReadOutcome.FORMAT_CHANGED, reason="no well-formed feed")
    posts = [post for entry in feed.entries if (post := _post(entry, read, rules)) is not None]
    problems = [f"the feed is not well-formed: {feed.complaint}"] if feed.complaint else []
    if len(posts) < len(feed.entries) and rules.article is None:
        problems.append(f"{len(feed.entries) - len(posts)} entries have no text")
    return PageParse(kind=FEED, posts=tuple(posts), problems=tuple(problems))


def _entry_page(read: PageRead, rules: ReadRules) -> PageParse:
    root = parse_html(decode_page(read.body, read.headers.get("content-type")))
    if root is None:
        return PageParse(kind=PAGE, outcome=ReadOutcome.FORMAT_CHANGED, reason="no HTML page")
    url = page_address(root, read.url)
    text = main_text(root) or text_of(root)
    post = PostFacts(
        platform=rules.platform, native_id=url, kind="article", url=url, author=web_account(url, name=""), text=text
    )
    return PageParse(kind=PAGE, posts=(post,))


def _post(entry: FeedEntry, read: PageRead, rules: ReadRules) -> PostFacts | None:
    """Return an entry as a post, None where it says nothing or the source does not ask for it."""
    url = resolve(read.url, entry.link) if entry.link else None
    if not (entry.title or entry.text) or (rules.article is not None and (not url or not is_article(url, rules))):
        return None
    native_id = url or f"{read.url}#{entry.guid or entry.title}"
    return PostFacts(
        platform=rules.platform,
        native_id=native_id,
        kind="article",
        url=url,
        author=web_account(native_id, name=entry.author),
        title=entry.title,
        text=entry.text,
        published_at=entry.published_at,
    )
