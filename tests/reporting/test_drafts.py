"""Drafting: what goes in, what is left out and why, and that a target is asked for once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reporting.batches import approve_batch, propose_batch, return_batch, show_batch
from reporting.drafts import draft_batch
from reporting.outcomes import fold_outcomes
from reporting.weeks import cut_off, week_of
from storage import audit
from storage.errors import ForbiddenError, InputError
from storage.records import Actor, Role
from tests.support.takedown import (
    CHANNEL,
    CHANNELS,
    CHECKER,
    SENIOR,
    add_confirmed,
    drafted,
    exported,
    observe,
    sent,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reporting.channel import Channel
    from storage.engine import Store
    from storage.records import Json

FRIDAY = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)  # 18:00 in Shanghai
DAY = timedelta(days=1)


def draft(store: Store, now: datetime, **wanted: object) -> Json:
    return draft_batch(store, CHANNELS[CHANNEL], now=now, actor=CHECKER, **wanted)  # type: ignore[arg-type]  # by name


def test_confirmed_clues_become_items(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a", "b")
    add_confirmed(store, now, "c", state="rejected")
    assert draft(store, now) == {"batch": "2026-W47-partner_desk", "items": 2, "skipped": []}


def test_draft_is_the_same_in_chunks_and_repeated(store: Store, now: datetime) -> None:
    add_confirmed(store, now, *"abcdefg")
    first = draft(store, now, chunk=2)
    assert first["items"] == 7
    assert draft(store, now) == first
    with store.read() as conn:
        entries = audit.history(conn, "batch", first["batch"])
    assert [len(entry["details"]["clues"]) for entry in entries] == [2, 2, 2, 1]


@pytest.mark.parametrize(("before", "items"), [(timedelta(microseconds=1), 1), (timedelta(0), 0)])
def test_week_closes_on_friday_at_six_in_shanghai(sqlite_store: Store, before: timedelta, items: int) -> None:
    add_confirmed(sqlite_store, FRIDAY - before, "a")
    found = draft(sqlite_store, FRIDAY + 2 * DAY, week="2026-W47")
    assert found["items"] == items
    assert [one["why"] for one in found["skipped"]] == ["decided after the week's cut-off"] * (1 - items)


def test_without_a_week_everything_confirmed_by_now_is_taken(sqlite_store: Store) -> None:
    saturday = FRIDAY + DAY
    add_confirmed(sqlite_store, saturday, "a")
    assert draft(sqlite_store, saturday) == {"batch": "2026-W47-partner_desk", "items": 1, "skipped": []}


@pytest.mark.parametrize("week", ["2026-47", "2026-W54", "2026-W00", "next", "", "２０２６-W47"])
def test_word_that_is_no_week_is_refused(sqlite_store: Store, now: datetime, week: str) -> None:
    with pytest.raises(InputError) as raised:
        draft(sqlite_store, now, week=week)
    assert (raised.value.code, raised.value.field) == ("bad_field", "week")


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (datetime(2026, 11, 22, 15, 59, tzinfo=UTC), "2026-W47"),
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), "2026-W48"),  # Monday in Shanghai
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "2026-W53"),
        (datetime(1988, 7, 1, 12, 0, tzinfo=UTC), "1988-W26"),  # China kept summer time then
    ],
)
def test_weeks_are_those_of_shanghai(moment: datetime, week: str) -> None:
    assert week_of(moment) == week
    assert week_of(cut_off(week)) == week


def test_nothing_to_draft_begins_no_batch(sqlite_store: Store, now: datetime) -> None:
    assert draft(sqlite_store, now) == {"batch": None, "items": 0, "skipped": []}


def test_second_call_adds_while_drafted_or_returned_and_begins_anew_after(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a")
    code = drafted(store, now)
    add_confirmed(store, now, "b")
    assert draft(store, now)["items"] == 2
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    add_confirmed(store, now, "c")
    second = draft(store, now)
    assert (second["batch"], second["items"]) == (f"{code}-2", 1)
    assert {one["why"] for one in second["skipped"]} == {"item i1 is proposed", "item i2 is proposed"}


def test_returned_batch_takes_additions(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a")
    code = drafted(store, now)
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    return_batch(store, code, now=now, actor=SENIOR)
    add_confirmed(store, now, "b")
    assert draft(store, now) == {"batch": code, "items": 2, "skipped": []}
    done = propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    assert done == {"batch": code, "state": "proposed", "items": 2}


def test_two_clues_of_one_target_make_one_item(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a")
    add_confirmed(store, now, "a-copy", target_native_id="a", target_kind="comment")
    found = draft(store, now)
    assert found["items"] == 1
    assert found["skipped"] == [{"clue": "c2", "why": "same target as c1 of this draft"}]
    assert draft(store, now)["skipped"] == [{"clue": "c2", "why": "item i1 is drafted"}]


def test_other_channel_may_ask_for_the_same_target(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a")
    drafted(store, now)
    assert drafted(store, now, "cac_12377") == "2026-W47-cac_12377"


def changed_channel(**changed: object) -> Channel:
    channel = CHANNELS[CHANNEL]
    return replace(channel, spec=channel.spec.model_copy(update=changed))


def test_channel_takes_its_platforms_and_what_it_requires(sqlite_store: Store, now: datetime) -> None:
    add_confirmed(sqlite_store, now, "a", url=None)
    narrow = draft_batch(sqlite_store, changed_channel(platforms=("web",)), now=now, actor=CHECKER)
    assert narrow["skipped"] == [{"clue": "c1", "why": "the channel does not take forum"}]
    strict = draft_batch(sqlite_store, changed_channel(requires=("url",)), now=now, actor=CHECKER)
    assert strict["skipped"] == [{"clue": "c1", "why": "the channel needs an address and the target has none"}]
    assert draft(sqlite_store, now)["items"] == 1, "the packaged channels take a target by its id alone"


def test_batch_takes_no_more_than_the_channel(sqlite_store: Store, now: datetime) -> None:
    small = changed_channel(limits=CHANNELS[CHANNEL].spec.limits.model_copy(update={"items_per_batch": 3}))
    add_confirmed(sqlite_store, now, *"abcde")
    found = draft_batch(sqlite_store, small, now=now, actor=CHECKER, chunk=2)
    assert found["items"] == 3
    assert [one["why"] for one in found["skipped"]] == ["the channel takes 3 items a batch"] * 2


def test_target_known_to_be_gone_is_not_asked_for(store: Store, now: datetime) -> None:
    (clue,) = add_confirmed(store, now, "a")
    observe(store, clue, now, "content_removed")
    fold_outcomes(store, now=now)
    assert draft(store, now)["skipped"] == [{"clue": "c1", "why": "the target is gone since 2026-11-18"}]


def test_success_blocks_and_reappearance_allows_a_linked_attempt(
    store: Store, now: datetime, tmp_path: Path
) -> None:
    (clue,) = add_confirmed(store, now, "a")
    sent(store, now, tmp_path)
    for days in (1, 8):
        observe(store, clue, now + days * DAY, "content_removed")
    fold_outcomes(store, now=now + 8 * DAY)
    blocked = draft(store, now + 8 * DAY)
    assert blocked["batch"] is None
    observe(store, clue, now + 20 * DAY, "live")
    fold_outcomes(store, now=now + 20 * DAY)
    again = draft(store, now + 20 * DAY)
    assert again["items"] == 1
    with store.read() as conn:
        (item,) = show_batch(conn, again["batch"])["contents"]
    assert (item["attempt"], item["earlier"]) == (2, "i1")


def test_item_under_way_blocks(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a")
    sent(store, now, tmp_path)
    assert draft(store, now + 7 * DAY)["skipped"] == [{"clue": "c1", "why": "item i1 is sent"}]


def test_struck_item_may_be_drafted_again(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a", "b")
    code = drafted(store, now)
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    approve_batch(store, code, strike=["c1"], now=now, actor=SENIOR)
    assert draft(store, now)["items"] == 1


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COMPLIANCE])
def test_only_compliance_drafts(sqlite_store: Store, now: datetime, role: Role) -> None:
    with pytest.raises(ForbiddenError):
        draft_batch(sqlite_store, CHANNELS[CHANNEL], now=now, actor=Actor(name="x", role=role))


def test_exported_batch_is_closed_to_additions(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(sqlite_store, now, "a")
    code = exported(sqlite_store, now, tmp_path)["batch"]
    add_confirmed(sqlite_store, now, "b")
    assert draft(sqlite_store, now)["batch"] == f"{code}-2"


def test_drafters_at_the_same_time_ask_for_each_target_once(postgres_store: Store, now: datetime) -> None:
    add_confirmed(postgres_store, now, *(f"p{number}" for number in range(40)))

    def run(number: int) -> Json:
        return draft(postgres_store, now, chunk=3 + number)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(run, range(4)))
    assert {answer["batch"] for answer in answers} == {"2026-W47-partner_desk"}
    with postgres_store.read() as conn:
        contents = show_batch(conn, "2026-W47-partner_desk")["contents"]
    assert sorted(item["target"]["native_id"] for item in contents) == sorted(f"p{number}" for number in range(40))
