"""What the simulated world is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from demo.simulation.rates import Look, Treatment, Trick, Weather
    from demo.simulation.writing import Text


class By(StrEnum):
    """Who made a target disappear or return."""

    REPORT = "report"  # the platform, because of our report
    MODERATOR = "moderator"  # the platform, of itself
    AUTHOR = "author"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From ``at`` on a target is there or not; ``look`` is how its page shows that it is gone."""

    at: datetime
    there: bool
    by: By
    look: Look | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A time from ``start`` up to ``end`` in which something is so."""

    what: Trick | Weather
    start: datetime
    end: datetime

    def covers(self, at: datetime) -> bool:
        """Tell whether a moment lies in it."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment; ``address`` is the page's path with its element id."""

    address: str
    author: str
    text: str
    published_at: datetime
    category: str | None = None

    @property
    def element_id(self) -> str:
        """The id of its element on the page."""
        return self.address.partition("#")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One post with its comments; ``operator`` is the ring behind an offer, ``repost_of`` the post it follows."""

    address: str
    board: str
    author: str
    text: Text
    published_at: datetime
    contact: str | None = None
    operator: str | None = None
    repost_of: str | None = None
    edit: str = ""
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The truth about a target at a moment; ``since`` and ``by`` say how it came to be so."""

    there: bool
    since: datetime
    by: By | None = None
    look: Look | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One item that reached the platform, what it does about it and what it answers when (None = never)."""

    item: str
    address: str
    at: datetime
    treatment: Treatment
    effective_at: datetime | None = None
    words: str | None = None
    answered_at: datetime | None = None
    duplicate: bool = False
