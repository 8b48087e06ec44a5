"""The queue: what it shows, how it turns its pages, what it costs."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from review.filters import read_filter
from review.routes.queue import PAGE_ROWS, read_page
from storage.decisions import claim_clue, decide_clue
from storage.tables import clue
from tests.support import desk as support
from tests.support.clues import ANALYST, add_clue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from storage.engine import Store
    from tests.support.desk import OpenDesk


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """Collect the statements that a store executes."""
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)


def keys_of(page: str) -> list[str]:
    return re.findall(r'href="/clues/(c\d+)[^"]*" data-row', page)


def test_the_default_is_what_was_flagged_and_waits_by_score(desk: OpenDesk, now: datetime) -> None:
    with desk.store.write(now) as unit:
        low = add_clue(unit, "low", score=60.0)
        high = add_clue(unit, "high", score=95.0)
        add_clue(unit, "unsure", score=40.0, band="unsure")
        add_clue(unit, "done", state="confirmed")
        queued = add_clue(unit, "queued", state="queued", score=70.0)
    page = desk.client("ana").get("/queue").text
    assert keys_of(page) == [f"c{high}", f"c{queued}", f"c{low}"]


def test_tabs_count_what_waits(desk: OpenDesk, now: datetime) -> None:
    with desk.store.write(now) as unit:
        for number in range(7):
            add_clue(unit, f"f{number}")
        for number in range(3):
            add_clue(unit, f"u{number}", band="unsure", score=40.0)
        for number in range(2):
            add_clue(unit, f"h{number}", state="unsure")
    page = desk.client("ana").get("/queue").text
    counts = re.findall(r'href="(/queue[^"]*)"[^>]*>[^<]* <b class="count">(\d+)</b>', page)
    assert counts == [("/queue", "7"), ("/queue?band=unsure", "3"), ("/queue?state=unsure&amp;band=every", "2")]
    assert len(keys_of(desk.client("ana").get("/queue?band=unsure").text)) == 3


def test_pages_turn_both_ways_and_lose_nothing(desk: OpenDesk, now: datetime) -> None:
    total = PAGE_ROWS * 2 + 7
    with desk.store.write(now) as unit:
        for number in range(total):
            add_clue(unit, f"n{number}", score=float(50 + number % 5))
    client = desk.client("ana")
    pages, path = [], "/queue"
    while path:
        text = client.get(path).text
        pages.append((path, keys_of(text)))
        later = re.search(r'rel="next" href="([^"]+)"', text)
        path = later[1].replace("&amp;", "&") if later else ""
    seen = [key for _, keys in pages for key in keys]
    assert len(seen) == len(set(seen)) == total
    back = text
    for _, keys in reversed(pages[:-1]):
        earlier = re.search(r'rel="prev" href="([^"]+)"', back)
        assert earlier is not None
        back = client.get(earlier[1].replace("&amp;", "&")).text
        assert keys_of(back) == keys
    assert 'rel="prev"' not in back


@pytest.mark.parametrize(
    "path", ["/queue?after=x", "/queue?before=1_", "/queue?after=nan_1e9", "/queue?after=1_99999999999999999999999"]
)
def test_a_place_that_is_none_is_refused_politely(desk: OpenDesk, path: str) -> None:
    assert desk.client("ana").get(path).status in {200, 400}


def test_filters_narrow_the_queue(desk: OpenDesk, now: datetime) -> None:
    with desk.store.write(now) as unit:
        one = add_clue(unit, "a", platform="weibo", text="退保找我 %_", categories=["surrender"])
        two = add_clue(unit, "b", platform="forum", text="征信修复", categories=["credit_repair", "surrender"])
    client = desk.client("ana")
    for query, expected in (
        ("platform=weibo", {one}),
        ("category=surrender", {one, two}),
        ("category=credit_repair", {two}),
        ("search=征信", {two}),
        ("search=%25_", {one}),
        ("search=%27%22%3B--", set()),
        ("state=confirmed", set()),
        ("state=every", {one, two}),
    ):
        assert set(keys_of(client.get(f"/queue?{query}").text)) == {f"c{n}" for n in expected}, query
    assert client.get(f"/queue?search=c{one}").to == f"/clues/c{one}"


def test_rows_say_who_is_at_it_and_what_was_decided(desk: OpenDesk, now: datetime, clues: dict[str, int]) -> None:
    with desk.store.write(now) as unit:
        claim_clue(unit, clues["p1"], actor=ANALYST)
        decide_clue(unit, clues["p2"], "rejected", actor=ANALYST)
    assert "ana 正在看" in desk.client("ben").get("/queue").text
    assert "我正在看" in desk.client("ana").get("/queue").text
    assert "已排除" in desk.client("ben").get("/queue?state=every").text
    desk.clock.move(minutes=5)
    assert "正在看" not in desk.client("ben").get("/queue").text, "a claim lapses"


def test_contacts_are_masked_in_the_list(desk: OpenDesk, clues: dict[str, int]) -> None:
    for name in ("ana", "aud", "pri", "sen"):
        text = desk.client(name).get("/queue?state=every").text
        assert "zhaiwu" not in text
        assert "z*********" in text


def test_a_contact_cut_by_the_edge_of_an_excerpt_stays_masked(desk: OpenDesk, now: datetime) -> None:
    for pad in range(70, 110, 3):
        text = "专业代办停息挂账" + "，" + "好" * pad + "，加微信 zhaiwu_long_name_00001 咨询，不成功不收费"
        support.add_clues(desk.store, now, [support.pitch(pad, text)])
    page = desk.client("ana").get("/queue").text
    assert "haiwu" not in page
    assert "long_name" not in page


def test_a_page_costs_the_same_for_one_row_and_for_fifty(desk: OpenDesk, now: datetime) -> None:
    client = desk.client("ana")
    used = []
    for upto in (1, 5, PAGE_ROWS):
        posts = [support.pitch(number) for number in range(upto)]
        support.add_clues(desk.store, now, posts)
        with counted(desk.store) as statements:
            page = client.get("/queue").text
        assert len(keys_of(page)) == upto
        used.append(len(statements))
    assert len(set(used)) == 1
    assert used[0] <= 12


def test_a_clue_page_costs_the_same_whatever_is_around_it(desk: OpenDesk, now: datetime) -> None:
    client = desk.client("ana")
    used = []
    for upto in (2, 40):
        comments = tuple(support.said_below(f"c{n}", "怎么办啊", f"路人{n}") for n in range(upto))
        posts = [support.pitch(number) for number in range(upto)]
        ids = support.add_clues(
            desk.store, now, [support.pitch(999, native_id=f"z{upto}", comments=comments), *posts]
        )
        with counted(desk.store) as statements:
            assert client.get(f"/clues/c{ids[f'z{upto}']}").status == 200
        used.append(len(statements))
    assert len(set(used)) == 1
    assert used[0] <= 32


def test_an_empty_queue_says_so(desk: OpenDesk) -> None:
    page = desk.client("ana").get("/queue").text
    assert "这里没有线索" in page


def test_unknown_categories_and_platforms_of_later_versions_are_shown(desk: OpenDesk, now: datetime) -> None:
    with desk.store.write(now) as unit:
        number = add_clue(unit, "a", categories=["new_kind"])
        unit.conn.execute(sa.update(clue).where(clue.c.id == number).values(category="newer_kind"))
    assert "newer_kind" in desk.client("ana").get("/queue").text
    with desk.store.read() as conn:
        assert read_page(conn, read_filter({})).rows[0].row.id == number
