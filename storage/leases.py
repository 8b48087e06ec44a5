"""Who holds a lease: owners name host, process id and process start, so that the dead are told at once."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from functools import cache
from pathlib import Path

LEASE = timedelta(seconds=60)
"""A lease without heartbeat expires after this time."""

HEARTBEAT = timedelta(seconds=10)
"""How often a holder renews its lease."""


_OVER = ("Z", "X", "x")  # states of /proc/<pid>/stat, proc(5)


def process_start(pid: int) -> str:
    """Return the start of a process in clock ticks since boot; empty when there is no such process any more.

    One that was killed and is not yet collected by its parent does nothing more, and counts as gone.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # from the third field on, after the command in brackets
    return "" if fields[0] in _OVER else fields[19]


def owner_of(pid: int) -> str:
    """Return the owner name of a process of this host that runs now, ``host/pid/start``."""
    return f"{socket.gethostname()}/{pid}/{process_start(pid)}"


_own_name = cache(owner_of)


def lease_owner() -> str:
    """Return this process's owner name, ``host/pid/start``."""
    return _own_name(os.getpid())


def is_dead(owner: str) -> bool:
    """Return whether an owner of this host is surely gone; owners on other hosts never are (leases expire)."""
    try:
        host, pid, start = owner.rsplit("/", 2)
        number = int(pid)
    except ValueError:
        return False
    return host == socket.gethostname() and process_start(number) != start
