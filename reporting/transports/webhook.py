"""Signed HTTP: one POST, signed over its time and body, with an idempotency key, and no doubt about what arrived.

A receiver checks ``X-Qingyuan-Signature: v1=<hex>``: HMAC-SHA256 with the shared secret over
``X-Qingyuan-Timestamp``, a full stop and the body. A repeat of a request carries the same ``Idempotency-Key``.

The last piece of the body is sent apart: whatever fails before it left nothing that a receiver could act on.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import socket
import ssl
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reporting.transports.addresses import look_up, port_of, split_url
from reporting.transports.conversation import one_line, time_limit
from storage.errors import PermanentSendError, RetryableSendError, UnknownResultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from urllib.parse import SplitResult

KEY, TIMESTAMP, SIGNATURE = "Idempotency-Key", "X-Qingyuan-Timestamp", "X-Qingyuan-Signature"

ANSWER_BYTES = 64 * 1024
"""How much of an answer is read; the rest is left."""

_PIECE = 1 << 16
_LONGEST_WAIT_SECONDS = 7 * 24 * 3600.0
_NOT_TAKEN = {408, 421, 425, 429}  # RFC 9110 §15.5.9 and §15.5.20, RFC 8470 §5.2, RFC 6585 §4: may be repeated
_BEING_TAKEN = 409  # a request with this key is being worked on
_UNAVAILABLE = 503
_FIRST_FINAL = 200  # what comes below announces an answer, RFC 9110 §15.2
_NEVER = {501, 505}  # not implemented; every other 5xx may have come after the work was done


@dataclass(frozen=True, slots=True, kw_only=True)
class PostTarget:
    """Where a POST goes and the secret that signs it (None = unsigned, for receivers with a way of their own).

    ``private`` allows loopback and private addresses, and http to those. ``timeout_seconds`` is for each step,
    ``deadline_seconds`` for the whole; ``ca_file`` names the only authority trusted (None = the system's).
    """

    url: str = field(repr=False)  # robots of chat groups carry their key in it
    secret: bytes | None = field(repr=False)
    private: bool = False
    ca_file: Path | None = None
    timeout_seconds: float = 30.0
    deadline_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostAnswer:
    """What the receiver said on taking a POST: status, the beginning of its body, and that on one line."""

    status: int
    body: bytes
    words: str


def post_signed(
    target: PostTarget,
    body: bytes | Path,
    *,
    key: str,
    now: datetime,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> PostAnswer:
    """POST a body, or a file as it is now, and return the answer of success (2xx). Redirects are never followed.

    Raises:
        RetryableSendError: surely nothing arrived, or the receiver said "not now": not reached, 408, 425, 429, or
            503 with Retry-After.
        PermanentSendError: surely nothing was taken: other 3xx and 4xx, no trusted TLS, an address not allowed.
        UnknownResultError: the connection ended or a gateway failed after everything may have arrived.
    """
    parts = _allowed(target)
    where = parts.hostname or ""
    sent = _headers(target, parts, body, key=key, now=now)
    sent |= {"Content-Type": content_type, **(headers or {})}
    with _connected(target, parts) as conn, time_limit(_socket_of(conn), target.deadline_seconds):
        last = _all_but_the_last(conn, parts, sent, body)
        try:
            conn.send(last)
            answer = conn.getresponse()
        except (OSError, http.client.HTTPException) as error:
            why = one_line(str(error)) or type(error).__name__
            raise UnknownResultError(where, f"no answer after everything was handed over: {why}") from None
        return _read(where, answer, now=now)


def _socket_of(conn: http.client.HTTPConnection) -> Callable[[], socket.socket]:
    """Return the socket as it is now: the connection forgets it while an answer is still being read."""
    found = conn.sock
    return lambda: found


def signature(secret: bytes, timestamp: str, body: bytes | Path) -> str:
    """Return the value of the signature header for a body sent at a time (seconds since 1970)."""
    made = hmac.new(secret, f"{timestamp}.".encode(), hashlib.sha256)
    for piece in _pieces(body):
        made.update(piece)
    return f"v1={made.hexdigest()}"


def _allowed(target: PostTarget) -> SplitResult:
    try:
        return split_url(target.url)
    except ValueError as error:
        raise PermanentSendError("webhook", str(error)) from None


def _headers(
    target: PostTarget, parts: SplitResult, body: bytes | Path, *, key: str, now: datetime
) -> dict[str, str]:
    timestamp = str(int(now.timestamp()))
    size = body.stat().st_size if isinstance(body, Path) else len(body)
    made = {"Host": parts.netloc, KEY: key, "Content-Length": str(size), "User-Agent": "Qingyuan"}
    if target.secret is not None:
        made |= {TIMESTAMP: timestamp, SIGNATURE: signature(target.secret, timestamp, body)}
    return made | {"Connection": "close", "Accept-Encoding": "identity"}


@contextlib.contextmanager
def _connected(target: PostTarget, parts: SplitResult) -> Iterator[http.client.HTTPConnection]:
    """Connect to an address that was checked; proxies of the environment are not used."""
    where = parts.hostname or ""
    context = _tls(target, where) if parts.scheme == "https" else None
    address = look_up(parts, private=target.private)
    conn = http.client.HTTPConnection(where, port_of(parts), timeout=target.timeout_seconds)
    try:
        conn.sock = socket.create_connection((address, port_of(parts)), timeout=target.timeout_seconds)
        if context is not None:
            conn.sock = context.wrap_socket(conn.sock, server_hostname=where)
    except ssl.SSLCertVerificationError as error:
        conn.close()
        raise PermanentSendError(where, one_line(str(error))) from None
    except OSError as error:
        conn.close()
        raise RetryableSendError(where, one_line(str(error)) or type(error).__name__) from None
    conn.auto_open = 0  # a lost connection is not opened again behind our back
    try:
        yield conn
    finally:
        conn.close()


def _tls(target: PostTarget, where: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=target.ca_file)
    except OSError as error:
        raise PermanentSendError(where, f"the authority in {target.ca_file} cannot be read: {error}") from None


def _all_but_the_last(
    conn: http.client.HTTPConnection, parts: SplitResult, headers: Mapping[str, str], body: bytes | Path
) -> bytes:
    """Send the head and all of the body but its last piece, which is returned; a failure leaves nothing behind."""
    where = parts.hostname or ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    held = b""
    try:
        conn.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            conn.putheader(name, value)
        conn.endheaders()
        for piece in _pieces(body):
            if held:
                conn.send(held)
            held = piece
    except (OSError, http.client.HTTPException) as error:
        raise RetryableSendError(where, one_line(str(error)) or type(error).__name__) from None
    except ValueError as error:
        raise PermanentSendError(where, f"a header cannot be sent: {one_line(str(error))}") from None
    return held


def _pieces(body: bytes | Path) -> Iterator[bytes]:
    if isinstance(body, bytes):
        yield from (body[start : start + _PIECE] for start in range(0, len(body), _PIECE))
        return
    with body.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _read(where: str, answer: http.client.HTTPResponse, *, now: datetime) -> PostAnswer:
    """Return an answer of success; raise what any other one means."""
    body = b""
    with contextlib.suppress(OSError, http.client.HTTPException):  # the status alone decides
        body = answer.read(ANSWER_BYTES)
    words = one_line(f"{answer.status} {answer.reason} ") + " " + one_line(body)
    if answer.status // 100 == 2:  # noqa: PLR2004 - success
        return PostAnswer(status=answer.status, body=body, words=one_line(words))
    wait = _wait_seconds(answer.headers.get("Retry-After"), now)
    if answer.status in _NOT_TAKEN or (answer.status == _UNAVAILABLE and wait is not None):
        raise RetryableSendError(where, one_line(words), retry_after_seconds=wait)
    if answer.status < _FIRST_FINAL or answer.status == _BEING_TAKEN or _failed_inside(answer.status):
        raise UnknownResultError(where, f"does not say whether it was taken: {one_line(words)}")
    if answer.status // 100 == 3:  # noqa: PLR2004 - a redirect
        raise PermanentSendError(where, f"redirects are not followed, give the final address: {one_line(words)}")
    raise PermanentSendError(where, one_line(words))


def _failed_inside(status: int) -> bool:
    return status // 100 == 5 and status not in _NEVER  # noqa: PLR2004 - the receiver's own failure


def _wait_seconds(text: str | None, now: datetime) -> float | None:
    """Return how long ``Retry-After`` asks to wait, in seconds or until a date; None when it does not say."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return min(float(text), _LONGEST_WAIT_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), _LONGEST_WAIT_SECONDS)
