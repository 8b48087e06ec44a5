"""Serving pages over loopback: plain HTTP servers in threads that leave nothing open behind them."""

from __future__ import annotations

import re
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from email.message import Message

    from demo.pages import Page
    from demo.world import World

LOOPBACK = "127.0.0.1"
IDLE_SECONDS = 30  # a kept connection that asks for nothing is closed after this
ETAG = re.compile(r'(?:W/)?("[^"]*")|\*')
LONGEST_BODY = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One request that a platform answered."""

    site: str
    method: str
    path: str
    query: str
    status: int
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as a platform sees it; ``path`` is unquoted, of a repeated key the last value counts."""

    method: str
    path: str
    query: Mapping[str, str]
    raw_query: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Listening:
    """One listening platform with its thread; ``answer`` is set before the first request can be answered.

    A port of 0 takes a free one; raises OSError where the port is taken. ``host`` is the name by which visitors
    know this machine: ``localhost`` keeps other cookies than ``127.0.0.1``.
    """

    def __init__(self, world: World, name: str, *, port: int, hits: list[Hit], host: str = LOOPBACK) -> None:
        self._server = _Server((LOOPBACK, port), _Handler)
        self.base = f"http://{host}:{self._server.server_address[1]}"
        self._server.world = world
        self._server.name = name
        self._server.hits = hits
        self._name = name

    def start(self, answer: Callable[[Request], Page]) -> None:
        """Answer requests from now on."""
        self._server.answer = answer
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name=f"demo-{self._name}",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering and end every open connection."""
        if hasattr(self, "_thread"):
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """A server that knows its open connections, so that closing it leaves none behind."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64
    world: World
    name: str
    answer: Callable[[Request], Page]
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

    def do_POST(self) -> None:
        """Answer a form or a call of a page's own script."""
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Write no log; ``hits`` holds the requests."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the world's time for the Date header."""
        if timestamp is not None:
            return super().date_time_string(timestamp)
        return _http_date(self.server.world.now)

    def _answer(self, *, with_body: bool) -> None:
        request = self._request()
        page = self.server.answer(request)
        etag = f'"{sha256(page.body).hexdigest()[:20]}"'
        status = page.status
        if self.command != "POST" and status == HTTPStatus.OK and unchanged(self.headers, etag, page.modified_at):
            status = HTTPStatus.NOT_MODIFIED
        self._note(request, status)
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Cache-Control", page.cache)
        if page.modified_at:
            self.send_header("Last-Modified", _http_date(page.modified_at))
        for name, value in page.headers:
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", page.content_type)
            self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        if with_body and status != HTTPStatus.NOT_MODIFIED:
            self.wfile.write(page.body)

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        length = self.headers.get("Content-Length", "0")
        size = min(int(length), LONGEST_BODY) if length.isascii() and length.isdecimal() else 0
        return Request(
            method=self.command,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query)),
            raw_query=parts.query,
            cookies=_cookies(self.headers.get("Cookie", "")),
            body=self.rfile.read(size) if size else b"",
        )

    def _note(self, request: Request, status: int) -> None:
        self.server.hits.append(
            Hit(
                site=self.server.name,
                method=self.command,
                path=urlsplit(self.path).path,
                query=request.raw_query,
                status=int(status),
                user_agent=self.headers.get("User-Agent", ""),
            )
        )


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


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
