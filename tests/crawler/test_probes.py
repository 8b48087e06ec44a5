"""Rechecks: what a look at a target says, and that it never says more than it saw."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.adapters import load_adapter
from crawler.launch import run_crawl
from crawler.presence import Known, Sighting, likeness, look_at
from crawler.probes import probe_due
from crawler.reading import PageRead, ReadRules, judge
from crawler.recheck import see
from crawler.spiders.web import parse_page
from crawler.watch import parse_watch
from storage.clues import get_clue
from storage.frontier import request_recheck
from storage.observations import observations_of
from storage.posts import count_posts
from tests.crawler.playing import TEXT, Answer, article
from tests.support.clues import add_clue

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from crawler.watch import SourceConfig
    from storage.clues import ClueRow
    from storage.engine import Store
    from storage.records import Json
    from tests.support.site import Site

REPLIES = "<p class=reply id=r1><b>甲</b><i>加我微信</i></p>"
NOTICE = "<html><title>温馨提示</title><body><p>您要找的这一页已经离开了我们，请到别处看看，或者回到首页。</p>"


def source(site: Site, text: str = "", *, platform: str = "web", name: str = "test") -> SourceConfig:
    comments = "comments: {item: .reply, author: b, text: i}, private: true, budget: {delay_seconds: 0}"
    head = f"name: {name}, platform: {platform}, access: open, base_url: {site.url}, {comments}"
    return parse_watch(f"sources: [{{{head}{', ' if text else ''}{text}}}]")[0]


def ask(
    store: Store,
    now: datetime,
    url: str,
    *,
    key: str,
    kind: str = "post",
    clue_id: int | None = None,
    text: str = TEXT,
) -> int:
    """Ask for a look at a clue's target; the clue is made first where none is named."""
    with store.write(now) as unit:
        facts = {"platform": "web", "target_native_id": url, "url": url, "target_kind": kind, "text": text}
        found = clue_id or add_clue(unit, url, **facts)
        request_recheck(unit, source="test", url=url, clue_id=found, key=key, not_before=now)
    return found


def probe(store: Store, config: SourceConfig, now: datetime, tmp_path: Path) -> Json:
    return probe_due(store, [config], now=now, log_file=tmp_path / "log")


def looks(store: Store, clue_id: int) -> list[tuple[str, str | None, bool | None]]:
    with store.read() as conn:
        found = observations_of(conn, [clue_id]).get(clue_id, [])
    return [(look.kind.value, look.marker, look.control_ok) for look in found]


def test_targets_are_seen_for_what_they_are(sqlite_store: Store, site: Site, now: datetime, tmp_path: Path) -> None:
    body = article(1).body.replace("</body>", f"{REPLIES}</body>")
    site.put("/", article(0).body)
    site.put("/live", body)
    site.put("/gone", "x", status=410)
    site.put("/moved", "", status=302, headers={"Location": "/live"})
    site.put("/login", "<title>登录</title>")
    site.put("/walled", "", status=302, headers={"Location": "/login?next=/walled"})
    site.put("/busy", "busy", status=503)
    site.put("/refused", "no", status=403)
    targets = {name: f"{site.url}/{name}" for name in ("live", "gone", "moved", "missing", "busy", "refused")}
    clues = {name: ask(sqlite_store, now, url, key=name) for name, url in targets.items()}
    for name in ("r1", "r2"):
        url = f"{site.url}/live#{name}"
        clues[name] = ask(sqlite_store, now, url, key=name, kind="comment", text="加我微信")
    clues["walled"] = ask(sqlite_store, now, f"{site.url}/walled", key="walled")
    done = probe(sqlite_store, source(site), now, tmp_path)
    expected = {
        "live": ("live", None, True),
        "gone": ("content_removed", "http_410", True),
        "moved": ("unknown", "another_page", True),
        "missing": ("unknown", "http_404", True),
        "refused": ("probe_blocked", "http_403", True),
        "r1": ("live", None, True),
        "r2": ("content_removed", "comment_absent", True),
    }
    found = {name: looks(sqlite_store, clue_id) for name, clue_id in clues.items()}
    assert {name: found[name] for name in expected} == {name: [seen] for name, seen in expected.items()}
    assert found["walled"] == [("login_wall", "login_address", True)]
    assert found["busy"] == [("unknown", "http_503", True)]  # one wall before one page does not stop the others
    assert done["probed"] == sum(map(len, found.values()))
    assert done["observations"]["live"] == 2
    assert site.hits("/") == 1
    with sqlite_store.read() as conn:
        assert count_posts(conn)["posts"] == len(clues)  # a look stores no post


def test_404_is_gone_at_the_second_look_a_day_later(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    site.put("/", article(0).body)
    url = f"{site.url}/missing"
    clue = ask(sqlite_store, now, url, key="day0")
    probe(sqlite_store, source(site), now, tmp_path)
    later = now + timedelta(hours=25)
    ask(sqlite_store, later, url, key="day1", clue_id=clue)
    assert probe(sqlite_store, source(site), later, tmp_path)["observations"] == {"content_removed": 1}
    assert looks(sqlite_store, clue)[-1] == ("content_removed", "http_404_twice", True)
    del site.pages["/"]
    last = later + timedelta(hours=25)
    ask(sqlite_store, last, url, key="day2", clue_id=clue)
    probe(sqlite_store, source(site), last, tmp_path)
    assert looks(sqlite_store, clue)[-1] == ("unknown", "http_404", False)


def test_looks_that_cannot_be_made_are_counted_as_unknown(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    ask(sqlite_store, now, f"{site.url}/a", key="a")
    done = probe_due(sqlite_store, [source(site, name="another")], now=now)
    assert done == {"probed": 0, "observations": {}, "unknown": 1, "problems": []}
    assert probe(sqlite_store, source(site), now, tmp_path)["unknown"] == 0
    assert site.requests == []


def test_feed_target_is_its_own_page(sqlite_store: Store, site: Site, now: datetime, tmp_path: Path) -> None:
    entry = f"<item><title>a</title><link>{site.url}/p/9</link><description>b</description></item>"
    site.put("/rss.xml", f"<rss version='2.0'><channel><title>t</title>{entry}</channel></rss>")
    site.put("/p/1", article(1).body)
    site.put("/p/2", "x", status=410)
    site.put("/p/3", NOTICE)
    clues = [ask(sqlite_store, now, f"{site.url}/p/{number}", key=str(number)) for number in (1, 2, 3)]
    config = source(site, "start: [/rss.xml]", platform="feed")
    probe(sqlite_store, config, now, tmp_path)
    assert [looks(sqlite_store, clue)[0][0] for clue in clues] == ["live", "content_removed", "unknown"]


PAGE = "https://bbs.example.cn/thread/1"


@pytest.mark.parametrize(
    ("answer", "long_ago", "kind", "marker"),
    [
        (article(1), False, "live", None),
        (Answer(status=410), False, "content_removed", "http_410"),
        (Answer(status=404), False, "unknown", "http_404"),
        (Answer(status=404), True, "content_removed", "http_404_twice"),
        (Answer(status=500), True, "unknown", "http_500"),
        (Answer(status=429), False, "probe_blocked", "http_429"),
        (Answer(body="<title>安全验证</title>"), False, "probe_blocked", "captcha_title"),
        (Answer(body="<div id=app></div>"), False, "unknown", "an article without text"),
        (
            Answer(body="<title>提示</title><p>抱歉，指定的主题不存在或已被删除或正在被审核"),
            False,
            "content_removed",
            "thread_gone",
        ),
        (Answer(body="<title>提示</title><p>该帖子已被作者删除"), False, "author_deleted", "author_deleted"),
    ],
)
def test_no_look_claims_more_than_its_marker(
    sqlite_store: Store, now: datetime, *, answer: Answer, long_ago: bool, kind: str, marker: str | None
) -> None:
    clue = clue_at(sqlite_store, now, PAGE)
    config = parse_watch("sources: [{name: test, platform: web, access: open, base_url: https://bbs.example.cn}]")[
        0
    ]
    read = PageRead(url=PAGE, asked_url=PAGE, status=answer.status, body=answer.body.encode(), at=now)
    adapter = load_adapter("web")
    judged = judge(read, adapter)
    rules = ReadRules(platform="web", comments=config.comments, limits=adapter.limits)
    seen = see(read, judged, first_404_long_ago=long_ago)
    if seen is None:
        known = Known(own=TEXT, page=TEXT)
        parsed = parse_page(read, "article", rules)
        seen = look_at(read, parsed, clue, known=known, rules=rules, markers=adapter.markers)
    assert (seen.kind.value, seen.marker) == (kind, marker)


def clue_at(store: Store, now: datetime, native_id: str, kind: str = "post") -> ClueRow:
    with store.write(now) as unit:
        facts = {"platform": "web", "target_native_id": native_id, "url": native_id, "target_kind": kind}
        return get_clue(unit.conn, add_clue(unit, native_id, **facts))


def looked(clue: ClueRow, body: str, now: datetime, *, own: str | None = TEXT, page: str | None = TEXT) -> Sighting:
    adapter = load_adapter("web")
    text = "comments: {item: .reply, author: b, text: i}"
    config = parse_watch(
        f"sources: [{{name: test, platform: web, access: open, base_url: https://bbs.example.cn, {text}}}]"
    )[0]
    rules = ReadRules(platform="web", comments=config.comments, limits=adapter.limits)
    read = PageRead(url=PAGE, asked_url=PAGE, status=200, body=body.encode(), at=now)
    known = Known(own=own, page=page)
    return look_at(
        read, parse_page(read, "article", rules), clue, known=known, rules=rules, markers=adapter.markers
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (article(1).body, "live"),
        (article(1, TEXT + "，现在改了号码，请加另一个微信。").body, "live"),
        (article(1, TEXT[: len(TEXT) * 2 // 3]).body, "live"),
        (NOTICE, "unknown"),
        (article(1, "当前内容暂时无法浏览。").body, "unknown"),
        (article(1, "全站搜索：没有找到相关结果，热门搜索有火锅、旅行、装修、考研、宠物与护肤。").body, "unknown"),
        ("<html><body></body></html>", "unknown"),
    ],
)
def test_a_page_is_live_only_while_it_shows_what_was_read(
    sqlite_store: Store, now: datetime, body: str, kind: str
) -> None:
    assert looked(clue_at(sqlite_store, now, PAGE), body, now).kind.value == kind


@pytest.mark.parametrize(
    ("text", "around", "seen"),
    [
        (TEXT, REPLIES, ("live", None)),
        (TEXT, "", ("content_removed", "comment_absent")),
        (
            TEXT,
            "<p class=reply id=r2><b>乙</b><i>展开更多评论吗</i></p>",
            ("content_removed", "comment_absent"),
        ),
        (TEXT, "<p class=reply id=r1><b>乙</b><i>别人的另一句话</i></p>", ("unknown", "another_text")),
        ("当前内容暂时无法浏览。", "", ("unknown", "another_text")),
        (TEXT, "<p>1 条评论已被折叠</p>", ("unknown", "comments_not_all_shown")),
        (TEXT, "<h2>全部评论（3）</h2>", ("unknown", "comments_not_all_shown")),
        (TEXT, "<a href=?page=2>查看全部 12 条回复</a>", ("unknown", "comments_not_all_shown")),
        (TEXT, "<a rel=next href='?page=2'>下一页</a>", ("unknown", "comments_not_all_shown")),
        (TEXT, "<h2>评论（0）</h2>", ("content_removed", "comment_absent")),
    ],
)
def test_a_missing_comment_counts_only_where_its_page_shows_all(
    sqlite_store: Store, now: datetime, text: str, around: str, seen: tuple[str, str | None]
) -> None:
    clue = clue_at(sqlite_store, now, f"{PAGE}#r1", "comment")
    body = article(1, text).body.replace("</body>", f"{around}</body>")
    found = looked(clue, body, now, own="加我微信")
    assert (found.kind.value, found.marker) == seen


def test_what_was_never_stored_is_not_recognised(sqlite_store: Store, now: datetime) -> None:
    found = looked(clue_at(sqlite_store, now, PAGE), article(1).body, now, own=None, page=None)
    assert (found.kind.value, found.marker) == ("unknown", "another_text")


@given(st.text(max_size=80), st.text(max_size=80))
def test_likeness_is_a_share_and_whole_for_what_is_kept(stored: str, added: str) -> None:
    assert 0 <= likeness(stored, added) <= 1
    if any(char.isalnum() for char in unicodedata.normalize("NFKC", stored)):
        assert likeness(stored, f"{added} {stored}") == 1


def test_a_control_page_that_became_a_notice_proves_nothing(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    urls = [f"{site.url}/thread/{number}" for number in range(3)]
    rows = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    site.put("/sitemap.xml", f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>')
    for number in range(3):
        site.put(f"/thread/{number}", article(number).body)
    config = source(site, "start: [/sitemap.xml]")
    assert run_crawl(sqlite_store, config, now=now, log_file=tmp_path / "log")["state"] == "finished"
    site.put("/sitemap.xml", NOTICE.replace("</p>", "</p><a href=/>首页</a>"))
    site.put("/thread/1", "x", status=410)
    clue = ask(sqlite_store, now, urls[1], key="a", clue_id=clue_on(sqlite_store, now, urls[1]))
    probe(sqlite_store, config, now, tmp_path)
    assert looks(sqlite_store, clue) == [("content_removed", "http_410", False)]


def clue_on(store: Store, now: datetime, url: str) -> int:
    """Return a clue that points to a page which was crawled; its own post stands for it elsewhere."""
    with store.write(now) as unit:
        return add_clue(unit, f"{url}?copy", platform="web", target_native_id=url, url=url)
