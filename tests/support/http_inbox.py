"""A receiver of signed HTTP that remembers what it took, and misbehaves on order.

It never relies on the idempotency key to hide a repeat: :attr:`Receiver.taken` grows each time it would have acted.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

SECRET = "a-shared-secret-of-the-tests"
FINE = "ok"
NOT_TAKEN = ("reset_early", "busy", "unavailable", "bad_request", "redirect", "slow_down")
"""What the receiver does without taking the request; everything else takes it."""

_STATUS = {"busy": 503, "unavailable": 503, "bad_request": 400, "redirect": 302, "slow_down": 429, "broken": 500}


@dataclass(frozen=True, slots=True)
class Taken:
    """One request that the receiver acted on."""

    path: str
    key: str
    batch: str
    body: bytes


@dataclass(slots=True)
class Plan:
    """What happens to the next request at a path; ``meanwhile`` runs before, ``afterwards`` after taking it."""

    does: str = FINE
    meanwhile: Callable[[], None] | None = None
    afterwards: Callable[[], None] | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class Receiver:
    """A server on the loopback; ``plans`` are used up one by one per path, then everything is fine."""

    tls: ssl.SSLContext | None = None
    taken: list[Taken] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    plans: dict[str, list[Plan]] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)
    keep_bodies: bool = True
    _server: ThreadingHTTPServer | None = None
    _closing: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Receiver:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                with contextlib.suppress(OSError):
                    receiver._answer(self)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *args: Any) -> None:
                """Say nothing: a client that was killed is what the test wants."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        assert self._server is not None
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str = "/in", *, host: str = "127.0.0.1") -> str:
        """Return the address of a path."""
        assert self._server is not None
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{host}:{self._server.server_address[1]}{path}"

    def plan(self, path: str, does: str, **wanted: Any) -> None:
        """Order what happens to a coming request at a path."""
        self.plans.setdefault(path, []).append(Plan(does, **wanted))

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        with self._lock:
            waiting = self.plans.get(request.path, [])
            plan = waiting.pop(0) if waiting else Plan()
            self.headers.append(dict(request.headers))
            self.seen.append((request.path, request.headers["Idempotency-Key"]))
        if plan.does == "reset_early":
            _reset(request)
            return
        body = _whole_body(request)
        if body is None:
            return
        if plan.meanwhile is not None:
            plan.meanwhile()
        if plan.does not in NOT_TAKEN:
            self._take(request, body)
        if plan.afterwards is not None:
            plan.afterwards()
        self._reply(request, plan)

    def _take(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        _check_signature(request, body)
        kept = body if self.keep_bodies else b""
        found = Taken(
            request.path, request.headers["Idempotency-Key"], request.headers["X-Qingyuan-Batch"] or "", kept
        )
        with self._lock:
            self.taken.append(found)

    def _reply(self, request: BaseHTTPRequestHandler, plan: Plan) -> None:
        if plan.does == "reset_late":
            _reset(request)
        elif plan.does == "hang":
            self._closing.wait(plan.seconds or 30)
        elif plan.does == "garbage":
            request.wfile.write(b"\x00\xff nonsense\r\n\r\n")
        elif plan.does == "drip":
            self._drip(request)
        else:
            if plan.does == "late":
                time.sleep(plan.seconds)
            _send_status(request, plan.does)

    def _drip(self, request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.")
        while not self._closing.wait(0.05):
            request.wfile.write(b"a")


def _whole_body(request: BaseHTTPRequestHandler) -> bytes | None:
    size = int(request.headers["Content-Length"])
    body = request.rfile.read(size)
    return body if len(body) == size else None


def _check_signature(request: BaseHTTPRequestHandler, body: bytes) -> None:
    stamp = request.headers["X-Qingyuan-Timestamp"]
    wanted = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert request.headers["X-Qingyuan-Signature"] == f"v1={wanted}"


def _send_status(request: BaseHTTPRequestHandler, does: str) -> None:
    answer = b'{"receipt": "R-77"}'
    request.send_response(_STATUS.get(does, 200))
    if does in {"busy", "slow_down"}:
        request.send_header("Retry-After", "120")
    if does == "redirect":
        request.send_header("Location", "http://127.0.0.1:1/elsewhere")
    request.send_header("Content-Length", str(len(answer)))
    request.end_headers()
    request.wfile.write(answer)


def _reset(request: BaseHTTPRequestHandler) -> None:
    """Close with RST instead of an orderly end."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.rfile.close()
    request.wfile.close()
    request.connection.close()
