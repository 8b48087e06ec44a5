"""Strangers' bytes: whatever they are, a parser ends in time with a result, and nothing is loaded from anywhere."""

from __future__ import annotations

import gzip
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.adapters import adapter_names, load_adapter, load_spider
from crawler.markup import decode_page, parse_html, parse_xml, text_of
from crawler.parsing import parse_safely
from crawler.reading import PageParse, PageRead, ReadRules
from crawler.robots import judge_robots
from crawler.sitemaps import unpack
from crawler.times import page_time
from crawler.watch import CommentSelectors
from storage.errors import SettingsError
from storage.records import ReadOutcome

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
URL = "https://bbs.example.cn/thread/1"
RULES = ReadRules(platform="web", comments=CommentSelectors(item="p", author="b", text="i"))
PIECES = [
    "<p>",
    "</p>",
    "<b>",
    "<i>",
    "</i>",
    '<script type=\'application/ld+json\'>{"@type": "Comment"}</script>',
    "<div itemscope itemtype='https://schema.org/Article' itemprop=author>",
    "<time datetime=2026>",
    "<base href='javascript:x'>",
    "<link rel=canonical href='//x'>",
    "<a href='http://[::1'>",
    "停息挂账",
    "\u200b",
    "\x00",
    "<![CDATA[",
    "<!--",
    "&#0;&#x110000;",
    "\u200b&#1;&#x1f;&#xfffe;&#xd800;\x01",
    "<rss><channel><item>",
    "<urlset><url><loc>http://x</loc>",
    '{"version":"https://jsonfeed.org/version/1","items":[1]}',
]


def read(body: bytes, content_type: str = "text/html") -> PageRead:
    return PageRead(url=URL, asked_url=URL, status=200, body=body, at=AT, headers={"content-type": content_type})


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(adapter_names()),
    st.sampled_from(["start", "sitemap", "feed", "list", "page", "article"]),
    st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES), max_size=25).map("".join).map(str.encode)),
)
def test_any_bytes_come_to_a_result_without_breaking_the_parser(platform: str, kind: str, body: bytes) -> None:
    parsed = parse_safely(load_spider(platform).parse_page, read(body), kind, RULES)
    assert isinstance(parsed, PageParse)
    assert not (parsed.reason or "").startswith("parser_failed"), parsed.reason


def test_deep_wide_and_endless_markup_ends_in_time() -> None:
    begun = time.monotonic()
    for body in ("<div>" * 50_000 + "x", "<p a=1>" * 50_000, "<a href=x>" * 20_000, "[" * 100_000, "<!--" * 50_000):
        parse_safely(load_spider("web").parse_page, read(body.encode()), "article", RULES)
    assert time.monotonic() - begun < 60


def test_slow_large_and_broken_parsers_make_an_unknown_page() -> None:
    def slow(*_: object) -> PageParse:
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            pass
        raise AssertionError

    def broken(*_: object) -> PageParse:
        raise RecursionError

    quick = replace(RULES, limits=load_adapter("web").limits.model_copy(update={"parse_seconds": 0.1}))
    large = read(b"x" * (RULES.limits.max_parse_bytes + 1))
    reasons = [
        parse_safely(slow, read(b"x"), "article", quick).reason,
        parse_safely(broken, read(b"x"), "article", RULES).reason,
        parse_safely(broken, large, "article", RULES).reason,
    ]
    assert reasons == ["parse_timeout", "parser_failed: RecursionError", "too_large_to_parse"]
    assert parse_safely(broken, large, "article", RULES).outcome is ReadOutcome.UNKNOWN


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("征信".encode("gb18030"), "text/html", "征信"),
        ("征信".encode("gb18030"), "text/html; charset=gb2312", "征信"),
        ('<meta charset="gbk">征信'.encode("gbk"), None, '<meta charset="gbk">征信'),
        ("征信".encode(), None, "征信"),
        ("征信".encode("utf-16"), None, "征信"),
        ("征信".encode()[:-1], None, "征\ufffd"),
        (b"a\x00b", None, "a\ufffdb"),
    ],
)
def test_pages_are_decoded_as_they_are_written(body: bytes, content_type: str | None, text: str) -> None:
    assert decode_page(body, content_type) == text


def test_text_keeps_lines_and_invisible_characters_and_drops_scripts() -> None:
    root = parse_html(
        "<div>停\u200b息<script>x</script> 挂账<br>二<p>三\n 行</p><style>y</style>"
        "<img alt=图><img class=emoji alt='[笑]'>尾<noscript>n</noscript></div></body>后"
    )
    assert root is not None
    assert text_of(root) == "停\u200b息 挂账\n二\n三 行\n[笑]尾\n后"


def test_external_entities_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("CANARY")
    data = f'<!DOCTYPE u [<!ENTITY x SYSTEM "file://{secret}">]><urlset><url><loc>&x;</loc></url></urlset>'
    root = parse_xml(data.encode())
    assert root is None or "CANARY" not in "".join(root.itertext())
    parsed = parse_safely(load_spider("web").parse_page, read(data.encode()), "sitemap", RULES)
    assert "CANARY" not in repr(parsed)


def test_packed_sitemaps_are_bounded() -> None:
    assert unpack(gzip.compress(b"x" * 1000), limit=1000) == b"x" * 1000
    assert unpack(gzip.compress(b"x" * 1001), limit=1000) is None
    assert unpack(gzip.compress(b"x")[:-3]) is None
    assert unpack(b"plain") == b"plain"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-03T10:20:00+08:00", "2026-11-03T02:20:00+00:00"),
        ("2026-11-03 10:20", "2026-11-03T02:20:00+00:00"),
        ("发表于 2026年11月3日 9:05", "2026-11-03T01:05:00+00:00"),
        ("2026/11/3", "2026-11-02T16:00:00+00:00"),
        ("Tue, 03 Nov 2026 10:20:00 +0800", "2026-11-03T02:20:00+00:00"),
        ("2027-01-01", None),
        ("3小时前", None),
        ("2026-13-45", None),
        ("0001-01-01", None),
        ("", None),
    ],
)
def test_times_are_read_or_left(text: str, expected: str | None) -> None:
    found = page_time(text, AT)
    assert (found.isoformat() if found else None) == expected


@pytest.mark.parametrize(
    ("status", "body", "allowed", "reachable"),
    [
        (200, b"User-agent: *\nDisallow: /thread", False, True),
        (200, b"User-agent: QingyuanBot\nAllow: /\nUser-agent: *\nDisallow: /", True, True),
        (200, b"<html>no robots</html>", True, True),
        (200, b"\xff\x00" * 1000, True, True),
        (404, b"", True, True),
        (401, b"", True, True),
        (403, b"User-agent: *\nDisallow: /", True, True),
        (302, b"", True, True),
        (429, b"", False, False),
        (503, b"", False, False),
        (None, b"", False, False),
    ],
)
def test_robots_verdicts(status: int | None, body: bytes, *, allowed: bool, reachable: bool) -> None:
    verdict = judge_robots(status, body)
    assert (verdict.allows(URL, "QingyuanBot"), verdict.reachable) == (allowed, reachable)


def test_crawl_delay_is_bounded() -> None:
    verdict = judge_robots(200, b"User-agent: *\nCrawl-delay: 9999")
    assert verdict.delay_seconds("QingyuanBot") == 60
    assert judge_robots(404, b"").delay_seconds("QingyuanBot") == 0


def test_overlay_replaces_a_definition_and_unknown_keys_are_errors(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "web.yml").write_text("platform: web\nlimits: {max_depth: 3}\n")
    found = load_adapter("web", overlays=folder)
    assert (found.limits.max_depth, found.origin) == (3, str(folder / "web.yml"))
    assert found.sha256 != load_adapter("web").sha256
    (folder / "web.yml").write_text("platform: web\nlimit: {}\n")
    with pytest.raises(SettingsError) as caught:
        load_adapter("web", overlays=folder)
    assert (caught.value.code, caught.value.field) == ("unknown_key", "limit")
