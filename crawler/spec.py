"""What a crawl process is told on its standard input, and what it answers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - pydantic reads it
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, ConfigDict

from crawler.watch import SourceConfig  # noqa: TC001 - pydantic reads it
from storage.engine import Store, make_engine
from storage.logs import LogTarget  # noqa: TC001 - pydantic reads it
from storage.records import ReadOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.records import Json


class CrawlSpec(BaseModel):
    """One crawl: where to store, what to read, what time it is. Holds the database's password, so never argv."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: str
    evidence_root: Path
    source: SourceConfig
    now: AwareDatetime
    contact: str = ""
    overlays: Path | None = None
    rechecks: bool = False
    simulated: bool = False
    chromium: str | None = None
    no_sandbox: bool = False
    log: LogTarget | None = None

    @property
    def profiles(self) -> Path:
        """Where the browser profiles of sources are."""
        return self.evidence_root.parent / "profiles"


def open_store(spec: CrawlSpec) -> Store:
    """Open the database of a crawl; it has no keys."""
    return Store(
        make_engine(spec.database_url),
        evidence_root=spec.evidence_root,
        keys_root=spec.evidence_root.parent / "keys",
        simulated=spec.simulated,
    )


def running_clock(now: datetime) -> Callable[[], datetime]:
    """Return a clock that shows ``now`` at this moment and runs on from it."""
    begun = monotonic()

    def clock() -> datetime:
        return datetime.fromtimestamp(now.timestamp() + monotonic() - begun, UTC)

    return clock


def nothing_read(source: str, state: str, *problems: Json) -> Json:
    """Return the answer of a crawl that could not begin or left no answer."""
    return {
        "source": source,
        "run": None,
        "state": state,
        "resumed": False,
        "pages": dict.fromkeys((outcome.value for outcome in ReadOutcome), 0),
        "posts": {"new": 0, "changed": 0, "seen": 0},
        "seconds": 0.0,
        "problems": list(problems),
    }
