"""Commands typed by the demo's people: the product's own command line, at a moved clock."""

from __future__ import annotations

import contextlib
import io
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    Runner = Callable[[Sequence[str]], int]

CLOCK = "QINGYUAN_CLOCK"


class CommandError(RuntimeError):
    """A command of the play ended with a code it should not have."""

    def __init__(self, words: Sequence[str], code: int, answer: str, messages: str) -> None:
        super().__init__(f"qingyuan {' '.join(words)} ended with {code}: {answer.strip()} {messages.strip()}")
        self.code = code


class CommandLine:
    """Types commands into one workspace and reads their JSON."""

    def __init__(self, root: Path, run: Runner) -> None:
        self.root = root
        self._run = run

    def __call__(self, *words: str, at: datetime, by: str | None = None) -> dict[str, Any]:
        """Run a command that answers one object; exit codes 0 and 1 are answers, others raise CommandError."""
        answers = self.lines(*words, at=at, by=by)
        return answers[-1] if answers else {}

    def lines(self, *words: str, at: datetime, by: str | None = None) -> list[dict[str, Any]]:
        """Run a command that answers JSON lines and return them all."""
        person = ["--as", by] if by else []
        argv = [*words, "--data", str(self.root), "--json", "--limit", "0", *person]
        out, messages = io.StringIO(), io.StringIO()
        with moved_clock(at), contextlib.redirect_stdout(out), contextlib.redirect_stderr(messages):
            code = self._run(argv)
        if code not in (0, 1):
            raise CommandError(words, code, out.getvalue(), messages.getvalue())
        return [json.loads(line) for line in out.getvalue().splitlines()]


@contextlib.contextmanager
def moved_clock(at: datetime) -> Iterator[None]:
    """Let this process and its children live at another time for a while."""
    before = os.environ.get(CLOCK)
    os.environ[CLOCK] = at.isoformat()
    try:
        yield
    finally:
        if before is None:
            del os.environ[CLOCK]
        else:
            os.environ[CLOCK] = before
