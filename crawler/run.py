"""The crawl process: ``python -P -m crawler.run`` reads a JSON line, crawls one source, answers in JSON lines.

Its standard input stays open as long as its parent lives; when that closes, the process ends at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Any

from scrapy.crawler import CrawlerProcess

from crawler.adapters import load_adapter, load_spider
from crawler.browser_provider import ALLOWED
from crawler.profiles import allowed_origins, context_options, held_profile
from crawler.scrapy_settings import browser_settings, scrapy_settings
from crawler.session import CrawlSession
from crawler.spec import CrawlSpec, nothing_read, open_store, running_clock
from crawler.watch import SHANGHAI, basis_problems
from storage.errors import AccessError, SettingsError
from storage.logs import bind_ids, get_log, log_error, use_log
from storage.records import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import RawIOBase

    from storage.records import Json

EXIT_INTERRUPTED = 130
_PROGRESS_SECONDS = 0.5


def main() -> int:
    """Run one crawl and return the process's exit code."""
    told = os.fdopen(0, "rb", buffering=0, closefd=False)  # a buffer's lock would outlive the waiting thread
    spec = CrawlSpec.model_validate_json(told.readline())
    threading.Thread(target=_end_with_parent, args=(told,), daemon=True).start()
    _begin_log(spec)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:

        def tell(message: Json) -> None:
            channel.write(json.dumps(message, ensure_ascii=False) + "\n")
            channel.flush()

        result, interrupted = crawl(spec, tell)
        tell({"result": result})
    return EXIT_INTERRUPTED if interrupted else 0


def crawl(spec: CrawlSpec, tell: Callable[[Json], None]) -> tuple[Json, bool]:
    """Crawl one source; return the answer and whether it was interrupted."""
    begun = monotonic()
    clock = running_clock(spec.now)
    missing = basis_problems(spec.source, today=clock().astimezone(SHANGHAI).date())
    if missing:
        raise AccessError(spec.source.name, "; ".join(missing))
    store = open_store(spec)
    session = CrawlSession(
        store=store,
        source=spec.source,
        adapter=load_adapter(spec.source.platform, overlays=spec.overlays),
        clock=clock,
        rechecks=spec.rechecks,
    )
    try:
        with _settings(session, spec) as settings:
            session.begin()
            bind_ids(run=session.run.public_id if session.run else None)
            if session.stop is None:
                _run_scrapy(session, spec, settings, tell)
            state = session.finish()
        answer = _answer(session, state, monotonic() - begun)
    except (AccessError, SettingsError) as error:  # before anything was begun: nothing of a run is touched
        code = "blocked" if isinstance(error, AccessError) else error.code
        answer = nothing_read(
            spec.source.name, "blocked", {"code": code, "id": spec.source.name, "message": str(error)}
        )
    finally:
        store.close()
    _log_end(answer, rechecks=spec.rechecks)
    return answer, session.interrupted


def _log_end(answer: Json, *, rechecks: bool) -> None:
    """Log how the crawl ended: state, counts, seconds, its problems by code."""
    counted = {name: answer[name] for name in ("state", "resumed", "pages", "posts", "seconds") if name in answer}
    problems = Counter(str(problem["code"]) for problem in answer["problems"])
    get_log("qingyuan.crawl").info("crawl ended", rechecks=rechecks, problems=dict(problems), **counted)


@contextlib.contextmanager
def _settings(session: CrawlSession, spec: CrawlSpec) -> Iterator[dict[str, Any]]:
    """Give Scrapy's settings; the browser profile is held meanwhile where the platform needs one."""
    settings = scrapy_settings(spec.source, contact=spec.contact)
    if not session.adapter.uses_browser:
        yield settings
        return
    with held_profile(spec.profiles, spec.source.name) as folder:
        options = context_options(
            spec.source, session.adapter, folder, chromium=spec.chromium, no_sandbox=spec.no_sandbox
        )
        options[ALLOWED] = allowed_origins(spec.source, session.adapter)
        wait_seconds = session.adapter.browser.wait_seconds
        yield settings | browser_settings(spec.source, options, wait_seconds=wait_seconds)


def _run_scrapy(
    session: CrawlSession, spec: CrawlSpec, settings: dict[str, Any], tell: Callable[[Json], None]
) -> None:
    process = CrawlerProcess(settings)
    process.crawl(load_spider(spec.source.platform), session=session)

    def stop(*_: object) -> None:
        session.interrupted = True
        session.stop_with(RunState.BUDGET, "interrupted")
        reactor.callFromThread(process.stop)

    from twisted.internet import reactor  # noqa: PLC0415 - installs a reactor: only after Scrapy has chosen one
    from twisted.internet.task import LoopingCall  # noqa: PLC0415 - as above

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    beat = LoopingCall(lambda: tell({"progress": {"pages": session.started, "posts": sum(session.posts.values())}}))
    beat.start(_PROGRESS_SECONDS, now=False)
    process.start(install_signal_handlers=False)


def _answer(session: CrawlSession, state: RunState, seconds: float) -> Json:
    return {
        "source": session.source.name,
        "run": session.run.public_id if session.run else None,
        "state": state.value,
        "resumed": session.resumed,
        **session.counted(),
        "seconds": round(seconds, 3),
        "problems": session.problems,
    }


def _end_with_parent(stream: RawIOBase) -> None:
    """Wait for the end of standard input, which comes when the parent is gone, and end this process with it."""
    while stream.read(1):
        pass
    os._exit(EXIT_INTERRUPTED)


def _begin_log(spec: CrawlSpec) -> None:
    """Log to the workspace's file, each line with the source; what nobody caught, as its kind and place."""
    use_log(spec.log)
    bind_ids(source=spec.source.name)
    sys.excepthook = lambda _kind, error, _trace: _log_uncaught(error)


def _log_uncaught(error: BaseException) -> None:
    log_error("crawl process failed", error)


if __name__ == "__main__":
    sys.exit(main())
