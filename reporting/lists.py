"""The lists behind the figures: for each number of the weekly summary the targets, items or posts it counts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from reporting.cases import Measure, cases, through
from reporting.weekly import age_class, every_open_item, is_fresh
from storage.open_items import flagged_clues, is_sent, seen_posts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reporting.cases import Case
    from reporting.weekly import Period
    from storage.open_items import OpenItem
    from storage.records import Json

TARGETS = tuple(Measure)
"""Counts whose lists are of targets with what became of them."""

UNDER_WAY = ("preparing", "under_way")
"""Counts whose lists are of items: those not sent yet, and those sent and not settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which part of what is counted: of a week's end, of a platform or channel, only what was new in the week."""

    period: Period
    platform: str | None = None
    channel: str | None = None
    new: bool = False
    age: int | None = None

    @property
    def since(self) -> datetime | None:
        """When what is wanted began, None for whenever."""
        return self.period.since if self.new else None


def list_targets(
    conn: Connection, measure: Measure, choice: Choice, *, before: int | None = None, limit: int
) -> list[Case]:
    """Return the targets that a number counts, newest clue first, those below a clue's number where one is given.

    They are found by the same steps that count them; the cost grows with the targets that have to be looked at.
    """
    found = cases(conn, until=choice.period.until, after=before or 0, newest=True)
    return list(islice(_wanted(found, measure, choice), limit))


def list_under_way(
    conn: Connection, count: str, choice: Choice, *, after: int | None = None, limit: int
) -> list[OpenItem]:
    """Return the items that a number counts, the oldest first, those above an item's number where one is given."""
    until = choice.period.until
    items = (
        item
        for item in every_open_item(conn, until=until, after=after or 0)
        if is_sent(item.state) == (count == "under_way")
        and choice.age in (None, age_class(item, until))
        and choice.platform in (None, item.platform)
        and choice.channel in (None, item.channel)
    )
    return list(islice(items, limit))


def list_flagged(conn: Connection, choice: Choice, *, before: int | None = None, limit: int) -> list[int]:
    """Return the ids of the clues that were made, newest first."""
    return flagged_clues(conn, since=choice.since, until=choice.period.until, before=before, limit=limit)


def list_seen(conn: Connection, choice: Choice, *, before: int | None = None, limit: int) -> list[Json]:
    """Return the posts that were seen, the newest row first."""
    return seen_posts(conn, since=choice.since, until=choice.period.until, before=before, limit=limit)


def _wanted(found: Iterator[Case], measure: Measure, choice: Choice) -> Iterator[Case]:
    for case in found:
        if choice.platform not in (None, case.one.platform):
            continue
        part = case if choice.channel is None else through(case, choice.channel)
        if part is None or measure not in part.measures:
            continue
        if not choice.new or is_fresh(part, measure, choice.period):
            yield part
