"""A local web site in a thread: pages by path, what was asked for, slow and broken answers."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that came in; header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer; ``delay_seconds`` waits before it, ``cut`` closes the connection in the middle of the body."""

    body: bytes | str = b""
    status: int = 200
    content_type: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0
    cut: bool = False

    def content(self) -> bytes:
        """Return the body as bytes, text as UTF-8."""
        return self.body.encode("utf-8") if isinstance(self.body, str) else self.body


Answer: TypeAlias = Page | Callable[[Request], Page]
NOT_FOUND = Page(status=404, body="<title>404</title>")
NO_ROBOTS = Page(status=404, content_type="text/plain")


class Site:
    """A server on a free loopback port; ``pages`` may change while it runs."""

    def __init__(self, pages: Mapping[str, Answer] | None = None) -> None:
        self.pages: dict[str, Answer] = {"/robots.txt": NO_ROBOTS, **(pages or {})}
        self.requests: list[Request] = []
        self.faults: list[BaseException] = []
        self.stopping = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def host(self) -> str:
        """Return host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Return the start of every address, without a slash at the end."""
        return f"http://{self.host}"

    def put(self, path: str, body: bytes | str, **rest: Any) -> None:
        """Serve ``body`` under ``path`` (with its query, when that matters)."""
        self.pages[path] = Page(body=body, **rest)

    def hits(self, path: str) -> int:
        """Return how often ``path`` was asked for, whatever its query."""
        return sum(request.path == path for request in list(self.requests))

    def answer(self, request: Request) -> Page:
        """Return the page for a request: by path and query, else by path, else a 404."""
        self.requests.append(request)
        found = self.pages.get(f"{request.path}?{request.query}") or self.pages.get(request.path, NOT_FOUND)
        return found if isinstance(found, Page) else found(request)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
        if self.faults:
            raise self.faults[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for every answer and leaves no open socket behind
    request_queue_size = 128

    def __init__(self, site: Site) -> None:
        self.site = site
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other side was first

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep real faults for the end of the test; a client that was killed is none."""
        fault = sys.exc_info()[1]
        if fault is not None and not isinstance(fault, ConnectionError):
            self.site.faults.append(fault)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=parts.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        page = self.server.site.answer(request)
        if page.delay_seconds:
            self.server.site.stopping.wait(page.delay_seconds)
        self._send(page)

    do_POST = do_GET  # noqa: N815 - names that http.server looks for
    do_HEAD = do_GET  # noqa: N815

    def _send(self, page: Page) -> None:
        content = page.content()
        self.send_response(page.status)
        for name, value in {"Content-Type": page.content_type, **page.headers}.items():
            self.send_header(name, value)
        bodiless = page.status in {204, 304}
        if not bodiless:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if bodiless or self.command == "HEAD":
            return
        self.wfile.write(content[: len(content) // 2] if page.cut else content)
        self.close_connection = self.close_connection or page.cut

    def log_message(self, *_: object) -> None:
        """Stay quiet."""
