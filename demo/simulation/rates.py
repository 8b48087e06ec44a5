"""How the simulated world behaves: counts a week, shares and delays. Assumptions, not measurements.

Published figures for Chinese social platforms were not found; the wait for a removal leans on takedown figures for
phishing sites (median 42 h, later 10 h, of the British NCSC, 2017), the rest is chosen so that every case occurs
often enough to be counted in a few months.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the dataclass names it at run time
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Look(StrEnum):
    """How a page shows that something is gone."""

    HTTP_410 = "http_410"
    HTTP_404 = "http_404"
    KNOWN_NOTICE = "known_notice"  # 200 with forum software's own words
    UNKNOWN_NOTICE = "unknown_notice"  # 200 with words that no marker knows
    SOFT_404 = "soft_404"  # 200 with a search box and other posts
    TO_START = "to_start"  # redirect to the start page
    EMPTY = "empty"  # 200 with nothing in it
    AUTHOR_NOTICE = "author_notice"  # 404 that says that the author did it
    ABSENT = "absent"  # a comment that its page no longer has


class Trick(StrEnum):
    """What hides a target that is there."""

    LOGIN_WALL = "login_wall"
    MISSING_FOR_A_WHILE = "missing_for_a_while"
    AMBIGUOUS_NOTICE = "ambiguous_notice"
    MOVED = "moved"
    FOLDED = "folded"
    EDITED = "edited"


class Weather(StrEnum):
    """What befalls the whole site for a while."""

    CHALLENGE = "challenge"
    FAULTS = "faults"
    CONTROL_DOWN = "control_down"
    MAINTENANCE = "maintenance"


class Treatment(StrEnum):
    """What the platform does about one reported item."""

    REMOVED = "removed"
    REAPPEARS = "reappears"
    RESTRICTED = "restricted"
    REFUSED = "refused"
    IGNORED = "ignored"
    NOT_FOUND = "not_found"


GONE_LOOKS: Mapping[Look, int] = MappingProxyType(
    {
        Look.HTTP_410: 34,
        Look.HTTP_404: 34,
        Look.KNOWN_NOTICE: 20,
        Look.UNKNOWN_NOTICE: 5,
        Look.SOFT_404: 3,
        Look.TO_START: 3,
        Look.EMPTY: 1,
    }
)
"""Weights of how the platform shows that it removed a post."""

TREATMENTS: Mapping[Treatment, int] = MappingProxyType(
    {
        Treatment.REMOVED: 70,
        Treatment.REAPPEARS: 4,
        Treatment.RESTRICTED: 8,
        Treatment.REFUSED: 12,
        Treatment.IGNORED: 6,
    }
)
"""Weights of what the platform does about a solicitation that was reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A share of targets (or a wait between spells) and the shortest and longest time it lasts, in days."""

    share: float
    shortest: float
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The figures of a world; every share is between 0 and 1, every time in days."""

    offers: int = 18
    pitches: int = 8
    ordinary: int = 40
    operators: int = 12
    treatments: Mapping[Treatment, int] = field(default_factory=lambda: TREATMENTS)
    removal_median: float = 1.75
    removal_spread: float = 0.9
    """Sigma of the log-normal wait for a removal: half within 42 hours, one in 100 after two weeks."""
    answered: float = 0.8
    moderated_early: float = 0.05
    moderator_mean: float = 300.0
    author_mean: float = 300.0
    author_says_so: float = 0.7
    reposted: float = 0.35
    repost_median: float = 6.0
    keeps_contact: float = 0.7
    analyst_errors: float = 0.02
    error_is_seen: float = 0.7
    held_back: float = 0.08
    """Share of confirmed clues that compliance never sends, to see what disappears by itself."""
    learnt_week: int = 2
    """Week, from 0, in which the operator adds markers for the site's own ways to say that something is gone."""
    tricks: Mapping[Trick, Window] = field(
        default_factory=lambda: {
            Trick.LOGIN_WALL: Window(share=0.01, shortest=1, longest=15),
            Trick.MISSING_FOR_A_WHILE: Window(share=0.04, shortest=0.1, longest=2.5),
            Trick.AMBIGUOUS_NOTICE: Window(share=0.03, shortest=1, longest=12),
            Trick.MOVED: Window(share=0.007, shortest=3000, longest=3001),
            Trick.FOLDED: Window(share=0.05, shortest=3, longest=60),
            Trick.EDITED: Window(share=0.05, shortest=3000, longest=3001),
        }
    )
    weather: Mapping[Weather, Window] = field(
        default_factory=lambda: {
            Weather.CHALLENGE: Window(share=1 / 45, shortest=0.3, longest=1.2),
            Weather.FAULTS: Window(share=1 / 25, shortest=0.2, longest=0.8),
            Weather.CONTROL_DOWN: Window(share=1 / 30, shortest=0.8, longest=1.2),
            Weather.MAINTENANCE: Window(share=1 / 50, shortest=0.3, longest=1.0),
        }
    )
    """For weather ``share`` is the chance that a spell begins on a day."""
