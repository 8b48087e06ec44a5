"""The targets that figures count, one by one, as they stood at a moment: what became of each, and how it counts.

Figures and the lists behind them go through here, so that a number is always as long as its list.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from storage.followed import followed
from storage.observations import observations_of
from storage.records import Cause, OutcomeKind, OutcomeState
from storage.transitions.outcome import PROBED_KINDS, fold, is_acted, is_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.followed import Followed
    from storage.transitions.outcome import Observation, Outcome

PAGE = 500


class Measure(StrEnum):
    """One way in which a target counts; a target may count in several."""

    CONFIRMED = "confirmed"
    UNSENT = "unsent"
    SENT = "sent"
    ANSWERED = "answered"
    ACTED = "acted"
    LIVE = "live"
    KNOWN = "known"
    UNKNOWN = "unknown"
    GONE = "gone"
    NOT_GONE = "not_gone"
    BEFORE_US = "before_us"
    SELF_DELETED = "self_deleted"
    REAPPEARED = "reappeared"
    NATURAL_GONE = "natural_gone"
    NATURAL_LIVE = "natural_live"
    NATURAL_UNKNOWN = "natural_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One followed target at a moment, and how it counts.

    ``sent_at`` is its first sending, through the channel where one was asked for; ``seen`` is what ``value`` was
    folded from.
    """

    one: Followed
    seen: Sequence[Observation]
    value: Outcome
    sent_at: datetime | None
    measures: frozenset[Measure]


def cases(conn: Connection, *, until: datetime, after: int = 0, newest: bool = False) -> Iterator[Case]:
    """Yield every followed target as recorded by a moment, by clue, page by page: four statements for each page."""
    place: int | None = after
    while place is not None:
        page = followed(conn, after=place, limit=PAGE, until=until, newest=newest)
        seen = observations_of(conn, [one.clue_id for one in page.rows], until=until)
        for one in page.rows:
            yield make_case(one, seen.get(one.clue_id, ()))
        place = page.after


def make_case(one: Followed, seen: Sequence[Observation]) -> Case:
    """Return how a target counts, by its first sending through any channel."""
    value = fold(seen, sent_at=one.sent_at)
    measures = {Measure.CONFIRMED, *_rate_measures(value, one.sent_at), _natural(one, seen, value)}
    if any(sending.answered_at for sending in one.sendings):
        measures.add(Measure.ANSWERED)
    return Case(one=one, seen=seen, value=value, sent_at=one.sent_at, measures=_kept(measures))


def through(case: Case, channel: str) -> Case | None:
    """Return the target as it counts for one channel, by its first sending there; None when it never went there."""
    sent_at = case.one.first_through(channel)
    if sent_at is None:
        return None
    value = case.value if sent_at == case.sent_at else fold(case.seen, sent_at=sent_at)
    measures: set[Measure | None] = set(_rate_measures(value, sent_at))
    if any(sending.answered_at for sending in case.one.sendings if sending.channel == channel):
        measures.add(Measure.ANSWERED)
    return Case(one=case.one, seen=case.seen, value=value, sent_at=sent_at, measures=_kept(measures))


def moment_of(case: Case, measure: Measure) -> datetime | None:
    """Return when a target came to count in a way; None where that has no moment of its own."""
    value = case.value
    if measure is Measure.CONFIRMED:
        return case.one.decided_at
    if measure is Measure.SENT:
        return case.sent_at
    if measure is Measure.ANSWERED:
        return min((one.answered_at for one in case.one.sendings if one.answered_at), default=None)
    if measure is Measure.ACTED:
        return value.confirmed_at
    if measure is Measure.REAPPEARED:
        return value.reappeared_at
    return value.first_gone_at or value.at if measure in (Measure.BEFORE_US, Measure.SELF_DELETED) else None


def _kept(measures: set[Measure | None]) -> frozenset[Measure]:
    return frozenset(one for one in measures if one is not None)


def _rate_measures(value: Outcome, sent_at: datetime | None) -> Iterator[Measure]:
    """Say how an outcome counts for the action rate (contracts §6).

    What a target that was sent is said to be is unknown as long as it is provisional. One that was withheld because
    it was gone is counted apart at once.
    """
    settled = value.state is OutcomeState.CONFIRMED
    apart = {Cause.BEFORE_US: Measure.BEFORE_US, Cause.SELF: Measure.SELF_DELETED}.get(value.cause)
    if apart is not None and (settled or sent_at is None):
        yield apart
    if sent_at is None:
        yield Measure.UNSENT
        return
    yield Measure.SENT
    if value.cause is not Cause.BEFORE_US:
        yield Measure.GONE if is_acted(value) and value.kind in PROBED_KINDS else Measure.NOT_GONE
    if value.reappeared_at is not None and value.reappeared_at > sent_at:
        yield Measure.REAPPEARED
    if apart is not None and settled:
        return
    if is_known(value):
        yield Measure.KNOWN
        yield Measure.ACTED if is_acted(value) else Measure.LIVE
    else:
        yield Measure.UNKNOWN


def _natural(one: Followed, seen: Sequence[Observation], value: Outcome) -> Measure | None:
    """Say what became of a target while nobody had reported it; None for one that its author deleted.

    A target that was reported is watched for this until its sending: leaving it out would keep only those that
    were gone before anybody could report them.
    """
    early = value
    if one.sent_at is not None and value.cause is not Cause.BEFORE_US:
        early = fold([look for look in seen if look.at < one.sent_at], sent_at=None)
    if early.kind is OutcomeKind.AUTHOR_DELETED:
        return None
    if early.first_gone_at is not None and early.state is OutcomeState.CONFIRMED:
        return Measure.NATURAL_GONE
    known = early.kind is OutcomeKind.LIVE and early.state is not OutcomeState.PROVISIONAL
    return Measure.NATURAL_LIVE if known else Measure.NATURAL_UNKNOWN
