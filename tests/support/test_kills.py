"""The kill harness counts only what it may count."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.support.kills import Command, kill_in_rounds, kill_until_done

if TYPE_CHECKING:
    from pathlib import Path

WORK = """
import pathlib, sys, time
place, steps = pathlib.Path(sys.argv[1]), int(sys.argv[2])
done = len(list(place.iterdir()))
for step in range(done, steps):
    time.sleep(0.02)
    (place / str(step)).touch()
"""


def work(place: Path, steps: int) -> Command:
    place.mkdir(exist_ok=True)
    argv = [sys.executable, "-c", WORK, str(place), str(steps)]
    return Command(argv=argv, committed=lambda: len(list(place.iterdir())), spread_seconds=0.05)


def test_command_is_killed_after_its_first_commit_and_ends_at_last(tmp_path: Path) -> None:
    done = kill_until_done(work(tmp_path / "a", 60), kills=3, seed=1)
    assert (done.counted, done.starts, done.returncode) == (3, 4, 0)
    assert len(list((tmp_path / "a").iterdir())) == 60


def test_command_without_a_commit_is_never_counted(tmp_path: Path) -> None:
    done = kill_until_done(work(tmp_path / "a", 0), kills=3, seed=1)
    assert (done.counted, done.starts) == (0, 1)


def test_short_commands_are_killed_in_rounds(tmp_path: Path) -> None:
    assert kill_in_rounds(lambda number: work(tmp_path / str(number), 4), kills=3, seed=1) == 3
