"""Receivers over the loopback that keep what they are given: a mail server, an HTTP server that answers as told."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mails:
    """What a mail server got; ``answer`` is what it says at the end of each message."""

    port: int = 0
    answer: str = "250 taken"
    found: list[tuple[list[str], bytes]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Keep a message that is taken."""
        if self.answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.found.append((list(envelope.rcpt_tos), envelope.content))
        return self.answer


@contextlib.contextmanager
def mail_receiver() -> Iterator[Mails]:
    """Run a mail server without TLS for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        mails = Mails(port=listener.getsockname()[1])
    controller = Controller(mails, hostname="127.0.0.1", port=mails.port)
    controller.start()
    try:
        yield mails
    finally:
        controller.stop()


@dataclass
class Posts:
    """What an HTTP server got, and what it answers with; status 0 ends the connection without an answer."""

    url: str = ""
    status: int = 200
    answer: bytes = b'{"errcode":0,"errmsg":"ok"}'
    found: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def bodies(self) -> list[dict[str, Any]]:
        """Return the bodies as JSON."""
        return [json.loads(body) for _, _, body in self.found]


@contextlib.contextmanager
def http_receiver(*, holds: bool = False) -> Iterator[Posts]:
    """Run an HTTP server for as long as the block lasts; with ``holds`` it answers when ``go_on`` is set."""
    posts = Posts()
    if not holds:
        posts.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posts.found.append((self.path, dict(self.headers), body))
            posts.came.set()
            posts.go_on.wait(60)
            if posts.status:
                self.send_response(posts.status)
                self.send_header("Content-Length", str(len(posts.answer)))
                self.end_headers()
                self.wfile.write(posts.answer)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    posts.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield posts
    finally:
        posts.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
