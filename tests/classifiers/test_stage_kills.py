"""The stages killed at random instants end as if nobody had killed them."""

from __future__ import annotations

import json
import random
import sys
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from classifiers.run import cluster_clues, screen_posts
from storage import audit
from tests.support import stores
from tests.support.clues import add_clue
from tests.support.kills import Command, kill_until_done, reading
from tests.support.screening import CHAT, OTHER_PITCH, PITCH, PLEA, end_state, post_facts, put, shipped

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

KILLS = 3
MANY_KILLS = 40


def workspace(folder: Path) -> Store:
    """Return the store of a new workspace that the commands open too."""
    folder.mkdir()
    (folder / "qingyuan.toml").touch()
    (folder / "watch.yml").write_text("sources: []\n")
    return stores.open_store(stores.copy_sqlite(folder.parent / "template.db", folder / "qingyuan.db"), folder)


def command(folder: Path, name: str, store: Store, query: str) -> Command:
    argv = [sys.executable, "-m", "cli", "--data", folder, "--json", name]
    return Command(argv=argv, committed=reading(store.engine, query), spread_seconds=0.4)


def forum(store: Store, now: datetime, number: int) -> None:
    texts = (PITCH, PLEA, OTHER_PITCH, CHAT)
    for start in range(0, number, 100):
        put(
            store,
            now,
            *(
                post_facts(
                    str(i), f"{texts[i % 4]}（{i}）", comments=[(f"c{i}", PITCH, f"b{i}")] if i % 10 == 1 else []
                )
                for i in range(start, start + 100)
            ),
        )


def spins(store: Store, now: datetime, number: int) -> None:
    chance = random.Random(5)
    hanzi = [chr(code) for code in range(0x4E00, 0x5600)]
    bodies = ["".join(chance.choices(hanzi, k=60)) for _ in range(number // 10)]
    for start in range(0, number, 100):
        with store.write(now) as unit:
            for i in range(start, start + 100):
                add_clue(unit, f"t{i}", text=bodies[i % len(bodies)] + "".join(chance.choices(hanzi, k=5)))


def linked_state(store: Store) -> dict[str, list[Any]]:
    """Return what clustering must end in: bands, pairs, clusters as sets of members, states."""
    queries = {
        "bands": "SELECT band, key, clue_id FROM text_band",
        "pairs": "SELECT clue_a, clue_b, basis, score FROM suggestion",
        "states": "SELECT id, state, version FROM clue",
        "members": "SELECT min(o.clue_id), m.clue_id FROM cluster_member m "
        "JOIN cluster_member o ON o.cluster_id = m.cluster_id GROUP BY m.clue_id",
    }
    with store.read() as conn:
        return {name: sorted(map(tuple, conn.execute(sa.text(query)))) for name, query in queries.items()}


@pytest.mark.parametrize("kills", [KILLS, pytest.param(MANY_KILLS, marks=pytest.mark.slow)])
def test_screening_survives_kills(tmp_path: Path, now: datetime, kills: int) -> None:
    number = 400 * kills
    whole, killed = workspace(tmp_path / "whole"), workspace(tmp_path / "killed")
    (tmp_path / "killed" / "keys" / "contacts.key").write_bytes(
        (tmp_path / "whole" / "keys" / "contacts.key").read_bytes()
    )
    for store in (whole, killed):
        forum(store, now, number)
    screen_posts(whole, shipped(), now=now)
    query = "SELECT count(*) FROM verdict"
    done = kill_until_done(command(tmp_path / "killed", "screen-posts", killed, query), kills=kills, seed=11)
    assert done.returncode == 0, done.stderr
    assert done.counted >= kills - kills // 3, done
    assert end_state(killed) == end_state(whole)
    assert json.loads(done.stdout)["ruleset"] == shipped().version


@pytest.mark.parametrize("kills", [KILLS, pytest.param(MANY_KILLS, marks=pytest.mark.slow)])
def test_clustering_survives_kills(tmp_path: Path, now: datetime, kills: int) -> None:
    number = 400 * kills
    whole, killed = workspace(tmp_path / "whole"), workspace(tmp_path / "killed")
    for store in (whole, killed):
        spins(store, now, number)
    cluster_clues(whole, now=now)
    query = (
        "SELECT count(*), (SELECT count(*) FROM cluster_member), (SELECT count(*) FROM audit_entry) FROM text_band"
    )
    done = kill_until_done(command(tmp_path / "killed", "cluster", killed, query), kills=kills, seed=12)
    assert done.returncode == 0, done.stderr
    assert done.counted >= kills - kills // 3, done
    assert linked_state(killed) == linked_state(whole)
    with killed.read() as conn:
        assert audit.verify(conn)["valid"]
