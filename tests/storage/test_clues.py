from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from storage.clues import (
    clue_line,
    count_by_state,
    count_clues,
    count_open,
    get_clue,
    get_clues,
    list_clues,
    page_cursor,
)
from storage.errors import InputError, NotFoundError
from storage.records import OPEN_CLUE_STATES, Band, ClueState
from storage.tables import clue
from tests.support.clues import add_clue

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store


def fill(store: Store, now: datetime, number: int) -> list[int]:
    """Add clues whose scores repeat, so that the order needs the id too."""
    with store.write(now) as unit:
        return [add_clue(unit, f"t{i}", score=float(i * 7 % 5)) for i in range(number)]


def test_the_line_is_the_one_of_the_contracts(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        clue_id = add_clue(unit, "t1", score=87.5, claimed_by="ana", claim_until=now + timedelta(minutes=5))
    with store.read() as conn:
        row = get_clue(conn, clue_id)
    assert clue_line(row) == {
        "clue": f"c{clue_id}",
        "state": "new",
        "version": 1,
        "target": {"kind": "post", "platform": "forum", "native_id": "t1", "url": "https://forum.test/t1"},
        "score": 87.5,
        "band": "flagged",
        "categories": ["anti_collection"],
        "cluster": None,
        "post": "forum:t1",
        "claimed_by": "ana",
    }
    assert clue_line(row, now=now + timedelta(minutes=5))["claimed_by"] is None


def test_an_unknown_clue_is_an_error(store: Store) -> None:
    with store.read() as conn, pytest.raises(NotFoundError, match="c99"):
        get_clue(conn, 99)


def test_several_clues_are_read_at_once_and_unknown_ones_left_out(store: Store, now: datetime) -> None:
    ids = fill(store, now, 3)
    with store.read() as conn:
        assert [row.id for row in get_clues(conn, [ids[2], 99, ids[0]])] == [ids[0], ids[2]]


@pytest.mark.parametrize("order", ["newest", "score"])
def test_pages_by_keyset_give_every_clue_once_in_order(store: Store, now: datetime, order: str) -> None:
    ids = fill(store, now, 23)
    seen, after = [], None
    with store.read() as conn:
        while page := list_clues(conn, states=OPEN_CLUE_STATES, order=order, after=after, limit=5):
            seen.extend(page)
            after = page_cursor(page[-1])
        everything = list_clues(conn, order=order, limit=0)
    keys = [(row.score, row.id) if order == "score" else row.id for row in seen]
    assert keys == sorted(keys, reverse=True)
    assert sorted(row.id for row in seen) == ids
    assert everything == seen


def test_a_place_that_is_none_is_refused(store: Store) -> None:
    with store.read() as conn, pytest.raises(InputError, match="not a place"):
        list_clues(conn, after="x")


def test_filters_narrow_the_list_and_the_count(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        add_clue(unit, "a", platform="weibo", categories=["surrender"])
        add_clue(unit, "b", band="unsure", state="queued")
        add_clue(unit, "c", state="confirmed", category="fee_refund", categories=["surrender"])
        add_clue(unit, "d", state="rejected")
    with store.read() as conn:
        found = {
            "platform": list_clues(conn, platform="weibo"),
            "open": list_clues(conn, states=OPEN_CLUE_STATES),
            "state": list_clues(conn, states=[ClueState.QUEUED]),
            "mixed": list_clues(conn, states=[ClueState.QUEUED, ClueState.REJECTED]),
            "band": list_clues(conn, band=Band.UNSURE),
            "category": list_clues(conn, category="surrender"),
            "chosen": list_clues(conn, category="fee_refund"),
        }
        assert count_clues(conn, states=OPEN_CLUE_STATES) == 2
        assert count_clues(conn) == 4
        assert count_by_state(conn) == {"confirmed": 1, "new": 1, "queued": 1, "rejected": 1}
        assert count_open(conn) == {Band.FLAGGED: 1, Band.UNSURE: 1}
    assert {name: "".join(sorted(row.target_native_id for row in rows)) for name, rows in found.items()} == {
        "platform": "a",
        "open": "ab",
        "state": "b",
        "mixed": "bd",
        "band": "b",
        "category": "a",  # the person called c something else
        "chosen": "c",
    }


def test_search_finds_two_chinese_characters_and_takes_wildcards_literally(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        add_clue(unit, "a", text="信用卡逾期怎么办")
        add_clue(unit, "b", text="网贷上岸 100%有效")
        add_clue(unit, "c", text="hostile \x00 \ud800 𠮷 text")
    with store.read() as conn:
        hits = {
            term: [row.target_native_id for row in list_clues(conn, search=term)]
            for term in ("逾期", "上岸", "%", "_", "期逾", "𠮷", "\ud800", "'; --")
        }
    assert hits == {
        "逾期": ["a"],
        "上岸": ["b"],
        "%": ["b"],
        "_": [],
        "期逾": [],
        "𠮷": ["c"],
        "\ud800": ["c"],
        "'; --": [],
    }


@pytest.mark.parametrize(("order", "wanted"), [("newest", {}), ("score", {}), ("score", {"band": Band.FLAGGED})])
def test_queue_pages_read_a_partial_index_without_sorting(
    sqlite_store: Store, now: datetime, order: str, wanted: dict[str, Band]
) -> None:
    fill(sqlite_store, now, 3)
    statements: list[tuple[str, object]] = []
    sa.event.listen(
        sqlite_store.engine,
        "before_cursor_execute",
        lambda _conn, _cursor, statement, parameters, *_: statements.append((statement, parameters)),
    )
    with sqlite_store.read() as conn:
        list_clues(conn, states=OPEN_CLUE_STATES, order=order, after="2.0_3", limit=5, **wanted)
        (text, parameters) = statements[-1]
        plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters).all()
    lines = [row[-1] for row in plan]
    assert "ix_clue_open" in lines[0]
    assert not any("TEMP B-TREE" in line for line in lines)


def test_the_key_of_a_clue_is_unique(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        add_clue(unit, "a")
    with pytest.raises(sa.exc.IntegrityError), store.write(now) as unit:
        unit.conn.execute(sa.insert(clue).from_select(list(clue.c.keys())[1:], sa.select(*list(clue.c)[1:])))


def test_pages_can_be_turned_back(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        for number in range(20):
            add_clue(unit, f"n{number}", score=float(number % 4))
    for order in ("newest", "score"):
        with store.read() as conn:
            rows = list_clues(conn, order=order, limit=0, states=OPEN_CLUE_STATES)
            for at in range(20):
                above = list_clues(
                    conn, order=order, before=page_cursor(rows[at]), limit=5, states=OPEN_CLUE_STATES
                )
                assert above == rows[max(at - 5, 0) : at]
