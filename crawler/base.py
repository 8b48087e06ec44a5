"""The base of all spiders: turns frontier rows into requests and answers into stored reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import scrapy
import structlog
from scrapy import signals
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.utils.asyncio import call_later, create_looping_call
from scrapy.utils.defer import maybe_deferred_to_future
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.threads import deferToThread

from crawler.middlewares import RefusedError
from crawler.reading import START, PageParse, PageRead
from crawler.recheck import CONTROL, record_control, record_probe, record_probe_failure
from crawler.recorder import record_failure, record_read, record_refusal
from storage.errors import LeaseLostError
from storage.evidence import put_bytes
from storage.frontier import RECHECK
from storage.leases import HEARTBEAT
from storage.records import RunState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure

    from crawler.reading import ReadRules
    from crawler.session import CrawlSession
    from storage.frontier import FrontierRow

_log = structlog.get_logger(__name__)
_WAKE_SECONDS = 0.25


class SourceSpider(scrapy.Spider):
    """Reads one source through its durable frontier; a platform's spider adds ``parse_page``."""

    conditional: ClassVar[bool] = False
    """Whether start pages are asked for only if they changed (ETag, Last-Modified)."""

    session: CrawlSession

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:  # noqa: ANN401 - Scrapy's signature
        """Make the spider and connect it to the crawl's signals."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.on_opened, signal=signals.spider_opened)
        crawler.signals.connect(spider.on_error, signal=signals.spider_error)
        crawler.signals.connect(spider.on_idle, signal=signals.scheduler_empty)
        return spider

    @staticmethod
    def parse_page(read: PageRead, kind: str, rules: ReadRules) -> PageParse:
        """Return what a page holds: a pure function of its bytes."""
        raise NotImplementedError

    async def start(self) -> AsyncIterator[Any]:
        """Yield nothing: all requests come from the frontier."""
        nothing: tuple[Any, ...] = ()
        for request in nothing:
            yield request

    def request_for(self, row: FrontierRow) -> scrapy.Request:
        """Return the request of a leased row."""
        headers: dict[str, str] = {}
        if self.conditional and row.kind == START and row.cursor:
            asked = {"If-None-Match": row.cursor.get("etag"), "If-Modified-Since": row.cursor.get("last-modified")}
            headers = {name: value for name, value in asked.items() if value}
        meta = {"row": row, "download_slot": self.session.source.name, "hops": ()}
        return scrapy.Request(
            row.url,
            headers=headers,
            meta=meta,
            callback=self.on_answer,
            errback=self.on_failure,
            dont_filter=True,
        )

    async def on_answer(self, response: Response) -> None:
        """Store an answer and what it holds: the bytes first, in a thread, because the disk takes its time."""
        row: FrontierRow = response.meta["row"]
        read = page_read(response, row, self.session)
        if read.body:
            storing = deferToThread(put_bytes, self.session.store.evidence_root, read.body)
            await maybe_deferred_to_future(storing)
        try:
            if row.kind == CONTROL:
                record_control(self.session, read, self.parse_page)
            elif row.kind == RECHECK:
                record_probe(self.session, row, read, parser=self.parse_page)
            else:
                record_read(self.session, row, read, parser=self.parse_page, hops=response.meta["hops"])
        except LeaseLostError:
            _log.warning("lease_lost", row=row.id)

    def on_failure(self, failure: Failure) -> None:
        """Settle a row whose request brought no answer."""
        request: scrapy.Request = failure.request  # type: ignore[attr-defined]  # set by Scrapy
        row: FrontierRow = request.meta["row"]
        try:
            self._settle(row, failure.value)
        except LeaseLostError:
            _log.warning("lease_lost", row=row.id)

    def _settle(self, row: FrontierRow, error: BaseException | None) -> None:
        if row.kind == CONTROL:
            record_control(self.session, None, self.parse_page)
        elif row.kind == RECHECK:
            self._settle_probe(row, error)
        elif isinstance(error, RefusedError):
            record_refusal(self.session, row, str(error))
        elif isinstance(error, IgnoreRequest | DownloadCancelledError) and self.session.stop is None:
            record_failure(self.session, row, "too_large", final=True)  # the only reason left for these two
        elif not isinstance(error, IgnoreRequest):  # what was not sent any more is given back at the end
            record_failure(self.session, row, type(error).__name__)

    def _settle_probe(self, row: FrontierRow, error: BaseException | None) -> None:
        if isinstance(error, RefusedError):
            record_probe_failure(self.session, row, str(error), refused=True)
        elif not isinstance(error, IgnoreRequest) or self.session.stop is None:
            record_probe_failure(self.session, row, type(error).__name__)

    def on_opened(self) -> None:
        """Keep the leases alive from now on."""
        create_looping_call(self._beat).start(HEARTBEAT.total_seconds(), now=False)

    def _beat(self) -> None:
        try:
            self.session.beat()
        except SQLAlchemyError as error:  # the lease holds for five more beats
            _log.warning("heartbeat_failed", error=type(error).__name__)

    def on_error(self, failure: Failure) -> None:
        """Stop the run when a page could not be stored: the disk, the database or a fault of ours."""
        name = type(failure.value).__name__
        _log.error("storing_failed", error=name, exc_info=failure.value)
        self.session.stop_with(RunState.FAILED, f"storing failed: {name}", code="failed")

    def on_idle(self) -> None:
        """Look again soon while rows wait or are leased elsewhere; Scrapy alone looks every 5 seconds."""
        call_later(_WAKE_SECONDS, self._wake)

    def _wake(self) -> None:
        engine = self.crawler.engine
        slot = getattr(engine, "_slot", None)
        if slot is not None and slot.closing is None:
            slot.nextcall.schedule()


def page_read(response: Response, row: FrontierRow, session: CrawlSession) -> PageRead:
    """Return an answer as the record that parsers take; a redirect that was not followed counts as its target."""
    headers = {
        name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
        for name, values in response.headers.items()
    }
    return PageRead(
        url=response.meta.get("leads_to") or response.url,
        asked_url=row.url,
        status=response.status,
        body=response.body,
        at=session.clock(),
        headers=headers,
    )
