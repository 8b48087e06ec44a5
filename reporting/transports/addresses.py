"""Whether a receiver's address may be connected to: public ones over https, private ones only where allowed."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from storage.errors import PermanentSendError, RetryableSendError

_NAT64 = IPv6Network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}


def split_url(url: str) -> SplitResult:
    """Return a receiver's URL in parts.

    Raises:
        ValueError: not http or https, no host, a user, a password or a fragment in it, or no ASCII.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("an address is ASCII without blanks")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("an address begins with https:// and a host (http:// only inside the house)")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("an address holds no user, password or fragment")
    if parts.port == 0:
        raise ValueError("there is no port 0")
    return parts


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL."""
    return parts.port or _PORTS[parts.scheme]


def look_up(parts: SplitResult, *, private: bool) -> str:
    """Return the IP address to connect to; connecting to it, not to the name, leaves no second look-up to fool.

    Raises:
        RetryableSendError: the name is not known now.
        PermanentSendError: an address is private and that is not allowed, or http would leave the house.
    """
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, port_of(parts), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RetryableSendError(host, f"the name cannot be looked up: {error}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    inside = [address for address in addresses if not is_public(address)]
    if inside and not private:
        raise PermanentSendError(host, f"{inside[0]} is no public address; a receiver inside needs private: true")
    if parts.scheme == "http" and len(inside) < len(addresses):
        raise PermanentSendError(host, "http shows everything on the way: use https")
    return addresses[0]


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, also where it wraps an IPv4 address."""
    found = ip_address(address.partition("%")[0])
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in _meanings(found))


def _meanings(found: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    if isinstance(found, IPv4Address):
        return [found]
    wrapped = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
    if found in _NAT64:
        wrapped.append(IPv4Address(int(found) & 0xFFFFFFFF))
    return [one for one in wrapped if one is not None] or [found]
