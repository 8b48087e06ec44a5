"""Running a desk on a socket, in the foreground or in a thread."""

from __future__ import annotations

import contextlib
import socket
from threading import Event, Thread
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

_BACKLOG = 128


def serve(
    app: FastAPI, host: str = "127.0.0.1", port: int = 0, *, ready: Callable[[str], None] | None = None
) -> None:
    """Serve a desk until the process is told to stop; ``ready`` gets the URL, with the port that 0 became."""
    with _listening(host, port) as listener:
        if ready is not None:
            ready(_url(host, listener))
        _server(app).run(sockets=[listener])


@contextlib.contextmanager
def serving(app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve a desk in a thread for as long as the block lasts; gives the URL."""
    with _listening(host, port) as listener:
        server = _server(app)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="desk", daemon=True)
        thread.start()
        waiting = Event()
        while not server.started and thread.is_alive():
            waiting.wait(0.01)
        try:
            yield _url(host, listener)
        finally:
            server.should_exit = True
            thread.join()


def _server(app: FastAPI) -> uvicorn.Server:
    proxies = list(app.state.desk.settings.trusted_proxies)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=2,
        )
    )


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _url(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
