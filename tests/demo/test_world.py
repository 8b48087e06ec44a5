"""What the demo platforms do about reports, and the sheet with which they answer."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import openpyxl
import pytest

from demo.records import FORUM
from demo.truth import truth_lines
from demo.world import (
    WORDS,
    SentItem,
    State,
    Treatment,
    UnknownTargetError,
    World,
    write_answers,
)

if TYPE_CHECKING:
    from pathlib import Path

    from demo.world import Action

FORUM_BASE = "http://127.0.0.1:8101"
FEED_BASE = "http://127.0.0.1:8102"
GONE = {State.GONE, State.MISSING, State.NOTICE, State.VANISHED, State.BANNED}
ON_PAGES = {Treatment.REMOVED, Treatment.REMOVED_LATE, Treatment.BANNED}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def items() -> list[SentItem]:
    planted = [line for line in truth_lines(FORUM_BASE, FEED_BASE) if line["planted"]]
    return [
        SentItem(
            item=f"QY-{number:04}",
            platform=str(line["platform"]),
            native_id=str(line["native_id"]),
            url=str(line["native_id"]),
            kind=str(line["kind"]),
        )
        for number, line in enumerate(planted, 1)
    ]


def shown(world: World, action: Action) -> State:
    target = world.locate(action.item.platform, action.item.native_id)
    own = world.state(target)
    return own if own is not State.LIVE else world.state(world._owner(target))


def test_about_four_of_five_end_acted_upon_in_several_ways(world: World, items: list[SentItem]) -> None:
    actions = world.act(items, now=world.now, rng=Random(1))
    treatments = Counter(action.treatment for action in actions)
    acted = sum(treatments[it] for it in (*ON_PAGES, Treatment.RESTRICTED))
    assert 0.75 <= acted / len(items) <= 0.85
    assert set(treatments) == set(Treatment)
    assert [action.item for action in actions] == items


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_any_number_of_items_is_dealt_with_once_each(world: World, items: list[SentItem], count: int) -> None:
    actions = world.act(items[:count], now=world.now, rng=Random(2))
    assert [action.item for action in actions] == items[:count]


def test_pages_follow_the_decision_from_its_time_on(world: World, items: list[SentItem]) -> None:
    sent_at = world.now
    actions = world.act(items, now=sent_at, rng=Random(1))
    owners = Counter(world._owner(world.locate(it.platform, it.native_id)) for it in items)
    assert all(shown(world, action) is State.LIVE for action in actions)
    world.now = sent_at + timedelta(days=2)
    late = [action for action in actions if action.treatment is Treatment.REMOVED_LATE]
    assert all(shown(world, action) is State.LIVE for action in late)
    world.now = sent_at + timedelta(days=14)
    for action in actions:
        owner = world._owner(world.locate(action.item.platform, action.item.native_id))
        if action.treatment in ON_PAGES:
            assert shown(world, action) in GONE
        elif owners[owner] == 1:
            assert shown(world, action) is State.LIVE


def test_some_come_back_after_they_were_gone(world: World, items: list[SentItem]) -> None:
    actions = world.act(items, now=world.now, rng=Random(1))
    back = [action for action in actions if action.treatment is Treatment.REAPPEARS]
    assert back
    for action in back:
        world.now = action.effective_at
        assert shown(world, action) in GONE
        world.now = action.effective_at + timedelta(days=6)
        assert shown(world, action) is State.LIVE


def test_comments_are_taken_down_alone_and_accounts_are_banned(world: World, items: list[SentItem]) -> None:
    for seed in range(20):
        for action in world.act(items, now=world.now, rng=Random(seed)):
            if action.item.kind == "comment":
                assert action.treatment is not Treatment.BANNED
            if action.item.kind == "account":
                assert action.treatment not in {Treatment.REMOVED, Treatment.REAPPEARS}


def test_the_same_seed_decides_the_same(items: list[SentItem]) -> None:
    one, other = World(), World()
    first = one.act(items, now=one.now, rng=Random(3))
    assert other.act(items, now=other.now, rng=Random(3)) == first
    assert one.dump() == other.dump()


def test_authors_delete_what_was_not_yet_sent(world: World, items: list[SentItem]) -> None:
    chosen = world.delete_by_authors(items, now=world.now, rng=Random(4), count=3)
    assert len(chosen) == 3
    states = {world.state(world.locate(item.platform, item.native_id)) for item in chosen}
    assert states <= {State.AUTHOR_DELETED, State.VANISHED}


def test_the_answer_sheet_says_what_the_platforms_say(world: World, items: list[SentItem], tmp_path: Path) -> None:
    actions = world.act(items, now=world.now, rng=Random(1))
    write_answers(actions, tmp_path / "answer.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "answer.xlsx").active
    assert sheet is not None
    header, *rows = list(sheet.iter_rows(values_only=True))
    assert header == ("item", "url", "result", "note")
    assert {row[2] for row in rows} == set(WORDS.values())
    answered = [action for action in actions if action.result]
    assert [row[0] for row in rows] == [action.item.item for action in answered]
    assert len(answered) < len(actions)
    write_answers(actions, tmp_path / "answer.csv")
    with (tmp_path / "answer.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file))
    assert table == [[cell or "" for cell in row] for row in (header, *rows)]


def test_a_world_goes_on_where_its_dump_was_taken(world: World, items: list[SentItem]) -> None:
    world.act(items, now=world.now, rng=Random(5))
    world.now += timedelta(days=3)
    again = World.restore(json.loads(json.dumps(world.dump())))
    assert again.now == world.now
    assert again.dump() == world.dump()
    targets = [world.locate(item.platform, item.native_id) for item in items]
    assert [again.state(target) for target in targets] == [world.state(target) for target in targets]


def test_what_is_not_there_cannot_be_reported(world: World) -> None:
    with pytest.raises(UnknownTargetError, match="nothing on the demo platforms"):
        world.locate("web", f"{FORUM_BASE}/thread/1.html")
    article = world.corpus.of(FORUM)[0]
    assert world.locate("web", FORUM_BASE + article.path) == f"{FORUM}{article.path}"


def test_the_clock_takes_aware_times_only(world: World) -> None:
    with pytest.raises(ValueError, match="aware"):
        world.now = datetime(2026, 11, 20)  # noqa: DTZ001 - the wrong kind is the point
