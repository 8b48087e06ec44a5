"""A crawl's run: what is read, kept, put off and stopped, with prepared answers instead of a network."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crawler.adapters import load_spider
from crawler.reading import PageRead
from crawler.recorder import record_read
from storage import frontier
from storage.errors import LeaseLostError
from storage.evidence import verify_all
from storage.posts import count_posts, list_posts, post_details
from storage.runs import last_run
from tests.crawler.playing import BASE, TEXT, Answer, Clock, article, begin, play, site, sitemap, source

if TYPE_CHECKING:
    from storage.engine import Store

CHALLENGE = Answer(body="<title>安全验证</title>")
FAST = "private: true, budget: {delay_seconds: 0}"


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


def start(text: str = "") -> str:
    return f"start: [/sitemap.xml], {FAST}{', ' if text else ''}{text}"


def test_first_run_reads_all_and_proves_it(store: Store, clock: Clock) -> None:
    done = play(store, source(start()), site(4), clock)
    assert (done.state, done.pages, done.posts) == ("finished", {"ok": 4}, {"new": 4})
    with store.read() as conn:
        assert count_posts(conn)["posts"] == 4
        run = last_run(conn, "s")
        found = post_details(conn, f"web:{BASE}/thread/3")
        assert verify_all(conn, store.evidence_root) == {"files": 5, "verified": 5, "bad": []}
    assert run is not None
    assert (run.state, run.pages["ok"], run.posts["new"]) == ("finished", 4, 4)
    assert found is not None
    assert (found["title"], found["text"]) == ("帖子3", f"{TEXT}3")


def test_next_run_reads_the_start_page_and_what_is_new(store: Store, clock: Clock) -> None:
    play(store, source(start()), site(3), clock)
    clock.pass_(days=1)
    done = play(store, source(start()), site(5), clock)
    assert done.asked == ["/sitemap.xml", "/thread/3", "/thread/4"]
    assert not done.session.resumed


def test_articles_without_lastmod_are_read_again_after_refresh_days(store: Store, clock: Clock) -> None:
    config = source(start("refresh_days: 3"))
    play(store, config, site(2), clock)
    clock.pass_(days=2.9)
    assert play(store, config, site(2), clock).posts == {}
    clock.pass_(days=0.2)
    changed = {**site(2), "/thread/1": article(1, "改写过的一段话。" * 20)}
    assert play(store, config, changed, clock).posts == {"seen": 1, "changed": 1}


def test_articles_are_read_again_when_their_lastmod_changed(store: Store, clock: Clock) -> None:
    play(store, source(start()), site(2, lastmod="2026-11-01"), clock)
    clock.pass_(days=30)
    assert play(store, source(start()), site(2, lastmod="2026-11-01"), clock).asked == ["/sitemap.xml"]
    assert len(play(store, source(start()), site(2, lastmod="2026-12-01"), clock).asked) == 3


def test_budget_ends_a_run_and_the_next_call_continues_it(store: Store, clock: Clock) -> None:
    config = source("start: [/sitemap.xml], budget: {pages_per_run: 2}")
    first = play(store, config, site(5), clock)
    assert (first.state, first.pages) == ("budget", {"ok": 2})
    second, third = play(store, config, site(5), clock), play(store, config, site(5), clock)
    assert [second.session.resumed, second.state, second.pages] == [True, "budget", {"ok": 2}]
    assert [third.session.resumed, third.state, third.pages] == [True, "finished", {"ok": 1}]
    assert first.session.run_id == third.session.run_id
    assert sorted(first.asked + second.asked + third.asked) == sorted(site(5))


def test_interrupted_run_is_continued_without_loss(store: Store, clock: Clock) -> None:
    first = play(store, source(start()), site(40), clock, stop_after=7)
    second = play(store, source(start()), site(40), clock)
    assert (second.session.resumed, second.state) == (True, "finished")
    assert sorted(first.asked + second.asked) == sorted(site(40))


def test_crashed_run_is_continued_even_if_nothing_was_left(store: Store, clock: Clock) -> None:
    session = begin(store, source(start()), clock)
    row = session.take()
    assert row is not None
    read = PageRead(url=row.url, asked_url=row.url, status=200, body=sitemap([]).body.encode(), at=clock())
    record_read(session, row, read, parser=load_spider("web").parse_page)
    done = play(store, source(start()), site(0), clock)
    assert (done.session.resumed, done.state, done.asked) == (True, "finished", [])


def test_read_of_a_lost_lease_stores_nothing(store: Store, clock: Clock) -> None:
    session = begin(store, source(f"article: x, {FAST}, start: [/thread/1]"), clock)
    row = session.take()
    assert row is not None
    clock.pass_(minutes=2)
    with store.write(clock()) as unit:
        frontier.take_back(unit)
    read = PageRead(url=row.url, asked_url=row.url, status=200, body=article(1).body.encode(), at=clock())
    with pytest.raises(LeaseLostError):
        record_read(session, row, read, parser=load_spider("web").parse_page)
    with store.read() as conn:
        assert list(list_posts(conn)) == []


@pytest.mark.parametrize(("status", "outcome"), [(410, "gone"), (404, "unknown"), (500, "unknown"), (0, "unknown")])
def test_outcomes_of_a_read(store: Store, clock: Clock, status: int, outcome: str) -> None:
    done = play(store, source(start()), {**site(3), "/thread/1": Answer(status=status, body="x")}, clock)
    assert done.state == "finished"
    assert done.pages == {"ok": 2, outcome: 1 if status in {404, 410} else 3}


def test_404_is_gone_at_the_second_sight_a_day_later(store: Store, clock: Clock) -> None:
    config = source(start("refresh_days: 1"))
    play(store, config, site(2), clock)
    without = {path: page for path, page in site(2).items() if path != "/thread/1"}
    without["/sitemap.xml"] = sitemap([0, 1])
    clock.pass_(days=1.1)
    assert play(store, config, without, clock).pages == {"ok": 1, "unknown": 1}
    clock.pass_(hours=23)
    assert play(store, config, without, clock).pages["unknown"] == 1
    clock.pass_(hours=2)
    assert play(store, config, without, clock).pages["gone"] == 1


def test_challenge_stops_at_once_and_keeps_the_frontier(store: Store, clock: Clock) -> None:
    pages = {**site(6), "/thread/2": CHALLENGE}
    first = play(store, source(start()), pages, clock)
    assert (first.state, first.pages) == ("blocked", {"ok": 2, "blocked": 1})
    assert [problem["code"] for problem in first.session.problems] == ["blocked"]
    second = play(store, source(start()), site(6), clock)
    assert (second.session.resumed, second.state, second.pages) == (True, "finished", {"ok": 4})


def test_series_of_refusals_stops_single_ones_do_not(store: Store, clock: Clock) -> None:
    refused = Answer(status=403)
    single = play(store, source(start()), {**site(6), "/thread/2": refused, "/thread/4": refused}, clock)
    assert single.state == "finished"
    series = {**site(9), **{f"/thread/{number}": refused for number in (6, 7, 8)}}
    stopped = play(store, source(start()), series, clock)
    assert (stopped.state, stopped.pages) == ("blocked", {"ok": 2, "blocked": 3})


def test_short_retry_after_pauses_the_whole_source(store: Store, clock: Clock) -> None:
    begun = clock.now
    answers = {**site(3), "/thread/0": Answer(status=429, headers={"retry-after": "60"})}
    done = play(store, source(start()), answers, clock)
    assert clock.now - begun >= timedelta(seconds=60)
    assert done.pages["ok"] == 2


def test_long_retry_after_keeps_everybody_away_until_then(store: Store, clock: Clock) -> None:
    answers = {**site(3), "/thread/0": Answer(status=503, headers={"retry-after": "7200"})}
    assert play(store, source(start()), answers, clock).state == "blocked"
    clock.pass_(hours=1.9)
    away = play(store, source(start()), site(3), clock)
    assert (away.state, away.asked) == ("blocked", [])
    clock.pass_(hours=0.2)
    assert play(store, source(start()), site(3), clock).state == "finished"


def test_faults_of_the_server_are_asked_again_with_growing_waits(store: Store, clock: Clock) -> None:
    begun = clock.now
    done = play(store, source("start: [/sitemap.xml]"), {**site(1), "/thread/0": Answer(status=502)}, clock)
    assert done.asked.count("/thread/0") == 3
    assert clock.now - begun >= timedelta(seconds=30)


@pytest.mark.parametrize(
    ("page", "state"),
    [
        (Answer(body="<urlset"), "format_changed"),
        (Answer(status=500), "failed"),
        (Answer(status=0), "failed"),
        (Answer(status=404), "failed"),
        (CHALLENGE, "blocked"),
    ],
)
def test_run_without_a_start_page_is_no_success(store: Store, clock: Clock, page: Answer, state: str) -> None:
    done = play(store, source(start()), {"/sitemap.xml": page}, clock)
    assert (done.state, done.pages) == (state, {})
    assert done.session.problems[0]["code"] == state


def test_one_readable_start_page_proves_the_run_and_names_the_other(store: Store, clock: Clock) -> None:
    config = source(f"start: [/sitemap.xml, /gone.xml], {FAST}")
    done = play(store, config, site(1), clock)
    assert done.state == "finished"
    assert "/gone.xml" in done.session.problems[0]["message"]


def test_unreadable_articles_in_numbers_mean_a_changed_format(store: Store, clock: Clock) -> None:
    empty = Answer(body="<div id=app></div>")
    few = {**site(8), **{f"/thread/{number}": empty for number in range(3)}}
    assert play(store, source(start()), few, clock).state == "finished"
    clock.pass_(days=8)
    many = {**site(8), **{f"/thread/{number}": empty for number in range(6)}}
    done = play(store, source(start()), many, clock)
    assert (done.state, done.pages) == ("format_changed", {"ok": 2, "format_changed": 6})


def test_lists_are_followed_and_articles_only_with_a_pattern(store: Store, clock: Clock) -> None:
    link = "<a href='/other/9'>x</a>"
    pages = {
        "/": Answer(body="<a href='/list/1'>1</a><a href='/thread/0'>帖子</a><a href='https://b.example/'>外</a>"),
        "/list/1": Answer(body="<a href='/thread/1'>帖子一</a><a href='/list/2'>2</a>"),
        "/list/2": Answer(body="<a href='/thread/2'>帖子二</a>"),
        **{f"/thread/{number}": replace(article(number), body=article(number).body + link) for number in range(3)},
    }
    done = play(store, source(FAST), pages, clock)
    assert (sorted(done.asked), done.posts) == (sorted(pages), {"new": 3})
    clock.pass_(hours=1)
    again = play(store, source(FAST), pages, clock)
    assert again.asked == ["/"]  # what the pages below it are is known now, and a week is not over


def test_known_lists_are_read_in_every_run(store: Store, clock: Clock) -> None:
    config = source(f"{FAST}, article: ^/thread/, follow: ^/list/")
    pages = {"/": Answer(body="<a href=/list/1>1</a>"), "/list/1": Answer(body="<a href=/thread/1>1</a>")}
    play(store, config, {**pages, "/thread/1": article(1)}, clock)
    clock.pass_(hours=1)
    more = {**pages, "/list/1": Answer(body="<a href=/thread/1>1</a><a href=/thread/2>2</a>")}
    done = play(store, config, {**more, "/thread/2": article(2)}, clock)
    assert done.asked == ["/", "/list/1", "/thread/2"]


def test_endless_lists_without_news_are_left(store: Store, clock: Clock) -> None:
    config = source(f"{FAST}, article: ^/thread/, follow: p=")
    pages = {f"/?p={number}": Answer(body=f"<a href='/?p={number + 1}'>下一页</a>") for number in range(300)}
    done = play(store, config, {"/": Answer(body="<a href='/?p=0'>1</a>"), **pages}, clock)
    assert done.state == "finished"
    assert len(done.asked) <= 15


def test_large_sitemap_and_long_thread_are_stored_in_chunks(store: Store, clock: Clock) -> None:
    rows = "".join(f"<p class=c id=k{number}><b>读者{number}</b><i>第{number}条</i></p>" for number in range(130))
    config = source(start("comments: {item: .c, author: b, text: i}"))
    pages = {"/sitemap.xml": sitemap(range(450)), "/thread/0": replace(article(0), body=article(0).body + rows)}
    session = play(store, config, pages, clock, stop_after=2).session
    with store.read() as conn:
        found = post_details(conn, f"web:{BASE}/thread/0")
        assert frontier.counts(conn, "s", now=clock()).open == 449
    assert found is not None
    assert len(found["comments"]) == 130
    assert session.posts["new"] == 1


def test_source_with_a_delay_is_read_by_one_process_at_a_time(store: Store, clock: Clock) -> None:
    polite, hasty = source("start: [/sitemap.xml]"), source(start())
    for config, taken in ((polite, None), (hasty, "/thread/2")):
        play(store, config, site(3), clock, stop_after=1)
        first, second = begin(store, config, clock), begin(store, config, clock)
        second.owner = "elsewhere/1/1"
        row = first.take()
        assert row is not None
        with store.write(clock()) as unit:
            for other in list(first._leased):
                frontier.postpone(unit, other, owner=first.owner, until=clock(), counts=False)
        first._leased.clear()
        found = second.take()
        assert (found.url.removeprefix(BASE) if found else None) == taken
        assert not second.is_over()
        for session in (first, second):
            session.interrupted = True
            session.finish()


def test_quiet_hours_end_a_run_before_the_next_page(store: Store, clock: Clock) -> None:
    config = source("start: [/sitemap.xml], budget: {quiet_hours: '10:00-11:00'}")  # it is 10:30 in Shanghai
    done = play(store, config, site(2), clock)
    assert (done.state, done.asked) == ("budget", [])
    clock.pass_(hours=1)
    assert play(store, config, site(2), clock).state == "finished"


def test_feed_posts_are_stored_and_304_proves_the_run(store: Store, clock: Clock) -> None:
    item = "<item><title>第{0}篇</title><link>/p/{0}</link><description>停息挂账流程{0}</description></item>"
    items = "".join(item.format(number) for number in range(120))
    feed = Answer(
        body=f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>", headers={"etag": "1"}
    )
    config = source("start: [/rss.xml]", platform="feed")
    done = play(store, config, {"/rss.xml": feed}, clock)
    assert (done.state, done.pages, done.posts) == ("finished", {}, {"new": 120})
    session = begin(store, config, clock)
    row = session.take()
    assert row is not None
    assert row.cursor == {"etag": "1"}
    session.interrupted = True
    session.finish()
    same = play(store, config, {"/rss.xml": Answer(status=304)}, clock)
    assert (same.state, same.pages, same.posts) == ("finished", {}, {})
