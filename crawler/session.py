"""One crawl of one source in this process: its run, its budget, what it takes from the frontier, why it stops."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from crawler.health import RunHealth
from crawler.reading import ARTICLE, NO_PAGES, QUERY, START, ReadRules
from crawler.urls import origin
from crawler.watch import in_quiet_hours
from storage import frontier, runs
from storage.holds import get_hold, hold_source
from storage.leases import lease_owner
from storage.meta import get_meta, put_meta
from storage.read_marks import last_good_marks
from storage.records import Json, ReadOutcome, RunState

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.adapters import AdapterConfig
    from crawler.watch import SourceConfig
    from storage.engine import Store, Unit
    from storage.frontier import FrontierRow
    from storage.runs import RunRow

LEASE_ROWS = 16
"""Rows that are leased in one go: the downloader's concurrency."""

SLOW_LEASE_ROWS = 4
"""The same for a source with a delay, which is read one page after the other."""

LONGEST_WAIT = timedelta(minutes=5)
"""How long a run waits for rows that are put off or leased elsewhere for longer; above it the run stops."""

_EMPTY_SECONDS = 0.5
_HELD = "hold:"
_STATES = {ReadOutcome.BLOCKED: RunState.BLOCKED, ReadOutcome.FORMAT_CHANGED: RunState.FORMAT_CHANGED}


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run ends before its frontier is empty."""

    state: RunState
    reason: str
    code: str | None = None


@dataclass(slots=True)
class CrawlSession:
    """What a crawl of one source knows; every time comes from ``clock``.

    ``rechecks`` makes it read the targets of clues instead of the source's own frontier; such a session has no run.
    """

    store: Store
    source: SourceConfig
    adapter: AdapterConfig
    clock: Callable[[], datetime]
    contact: str = ""
    rechecks: bool = False
    owner: str = field(default_factory=lease_owner)
    run: RunRow | None = None
    resumed: bool = False
    pages: Counter[str] = field(default_factory=Counter)
    posts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    problems: list[Json] = field(default_factory=list)
    stop: Stop | None = None
    started: int = 0
    blocked_in_a_row: int = 0
    starts: Counter[str] = field(default_factory=Counter)
    paused_until: datetime | None = None
    interrupted: bool = False
    control_ok: bool | None = None
    seen: Counter[str] = field(default_factory=Counter)
    visiting: bool = False
    """Whether a page of the browser is at work: there is one at a time."""
    fresh_urls: dict[str, str] = field(default_factory=dict)
    """Addresses with fresh tokens, by the id of their note; they are never shown."""
    refused: int = 0
    """Pages that robots.txt disallowed."""
    health: RunHealth = field(default_factory=RunHealth)
    _control_asked: bool = False
    _leased: deque[FrontierRow] = field(default_factory=deque)
    _empty_at: float = -_EMPTY_SECONDS

    @property
    def rules(self) -> ReadRules:
        """What parsers need to know of the source."""
        return ReadRules(
            platform=self.source.platform,
            article=self.source.article,
            follow=self.source.follow,
            comments=self.source.comments,
            base_url=self.source.home or None,
            limits=self.adapter.limits,
        )

    @property
    def run_id(self) -> int | None:
        """The database's number of the run, None for rechecks."""
        return self.run.id if self.run else None

    @property
    def action_seconds(self) -> float:
        """Pause between two actions on a page of the browser."""
        own = self.source.budget.delay_seconds
        return own if self.source.private else max(own, self.adapter.browser.min_delay_seconds)

    @property
    def stale_before(self) -> datetime:
        """Articles without a date of change that were last read before this are read again."""
        begun = self.run.started_at if self.run else self.clock()
        return begun - timedelta(days=self.source.refresh_days)

    def may_read(self, url: str, row: FrontierRow | None) -> bool:
        """Tell whether an address is one of the source's hosts, or of the clue's own page for a recheck."""
        own = self.rechecks and row is not None and origin(row.url) == origin(url)
        return own or self.source.reach.knows(url)

    def begin(self) -> None:
        """Continue the source's unfinished run or begin a new one with its start pages."""
        now = self.clock()
        with self.store.write(now) as unit:
            frontier.take_back(unit)
            if not self.rechecks:
                self._choose_run(unit, now)
            held = get_meta(unit.conn, _HELD + self.source.name)
            waits = get_hold(unit.conn, self.source.name)
        if waits is not None:
            self.stop_with(RunState.BLOCKED, waits.reason, code="blocked")
        elif held and datetime.fromisoformat(held) > now:
            self.stop_with(RunState.BLOCKED, f"the site asked to be left alone until {held}", code="blocked")
        elif in_quiet_hours(self.source, now):
            self.stop_with(RunState.BUDGET, "quiet hours")

    def _choose_run(self, unit: Unit, now: datetime) -> None:
        last = runs.last_run(unit.conn, self.source.name)
        left = frontier.counts(unit.conn, self.source.name, now=now).open
        goes_on = last is not None and (
            last.state == RunState.RUNNING or (left and last.state != RunState.FINISHED)
        )
        if last is not None and goes_on:
            runs.continue_run(unit, last.id)
            self.run, self.resumed = last, True
        else:
            name = self.source.name
            self.run = runs.start_run(unit, source=name, platform=self.source.platform, access=self.source.access)
        requests = self._first_requests()
        frontier.add_requests(unit, self.source.name, requests, run_id=self.run.id, stale_before=self.stale_before)

    def _first_requests(self) -> list[frontier.NewRequest]:
        """Return where a run begins: the start pages, or one search per query."""
        again = not self.resumed
        if self.adapter.surface is None:
            return [
                frontier.NewRequest(key=url, url=url, kind=START, again=again) for url in self.source.start_urls
            ]
        return [
            frontier.NewRequest(key=f"{QUERY}:{query}", url=url, kind=QUERY, again=again, meta={"query": query})
            for query, url in zip(self._queries(), self.search_urls(), strict=True)
        ]

    def _queries(self) -> list[str]:
        return list(dict.fromkeys(filter(None, map(str.strip, self.source.queries))))

    def search_urls(self) -> list[str]:
        """Return the addresses of the source's searches; none where its platform is not searched."""
        surface = self.adapter.surface
        if surface is None:
            return []
        paths = (surface.search.replace("{query}", quote(query, safe="")) for query in self._queries())
        return [urljoin(self.source.home, path) for path in paths]

    def take(self) -> FrontierRow | None:
        """Return the next row to read, None where there is none now; see :meth:`is_over`."""
        if self.stop is not None or self.visiting or self._pausing():
            return None
        if self.started >= self.source.budget.pages_per_run:
            return None
        if self.rechecks and self.control_ok is None:
            return self._control()
        if not self._leased and time.monotonic() - self._empty_at >= _EMPTY_SECONDS:
            self._lease()
        if not self._leased:
            return None
        row = self._leased.popleft()
        self.started += row.kind not in NO_PAGES
        return row

    def _control(self) -> FrontierRow | None:
        """Return the control page of a session of rechecks, once; nothing else is read before it answered."""
        from crawler.recheck import control_row  # noqa: PLC0415 - that module needs this one

        if self._control_asked:
            return None
        self._control_asked = True
        return control_row(self)

    def _lease(self) -> None:
        now = self.clock()
        if in_quiet_hours(self.source, now):
            self.stop_with(RunState.BUDGET, "quiet hours")
            return
        with self.store.write(now) as unit:
            rows = self._ready_rows(unit)
            if not rows and frontier.take_back(unit):
                rows = self._ready_rows(unit)
        self._leased.extend(rows)
        self._empty_at = -_EMPTY_SECONDS if rows else time.monotonic()

    def _ready_rows(self, unit: Unit) -> list[FrontierRow]:
        """Lease some rows. A source with a delay is read by one process at a time: its pace is the source's."""
        slow = self.source.budget.delay_seconds > 0
        if slow and frontier.leased_by_others(unit.conn, self.source.name, owner=self.owner):
            return []
        left = self.source.budget.pages_per_run - self.started
        limit = min(left, SLOW_LEASE_ROWS if slow else LEASE_ROWS)
        return frontier.lease(unit, self.source.name, owner=self.owner, limit=limit, rechecks=self.rechecks)

    def look_again(self) -> None:
        """Ask the frontier at the next turn: new rows were stored."""
        self._empty_at = -_EMPTY_SECONDS

    def _pausing(self) -> bool:
        return self.paused_until is not None and self.clock() < self.paused_until

    def is_over(self) -> bool:
        """Tell whether nothing more is to be read in this process.

        Rows leased by other processes and rows that wait keep a run open, as long as they do not wait too long.
        """
        if self.visiting:
            return False
        if self.stop is not None or self.started >= self.source.budget.pages_per_run:
            return True
        if self._leased or (self._control_asked and self.control_ok is None):
            return False
        now = self.clock()
        left = self._counts(now)
        if left.ready or left.leased:
            return False
        if left.next_at is not None and left.next_at - now > LONGEST_WAIT:
            if not self.rechecks:
                reason = f"nothing may be read before {left.next_at.isoformat()}"
                self.stop_with(RunState.BLOCKED, reason, code="blocked")
            return True
        return left.waiting == 0

    def _counts(self, now: datetime) -> frontier.FrontierCounts:
        with self.store.read() as conn:
            return frontier.counts(conn, self.source.name, now=now, owner=self.owner, rechecks=self.rechecks)

    def stop_with(self, state: RunState, reason: str, *, code: str | None = None) -> None:
        """Take nothing more; the first reason stays."""
        if self.stop is None:
            self.stop = Stop(state, reason, code)
            if code:
                self.problem(code, reason)

    def wait_for_person(self, marker: str, url: str, *, is_login: bool) -> None:
        """Stop the source until somebody has looked: a challenge or a sign-in is never worked around."""
        name = self.source.name
        what = "the sign-in is missing or over" if is_login else "the platform asks for a person"
        reason = (
            f"{what} ({marker} at {url}): run `qingyuan sources login {name}` and do what the page asks, "
            f"then `qingyuan sources resume {name}`; the cursor is kept"
        )
        with self.store.write(self.clock()) as unit:
            hold_source(unit, name, reason=reason, marker=marker, is_login=is_login)
        self.stop_with(RunState.BLOCKED, reason, code="blocked")

    @property
    def starts_answer(self) -> bool:
        """Whether a start page answered in this run."""
        return self.resumed or self.starts[ReadOutcome.OK] > 0

    def start_failed(self, url: str, outcome: ReadOutcome, reason: str) -> None:
        """Note a start page that could not be read."""
        self.starts[outcome] += 1
        code = outcome.value if outcome in (ReadOutcome.BLOCKED, ReadOutcome.FORMAT_CHANGED) else "failed"
        self.problem(code, f"{url}: {reason}")

    def note_robots(self, host: str, verdict: Json) -> None:
        """Record in the run what a host's robots.txt said."""
        if self.run_id is not None:
            with self.store.write(self.clock()) as unit:
                runs.note_robots(unit, self.run_id, host, verdict)

    def problem(self, code: str, message: str) -> None:
        """Note a problem of this call once."""
        entry: Json = {"code": code, "id": self.source.name, "message": message}
        if entry not in self.problems and len(self.problems) < runs.MAX_PROBLEMS:
            self.problems.append(entry)

    def hold_until(self, moment: datetime) -> None:
        """Remember that the site asked to be left alone; also later calls keep away until then."""
        with self.store.write(self.clock()) as unit:
            put_meta(unit.conn, _HELD + self.source.name, moment.isoformat())

    def beat(self) -> None:
        """Renew the leases of this process."""
        with self.store.write(self.clock()) as unit:
            frontier.renew(unit, self.owner)

    def finish(self) -> RunState:
        """Give back what was not read and end the run; return its state. An interrupted run stays unfinished."""
        now = self.clock()
        with self.store.write(now) as unit:
            frontier.release(unit, self.owner)
        state, reason = self._end(now)
        if self.run is not None:
            with self.store.write(now) as unit:
                runs.note_problems(unit, self.run.id, self.problems)
                if not self.interrupted:
                    runs.end_run(unit, self.run.id, state, reason=reason)
        return state

    def _end(self, now: datetime) -> tuple[RunState, str | None]:
        if self.stop is not None:
            return self.stop.state, self.stop.reason
        if self._counts(now).open:
            return RunState.BUDGET, f"{self.started} pages read"
        if (unhealthy := self.health.judge(self.adapter.assertions)) is not None:
            self.problem("format_changed", unhealthy)
            return RunState.FORMAT_CHANGED, unhealthy
        if self._format_changed():
            reason = f"{self.kinds['unreadable']} of {self.kinds[ARTICLE]} articles could not be read"
            self.problem("format_changed", reason)
            return RunState.FORMAT_CHANGED, reason
        if self.starts and not self.starts[ReadOutcome.OK]:
            return self._without_start(), "no start page could be read"
        if self.refused and not self._has_articles():
            reason = f"robots.txt disallows every page that was found ({self.refused})"
            self.problem("blocked", reason)
            return RunState.BLOCKED, reason
        return RunState.FINISHED, None

    def _has_articles(self) -> bool:
        with self.store.read() as conn:
            return bool(self.kinds[ARTICLE] or last_good_marks(conn, self.source.name, ARTICLE, limit=1))

    def _without_start(self) -> RunState:
        for outcome, state in _STATES.items():
            if self.starts[outcome]:
                return state
        return RunState.FAILED

    def _format_changed(self) -> bool:
        limits = self.adapter.limits
        asked, unreadable = self.kinds[ARTICLE], self.kinds["unreadable"]
        return asked >= limits.min_reads_for_share and unreadable > asked * (1 - limits.min_readable_share)

    def counted(self) -> Json:
        """Return what this call read, as the contracts show it."""
        if self.rechecks:
            return {"observations": dict(self.seen)}
        return {
            "pages": {outcome.value: self.pages[outcome] for outcome in ReadOutcome},
            "posts": {name: self.posts[name] for name in ("new", "changed", "seen")},
        }
