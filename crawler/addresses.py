"""Which network addresses may be connected to: public ones, and a private source's own host. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from crawler.urls import DEFAULT_PORTS, origin

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, also where it wraps an IPv4 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in _meanings(found))


def _meanings(found: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    if isinstance(found, IPv4Address):
        yield found
        return
    wrapped = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
    if found in _NAT64:
        wrapped.append(IPv4Address(int(found) & 0xFFFFFFFF))
    inner = [one for one in wrapped if one is not None]
    yield from inner
    if not inner:
        yield found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where a source may be read: ``origins`` are the hosts and ports of its own addresses.

    ``private`` names those among them that may have loopback and private addresses.
    """

    origins: frozenset[tuple[str, int]]
    private: frozenset[tuple[str, int]] = frozenset()

    def knows(self, url: str) -> bool:
        """Tell whether an address is of one of the source's hosts; ``www.`` and https in front of it are too."""
        host, port = origin(url)
        return any(
            host.removeprefix("www.") == own.removeprefix("www.")
            and (port == own_port or {port, own_port} <= set(DEFAULT_PORTS.values()))
            for own, own_port in self.origins
        )

    def allows(self, host: str, port: int, address: str) -> bool:
        """Tell whether a connection to an address, found under this host and port, may be made."""
        return is_public(address) or (host.lower(), port) in self.private


def reach_of(urls: tuple[str, ...], *, private_host: str | None = None) -> Reach:
    """Return the reach of a source whose own addresses these are; only ``private_host`` may be a private one."""
    origins = frozenset(origin(url) for url in urls)
    return Reach(origins=origins, private=frozenset(one for one in origins if one[0] == private_host))
