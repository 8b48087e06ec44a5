"""One visit: a page of the browser, what it hears, and the pace at which it is used."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from crawler.adapter_sections import Surface  # noqa: TC001 - a field's type
from crawler.listening import DOCUMENT, Heard, Listener, SourceStoppedError
from crawler.parsing import parse_safely
from crawler.reading import PageParse, PageRead, judge
from crawler.urls import without_tokens
from storage.records import ReadOutcome

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from crawler.parsing import Parser
    from crawler.reading import Judged
    from crawler.session import CrawlSession
    from storage.frontier import FrontierRow

_SETTLE_SECONDS = 0.05


@dataclass(slots=True)
class Visit:
    """A page at work for one row of the frontier."""

    session: CrawlSession
    row: FrontierRow
    page: Page
    listener: Listener
    parser: Parser
    document: Heard | None = None

    @property
    def surface(self) -> Surface:
        """Where things stand on the platform's pages."""
        found = self.session.adapter.surface
        assert found is not None  # noqa: S101 - only such platforms are visited
        return found

    @property
    def wait_seconds(self) -> float:
        """How long an answer may take."""
        return self.session.adapter.browser.wait_seconds

    async def pause(self) -> None:
        """Wait as long as a person would between two actions, as the source's delay says."""
        await asyncio.sleep(self.session.action_seconds)

    def parse(self, heard: Heard, kind: str | None = None) -> PageParse:
        """Return what an answer holds; one that may not be parsed has its judged outcome."""
        if heard.judged.outcome is not ReadOutcome.OK:
            return PageParse(
                kind=kind or heard.name, outcome=heard.judged.outcome, reason=heard.judged.marker or "unknown"
            )
        return parse_safely(self.parser, heard.read, kind or heard.name, self.session.rules)

    async def look(self) -> Judged:
        """Return what the page as it now stands is, by the platform's markers.

        Raises:
            SourceStoppedError: it asks for a person.
        """
        read = await self.shown()
        judged = judge(read, self.session.adapter)
        if judged.stops:
            read = replace(read, body=b"")
            raise SourceStoppedError(Heard(name=DOCUMENT, read=read, judged=judged, sha256=None))
        return judged

    async def shown(self) -> PageRead:
        """Return the page as it now stands; its address keeps what markers need and no token."""
        try:
            html = await self.page.content()
        except PlaywrightError:  # it was going to another page that very moment
            await self.page.wait_for_load_state()
            html = await self.page.content()
        status = self.document.read.status if self.document else 200
        return PageRead(
            url=without_tokens(self.page.url),
            asked_url=without_tokens(self.row.url),
            status=status,
            body=html.encode(),
            at=self.session.clock(),
            headers={"content-type": "text/html; charset=utf-8"},
        )

    async def settle_document(self) -> Heard | None:
        """Return the page's own answer, the last one where it was redirected, once it was read."""
        self.document = await self.listener.wait_for(DOCUMENT, seconds=self.wait_seconds)
        while (heard := await self.listener.wait_for(DOCUMENT, seconds=_SETTLE_SECONDS)) is not None:
            self.document = heard
        return self.document

    def find(self, selector: str) -> Locator:
        """Return what a selector finds first."""
        return self.page.locator(selector).first

    async def is_shown(self, selector: str) -> bool:
        """Tell whether something is on the page and visible."""
        found = self.find(selector)
        return bool(await found.count()) and await found.is_visible()
