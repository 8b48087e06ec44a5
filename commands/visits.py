"""What the commands of reading share: sources, crawls, screenshots, rechecks, with progress on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from commands.context import context
from storage.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.watch import SourceConfig
    from reporting.recheck import Mode
    from storage.records import Json


class BrowserChoice(TypedDict):
    """The browser to start, and whether it runs without its sandbox."""

    chromium: str | None
    no_sandbox: bool


def watched() -> tuple[SourceConfig, ...]:
    """Return the sources of the workspace's watch.yml."""
    from crawler.watch import load_watch

    return load_watch(context.workspace.watch_file)


def run_crawls(names: Sequence[str]) -> Json:
    """Crawl the named sources, or those that are due; ``{runs, problems}``."""
    runs: list[Json] = []
    problems: list[Json] = []
    for source in _chosen(names):
        answer = _crawl(source)
        problems += answer.pop("problems")
        runs.append(answer)
    return {"runs": runs, "problems": problems}


def run_capture() -> Json:
    """Take the screenshots that are missing; ``{captured, failed}``."""
    from crawler.screens import capture_clues

    workspace = context.workspace
    with context.out.progress("taking screenshots") as update:
        return capture_clues(
            context.store,
            watched(),
            **_browser(),
            contact=workspace.settings.institution.contact,
            overlays=workspace.overlays("sources"),
            now=context.now(),
            progress=update,
        )


def recheck_targets(mode: Mode, *, batch: str | None = None) -> Json:
    """Ask for rechecks (``due``, ``all`` or those of a batch), visit the targets, fold what was seen."""
    from reporting.recheck import request_rechecks

    request_rechecks(context.store, now=context.now(), mode=mode, batch=batch)
    return _visit()


def probe_targets(clue_ids: Sequence[int]) -> None:
    """Visit the targets of some clues now, before they are exported."""
    from reporting.recheck import request_looks

    request_looks(context.store, clue_ids, now=context.now(), reason="export")
    _visit()


def _visit() -> Json:
    from crawler.probes import probe_due
    from reporting.outcomes import fold_outcomes

    answer = probe_due(
        context.store,
        watched(),
        now=context.now(),
        contact=context.workspace.settings.institution.contact,
        overlays=context.workspace.overlays("sources"),
        **_browser(),
        log_file=context.workspace.log_file,
    )
    fold_outcomes(context.store, now=context.now())
    return answer


def _browser() -> BrowserChoice:
    """Return what the settings say of the browser."""
    from settings import chromium_choice

    workspace = context.workspace
    return {"chromium": chromium_choice(workspace), "no_sandbox": workspace.settings.browser.no_sandbox}


def _crawl(source: SourceConfig) -> Json:
    from crawler.launch import run_crawl

    with context.out.progress(f"crawling {source.name}: pages") as update:
        return run_crawl(
            context.store,
            source,
            now=context.now(),
            contact=context.workspace.settings.institution.contact,
            overlays=context.workspace.overlays("sources"),
            **_browser(),
            progress=lambda pages, _posts: update(pages),
            log_file=context.workspace.log_file,
        )


def _chosen(names: Sequence[str]) -> list[SourceConfig]:
    """Return the named sources, in the order of the names, or those that are due."""
    from crawler.due import due_sources
    from scheduler import fired_since
    from storage.holds import held_sources
    from storage.runs import last_runs

    sources = watched()
    if not names:
        now = context.now()
        with context.store.read() as conn:
            last = last_runs(conn)
            held = {hold.source: hold for hold in held_sources(conn)}
        for name in sorted(held.keys() & {source.name for source in sources}):
            context.out.note(f"{name} is not read: {held[name].reason}")
        free = [source for source in sources if source.name not in held]
        return list(
            due_sources(free, last, now=now, fired_since=lambda cron, moment: fired_since(cron, moment, now=now))
        )
    by_name = {source.name: source for source in sources}
    for name in names:
        if name not in by_name:
            raise NotFoundError("source", name, code="unknown_source")
    return [by_name[name] for name in dict.fromkeys(names)]
