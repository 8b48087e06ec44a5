"""robots.txt (RFC 9309): what a host's file means for us. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from protego import Protego

USER_AGENT_NAME = "QingyuanBot"
"""The name that a site's robots.txt can address."""

ROBOTS_DISALLOW = "robots.txt disallows it"
"""Why a page is not asked for that the file disallows."""

MAX_BYTES = 500 << 10
"""Bytes of a robots.txt that are read; the RFC asks for at least 500 KiB."""

_MAX_DELAY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RobotsVerdict:
    """What a robots.txt allows. ``rule``: ``rules``, ``allow_all`` or ``unreachable``."""

    rule: str
    rules: Protego | None = None

    @property
    def reachable(self) -> bool:
        """Whether the host may be read at all."""
        return self.rule != "unreachable"

    def allows(self, url: str, agent: str) -> bool:
        """Tell whether a page may be read under this name."""
        if self.rules is not None:
            return bool(self.rules.can_fetch(url, agent))
        return self.reachable

    def delay_seconds(self, agent: str) -> float:
        """Return the Crawl-delay asked for, at most a minute; 0 where there is none."""
        asked = self.rules.crawl_delay(agent) if self.rules is not None else None
        return min(float(asked), _MAX_DELAY_SECONDS) if asked else 0.0


def robots_url(url: str) -> str:
    """Return the address of the robots.txt that is in force for a page."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))


def judge_robots(status: int | None, body: bytes) -> RobotsVerdict:
    """Return the verdict of an answer; None = the host did not answer.

    4xx, and redirects that lead nowhere, mean that there is no file and everything is allowed (RFC 9309 §2.3.1);
    429 and everything else that is no success mean that the host must be left alone.
    """
    if status is not None and 200 <= status < 300:  # noqa: PLR2004 - HTTP's own classes
        return RobotsVerdict("rules", Protego.parse(body[:MAX_BYTES].decode("utf-8", "replace")))
    if status is not None and 300 <= status < 500 and status != 429:  # noqa: PLR2004 - HTTP's own classes
        return RobotsVerdict("allow_all")
    return RobotsVerdict("unreachable")
