"""What all transports share: the receipt, an end to every conversation, and words of strangers on one line."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORDS_KEPT = 500
"""Characters kept of what a receiver says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a receiver answered on taking something: its words on one line; of a mail also its message id."""

    words: str
    message_id: str | None = None


@contextlib.contextmanager
def time_limit(connection: Callable[[], socket.socket | None], seconds: float) -> Iterator[threading.Event]:
    """End the connection when the time is over, so that a receiver that drips bytes cannot hold us.

    A reader or writer at it gets an end of file or an OSError; the event tells that it was us.
    """
    over = threading.Event()

    def end() -> None:
        over.set()
        found = connection()
        if found is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)  # below TLS, whose own shutdown would wait

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()


def one_line(words: str | bytes) -> str:
    """Return a stranger's words cut, on one line, with nothing that steers a terminal."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    plain = "".join(mark if mark.isprintable() else " " for mark in text[: 4 * WORDS_KEPT])
    return " ".join(plain.split())[:WORDS_KEPT]
