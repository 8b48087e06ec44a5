"""Ten years of Fridays: every week is drafted exactly once, whatever becomes of the machines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from storage import ledger
from storage.tables import batch, submission
from tests.schedule.world import NAME, NEW_NAME, World, make_world

if TYPE_CHECKING:
    from storage.engine import Store

LATE_SECONDS = 300


def quick(store: Store) -> Store:
    """Let SQLite not wait for the disk: no power is lost here."""

    @sa.event.listens_for(store.engine, "connect")
    def on_connect(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
        connection.cursor().execute("PRAGMA synchronous=OFF")

    store.engine.dispose()
    return store


def check(world: World) -> None:
    weeks = [week for week, _ in world.finished]
    assert Counter(weeks) == dict.fromkeys(world.calendar, 1), "each week exactly once"
    assert weeks == world.calendar, "in order"
    with world.store.read() as conn:
        rows = ledger.list_runs(conn, limit=0)
        drafts = Counter(conn.execute(sa.select(batch.c.week)).scalars())
        found = conn.execute(sa.select(submission.c.target_native_id, batch.c.week).join(batch))
        items = {row.target_native_id: row.week for row in found}
        count = conn.execute(sa.select(sa.func.count()).select_from(submission)).scalar_one()
    assert {row.job for row in rows} == {NAME}, "a renamed job goes on under its oldest name"
    assert NEW_NAME != NAME
    done = [row.period for row in rows if row.state == ledger.DONE and row.attempts]
    assert sorted(done) == world.calendar
    assert not drafts or max(drafts.values()) == 1
    assert set(world.effects) == set(world.calendar)
    check_items(world, items, count)
    assert max(world.lateness) <= LATE_SECONDS


def check_items(world: World, items: dict[str, str], count: int) -> None:
    """Each clue stands in one batch: its own week's, or one or two later where a clock ahead drafted too early."""
    assert count == len(items)
    late = {}
    for number, week in enumerate(world.calendar):
        found = items.get(f"p{number}")
        if found is None:
            assert week in world.early, f"{week} is in no batch"
            continue
        late[week] = world.calendar.index(found) - number
    assert all(0 <= by <= 2 for by in late.values())
    assert all(week in world.early for week, by in late.items() if by)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("weeks", "seed"), [(60, 60), *(pytest.param(520, seed, marks=pytest.mark.slow) for seed in (7, 8, 9))]
)
def test_every_friday_is_drafted_once_whatever_happens(sqlite_store: Store, weeks: int, seed: int) -> None:
    world = make_world(quick(sqlite_store), seed, weeks=weeks)
    world.run()
    check(world)


def test_so_it_is_on_postgresql(postgres_store: Store) -> None:
    world = make_world(postgres_store, seed=20, weeks=12)
    world.run()
    check(world)


def test_the_check_sees_a_week_that_was_lost(sqlite_store: Store) -> None:
    world = make_world(quick(sqlite_store), seed=3, weeks=3, deaths=0)
    world.run()
    world.finished.pop(1)
    with pytest.raises(AssertionError, match="exactly once"):
        check(world)
