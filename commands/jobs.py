"""The job table of `qingyuan schedule`: what the settings, the sources and the channels ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scheduler import Job, Lane, Rule, check_cron
from storage.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from crawler.watch import SourceConfig
    from settings import Schedule, Workspace

STAGES = (
    ("screen_posts", ("screen-posts",), Lane.STAGE),
    ("cluster", ("cluster",), Lane.STAGE),
    ("capture", ("capture",), Lane.READING),
    ("recheck", ("recheck", "--due"), Lane.READING),
    ("notify", ("notify",), Lane.PROMPT),
)
"""Setting, command and lane of the jobs that there is one of; the name is the command's first word."""

CRAWL, DRAFT = "crawl:", "draft:"
"""Beginnings of the names of jobs that there is one of per source, and per channel."""


SUMMARIES = "summaries"
"""Folder of the workspace for the files of the weekly summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The job table in force.

    ``sources`` are those that jobs crawl, by job name; ``off`` begins the names of jobs that are switched off.
    """

    jobs: tuple[Job, ...]
    reading_at_once: int = 2
    sources: Mapping[str, SourceConfig]
    off: tuple[str, ...] = ()

    def resting(self, now: datetime) -> frozenset[str]:
        """Return the names of the jobs whose source has quiet hours; they run when these are over."""
        from crawler.watch import in_quiet_hours

        return frozenset(name for name, source in self.sources.items() if in_quiet_hours(source, now))

    def at_once(self, lane: Lane) -> int | None:
        """Return how many runs of a lane there may be at the same time, None for any number."""
        return {Lane.READING: self.reading_at_once, Lane.STAGE: 1, Lane.PROMPT: None}[lane]


class JobTable:
    """Reads the table again when one of its files changed; a broken file leaves the last good table in force."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stamp: object = None
        self._table: Table | None = None

    def read(self) -> tuple[Table, SettingsError | None]:
        """Return the table in force, and what is wrong with a file that was changed since it was read.

        Raises:
            SettingsError: a file is broken and there is no earlier table.
        """
        stamp = _stamp(self._root)
        if self._table is not None and stamp == self._stamp:
            return self._table, None
        self._stamp = stamp
        try:
            self._table = load_table(self._root)
        except SettingsError as error:
            if self._table is None:
                raise
            return self._table, error
        return self._table, None


def load_table(root: Path) -> Table:
    """Read the job table of a workspace.

    Raises:
        SettingsError: one of its files is wrong, or two jobs claim the same past.
    """
    from crawler.watch import Access, load_watch
    from reporting.channel import load_channels
    from settings import load_workspace

    workspace = load_workspace(root)
    schedule = workspace.settings.schedule
    crawled = {
        f"{CRAWL}{source.name}": source
        for source in load_watch(workspace.watch_file)
        if source.schedule and source.access is not Access.IMPORT
    }
    channels = load_channels([workspace.overlays("channels")])
    taking = [name for name, channel in sorted(channels.items()) if channel.spec.platforms]
    jobs = tuple(_jobs(workspace, crawled, taking))
    _check(jobs, workspace)
    off = [words[0] for setting, words, _ in STAGES if not getattr(schedule, setting)]
    off += [name for name, cron in ((DRAFT, schedule.draft), ("summary", schedule.summary)) if not cron]
    return Table(jobs=jobs, reading_at_once=schedule.reading_at_once, sources=crawled, off=tuple(off))


def _jobs(workspace: Workspace, crawled: Mapping[str, SourceConfig], channels: Iterable[str]) -> Iterable[Job]:
    schedule, root = workspace.settings.schedule, workspace.root
    former = schedule.former
    for setting, words, lane in STAGES:
        if cron := getattr(schedule, setting):
            yield Job(name=words[0], cron=cron, words=words, lane=lane, former=former.get(words[0], ()))
    for name, source in crawled.items():
        cron = source.schedule or ""
        command = ("crawl", source.name)
        yield Job(name=name, cron=cron, words=command, lane=Lane.READING, former=former.get(name, ()))
    for channel in channels if schedule.draft else ():
        draft = ("batch", "draft", "--channel", channel, "--week", "{period}")
        yield _weekly(f"{DRAFT}{channel}", schedule.draft, draft, schedule)
    if schedule.summary:
        summary = ("summary", "--week", "{period}", "-o", str(root / SUMMARIES))
        yield _weekly("summary", schedule.summary, summary, schedule)


def _weekly(name: str, cron: str, words: tuple[str, ...], schedule: Schedule) -> Job:
    return Job(
        name=name,
        cron=cron,
        words=words,
        rule=Rule.EACH,
        lane=Lane.PROMPT,
        weekly=True,
        former=schedule.former.get(name, ()),
    )


def _check(jobs: tuple[Job, ...], workspace: Workspace) -> None:
    from settings import SETTINGS_FILE

    settings_file = str(workspace.root / SETTINGS_FILE)
    for job in jobs:
        try:
            check_cron(job.cron)
        except SettingsError as error:
            file = str(workspace.watch_file) if job.name.startswith(CRAWL) else settings_file
            message = f"{job.name}: {error.detail}"
            raise SettingsError("bad_field", message, file=file, field="schedule") from None
    names = [name for job in jobs for name in job.names]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        message = f"{', '.join(doubled)}: the name of two jobs; a job that was renamed has no other job's name"
        raise SettingsError("bad_field", message, file=settings_file, field="schedule.former")


def _stamp(root: Path) -> tuple[object, ...]:
    """Return what changes when one of the table's files does."""
    from settings import SETTINGS_FILE, WATCH_FILE

    files = [root / SETTINGS_FILE, root / WATCH_FILE, *sorted((root / "overlays" / "channels").glob("*.yml"))]
    found: list[object] = []
    for path in files:
        try:
            stat = path.stat()
        except OSError:
            found.append(path)
            continue
        found.append((path, stat.st_mtime_ns, stat.st_size))
    return tuple(found)
