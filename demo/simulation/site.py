"""The simulated forum over loopback: one plain HTTP server that shows the world at its own time."""

from __future__ import annotations

import sys
import threading
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from demo.simulation.pages import SITEMAP, answer

if TYPE_CHECKING:
    from demo.simulation.world import World

LOOPBACK = "127.0.0.1"
SOURCE = "forum"


class Site:
    """The forum, served from ``start`` to ``stop``; a port of 0 takes a free one."""

    def __init__(self, world: World, *, port: int = 0) -> None:
        self._server = _Server((LOOPBACK, port), _Handler)
        self._server.world = world
        self.base = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        self._server.base = self.base
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="simulated-forum", daemon=True
        )

    @property
    def pages_served(self) -> int:
        """How many requests were answered so far."""
        return self._server.answered

    def watch_source(self) -> dict[str, object]:
        """Return the entry of a watch file with which the forum is read."""
        return {
            "name": SOURCE,
            "platform": "web",
            "access": "open",
            "base_url": self.base,
            "start": [SITEMAP],
            "article": r"^/t/\d+\.html$",
            "private": True,
            "budget": {"pages_per_run": 5000, "delay_seconds": 0},
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    world: World
    base: str
    answered = 0

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore visitors that hang up, such as commands that were killed; everything else is shown as usual."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # handed on as they came


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "forum"
    sys_version = ""
    timeout = 10
    wbufsize = -1  # headers and body leave in one piece
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Answer with the page as it stands at the world's time."""
        server = self.server
        found = answer(server.world, self.path.partition("?")[0], at=server.world.now, base=server.base)
        server.answered += 1
        body = found.body.encode()
        self.send_response(found.status)
        if found.location:
            self.send_header("Location", found.location)
        self.send_header("Content-Type", found.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Write no log."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the world's time for the Date header."""
        if timestamp is not None:
            return super().date_time_string(timestamp)
        return format_datetime(self.server.world.now, usegmt=True)
