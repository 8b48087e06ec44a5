"""Names to addresses under guard: what may not be connected to is never handed to a connection.

The check is made on the very addresses that are connected to: a name that changes its address between check and use
(DNS rebinding) gains nothing, and addresses written as numbers, in whatever spelling, come this way too.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Self

from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

from crawler.addresses import Reach, is_public

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.internet.interfaces import IAddress

PRIVATE_SETTING = "SOURCE_REACH_PRIVATE"
"""Scrapy setting: hosts and ports that may have private addresses, as pairs."""


def only_private(host: str, port: int) -> str | None:
    """Return an address of a host that has private addresses only, None where it has others or none at all."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError:
        return None
    return found[0] if found and not any(map(is_public, found)) else None


class _GuardedReceiver:
    """Passes on the addresses that may be connected to."""

    def __init__(self, receiver: Any, reach: Reach, *, host: str, port: int) -> None:  # noqa: ANN401 - an interface
        self._receiver = receiver
        self._reach = reach
        self._host = host
        self._port = port

    def resolutionBegan(self, resolution: object) -> None:  # noqa: N802 - Twisted's name
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: IAddress) -> None:  # noqa: N802 - Twisted's name
        if self._reach.allows(self._host, self._port, str(getattr(address, "host", ""))):
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802 - Twisted's name
        self._receiver.resolutionComplete()


class GuardedResolver:
    """The reactor's resolver with the guard in front of it."""

    def __init__(self, reactor: Any, reach: Reach) -> None:  # noqa: ANN401 - one of Twisted's reactors
        self._reactor = reactor
        self._inner = reactor.nameResolver
        self._reach = reach

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> Self:  # noqa: ANN401 - one of Twisted's reactors
        """Make the resolver from the crawl's settings."""
        pairs = crawler.settings.getlist(PRIVATE_SETTING)
        private = frozenset((str(host), int(port)) for host, port in pairs)
        return cls(reactor, Reach(origins=private, private=private))

    def install_on_reactor(self) -> None:
        """Put the guard in front of the reactor's resolver."""
        self._reactor.installNameResolver(self)

    def resolveHostName(  # noqa: N802 - Twisted's name
        self,
        resolutionReceiver: object,  # noqa: N803 - Twisted's name
        hostName: str,  # noqa: N803 - Twisted's name
        portNumber: int = 0,  # noqa: N803 - Twisted's name
        addressTypes: object = None,  # noqa: N803 - Twisted's name
        transportSemantics: str = "TCP",  # noqa: N803 - Twisted's name
    ) -> object:
        """Resolve a name; addresses that may not be connected to are left out."""
        guarded = _GuardedReceiver(resolutionReceiver, self._reach, host=hostName, port=portNumber)
        return self._inner.resolveHostName(guarded, hostName, portNumber, addressTypes, transportSemantics)


implementer(IHostnameResolver)(GuardedResolver)
implementer(IResolutionReceiver)(_GuardedReceiver)
