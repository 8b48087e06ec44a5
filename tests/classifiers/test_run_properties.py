"""Whatever happened before, screening ends where a first look at the present content would end."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifiers.run import screen_posts
from storage.clues import list_clues
from storage.decisions import clue_history, decide_clue, undo_clue
from storage.errors import TransitionError
from storage.records import OPEN_CLUE_STATES, ClueState
from storage.tables import metadata
from tests.support.clues import ANALYST
from tests.support.screening import (
    BIO_PITCH,
    CHAT,
    OTHER_PITCH,
    PITCH,
    PLEA,
    clues_by_target,
    doubts_all,
    lets_all_through,
    post_facts,
    put,
    shipped,
)

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

HOUR = timedelta(hours=1)
TEXTS = (PITCH, OTHER_PITCH, PLEA, CHAT)
BIOS = ("", BIO_PITCH)
RULESETS = (shipped, doubts_all, lets_all_through)
POSTS = 3

EDIT = st.tuples(st.just("edit"), st.integers(0, POSTS - 1), st.sampled_from(TEXTS), st.sampled_from(BIOS))
SCREEN = st.tuples(st.just("screen"), st.integers(0, 2))
DECIDE = st.tuples(st.just("decide"), st.integers(0, 5), st.sampled_from(["confirmed", "rejected", "unsure"]))
UNDO = st.tuples(st.just("undo"), st.integers(0, 5))


class World:
    """One database, the hour, and what stands on the forum now."""

    def __init__(self, store: Store, now: datetime) -> None:
        with store.write(now) as unit:
            for table in reversed(metadata.sorted_tables):
                unit.conn.execute(sa.delete(table))
        self.store, self.now = store, now
        self.content: dict[int, tuple[str, str]] = {}

    def do(self, action: tuple[Any, ...]) -> None:
        self.now += HOUR
        name, *rest = action
        getattr(self, name)(*rest)

    def edit(self, number: int, text: str, bio: str) -> None:
        self.content[number] = (text, bio)
        put(self.store, self.now, post_facts(str(number), text, account=f"a{number % 2}", bio=bio))

    def screen(self, ruleset: int) -> None:
        screen_posts(self.store, RULESETS[ruleset](), now=self.now, chunk=2)

    def decide(self, index: int, conclusion: str) -> None:
        self._review(index, lambda unit, clue_id: decide_clue(unit, clue_id, conclusion, actor=ANALYST))

    def undo(self, index: int) -> None:
        self._review(index, lambda unit, clue_id: undo_clue(unit, clue_id, actor=ANALYST))

    def _review(self, index: int, act: Any) -> None:
        with self.store.read() as conn:
            rows = list_clues(conn, limit=0)
        if not rows:
            return
        try:
            with self.store.write(self.now) as unit:
                act(unit, rows[index % len(rows)].id)
        except TransitionError:
            pass  # the clue was in no state for that


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=True
)
@given(actions=st.lists(st.one_of(EDIT, SCREEN, DECIDE, UNDO), max_size=14), last=st.integers(0, 2))
def test_clues_say_what_a_first_look_would_say_and_ledgers_add_up(
    sqlite_store: Store, now: datetime, actions: list[tuple[Any, ...]], last: int
) -> None:
    world = World(sqlite_store, now)
    for action in actions:
        world.do(action)
    world.do(("screen", last))
    lived = clues_by_target(sqlite_store)
    with sqlite_store.read() as conn:
        ledgers = {key: clue_history(conn, row["id"]) for key, row in lived.items()}
    for key, row in lived.items():
        check_ledger(row, ledgers[key])
    again = world.content
    fresh = World(sqlite_store, world.now)
    for number, (text, bio) in again.items():
        fresh.edit(number, text, bio)
    fresh.screen(last)
    first_look = clues_by_target(sqlite_store)
    for key, row in first_look.items():
        shown = ("band", "score", "categories")
        assert {name: lived[key][name] for name in shown} == {name: row[name] for name in shown}
        assert lived[key]["state"] != ClueState.SUPPRESSED
    for key in lived.keys() - first_look.keys():
        waiting = lived[key]["state"] in OPEN_CLUE_STATES
        assert lived[key]["band"] == ("unsure" if waiting else "clear")
        assert not waiting or ledgers[key][-1].event in ("reopen", "undo")


def check_ledger(row: dict[str, Any], ledger: list[Any]) -> None:
    """A clue's state is what its last entry led to, and each entry begins where the one before ended."""
    if ledger:
        assert row["state"] == ledger[-1].state_to
        assert ledger[0].state_from == "new"
    for one, following in itertools.pairwise(ledger):
        assert one.state_to == following.state_from
    assert (row["decided_by"] is not None) == (row["state"] in ("confirmed", "rejected", "unsure"))
