"""What surrounds every answer: security headers, a bound on bodies, and the one place that takes every error."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from storage.logs import get_log, log_error

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY_BYTES = 64 * 1024
"""No form of the desk is larger; the rest is refused before it is read."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content Security Policy of every answer: our own files, nothing inline, nothing from elsewhere."""

HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), clipboard-read=()",
    "cache-control": "no-store",
}

_UNLOGGED = frozenset({"/static/{name}", "/healthz", "/metrics"})
_NOT_FOUND = 404  # from here on the path may be anything that somebody typed

_FAULT = "内部错误，详情见日志。 Internal error; details are in the log.\n".encode()
_TOO_LARGE = "表单过大。 The form is too large.\n".encode()


class BodyTooLargeError(Exception):
    """A request's body went over the bound while it was read."""


class Shield:
    """ASGI wrapper around the desk."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        answer, begun = _Answer(send), monotonic()
        try:
            await self.app(scope, _bounded(receive), answer.send)
        except BodyTooLargeError:
            await answer.plain(413, _TOO_LARGE)
        except Exception as error:  # noqa: BLE001 - the one place of the desk that takes every error
            log_error("request failed", error, method=scope["method"], route=_route(scope))
            await answer.plain(500, _FAULT)
        _log_access(scope, answer.status, monotonic() - begun)


class _Answer:
    """The answer on its way out, with our headers on it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = int(message["status"])
            own = {name.encode(): value.encode() for name, value in HEADERS.items()}
            theirs = [(name, value) for name, value in message["headers"] if name.lower() not in own]
            message = {**message, "headers": [*theirs, *own.items()]}
        await self._send(message)

    async def plain(self, status: int, body: bytes) -> None:
        """Send a plain text, unless an answer is on its way already."""
        if self.started:
            return
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _bounded(receive: Receive) -> Receive:
    """Return ``receive`` that raises once more than the largest body has come in."""
    left = LARGEST_BODY_BYTES

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise BodyTooLargeError
        return message

    return bounded


def _log_access(scope: Scope, status: int, seconds: float) -> None:
    """Log who asked for which page; what is read of a clue stands in the audit chain, searches are not logged."""
    route = _route(scope)
    if route in _UNLOGGED:
        return
    visit = scope.get("state", {}).get("visit")
    user = visit.session.actor().name if visit is not None and visit.session is not None else None
    place = scope["path"] if status < _NOT_FOUND else route
    get_log("qingyuan.desk").info(
        "request", method=scope["method"], path=place, status=status, ms=round(seconds * 1000), user=user
    )


def _route(scope: Scope) -> str:
    """Return the declared path of a request's route, such as ``/clues/{clue}``; empty when none was found."""
    return str(getattr(scope.get("route"), "path", ""))
