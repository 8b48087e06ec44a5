"""A demo killed in the middle of its steps, crawls and visits goes on to the same end."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import tree

if TYPE_CHECKING:
    from pathlib import Path

# Each is a table and how many rows it has when the demo is killed: in the crawls of the forum and of the notes,
# in the screening, among the decisions, in the draft, in the first and in a later round of visits.
MOMENTS = (
    ("post", 60),
    ("post", 780),
    ("verdict", 200),
    ("decision", 40),
    ("submission", 30),
    ("observation", 60),
    ("observation", 220),
)
SAME = ("posts", "clues", "planted", "recall", "precision", "clusters", "submitted")
WAIT_SECONDS = 900


def command(root: Path) -> list[str]:
    return [sys.executable, "-P", str(tree.ROOT / "cli.py"), "demo", "--no-serve", "--json", "--data", str(root)]


def play(root: Path) -> dict[str, Any]:
    done = subprocess.run(command(root), capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def rows(root: Path, table: str) -> int:
    """Return how many rows a table has, 0 before it exists."""
    try:
        with closing(sqlite3.connect(f"file:{root / 'qingyuan.db'}?mode=ro", uri=True, timeout=30)) as connection:
            query = f'SELECT count(*) FROM "{table}"'  # noqa: S608 - names of MOMENTS alone
            found: int = connection.execute(query).fetchone()[0]
            return found
    except sqlite3.OperationalError:
        return 0


def kill_at(root: Path, table: str, wanted: int) -> None:
    """Start the demo and kill it and its children once a table has so many rows."""
    running = subprocess.Popen(
        command(root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while rows(root, table) < wanted:
            assert running.poll() is None, f"ended before {wanted} rows of {table}"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_killed_demo_ends_as_an_unkilled_one(tmp_path: Path) -> None:
    whole = play(tmp_path / "whole")
    root = tmp_path / "killed"
    for table, wanted in MOMENTS:
        kill_at(root, table, wanted)
    resumed = play(root)
    assert {key: resumed[key] for key in SAME} == {key: whole[key] for key in SAME}
    assert sum(resumed["outcomes"].values()) == sum(whole["outcomes"].values())
    assert resumed["evidence"]["files"] == resumed["evidence"]["verified"] > 0
