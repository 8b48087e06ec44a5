"""A workspace whose schedule is tried with real processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from commands.workspace import make_workspace
from storage import ledger
from storage.tables import run
from tests.support import stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from storage.engine import Store

ALL_OFF = "".join(
    f'{name} = ""\n' for name in ("screen_posts", "cluster", "capture", "recheck", "draft", "notify", "summary")
)
PATIENCE_SECONDS = 200.0


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A workspace and its ledger."""

    root: Path
    store: Store

    def settings(self, text: str, watch: str = "sources: []\n") -> None:
        """Write the section of the schedule and the sources."""
        (self.root / "qingyuan.toml").write_text(f"[schedule]\n{text}", "utf-8")
        (self.root / "watch.yml").write_text(watch, "utf-8")

    def began(self, job: str, period: str, now: datetime) -> None:
        """Let a job's past end with a period."""
        ledger.note_first_tick(self.store, job, period, now=now)

    def runs(self, job: str) -> list[ledger.RunRow]:
        """Return a job's runs, oldest first, without what stands for its first tick."""
        with self.store.read() as conn:
            return [row for row in reversed(ledger.list_runs(conn, job=job, limit=0)) if row.attempts]

    def count(self) -> int:
        """Return how many rows the ledger has."""
        with self.store.read() as conn:
            return conn.execute(sa.select(sa.func.count()).select_from(run)).scalar_one()

    def processes(self) -> list[int]:
        """Return the processes that work on this workspace, crawls included."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "cmdline").read_bytes()
                variables = (place / "environ").read_bytes()
            except OSError:
                continue
            child_of_schedule = b"QINGYUAN_RUN=" in variables and str(self.root).encode() in variables
            if f"--data\0{self.root}".encode() in words or child_of_schedule:
                found.append(int(place.name))
        return found


def until(true: Callable[[], Any], *, what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so; fail when it takes too long."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, f"not within {seconds} s: {what}"
        time.sleep(0.05)


@pytest.fixture
def scheduled(tmp_path: Path, now: datetime) -> Iterator[Scheduled]:
    """Return a workspace with every job switched off."""
    root = tmp_path / "ws"
    make_workspace(root, password="hunter22-hunter", now=now, settings=f"[schedule]\n{ALL_OFF}")
    store = stores.open_store(f"sqlite:///{root / 'qingyuan.db'}", root)
    yield Scheduled(root, store)
    store.close()
