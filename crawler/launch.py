"""Starting a crawl: each runs in a process of its own, because Scrapy's reactor starts once per process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from crawler.spec import CrawlSpec, nothing_read
from crawler.watch import SHANGHAI, Access, basis_problems
from storage.holds import get_hold
from storage.logs import LogTarget, current_log, relay_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from crawler.watch import SourceConfig
    from storage.engine import Store
    from storage.records import Json

    Progress = Callable[[int, int], None]

STOP_SECONDS = 45
"""How long an interrupted crawl may take to store what is on its way; then it is killed, which loses nothing."""


_RELAY_SECONDS = 5


def run_crawl(  # noqa: PLR0913 - one keyword per setting
    store: Store,
    source: SourceConfig,
    *,
    now: datetime,
    contact: str = "",
    overlays: Path | None = None,
    chromium: str | None = None,
    no_sandbox: bool = False,
    progress: Progress | None = None,
    log_file: Path | None = None,
) -> Json:
    """Crawl one source in a child process and return its run as the contracts show it, with its ``problems``.

    A source that is read from files, or whose right to read is missing or over, is not read: ``blocked``, and the
    problem says what is missing. ``progress`` gets pages and posts so far. A child that ends without an answer is
    ``failed``; its run stays unfinished and the next call continues it. KeyboardInterrupt stops the child cleanly
    and is raised again.
    """
    if (refused := refusal(source, now)) is not None:
        return nothing_read(source.name, "blocked", {"code": "blocked", "id": source.name, "message": refused})
    with store.read() as conn:
        hold = get_hold(conn, source.name)
    if hold is not None:
        return nothing_read(source.name, "blocked", {"code": "blocked", "id": source.name, "message": hold.reason})
    spec = make_spec(
        store, source, now=now, contact=contact, overlays=overlays, chromium=chromium, no_sandbox=no_sandbox
    )
    return run_child(spec, progress=progress, log_file=log_file)


def refusal(source: SourceConfig, now: datetime) -> str | None:
    """Return why a source may not be read now, None when it may."""
    if source.access is Access.IMPORT:
        return "is read from files handed over, not from the network"
    missing = basis_problems(source, today=now.astimezone(SHANGHAI).date())
    return "; ".join(missing) if missing else None


def make_spec(
    store: Store,
    source: SourceConfig,
    *,
    now: datetime,
    contact: str = "",
    overlays: Path | None = None,
    rechecks: bool = False,
    chromium: str | None = None,
    no_sandbox: bool = False,
) -> CrawlSpec:
    """Return what the child is told."""
    return CrawlSpec(
        database_url=store.engine.url.render_as_string(hide_password=False),
        evidence_root=store.evidence_root.absolute(),
        source=source,
        now=now,
        contact=contact,
        overlays=overlays,
        rechecks=rechecks,
        simulated=store.simulated,
        chromium=chromium,
        no_sandbox=no_sandbox,
    )


def run_child(spec: CrawlSpec, *, progress: Progress | None = None, log_file: Path | None = None) -> Json:
    """Run the crawl process to its end and return its answer.

    It logs where this process does, else to ``log_file``; so does what it and its children write to their stderr.
    """
    target = current_log() or (LogTarget(path=log_file.absolute()) if log_file else None)
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "crawler.run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if target else None,
        env=_environment(),
    )
    relay = relay_stderr(child.stderr, target, source=spec.source.name) if target and child.stderr else None
    try:
        return _converse(child, spec.model_copy(update={"log": target}), progress)
    finally:
        _end(child)
        if relay is not None:
            relay.join(_RELAY_SECONDS)  # a browser that is still closing may hold its end


def _converse(child: subprocess.Popen[bytes], spec: CrawlSpec, progress: Progress | None) -> Json:
    assert child.stdin is not None  # noqa: S101 - asked for above
    assert child.stdout is not None  # noqa: S101 - asked for above
    with suppress(BrokenPipeError):  # a child that dies at once has no answer: see below
        child.stdin.write(spec.model_dump_json().encode() + b"\n")
        child.stdin.flush()
    result: Json | None = None
    for message in _messages(child.stdout):
        if progress is not None and "progress" in message:
            progress(message["progress"]["pages"], message["progress"]["posts"])
        result = message.get("result", result)
    code = child.wait()
    if result is not None:
        return result
    problem = {"code": "failed", "id": spec.source.name, "message": f"the crawl process ended with code {code}"}
    return nothing_read(spec.source.name, "failed", problem)


def _messages(stream: IO[bytes]) -> Iterator[Json]:
    for line in stream:
        with suppress(ValueError):
            message = json.loads(line)
            if isinstance(message, dict):
                yield message


def _end(child: subprocess.Popen[bytes]) -> None:
    """Leave no child behind: one that still runs was interrupted and gets the time to stop cleanly."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def _environment() -> dict[str, str]:
    """Return the child's environment: it finds our packages where we found them."""
    ours = str(Path(__file__).resolve().parent.parent)
    paths = [ours, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
