"""Killing a command at random instants until its work is done.

A kill counts only if the child had committed at least one row since its start and was still running when its
process group got SIGKILL. What a kill must leave behind is the caller's business: it compares the end state with
that of an unkilled run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

Committed = Callable[[], object]
"""Reads how far the command has come; any change since its start means that it committed something."""

POLL_SECONDS = 0.002
START_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What a round of kills came to: ``counted`` kills, all ``starts``, the last start's end."""

    counted: int
    starts: int
    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The command to run; ``spread_seconds`` is the longest wait between its first commit and the kill."""

    argv: Sequence[str | Path]
    committed: Committed
    spread_seconds: float = 1.0
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stdin: bytes | None = None


def kill_until_done(command: Command, *, kills: int, seed: int) -> Killed:
    """Start the command again and again, killing it up to ``kills`` times, and let it end at last.

    Ends early when the command comes to its end by itself before it was killed that often: look at ``counted``.
    """
    chance = random.Random(seed)
    counted = starts = 0
    while True:
        starts += 1
        before = command.committed()
        with TemporaryFile() as out, TemporaryFile() as err:  # files: a full pipe would stop the command
            running = _start(command, out, err)
            try:
                if counted < kills and _kill(running, command, before, chance):
                    counted += 1
                    continue
                running.wait(timeout=START_SECONDS)
            finally:
                _end(running)
            return Killed(
                counted=counted,
                starts=starts,
                returncode=running.returncode,
                stdout=_text(out),
                stderr=_text(err),
            )


def kill_in_rounds(make: Callable[[int], Command], *, kills: int, seed: int, rounds: int = 50) -> int:
    """Kill fresh commands, one after another, until ``kills`` are counted; return how many were.

    For short commands: ``make(round)`` prepares a new state and returns the command for it, each is brought to its
    end before the next begins. A command that fails at its end fails the test.
    """
    counted = 0
    for number in range(rounds):
        if counted >= kills:
            break
        done = kill_until_done(make(number), kills=kills - counted, seed=seed + number)
        assert done.returncode == 0, done.stderr
        counted += done.counted
    return counted


def reading(engine: Engine, query: str) -> Committed:
    """Return a reader of one SQL query's rows over a connection of its own at every call."""

    def read() -> object:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    return read


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _start(command: Command, out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    running = subprocess.Popen(
        [str(word) for word in command.argv],
        stdin=subprocess.PIPE if command.stdin is not None else subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        env={**os.environ, **command.env},
        cwd=command.cwd,
        start_new_session=True,
    )
    if command.stdin is not None and running.stdin is not None:
        running.stdin.write(command.stdin)
        running.stdin.close()
    return running


def _kill(running: subprocess.Popen[bytes], command: Command, before: object, chance: random.Random) -> bool:
    """Wait for the first commit and a random while more, then kill; tell whether that caught it running."""
    ends = time.monotonic() + START_SECONDS
    while command.committed() == before:
        if running.poll() is not None:
            return False
        assert time.monotonic() < ends, "the command committed nothing"
        time.sleep(POLL_SECONDS)
    due = time.monotonic() + chance.uniform(0, command.spread_seconds)
    while time.monotonic() < due:
        if running.poll() is not None:
            return False
        time.sleep(POLL_SECONDS)
    if running.poll() is not None:
        return False
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    return running.wait() == -signal.SIGKILL


def _end(running: subprocess.Popen[bytes]) -> None:
    """Leave nothing of the command's process group behind."""
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    while _alive_in_group(running.pid):
        time.sleep(POLL_SECONDS)


def _alive_in_group(group: int) -> bool:
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = place.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(pgrp) == group and state not in {"Z", "X"}:
            return True
    return False
