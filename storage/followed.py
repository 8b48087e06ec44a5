"""Which targets are followed: those confirmed and those sent, as they stood at any moment.

What counts for a moment is what had been recorded by then: decisions by the ledger, sendings by the event that
recorded them (a sending is often entered later than it happened). So a figure of a past day can be computed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.records import ClueState, SubmissionState
from storage.tables import clue, decision, post, submission, submission_event

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

_SENT = SubmissionState.SENT.value
_ANSWERED = (SubmissionState.ANSWERED.value, SubmissionState.NEED_MORE.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One item that was sent: when, as the sender says, and when an answer to it was recorded."""

    submission_id: int
    channel: str
    sent_at: datetime
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A clue whose target is followed: confirmed, or sent at some time; ``sendings`` by item, oldest first.

    ``decided_at`` is when it was confirmed, None when it is not (any more).
    """

    clue_id: int
    platform: str
    native_id: str
    target_kind: str
    source: str
    url: str | None
    confirmed: bool
    decided_at: datetime | None
    first_seen: datetime
    account_id: int | None
    sendings: tuple[Sending, ...] = ()

    @property
    def sent_at(self) -> datetime | None:
        """Its first sending."""
        return min((one.sent_at for one in self.sendings), default=None)

    @property
    def resent_at(self) -> datetime | None:
        """Its last sending."""
        return max((one.sent_at for one in self.sendings), default=None)

    @property
    def submission_id(self) -> int | None:
        """The last item that was sent."""
        return self.sendings[-1].submission_id if self.sendings else None

    def first_through(self, channel: str) -> datetime | None:
        """Return its first sending through a channel."""
        return min((one.sent_at for one in self.sendings if one.channel == channel), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Followed clues by id; ``after`` is where the next page begins, None after the last."""

    rows: list[Followed]
    after: int | None


def followed(
    conn: Connection, *, after: int = 0, limit: int = 200, until: datetime | None = None, newest: bool = False
) -> Page:
    """Return a page of the clues followed at a moment (``until``; now when None), in three statements.

    ``limit`` counts the clues looked at: a page may hold fewer rows, or none, and not be the last. With ``newest``
    the ids go down, and ``after`` 0 begins at the highest.
    """
    here = sa.true() if newest and not after else clue.c.id < after if newest else clue.c.id > after
    order = clue.c.id.desc() if newest else clue.c.id
    found = list(conn.execute(_candidates().where(here).order_by(order).limit(limit)))
    return Page(rows=_followed(conn, found, until), after=found[-1].id if len(found) == limit else None)


def followed_clues(conn: Connection, clue_ids: Collection[int]) -> list[Followed]:
    """Return those of these clues that are followed, by id."""
    found = list(conn.execute(_candidates().where(clue.c.id.in_(clue_ids)).order_by(clue.c.id)))
    return _followed(conn, found, None)


def _candidates() -> sa.Select[Any]:
    """Return the clues that are or ever were followed."""
    of_clue = sa.select(sa.literal(1)).correlate(clue)
    sent = of_clue.where(submission.c.clue_id == clue.c.id, submission.c.sent_at.is_not(None)).exists()
    was_confirmed = of_clue.where(
        decision.c.clue_id == clue.c.id, decision.c.state_to == ClueState.CONFIRMED.value
    ).exists()
    names = ("id", "platform", "target_native_id", "target_kind", "url", "state", "decided_at", "account_id")
    return (
        sa.select(*(clue.c[name] for name in names), post.c.source)
        .add_columns(sa.func.coalesce(clue.c.seen_at, post.c.first_seen, type_=clue.c.seen_at.type).label("seen"))
        .join_from(clue, post, post.c.id == clue.c.post_id)
        .where(sa.or_(clue.c.state == ClueState.CONFIRMED.value, sent, was_confirmed))
    )


def _followed(conn: Connection, found: Sequence[Row[Any]], until: datetime | None) -> list[Followed]:
    numbers = [row.id for row in found]
    confirmed = _confirmed_at(conn, found, until)
    sendings = _sendings(conn, numbers, until)
    return [
        Followed(
            clue_id=row.id,
            platform=row.platform,
            native_id=row.target_native_id,
            target_kind=row.target_kind,
            source=row.source,
            url=row.url,
            confirmed=confirmed.get(row.id) is not None,
            decided_at=confirmed.get(row.id),
            first_seen=row.seen,
            account_id=row.account_id,
            sendings=tuple(sendings.get(row.id, ())),
        )
        for row in found
        if confirmed.get(row.id) is not None or row.id in sendings
    ]


def _confirmed_at(
    conn: Connection, found: Sequence[Row[Any]], until: datetime | None
) -> dict[int, datetime | None]:
    """Return since when each clue was confirmed at a moment; None when it was not.

    A clue without a ledger, as older databases may hold, counts by its row.
    """
    in_time = sa.true() if until is None else decision.c.at <= until
    last = (
        sa.select(decision.c.clue_id, sa.func.max(sa.case((in_time, decision.c.id))).label("number"))
        .where(decision.c.clue_id.in_([row.id for row in found]))
        .group_by(decision.c.clue_id)
        .subquery()
    )
    query = sa.select(last.c.clue_id, decision.c.state_to, decision.c.at)
    ledger = {
        row.clue_id: row.at if row.state_to == ClueState.CONFIRMED else None
        for row in conn.execute(query.outerjoin_from(last, decision, decision.c.id == last.c.number))
    }
    return {
        row.id: row.decided_at
        for row in found
        if row.state == ClueState.CONFIRMED and row.decided_at and (until is None or row.decided_at <= until)
    } | ledger


def _sendings(conn: Connection, clue_ids: Sequence[int], until: datetime | None) -> dict[int, list[Sending]]:
    """Return what was sent of each clue, as recorded by a moment, by item."""
    event = submission_event
    recorded = sa.func.min(sa.case((event.c.state_to == _SENT, event.c.at)))
    answered = sa.func.min(sa.case((event.c.state_to.in_(_ANSWERED), event.c.at)))
    query = (
        sa.select(submission.c.id, submission.c.clue_id, submission.c.channel, submission.c.sent_at)
        .add_columns(answered.label("answered_at"))
        .join_from(submission, event, event.c.submission_id == submission.c.id)
        .where(submission.c.clue_id.in_(clue_ids), submission.c.sent_at.is_not(None))
        .group_by(submission.c.id, submission.c.clue_id, submission.c.channel, submission.c.sent_at)
        .having(recorded.is_not(None))
        .order_by(submission.c.id)
    )
    if until is not None:
        query = query.where(event.c.at <= until)
    found: dict[int, list[Sending]] = {}
    for row in conn.execute(query):
        sending = Sending(
            submission_id=row.id, channel=row.channel, sent_at=row.sent_at, answered_at=row.answered_at
        )
        found.setdefault(row.clue_id, []).append(sending)
    return found
