"""The schedule's side of a run: the command as a child process in a process group of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from commands.leash import RUN_VARIABLE
from storage.leases import owner_of
from storage.text import clean_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scheduler import Job
    from storage.ledger import Run
    from storage.records import Json

MOST_KEPT = 20
"""Entries of a list, such as what a draft skipped, that the ledger keeps of an answer."""

_MOST_BYTES = 8 << 20
_MOST_CHARACTERS = 20_000


class Child:
    """A command as a person would type it, on the leash of :mod:`commands.leash`."""

    def __init__(self, job: Job, held: Run, *, root: Path, log: Path, clock: str | None) -> None:
        words = [word.replace("{period}", held.period) for word in job.words]
        self._out = TemporaryFile()  # noqa: SIM115 - closed by answer(); a pipe that nobody reads would stop the child
        with log.open("ab") as messages:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-P", "-m", "cli", "--data", str(root), "--json", *words],
                stdin=subprocess.PIPE,
                stdout=self._out,
                stderr=messages,
                env=_environment(held, clock),
                process_group=0,
            )
        self.name = owner_of(self._process.pid)
        self._answer: Json | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, None while it runs."""
        return self._process.poll()

    def feed(self) -> None:
        """Tell the child that its lease was renewed; the first time: that it may begin."""
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        with suppress(OSError):  # it has just ended
            os.write(self._process.stdin.fileno(), b".")

    def interrupt(self) -> None:
        """Ask it to stop cleanly, as Ctrl-C does; it stops its own processes itself."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it with all processes of its group; what it stored stays."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def answer(self) -> Json | None:
        """Return its answer, cut to what the ledger keeps, None without one; only after its end."""
        if not self._out.closed:
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()
            with suppress(ProcessLookupError):  # what it may have left behind, such as a browser
                os.killpg(self._process.pid, signal.SIGKILL)
            with self._out:
                self._answer = self._read()
        return self._answer

    def _read(self) -> Json | None:
        self._out.seek(0)
        lines = self._out.read(_MOST_BYTES).splitlines()
        with suppress(ValueError):
            found = json.loads(lines[-1]) if lines else None
            if isinstance(found, dict):
                return shortened(clean_json(found))
        return None


def shortened(answer: Mapping[str, object]) -> Json:
    """Return an answer with at most so many entries of each list, and ``<name>_left_out`` for the rest."""
    kept: Json = {}
    for name, value in answer.items():
        kept[name] = value
        if isinstance(value, list) and len(value) > MOST_KEPT:
            kept[name] = value[:MOST_KEPT]
            kept[f"{name}_left_out"] = len(value) - MOST_KEPT
        if len(json.dumps(kept[name], ensure_ascii=False)) > _MOST_CHARACTERS:
            kept[name] = None
            kept[f"{name}_left_out"] = len(value) if isinstance(value, list) else 1
    return kept


def _environment(held: Run, clock: str | None) -> dict[str, str]:
    """Return the child's environment: it finds our packages where we found them, and is nobody's command."""
    ours = str(Path(__file__).resolve().parent.parent)
    paths = [ours, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    kept = {name: value for name, value in os.environ.items() if name != "QINGYUAN_USER"}
    kept |= {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)), RUN_VARIABLE: f"{held.id}.{held.attempt}"}
    return kept | ({"QINGYUAN_CLOCK": clock} if clock else {})
