"""What stands between the frontier and the network: the hosts we may reach, robots.txt, redirects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scrapy.exceptions import IgnoreRequest

from crawler.resolver import only_private
from crawler.robot_reads import RobotsReader
from crawler.robots import ROBOTS_DISALLOW, USER_AGENT_NAME
from crawler.urls import origin, resolve
from crawler.watch import Access
from storage.records import RunState

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.session import CrawlSession

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class RefusedError(IgnoreRequest):
    """A request that may not be made: its message says why."""


class _SessionMiddleware:
    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make the middleware."""
        return cls(crawler)

    @property
    def session(self) -> CrawlSession:
        """The crawl in this process."""
        found: CrawlSession = self.crawler.spider.session  # type: ignore[union-attr]  # a crawl has a spider of ours
        return found


class HostMiddleware(_SessionMiddleware):
    """Lets out only what the source may reach, and nothing once the source is stopped."""

    def process_request(self, request: Request) -> None:
        """Refuse other schemes and hosts that are not the source's."""
        if self.session.stop is not None and not request.meta.get("robots"):
            raise IgnoreRequest("the source is stopped")
        if not request.url.startswith(("http://", "https://")):
            raise RefusedError("not an http or https address")
        if not self.session.may_read(request.url, request.meta.get("row")):
            raise RefusedError(f"{origin(request.url)[0]} is not a host of the source")


class RobotsMiddleware(_SessionMiddleware):
    """Obeys each host's robots.txt, which is read and kept before the host's first page."""

    _reader: RobotsReader | None = None

    async def process_request(self, request: Request) -> None:
        """Refuse what robots.txt disallows; stop the source when the file cannot be had."""
        session = self.session
        if request.meta.get("robots"):
            return
        if self._reader is None:
            self._reader = RobotsReader(self.crawler, session, USER_AGENT_NAME)
        verdict = await self._reader.verdict(request.url)
        if session.source.access is Access.OPERATOR:
            return  # recorded; the authorisation decides (design §9)
        if not verdict.reachable:
            reason = await asyncio.to_thread(_why_unreachable, session, request.url)
            session.stop_with(RunState.BLOCKED, reason, code="blocked")
            raise IgnoreRequest("robots.txt cannot be had")
        if not verdict.allows(request.url, USER_AGENT_NAME):
            raise RefusedError(ROBOTS_DISALLOW)


def _why_unreachable(session: CrawlSession, url: str) -> str:
    """Return why robots.txt cannot be had: a private address is not tried unless the source says so."""
    host, port = origin(url)
    if (host, port) not in session.source.reach.private and (address := only_private(host, port)) is not None:
        return f"{host} has the private address {address}: only a source with private: true may read it"
    return f"robots.txt of {host} cannot be had"


class RedirectMiddleware(_SessionMiddleware):
    """Follows at most five redirects, each checked like a new request; none to another host."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Return the next request of a redirect, or the answer itself."""
        location = response.headers.get("Location")
        if response.status not in _REDIRECTS or location is None:
            return response
        target = resolve(response.url, location.decode("utf-8", "replace"))
        row = request.meta.get("row")
        hops = (*request.meta.get("hops", ()), (response.url, response.status))
        if target is None or len(hops) > MAX_REDIRECTS or not self.session.may_read(target, row):
            request.meta["leads_to"] = target or response.url
            return response
        return request.replace(url=target, meta={**request.meta, "hops": hops})
