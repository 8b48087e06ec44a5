"""The demo platforms over loopback: two plain HTTP servers, each on a port of its own."""

from __future__ import annotations

import re
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from demo.corpus import FEED, FORUM
from demo.forum import forum_page
from demo.journal import FEEDS, journal_page
from demo.pages import make_site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from email.message import Message

    from demo.pages import Page, Site
    from demo.world import World

LOOPBACK = "127.0.0.1"
IDLE_SECONDS = 30  # a kept connection that asks for nothing is closed after this
ETAG = re.compile(r'(?:W/)?("[^"]*")|\*')


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One request that a platform answered."""

    site: str
    method: str
    path: str
    query: str
    status: int
    user_agent: str


class DemoPlatforms:
    """Both platforms of a world, served from ``start`` to ``stop``; also usable in a ``with`` statement.

    A port of 0 takes a free one. ``hits`` lists every request answered so far. Pages are made for each request
    from the world as it stands at its own time, so moving the world's clock changes what visitors see.
    """

    def __init__(self, world: World, *, forum_port: int = 0, feed_port: int = 0) -> None:
        self.world = world
        self.hits: list[Hit] = []
        self._ports = {FORUM: forum_port, FEED: feed_port}
        self._running: dict[str, _Running] = {}

    @property
    def forum_base(self) -> str:
        """Return the forum's base address, without a slash at the end."""
        return self._running[FORUM].base

    @property
    def feed_base(self) -> str:
        """Return the feed platform's base address, without a slash at the end."""
        return self._running[FEED].base

    def start(self) -> Self:
        """Listen on both ports; raises OSError where one is taken."""
        answers = {FORUM: forum_page, FEED: journal_page}
        try:
            for name, answer in answers.items():
                self._running[name] = _Running(self, name, self._ports[name], answer)
        except OSError:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Close both ports and every open connection; calling it again does nothing."""
        while self._running:
            self._running.popitem()[1].close()

    def watch_sources(self) -> list[dict[str, object]]:
        """Return the two entries of a watch file with which these platforms are read."""
        budget = {"pages_per_run": 1000, "delay_seconds": 0}
        common = {"access": "open", "budget": budget, "private": True}
        return [
            {
                "name": "demo_forum",
                "platform": "web",
                "base_url": self.forum_base,
                "start": ["/sitemap.xml"],
                "article": r"^/thread/\d+\.html$",
                **common,
            },
            {
                "name": "demo_feed",
                "platform": "feed",
                "base_url": self.feed_base,
                "start": [feed.path for feed in FEEDS],
                **common,
            },
        ]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Running:
    """One listening platform with its thread."""

    def __init__(
        self,
        platforms: DemoPlatforms,
        name: str,
        port: int,
        answer: Callable[[Site, str, Mapping[str, str]], Page],
    ) -> None:
        self._server = _Server((LOOPBACK, port), _Handler)
        self.base = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        self._server.site = make_site(platforms.world, name, self.base)
        self._server.answer = answer
        self._server.hits = platforms.hits
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name=f"demo-{name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """A server that knows its open connections, so that closing it leaves none behind."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64
    site: Site
    answer: Callable[[Site, str, Mapping[str, str]], Page]
    hits: list[Hit]

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Remember the connection while its thread works on it."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """Forget the connection when its thread is done with it."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's signature
        """Ignore visitors that hang up; everything else is shown as usual."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """End open connections first, so that their threads end and can be waited for."""
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    """Turns a request into a page, with validators and conditional answers."""

    protocol_version = "HTTP/1.1"
    server_version = "demo"
    sys_version = ""
    timeout = IDLE_SECONDS
    wbufsize = -1  # headers and body leave in one piece
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Answer with the page."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer with the headers of the page alone."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Write no log; ``DemoPlatforms.hits`` holds the requests."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the world's time for the Date header."""
        if timestamp is not None:
            return super().date_time_string(timestamp)
        return _http_date(self.server.site.world.now)

    def _answer(self, *, with_body: bool) -> None:
        parts = urlsplit(self.path)
        page = self.server.answer(self.server.site, unquote(parts.path), dict(parse_qsl(parts.query)))
        etag = f'"{sha256(page.body).hexdigest()[:20]}"'
        status = page.status
        if status == HTTPStatus.OK and unchanged(self.headers, etag, page.modified_at):
            status = HTTPStatus.NOT_MODIFIED
        self._note(parts.path, parts.query, status)
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Cache-Control", "no-cache")
        if page.modified_at:
            self.send_header("Last-Modified", _http_date(page.modified_at))
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", page.content_type)
            self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        if with_body and status != HTTPStatus.NOT_MODIFIED:
            self.wfile.write(page.body)

    def _note(self, path: str, query: str, status: int) -> None:
        agent = self.headers.get("User-Agent", "")
        self.server.hits.append(
            Hit(
                site=self.server.site.name,
                method=self.command,
                path=path,
                query=query,
                status=int(status),
                user_agent=agent,
            )
        )


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def unchanged(headers: Message, etag: str, modified_at: datetime | None) -> bool:
    """Say whether the visitor's copy is still good; an entity tag, where given, decides alone (RFC 9110)."""
    asked = headers.get("If-None-Match")
    if asked is not None:
        return any(match.group(0) == "*" or match.group(1) == etag for match in ETAG.finditer(asked))
    since = headers.get("If-Modified-Since")
    if since is None or modified_at is None:
        return False
    try:
        return modified_at.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False
