from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from classifiers.run import cluster_clues, screen_posts
from storage.clue_details import clue_details
from storage.decisions import claim_clue, decide_clue, undo_clue
from storage.errors import NotFoundError
from storage.sealing import load_sealer
from tests.support.clues import ANALYST
from tests.support.screening import PITCH, PLEA, clues_by_target, post_facts, put, shipped

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store


def fill(store: Store, now: datetime, *, comments: int = 1) -> int:
    """Screen a pitch with comments below it and return its clue."""
    below = [(f"c{i}", f"第{i}个来问", f"b{i}") for i in range(comments)]
    pinned = ("own", "加微信 zhaiwu888 详聊", "a1")
    put(store, now, post_facts("1", PITCH, comments=[pinned, *below]), post_facts("2", PITCH + "急"))
    screen_posts(store, shipped(), now=now)
    cluster_clues(store, now=now)
    return int(clues_by_target(store)["post:1"]["id"])


def test_details_show_what_the_machine_judged(store: Store, now: datetime) -> None:
    clue_id = fill(store, now)
    put(store, now + timedelta(days=1), post_facts("1", PLEA))
    with store.read() as conn:
        details = clue_details(conn, clue_id, now=now)
    assert details["content"]["text"] == PITCH
    assert details["content"]["stale"] is True
    for finding in details["verdict"]["findings"]:
        if finding["field"] == "text":
            assert finding["text"] == PITCH[finding["start"] : finding["end"]]
    assert [(one["index"], one["native_id"], one["own"]) for one in details["comments"]] == [
        (0, "own", True),
        (1, "c0", False),
    ]
    assert f"c{clue_id}" in details["cluster_members"]
    assert details["above"] is None


def test_contacts_are_masked_unless_a_sealer_is_given(store: Store, now: datetime) -> None:
    clue_id = fill(store, now)
    with store.read() as conn:
        masked = clue_details(conn, clue_id)["contacts"]
        opened = clue_details(conn, clue_id, sealer=load_sealer(store.keys_root))["contacts"]
    assert {one["masked"] for one in masked} == {"z*******8"}
    assert not any("value" in one for one in masked)
    assert {one["value"] for one in opened} == {"zhaiwu888"}
    assert {one["field"] for one in masked} == {"text", "comments[0].text"}


def test_details_tell_the_history_and_the_claim(store: Store, now: datetime) -> None:
    clue_id = fill(store, now)
    with store.write(now) as unit:
        decide_clue(unit, clue_id, "confirmed", actor=ANALYST)
        undo_clue(unit, clue_id, actor=ANALYST)
        claim_clue(unit, clue_id, actor=ANALYST)
    with store.read() as conn:
        details = clue_details(conn, clue_id, now=now)
        later = clue_details(conn, clue_id, now=now + timedelta(minutes=6))
    assert [entry["event"] for entry in details["decisions"]] == ["confirm", "undo"]
    assert details["decisions"][1]["reverts"] == details["decisions"][0]["decision"]
    assert (details["claimed_by"], later["claimed_by"]) == ("ana", None)


def test_a_page_costs_the_same_statements_whatever_stands_on_it(sqlite_store: Store, now: datetime) -> None:
    clue_id = fill(sqlite_store, now, comments=50)
    statements: list[str] = []
    sa.event.listen(
        sqlite_store.engine, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement)
    )
    with sqlite_store.read() as conn:
        assert len(clue_details(conn, clue_id)["comments"]) == 51
    assert len([one for one in statements if one.startswith("SELECT")]) <= 9


def test_an_unknown_clue_has_no_details(store: Store) -> None:
    with store.read() as conn, pytest.raises(NotFoundError):
        clue_details(conn, 7)
