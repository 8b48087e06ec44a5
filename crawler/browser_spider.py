"""The base of spiders that read a platform through a browser: one page at a time, for one row of the frontier.

The rows are searches, profiles and rechecks; everything else happens on their pages. What a page hears is evidence
before it is parsed, and a spider of a platform adds nothing but ``parse_page``.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import scrapy
import structlog
from playwright.async_api import Error as PlaywrightError

from crawler.base import SourceSpider
from crawler.browser_recheck import opening_url, read_control, read_target
from crawler.listening import Listener, SourceStoppedError
from crawler.profile_visit import read_profile
from crawler.query_visit import EnoughError, read_query
from crawler.reading import PROFILE, QUERY
from crawler.recheck import CONTROL, record_control, record_probe_failure
from crawler.recorder import record_failure
from crawler.visiting import Visit
from storage import frontier
from storage.errors import LeaseLostError
from storage.evidence import add_capture
from storage.frontier import RECHECK
from storage.records import ReadOutcome
from storage.runs import count_read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Page
    from scrapy.http import Response
    from twisted.python.failure import Failure

    from storage.frontier import FrontierRow

_log = structlog.get_logger(__name__)
_NET_ERROR = re.compile(r"net::ERR_[A-Z_]+")
CONTEXT = "source"
"""Name of the one browser context."""

NO_PAGE = "no_browser_page"
"""Reason of a read whose answer came without a page of the browser: an error, never an empty page."""

READERS: dict[str, Callable[[Visit], Awaitable[None]]] = {
    QUERY: read_query,
    PROFILE: read_profile,
    CONTROL: read_control,
    RECHECK: read_target,
}
"""What is done on the page of a row, by its kind."""


class BrowserSpider(SourceSpider):
    """Reads a platform in the operator's own browser."""

    def request_for(self, row: FrontierRow) -> scrapy.Request:
        """Return the request that opens a row's page in the source's browser."""
        self.session.visiting = True
        listener = Listener(self.session)
        meta = {
            "row": row,
            "hops": (),
            "listener": listener,
            "download_slot": self.session.source.name,
            "playwright": True,
            "playwright_include_page": True,
            "playwright_context": CONTEXT,
            "playwright_context_kwargs": self.settings.getdict("SOURCE_CONTEXT"),
            "playwright_page_init_callback": listener.attach,
            "playwright_page_goto_kwargs": {"wait_until": "load"},
        }
        return scrapy.Request(
            opening_url(self.session, row),
            meta=meta,
            callback=self.on_answer,
            errback=self.on_no_page,
            dont_filter=True,
        )

    async def on_answer(self, response: Response) -> None:
        """Do on the page what its row asks for, and close it."""
        row: FrontierRow = response.meta["row"]
        listener: Listener = response.meta["listener"]
        page: Page | None = response.meta.get("playwright_page")
        try:
            if page is None:
                self._fail(row, NO_PAGE)
                return
            visit = Visit(self.session, row, page, listener, self.parse_page)
            await self._visit(visit)
        except LeaseLostError:
            _log.warning("lease_lost", row=row.id)
        finally:
            await self._leave(page)

    async def _visit(self, visit: Visit) -> None:
        row = visit.row
        try:
            await READERS[row.kind](visit)
        except SourceStoppedError as stopped:
            self._stop(row, stopped)
        except EnoughError:
            self._give_back(row)
        except (PlaywrightError, TimeoutError) as error:
            if self.session.stop is None:  # an interrupted browser ends in the middle of its work
                self._fail(row, reason_of(error))

    async def on_no_page(self, failure: Failure) -> None:
        """Settle a row whose page did not open; a challenge that its answer told of stops the source."""
        request: scrapy.Request = failure.request  # type: ignore[attr-defined]  # set by Scrapy
        row: FrontierRow = request.meta["row"]
        listener: Listener = request.meta["listener"]
        try:
            if listener.stopped_by is not None:
                self._stop(row, SourceStoppedError(listener.stopped_by))
            elif self.session.stop is None:
                self._fail(row, reason_of(failure.value))
        except LeaseLostError:
            _log.warning("lease_lost", row=row.id)
        finally:
            await self._leave(listener.page)

    async def _leave(self, page: Page | None) -> None:
        """Close the page, and the browser after its share of notes: long-lived ones grow without end."""
        session = self.session
        try:
            if page is not None:
                async with asyncio.timeout(session.adapter.browser.wait_seconds):
                    context = page.context
                    await page.close()
                    if session.health.since_start >= session.adapter.browser.recycle_after:
                        await context.close()
        except (PlaywrightError, TimeoutError) as error:
            _log.warning("page_not_closed", error=type(error).__name__)
        finally:
            if session.health.since_start >= session.adapter.browser.recycle_after:
                session.health.since_start = 0
            session.visiting = False
            session.look_again()

    def _stop(self, row: FrontierRow, stopped: SourceStoppedError) -> None:
        """Stop the source for a person; the row goes back with its cursor, and of the answer a capture is kept."""
        session, heard = self.session, stopped.heard
        is_login = heard.judged.marker in {marker.name for marker in session.adapter.markers.login_wall}
        with session.store.write(session.clock()) as unit:
            add_capture(unit, heard.capture(session.run_id))
            if row.kind != CONTROL:
                frontier.postpone(unit, row, owner=session.owner, until=unit.now, counts=False)
            if session.run_id is not None:
                count_read(unit, session.run_id, outcome=ReadOutcome.BLOCKED, posts={})
        session.pages[ReadOutcome.BLOCKED] += 1
        if row.kind == CONTROL:
            session.control_ok = False
        session.wait_for_person(heard.judged.marker or "challenge", heard.read.url, is_login=is_login)

    def _give_back(self, row: FrontierRow) -> None:
        """Put a row back that is to be gone on with, by this process or a later one."""
        with self.session.store.write(self.session.clock()) as unit:
            frontier.postpone(unit, row, owner=self.session.owner, until=unit.now, counts=False)
        if self.session.stop is None and self.session.started < self.session.source.budget.pages_per_run:
            self.session.started -= 1  # the same search is opened again in a fresh browser

    def _fail(self, row: FrontierRow, reason: str) -> None:
        if row.kind == CONTROL:
            record_control(self.session, None, self.parse_page)
        elif row.kind == RECHECK:
            record_probe_failure(self.session, row, reason)
        else:
            given_up = record_failure(self.session, row, reason)
            if given_up and row.kind == QUERY:
                self.session.start_failed(f"query {row.meta.get('query', '')!r}", ReadOutcome.UNKNOWN, reason)


def reason_of(error: BaseException | None) -> str:
    """Return why a page did not come in one word: the browser's own name of a network fault, else the error's kind.

    The rest of the browser's message quotes the address, which may hold a token.
    """
    found = _NET_ERROR.search(str(error))
    return found[0] if found else type(error).__name__
