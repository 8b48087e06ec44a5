"""Commands killed in the middle: a child process gets SIGKILL at a seeded moment, then the command is run again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from demo.calls import moved_clock

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from datetime import datetime

POLL_SECONDS = 0.002
LONGEST_SECONDS = 120.0
_DATABASE = "qingyuan.db"


@dataclass(slots=True)
class Kills:
    """How many commands were started to be killed, and how many were after their first commit, still running."""

    tried: int = 0
    counted: int = 0
    commands: list[str] = field(default_factory=list)


def start_and_kill(root: Path, words: Sequence[str], *, at: datetime, dice: random.Random, kills: Kills) -> None:
    """Start a command as a person would and kill it a little after it first wrote to the database.

    One that ends before that was not killed; it did its work, and running it again must change nothing.
    """
    kills.tried += 1
    wait = dice.choice((0.0, dice.uniform(0, 0.05), dice.uniform(0, 0.4), dice.uniform(0, 2)))
    before = _written(root)
    with moved_clock(at):
        child = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-P", "-m", "cli", *words, "--data", str(root), "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
    try:
        wrote = _wait_for_write(child, root, before)
        if wrote:
            _sleep_while_running(child, wait)
        if wrote and child.poll() is None:
            kills.counted += 1
            kills.commands.append(" ".join(words[:2] if words[0] in {"batch", "replies"} else words[:1]))
    finally:
        child.kill()
        child.wait()


def _wait_for_write(child: subprocess.Popen[bytes], root: Path, before: tuple[int, int]) -> bool:
    until = time.monotonic() + LONGEST_SECONDS
    while child.poll() is None and time.monotonic() < until:
        if _written(root) != before:
            return True
        time.sleep(POLL_SECONDS)
    return False


def _sleep_while_running(child: subprocess.Popen[bytes], seconds: float) -> None:
    until = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < until:
        time.sleep(POLL_SECONDS)


def _written(root: Path) -> tuple[int, int]:
    """Return the sizes of the database and of its log; a write shows in one of them."""
    sizes = []
    for name in (_DATABASE, f"{_DATABASE}-wal"):
        try:
            sizes.append((root / name).stat().st_size)
        except FileNotFoundError:
            sizes.append(0)
    return (sizes[0], sizes[1])


def _environment() -> dict[str, str]:
    """Return the child's environment: it finds our packages where we found them."""
    ours = str(Path(__file__).resolve().parents[2])
    paths = [ours, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
