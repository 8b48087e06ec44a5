"""Running a parser over a stranger's bytes: bounded in size and time, and no fault of it stops the crawl."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

import structlog

from crawler.reading import PageParse
from storage.records import ReadOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crawler.reading import PageRead, ReadRules

    Parser = Callable[[PageRead, str, ReadRules], PageParse]

_log = structlog.get_logger(__name__)


class ParseTimeoutError(Exception):
    """A page took longer to parse than its platform allows."""


def parse_safely(parser: Parser, read: PageRead, kind: str, rules: ReadRules) -> PageParse:
    """Return what a page holds; one that is too large, too slow or breaks its parser is ``unknown``.

    The bytes are kept as evidence already, so that a mended parser can be run over them again.
    """
    if len(read.body) > rules.limits.max_parse_bytes and kind not in {"start", "sitemap", "feed"}:
        return PageParse(kind=kind, outcome=ReadOutcome.UNKNOWN, reason="too_large_to_parse")
    try:
        with time_limit(rules.limits.parse_seconds):
            return parser(read, kind, rules)
    except ParseTimeoutError:
        return PageParse(kind=kind, outcome=ReadOutcome.UNKNOWN, reason="parse_timeout")
    except Exception as error:  # noqa: BLE001 - hostile bytes break parsers in ways that nobody can list
        _log.warning("parser_failed", platform=rules.platform, error=type(error).__name__)
        return PageParse(kind=kind, outcome=ReadOutcome.UNKNOWN, reason=f"parser_failed: {type(error).__name__}")


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ParseTimeoutError in the block when it takes longer; without effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: object) -> None:
        raise ParseTimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
