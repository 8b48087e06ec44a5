"""Nothing of a test reaches beyond the loopback: sockets and name look-ups elsewhere raise.

``install`` guards this process; ``guard_children`` makes Python children of this process guard themselves, by a
sitecustomize that they find on PYTHONPATH.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from typing import Any

LOCAL_NAMES = frozenset({"", "localhost", "localhost.localdomain", "0.0.0.0", "::"})  # noqa: S104 - own addresses
GUARD_FOLDER = Path(__file__).parent / "guard"


class NetworkBlockedError(RuntimeError):
    """A test tried to leave the machine; not an OSError, so that no code takes it for a network fault."""

    def __init__(self, host: object) -> None:
        super().__init__(f"tests reach nothing beyond the loopback, this one tried {host!r}")


def is_local(host: object) -> bool:
    """Tell whether a host name or address stays on this machine."""
    if host is None:
        return True
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if name.lower() in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(name.split("%")[0]).is_loopback
    except ValueError:
        return False


def is_address(host: object) -> bool:
    """Tell whether a host is written as an address, which needs no look-up."""
    try:
        ipaddress.ip_address(str(host).split("%")[0])
    except ValueError:
        return False
    return True


def install() -> None:
    """Guard this process; a second call changes nothing."""
    if getattr(socket.socket.connect, "guarded", False):
        return
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _guarded_method(name))
    socket.getaddrinfo = _guarded_lookup(socket.getaddrinfo)


def guard_children() -> None:
    """Let Python children guard themselves: put the sitecustomize first on their PYTHONPATH."""
    before = os.environ.get("PYTHONPATH", "")
    if str(GUARD_FOLDER) not in before.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(part for part in (str(GUARD_FOLDER), before) if part)


def _guarded_method(name: str) -> Any:
    original = getattr(socket.socket, name)

    def guarded(self: socket.socket, *args: Any) -> Any:
        address = args[-1]  # connect(address), sendto(data[, flags], address)
        if self.family in {socket.AF_INET, socket.AF_INET6} and not is_local(address[0]):
            raise NetworkBlockedError(address[0])
        return original(self, *args)

    guarded.guarded = True  # type: ignore[attr-defined]  # marks the method for a second install
    return guarded


def _guarded_lookup(original: Any) -> Any:
    def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        # An address needs no look-up and may be asked for: the product checks such answers itself.
        if not is_local(host) and not is_address(host):
            raise NetworkBlockedError(host)
        return original(host, *args, **kwargs)

    return lookup
