"""Listening to what a page itself asks for: its answers become evidence before anything is read in them."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.async_api import Error as PlaywrightError
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.threads import deferToThread

from crawler.reading import Judged, PageRead, judge
from crawler.scrapy_settings import MAX_BODY_BYTES
from crawler.urls import same_host, without_tokens
from storage.evidence import clean_headers, put_bytes
from storage.records import CaptureFacts, ReadOutcome

if TYPE_CHECKING:
    from playwright.async_api import Page, Response

    from crawler.session import CrawlSession

DOCUMENT = "document"
"""Name of the answer that is the page itself."""

_TOKEN = re.compile(r"(?i)(?:xsec_)?(?:token|sign(?:ature)?)=[^&\s;\"']+")
_POLL_SECONDS = 0.05


class SourceStoppedError(Exception):
    """The platform asks for a person: a challenge or a sign-in. Carries the answer that said so."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(heard.judged.marker)
        self.heard = heard


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One answer: under which name it was listened for, what it is, and under which hash its bytes are kept."""

    name: str
    read: PageRead
    judged: Judged
    sha256: str | None

    def capture(self, run_id: int | None, *, kind: str | None = None) -> CaptureFacts:
        """Return the capture of this answer; the body of a challenge or sign-in page is not kept."""
        why = "a challenge or sign-in page is not kept" if self.judged.stops else "the answer had no body"
        return CaptureFacts(
            url=self.read.url,
            at=self.read.at,
            method="browser",
            sha256=self.sha256,
            size=len(self.read.body) if self.sha256 else 0,
            status=self.read.status,
            headers=self.read.headers,
            kind=kind or ("page" if self.name == DOCUMENT else "answer"),
            run_id=run_id,
            why_none=None if self.sha256 else why,
        )


class Listener:
    """The answers that one page heard, by name and in the order in which they came."""

    def __init__(self, session: CrawlSession) -> None:
        self._session = session
        self._heard: deque[Heard] = deque()
        self._reading = 0
        self.stopped_by: Heard | None = None
        self.failed: OSError | None = None
        self.page: Page | None = None

    async def attach(self, page: Page, _request: object) -> None:
        """Begin to listen, before the page goes anywhere."""
        self.page = page
        page.on("response", self._hear)

    async def _hear(self, response: Response) -> None:
        name = self._name_of(response)
        if name is None:
            return
        self._reading += 1
        try:
            heard = await self._read(name, response)
        except PlaywrightError:
            return  # the page went on before its answer was whole: who waits for it will say so
        except OSError as error:  # the disk: nothing may be parsed that could not be kept
            self.failed = error
            return
        finally:
            self._reading -= 1
        if heard.judged.stops and self.stopped_by is None:
            self.stopped_by = heard
        self._heard.append(heard)

    async def _read(self, name: str, response: Response) -> Heard:
        body = await response.body() if not 300 <= response.status < 400 else b""  # noqa: PLR2004 - redirects
        headers = {key: _TOKEN.sub("…", value) for key, value in (await response.all_headers()).items()}
        url = without_tokens(response.url)
        read = PageRead(
            url=url,
            asked_url=url,
            status=response.status,
            body=body[:MAX_BODY_BYTES],
            at=self._session.clock(),
            headers=clean_headers(headers),
        )
        judged = judge(read, self._session.adapter)
        keeps = bool(body) and judged.outcome is not ReadOutcome.BLOCKED and len(body) <= MAX_BODY_BYTES
        sha256 = None
        if keeps:
            storing = deferToThread(put_bytes, self._session.store.evidence_root, body)
            sha256 = await maybe_deferred_to_future(storing)
        return Heard(name=name, read=read, judged=judged, sha256=sha256)

    def _name_of(self, response: Response) -> str | None:
        """Return under which name an answer is listened for, None where it is not."""
        request = response.request
        if request.resource_type == DOCUMENT:
            return DOCUMENT if self.page is not None and request.frame == self.page.main_frame else None
        if request.method == "OPTIONS" or request.resource_type not in {"xhr", "fetch"}:
            return None
        parts = urlsplit(response.url)
        own = self._session.source.base_url
        for name, listen in self._session.adapter.listen.items():
            host = parts.hostname or ""
            ours = same_host(own, response.url) if own else host == listen.host or host.endswith(f".{listen.host}")
            if ours and parts.path.startswith(listen.path):
                return name
        return None

    def forget(self, *names: str) -> None:
        """Drop the answers of some names that nobody waited for."""
        self._heard = deque(heard for heard in self._heard if heard.name not in names)

    def next_of(self, *names: str) -> Heard | None:
        """Return the first answer of some names that nobody took yet, None where there is none.

        Raises:
            SourceStoppedError: the platform asked for a person.
            OSError: what was heard could not be kept.
        """
        if self.failed is not None:
            raise self.failed
        if self.stopped_by is not None:
            raise SourceStoppedError(self.stopped_by)
        found = next((heard for heard in self._heard if heard.name in names), None)
        if found is not None:
            self._heard.remove(found)
        return found

    async def wait_for(self, *names: str, seconds: float) -> Heard | None:
        """Wait for the next answer of some names; None where none came in time. Raises as :meth:`next_of`."""
        left = seconds
        while True:
            if (found := self.next_of(*names)) is not None:
                return found
            if left <= 0:
                return None
            await asyncio.sleep(_POLL_SECONDS)
            left -= _POLL_SECONDS
