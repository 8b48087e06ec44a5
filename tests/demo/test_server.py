"""The demo platforms as a visitor meets them: pages, feeds, validators, what is gone."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import feedparser
import pytest
from lxml import etree, html

from demo.corpus import load_corpus
from demo.journal import FEEDS
from demo.records import FEED, FORUM, Article
from demo.server import DemoPlatforms
from demo.world import State, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VOID = {"meta", "link", "br", "hr", "img", "input"}
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@pytest.fixture
def platforms() -> Iterator[DemoPlatforms]:
    with DemoPlatforms(World()) as running:
        yield running


def get(url: str, *, method: str = "GET", **headers: str) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, headers={name.replace("_", "-"): it for name, it in headers.items()})
        response = connection.getresponse()
        return Answer(status=response.status, headers=dict(response.getheaders()), body=response.read())
    finally:
        connection.close()


def first(site: str, *, comments: int = 0) -> Article:
    return next(it for it in load_corpus().of(site) if len(it.comments) >= comments)


def change(platforms: DemoPlatforms, address: str, state: State) -> None:
    platforms.world._change(address, platforms.world.now, state)


def test_robots_allows_all_but_the_private_part(platforms: DemoPlatforms) -> None:
    robots = get(platforms.forum_base + "/robots.txt").body.decode()
    assert "Disallow: /private/" in robots
    assert f"Sitemap: {platforms.forum_base}/sitemap.xml" in robots
    assert "Sitemap" not in get(platforms.feed_base + "/robots.txt").body.decode()


def test_the_sitemap_lists_every_thread_with_its_last_change(platforms: DemoPlatforms) -> None:
    index = etree.fromstring(get(platforms.forum_base + "/sitemap.xml").body)
    assert index.tag == f"{SITEMAP}sitemapindex"
    listed = []
    for part in index.iter(f"{SITEMAP}loc"):
        urls = etree.fromstring(get(part.text or "").body)
        assert len(urls.findall(f".//{SITEMAP}lastmod")) == len(urls.findall(f".//{SITEMAP}loc"))
        listed += [loc.text for loc in urls.iter(f"{SITEMAP}loc")]
    threads = {platforms.forum_base + article.path for article in load_corpus().of(FORUM)}
    assert threads < set(listed)
    stale = set(listed) - threads
    assert sorted(get(str(url)).status for url in stale) == [200, 404, 410, 410]


def test_lists_page_through_every_thread(platforms: DemoPlatforms) -> None:
    seen: list[str] = []
    url: str | None = platforms.forum_base + "/"
    while url:
        page = html.fromstring(get(url).body, base_url=url)
        page.make_links_absolute(url)
        seen += page.xpath("//a[@class='title']/@href")
        url = next(iter(page.xpath("//a[@rel='next']/@href")), None)
    assert seen == [platforms.forum_base + article.path for article in load_corpus().of(FORUM)]
    assert get(platforms.forum_base + "/?page=99").status == 404
    assert get(platforms.forum_base + "/?page=x").status == 404


@pytest.mark.parametrize("site", [FORUM, FEED])
def test_article_pages_are_sound_documents(platforms: DemoPlatforms, site: str) -> None:
    base = platforms.forum_base if site == FORUM else platforms.feed_base
    for article in load_corpus().of(site)[:40]:
        answer = get(f"{base}{article.path}?utm_source=rss&utm_medium=feed")
        assert answer.status == 200
        assert_sound(answer.body.decode())
        page = html.fromstring(answer.body)
        assert page.xpath("string(//link[@rel='canonical']/@href)") == base + article.path
        assert page.xpath("string(//h1)") == article.title
        assert page.xpath("string(//*[@class='nickname'])") == article.author.name
        assert page.xpath("string(//*[@class='author-box']/p)") == article.author.bio
        paragraphs = page.xpath("//*[@itemprop='articleBody']/p")
        assert ["".join(it.itertext()) for it in paragraphs] == list(article.paragraphs)
        shown = {
            it.get("id"): (it.xpath("string(.//*[@itemprop='name'])"), it.xpath("string(*[@itemprop='text'])"))
            for it in page.xpath("//*[@itemtype='https://schema.org/Comment']")
        }
        assert shown == {it.element_id: (it.author.name, it.text) for it in article.comments}


def test_other_pages_are_sound_documents_too(platforms: DemoPlatforms) -> None:
    author = first(FORUM).author
    for path in ("/", "/board/debt/", "/about", "/private/login", author.path, "/nothing"):
        assert_sound(get(platforms.forum_base + path).body.decode())
    for path in ("/", "/column/notes/", first(FEED).author.path):
        assert_sound(get(platforms.feed_base + path).body.decode())


def test_each_column_has_a_feed_of_its_own_kind_with_all_entries(platforms: DemoPlatforms) -> None:
    entries = {article.path: article for article in load_corpus().of(FEED)}
    for feed in FEEDS:
        body = get(platforms.feed_base + feed.path).body
        own = [platforms.feed_base + path for path, it in entries.items() if it.section == feed.column]
        if feed.path.endswith(".json"):
            items = json.loads(body)["items"]
            assert [item["url"] for item in items] == own
            continue
        parsed = feedparser.parse(body)
        assert not parsed.bozo
        assert [entry.link.partition("?")[0] for entry in parsed.entries] == own
        assert all(entry.author and entry.content[0].value for entry in parsed.entries)


def test_an_unchanged_feed_or_page_answers_304(platforms: DemoPlatforms) -> None:
    article = first(FEED)
    for path in (*(feed.path for feed in FEEDS), article.path):
        url = platforms.feed_base + path
        full = get(url)
        assert full.headers["ETag"].startswith('"')
        again = get(url, If_None_Match=full.headers["ETag"])
        assert (again.status, again.body) == (304, b"")
        assert get(url, If_Modified_Since=full.headers["Last-Modified"]).status == 304
        assert get(url, If_Modified_Since="Thu, 01 Jan 1970 00:00:00 GMT").status == 200
        assert get(url, If_Modified_Since="no date").status == 200
        other = get(url, If_None_Match='"x"', If_Modified_Since=full.headers["Last-Modified"])
        assert other.status == 200


def test_a_removed_entry_leaves_its_feed_and_changes_its_validators(platforms: DemoPlatforms) -> None:
    article = first(FEED)
    feed = next(it for it in FEEDS if it.column == article.section)
    before = get(platforms.feed_base + feed.path)
    platforms.world.now += timedelta(days=1)
    change(platforms, f"{FEED}{article.path}", State.GONE)
    after = get(
        platforms.feed_base + feed.path,
        If_None_Match=before.headers["ETag"],
        If_Modified_Since=before.headers["Last-Modified"],
    )
    assert after.status == 200
    assert article.path not in after.body.decode()
    assert after.headers["Last-Modified"] != before.headers["Last-Modified"]
    assert get(platforms.feed_base + article.path).status == 410


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        (State.GONE, 410, "已被管理员移除"),
        (State.MISSING, 404, "不存在"),
        (State.NOTICE, 200, "抱歉，指定的主题不存在或已被删除或正在被审核"),
        (State.AUTHOR_DELETED, 404, "已被作者删除"),
    ],
)
def test_a_removed_thread_shows_a_notice_and_leaves_the_lists(
    platforms: DemoPlatforms, state: State, status: int, words: str
) -> None:
    article = first(FORUM)
    change(platforms, f"{FORUM}{article.path}", state)
    answer = get(platforms.forum_base + article.path)
    assert answer.status == status
    assert words in answer.body.decode()
    assert article.text[:30] not in answer.body.decode()
    assert article.path not in get(platforms.forum_base + "/").body.decode()
    assert article.path not in get(platforms.forum_base + "/sitemap-1.xml").body.decode()


def test_a_removed_comment_vanishes_and_the_page_counts_as_changed(platforms: DemoPlatforms) -> None:
    article = first(FORUM, comments=2)
    gone, kept = article.comments[0], article.comments[1]
    before = get(platforms.forum_base + article.path)
    platforms.world.now += timedelta(hours=3)
    change(platforms, f"{FORUM}{article.path}#{gone.element_id}", State.VANISHED)
    after = get(platforms.forum_base + article.path)
    assert gone.element_id in before.body.decode()
    assert gone.element_id not in after.body.decode()
    assert kept.element_id in after.body.decode()
    assert after.headers["Last-Modified"] != before.headers["Last-Modified"]


def test_a_banned_account_says_so_and_takes_its_posts_along(platforms: DemoPlatforms) -> None:
    article = first(FORUM)
    change(platforms, f"{FORUM}{article.author.path}", State.BANNED)
    assert get(platforms.forum_base + article.path).status == 410
    profile = get(platforms.forum_base + article.author.path).body.decode()
    assert "已被封禁" in profile
    assert article.title not in profile


def test_visitors_that_stay_connected_are_served_again_and_let_go_at_the_end(platforms: DemoPlatforms) -> None:
    connection = http.client.HTTPConnection(urlsplit(platforms.forum_base).netloc, timeout=10)
    for path in ("/about", "/nothing"):
        connection.request("GET", path)
        assert connection.getresponse().read()
    platforms.stop()
    assert connection.sock is not None
    assert connection.sock.recv(1) == b""
    connection.close()


def test_the_servers_clock_is_the_worlds(platforms: DemoPlatforms) -> None:
    assert get(platforms.forum_base + "/").headers["Date"] == "Mon, 16 Nov 2026 01:00:00 GMT"
    platforms.world.now += timedelta(days=2)
    assert get(platforms.forum_base + "/").headers["Date"] == "Wed, 18 Nov 2026 01:00:00 GMT"


def test_requests_are_listed_and_head_has_no_body(platforms: DemoPlatforms) -> None:
    assert get(platforms.forum_base + "/about?x=1", method="HEAD").body == b""
    hit = platforms.hits[-1]
    assert (hit.site, hit.method, hit.path, hit.query, hit.status) == (FORUM, "HEAD", "/about", "x=1", 200)


def test_two_servers_of_one_seed_show_the_same_and_a_stopped_one_frees_its_ports() -> None:
    article = first(FORUM)
    with DemoPlatforms(World()) as running:
        ports = [int(base.rsplit(":", 1)[1]) for base in (running.forum_base, running.feed_base)]
        one = get(running.forum_base + article.path)
    with DemoPlatforms(World(), ports=ports) as running:
        other = get(running.forum_base + article.path)
        assert other.body == one.body
        with pytest.raises(OSError, match="in use"):
            DemoPlatforms(World(), ports=(0, ports[1])).start()
    running.stop()


def test_the_watch_entries_point_at_pages_that_exist(platforms: DemoPlatforms) -> None:
    for source in platforms.watch_sources():
        starts = source.get("start", ["/explore"])
        assert isinstance(starts, list)
        assert {get(f"{source['base_url']}{path}").status for path in starts} == {200}


class _Tags(HTMLParser):
    """Follows the nesting of a document's tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [it or "" for name, it in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag


def assert_sound(document: str) -> None:
    tags = _Tags()
    tags.feed(document)
    tags.close()
    assert tags.open == []
    assert len(tags.ids) == len(set(tags.ids))
    page = html.fromstring(document)
    assert document.startswith('<!DOCTYPE html>\n<html lang="zh-CN">')
    for element in ("title", "header", "main", "h1", "footer"):
        assert page.xpath(f"count(//{element})") >= 1
