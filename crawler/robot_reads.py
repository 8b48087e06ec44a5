"""Reading robots.txt: once per host and process, kept as evidence, its verdict recorded in the run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from twisted.internet.error import ConnectError, ConnectionClosed

from crawler.robots import RobotsVerdict, judge_robots, robots_url
from crawler.urls import netloc
from storage.evidence import add_capture, put_bytes
from storage.records import CaptureFacts

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.session import CrawlSession

NO_ANSWER = (
    CannotResolveHostError,
    ConnectError,
    ConnectionClosed,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    OSError,
    ResponseDataLossError,
)
"""What it looks like when a server gives no answer."""


class RobotsReader:
    """The robots.txt files of one crawl."""

    def __init__(self, crawler: Crawler, session: CrawlSession, agent: str) -> None:
        self._crawler = crawler
        self._session = session
        self._agent = agent
        self._asked: dict[str, asyncio.Future[RobotsVerdict]] = {}

    async def verdict(self, url: str) -> RobotsVerdict:
        """Return the verdict in force for a page, asking its host at most once."""
        address = robots_url(url)
        if address not in self._asked:
            self._asked[address] = asyncio.ensure_future(self._ask(address))
        return await self._asked[address]

    async def _ask(self, address: str) -> RobotsVerdict:
        meta = {"robots": True, "download_slot": self._session.source.name}
        response: Response | None = None
        engine = self._crawler.engine
        assert engine is not None  # noqa: S101 - asked from inside a crawl
        try:
            response = await engine.download_async(Request(address, meta=meta, dont_filter=True))
        except NO_ANSWER:
            response = None
        verdict = judge_robots(response.status if response else None, response.body if response else b"")
        self._record(address, response, verdict)
        self._slow_down(verdict)
        return verdict

    def _record(self, address: str, response: Response | None, verdict: RobotsVerdict) -> None:
        session, body = self._session, response.body if response else b""
        sha256 = put_bytes(session.store.evidence_root, body) if body else None
        now = session.clock()
        facts = CaptureFacts(
            url=address,
            at=now,
            method="http",
            sha256=sha256,
            size=len(body),
            status=response.status if response else None,
            kind="robots",
            run_id=session.run_id,
            why_none=None if sha256 else "no answer" if response is None else "the answer had no body",
        )
        with session.store.write(now) as unit:
            add_capture(unit, facts)
        starts = {url: verdict.allows(url, self._agent) for url in session.source.start_urls}
        own = {url: allowed for url, allowed in starts.items() if robots_url(url) == address}
        session.note_robots(
            netloc(address), {"rule": verdict.rule, "status": facts.status, "sha256": sha256, "start": own}
        )

    def _slow_down(self, verdict: RobotsVerdict) -> None:
        """Honour a Crawl-delay that is longer than the source's own delay."""
        asked = verdict.delay_seconds(self._agent)
        engine = self._crawler.engine
        if engine is None or asked <= self._session.source.budget.delay_seconds:
            return
        slot = engine.downloader.slots.get(self._session.source.name)
        if slot is not None:
            slot.delay, slot.concurrency = asked, 1
