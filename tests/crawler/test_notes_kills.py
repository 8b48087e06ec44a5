"""A crawl through a browser that is killed at random instants ends as if nobody had killed it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from demo.notes.server import NotesServer
from demo.world import World
from storage.evidence import verify_all
from tests.crawler import notes
from tests.support.kills import Command, kill_until_done, reading

if TYPE_CHECKING:
    from storage.engine import Store

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
FEW, MANY = ("领口",), ("保险", "房贷")
STATE = {
    "posts": "SELECT p.platform, p.native_id, r.content_hash, p.kind, r.is_full FROM post p "
    "JOIN post_revision r ON r.id = p.current_revision_id",
    "revisions": "SELECT p.native_id, count(*) FROM post_revision r JOIN post p ON p.id = r.post_id GROUP BY 1",
    "accounts": "SELECT platform, native_id, name, bio, handle FROM account",
    "frontier": "SELECT request_key, state, kind, outcome FROM frontier",
    "runs": "SELECT DISTINCT source, state FROM crawl_run",
}


def end_state(store: Store) -> dict[str, list[Any]]:
    return {name: notes.rows(store, query) for name, query in STATE.items()}


@pytest.mark.parametrize(
    ("queries", "kills"), [(FEW, 1), pytest.param(MANY, 25, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_notes_crawl_survives_kills(
    tmp_path: Path, queries: tuple[str, ...], kills: int, record_testsuite_property: Any
) -> None:
    with NotesServer(World()) as server:
        whole, killed = notes.workspace(tmp_path / "whole"), notes.workspace(tmp_path / "killed")
        for folder in (tmp_path / "whole", tmp_path / "killed"):
            (folder / "watch.yml").write_text(notes.watch_text(server, *queries), "utf-8")
            notes.sign_in(server, folder)
        unkilled = notes.crawl(whole, notes.source(server, *queries), World().now)
        assert unkilled["state"] == "finished"
        before = len(server.hits)
        command = Command(
            argv=[sys.executable, "-m", "cli", "--data", tmp_path / "killed", "--json", "crawl", "notes"],
            committed=reading(killed.engine, "SELECT count(*) FROM capture"),
            spread_seconds=3,
            cwd=ROOT,
        )
        done = kill_until_done(command, kills=kills, seed=11)
        asked = Counter(hit.path for hit in server.hits[before:])
    assert done.returncode == 0, done.stderr
    assert done.counted >= 1, done
    (run,) = json.loads(done.stdout)["runs"]
    assert run["state"] == "finished"
    assert end_state(killed) == end_state(whole)
    with killed.read() as conn:
        files = verify_all(conn, killed.evidence_root)
    assert files["files"] == files["verified"]
    opened = asked["/api/sns/web/v1/feed"]
    (count,) = notes.rows(killed, "SELECT count(*) FROM frontier WHERE kind = 'note'")[0]
    record_testsuite_property("notes_kills", done.counted)
    record_testsuite_property("notes_opened_twice", opened - count)
    assert count <= opened <= count + done.counted  # what was open when the kill came is opened again
