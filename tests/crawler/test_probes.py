"""Rechecks: what a look at a target says, and that it never says more than it saw."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crawler.adapters import load_adapter
from crawler.probes import probe_due
from crawler.reading import PageRead, ReadRules, judge
from crawler.recheck import see
from crawler.spiders.web import parse_page
from crawler.watch import parse_watch
from storage.clues import get_clue
from storage.frontier import request_recheck
from storage.observations import observations_of
from storage.posts import count_posts
from tests.crawler.playing import Answer, article
from tests.support.clues import add_clue

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from crawler.watch import SourceConfig
    from storage.engine import Store
    from storage.records import Json
    from tests.support.site import Site

REPLIES = "<p class=reply id=r1><b>甲</b><i>加我微信</i></p>"


def source(site: Site, text: str = "", *, platform: str = "web", name: str = "test") -> SourceConfig:
    comments = "comments: {item: .reply, author: b, text: i}, private: true, budget: {delay_seconds: 0}"
    head = f"name: {name}, platform: {platform}, access: open, base_url: {site.url}, {comments}"
    return parse_watch(f"sources: [{{{head}{', ' if text else ''}{text}}}]")[0]


def ask(store: Store, now: datetime, url: str, *, key: str, kind: str = "post", clue_id: int | None = None) -> int:
    with store.write(now) as unit:
        found = clue_id or add_clue(unit, url, platform="web", target_native_id=url, url=url, target_kind=kind)
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
        clues[name] = ask(sqlite_store, now, url, key=name, kind="comment")
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
    assert found["busy"] == []  # the wall stopped the source before it was asked again: it stays asked for
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
    site.put("/rss.xml", "<rss version='2.0'><channel><title>t</title></channel></rss>")
    site.put("/p/1", "<p>短</p>")
    site.put("/p/2", "x", status=410)
    clues = [ask(sqlite_store, now, f"{site.url}/p/{number}", key=str(number)) for number in (1, 2)]
    config = source(site, "start: [/rss.xml]", platform="feed")
    probe(sqlite_store, config, now, tmp_path)
    assert [looks(sqlite_store, clue)[0][0] for clue in clues] == ["live", "content_removed"]


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
    with sqlite_store.write(now) as unit:
        clue = get_clue(unit.conn, add_clue(unit, PAGE, platform="web", target_native_id=PAGE, url=PAGE))
    config = parse_watch("sources: [{name: test, platform: web, access: open, base_url: https://bbs.example.cn}]")[
        0
    ]
    read = PageRead(url=PAGE, asked_url=PAGE, status=answer.status, body=answer.body.encode(), at=now)
    adapter = load_adapter("web")
    judged = judge(read, adapter)
    rules = ReadRules(platform="web", comments=config.comments, limits=adapter.limits)
    parsed = parse_page(read, "article", rules) if judged.outcome == "ok" else None
    seen = see(read, judged, parsed, clue, first_404_long_ago=long_ago)
    assert (seen.kind.value, seen.marker) == (kind, marker)
