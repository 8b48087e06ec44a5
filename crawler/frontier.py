"""The durable frontier as Scrapy's scheduler: requests are rows of our database, never files of Scrapy's."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from scrapy.core.scheduler import BaseScheduler

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request, Spider
    from scrapy.crawler import Crawler

    from crawler.base import SourceSpider


class FrontierScheduler(BaseScheduler):
    """Hands out leased rows as requests.

    Only the followed redirects of a row that is on its way are kept in memory: a kill loses them, and the row is
    taken back with its lease.
    """

    def __init__(self) -> None:
        self._redirected: deque[Request] = deque()
        self._spider: SourceSpider | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:  # noqa: ARG003 - Scrapy's signature
        """Make the scheduler."""
        return cls()

    def open(self, spider: Spider) -> None:
        """Remember whose frontier this is."""
        from crawler.base import SourceSpider  # noqa: PLC0415 - the spiders import what this module needs

        if not isinstance(spider, SourceSpider):
            raise TypeError(f"{type(spider).__name__} has no frontier")
        self._spider = spider

    def enqueue_request(self, request: Request) -> bool:
        """Take a redirected request back; new pages never come this way."""
        self._redirected.append(request)
        return True

    def next_request(self) -> Request | None:
        """Return the next request, None where there is none now."""
        if self._redirected:
            return self._redirected.popleft()
        if self._spider is None:
            return None
        row = self._spider.session.take()
        return None if row is None else self._spider.request_for(row)

    def has_pending_requests(self) -> bool:
        """Tell whether the crawl must go on: rows wait, are leased elsewhere, or redirects are open."""
        return bool(self._redirected) or (self._spider is not None and not self._spider.session.is_over())
