"""The outcome axis: what is true of a target now, folded from everything seen or told of it.

The fold is pure and independent of the order in which observations came in. Its rules (design §3, contracts §6):

- *Gone* is provisional at first sight and confirmed by a probe at least seven days after the first one, with no
  sighting of the target between (seven days as in the takedown interface of Netcraft, state "resolved", 2026-11).
- Only a probe with a working control proves anything: a wall of "not available" looks like success. A login wall, a
  blocked probe or an unknown page never counts as removed and never takes back what was known to be gone.
- What nobody can see from outside (a restriction of reach or of earnings) is confirmed by the reply that says so.
  A reply about anything else stays provisional until a probe has seen it, and never outweighs a later probe.
- Seen again after gone is *reappeared*. Gone before the first sending is never ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from storage.records import Cause, ObservationMethod, OutcomeKind, OutcomeState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

CONFIRM_AFTER = timedelta(days=7)
"""How long a target must stay gone before it counts as gone."""

PROBED_KINDS = (
    OutcomeKind.CONTENT_REMOVED,
    OutcomeKind.ACCOUNT_BANNED,
    OutcomeKind.ACCOUNT_MUTED,
    OutcomeKind.AUTHOR_DELETED,
)
"""Kinds that a page can show, by a marker; they mean that the target is gone."""

TOLD_KINDS = (OutcomeKind.CONTENT_RESTRICTED, OutcomeKind.MONETISATION_RESTRICTED)
"""Kinds that only the platform knows; its reply confirms them."""

SILENT_KINDS = (OutcomeKind.UNKNOWN, OutcomeKind.LOGIN_WALL, OutcomeKind.PROBE_BLOCKED)
"""Kinds that say nothing of the target."""

ACTED_KINDS = (
    OutcomeKind.CONTENT_REMOVED,
    OutcomeKind.CONTENT_RESTRICTED,
    OutcomeKind.ACCOUNT_BANNED,
    OutcomeKind.ACCOUNT_MUTED,
    OutcomeKind.MONETISATION_RESTRICTED,
)
"""Kinds that mean that the platform acted (contracts §6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One observation as the fold needs it."""

    at: datetime
    kind: OutcomeKind
    method: ObservationMethod
    marker: str | None = None
    control_ok: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The current value. ``at`` is the last observation it rests on, None when it rests on none.

    ``first_gone_at`` begins the gone period that lasts now, ``gone_proved_at`` is the first probe in it;
    ``last_live_at`` is the last sighting of the target.
    ``reappeared`` counts how often it came back, ``reappeared_at`` is the last time.
    """

    kind: OutcomeKind = OutcomeKind.UNKNOWN
    state: OutcomeState = OutcomeState.PROVISIONAL
    cause: Cause = Cause.UNCLEAR
    at: datetime | None = None
    first_gone_at: datetime | None = None
    gone_proved_at: datetime | None = None
    confirmed_at: datetime | None = None
    last_live_at: datetime | None = None
    reappeared: int = 0
    reappeared_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What the platform said: the last word, and a restriction that it has not lifted."""

    last: Observation | None = None
    restricted: Observation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sightings:
    """What was seen of the target, by probes with a control and by people."""

    live_at: datetime | None = None  # last sighting of the target, whenever that was
    live_proved: bool = False  # that sighting was a probe's
    gone: tuple[Observation, ...] = ()  # the gone period that lasts now, without a sighting in it
    hidden: Observation | None = None  # a later probe whose control worked and that saw neither
    reappeared: int = 0
    reappeared_at: datetime | None = None


def fold(observations: Iterable[Observation], *, sent_at: datetime | None) -> Outcome:
    """Return the current outcome of a target.

    Args:
        observations: all that was seen or told of it, in any order.
        sent_at: when it was first sent to a platform; None while it was not.
    """
    ordered = sorted(observations, key=_order)
    seen, words = _sightings(ordered), _words(ordered)
    base = _gone(seen, sent_at) if seen.gone else _standing(seen)
    if base.first_gone_at is not None and base.state is OutcomeState.CONFIRMED:
        return base
    if words.restricted is not None:
        return _told_outcome(words.restricted, base, sent_at)
    word = words.last
    if word is None or base.first_gone_at is not None or (seen.live_at is not None and word.at <= seen.live_at):
        return base
    return _told_outcome(word, base, sent_at)


def is_acted(outcome: Outcome) -> bool:
    """Return whether the platform demonstrably acted after we sent (contracts §6)."""
    return (
        outcome.kind in ACTED_KINDS
        and outcome.state is OutcomeState.CONFIRMED
        and outcome.cause not in (Cause.BEFORE_US, Cause.SELF)
    )


def is_known(outcome: Outcome) -> bool:
    """Return whether the outcome is known: acted, or live at the last probe with a control."""
    return is_acted(outcome) or (outcome.kind is OutcomeKind.LIVE and outcome.state is not OutcomeState.PROVISIONAL)


def _order(seen: Observation) -> tuple[datetime, int, str, str, str, bool]:
    """Sort by time; at one instant a sighting of the target comes last, so that it is never overlooked."""
    return (
        seen.at,
        1 if seen.kind is OutcomeKind.LIVE else 0,
        seen.method.value,
        seen.kind.value,
        seen.marker or "",
        bool(seen.control_ok),
    )


def _counts(seen: Observation) -> bool:
    """Tell whether this is something that somebody saw with their own eyes, or with a probe that proves it."""
    if seen.method is ObservationMethod.PERSON:
        return seen.kind is OutcomeKind.LIVE or seen.kind in PROBED_KINDS
    if seen.method is not ObservationMethod.PROBE or seen.control_ok is not True or seen.kind in TOLD_KINDS:
        return False
    return bool(seen.marker) or seen.kind not in PROBED_KINDS


def _sightings(ordered: Sequence[Observation]) -> _Sightings:
    state = _Sightings()
    for seen in ordered:
        if _counts(seen):
            state = _after(state, seen)
    return state


def _after(state: _Sightings, seen: Observation) -> _Sightings:
    if seen.kind is OutcomeKind.LIVE:
        return _Sightings(
            live_at=seen.at,
            live_proved=seen.method is ObservationMethod.PROBE,
            reappeared=state.reappeared + bool(state.gone),
            reappeared_at=seen.at if state.gone else state.reappeared_at,
        )
    if seen.kind in PROBED_KINDS:
        return replace(state, gone=(*state.gone, seen), hidden=None)
    return replace(state, hidden=seen)


def _words(ordered: Sequence[Observation]) -> _Words:
    """Return what replies (or people, of what nobody can see) said; a newer "live" lifts a restriction."""
    words = _Words()
    for seen in ordered:
        if seen.method is ObservationMethod.PROBE or seen.kind in SILENT_KINDS or _counts(seen):
            continue
        restricted = seen if seen.kind in TOLD_KINDS else words.restricted
        words = _Words(last=seen, restricted=None if seen.kind is OutcomeKind.LIVE else restricted)
    return words


def _told_outcome(told: Observation, base: Outcome, sent_at: datetime | None) -> Outcome:
    if told.kind is OutcomeKind.LIVE and base.kind is OutcomeKind.LIVE:
        return base
    by_reply = told.method is ObservationMethod.REPLY
    confirmed = by_reply and told.kind in TOLD_KINDS
    at = max(told.at, sent_at) if by_reply and sent_at is not None else told.at  # nobody answers what was not sent
    return replace(
        base,
        kind=told.kind,
        state=OutcomeState.CONFIRMED if confirmed else OutcomeState.PROVISIONAL,
        cause=_cause(told.kind, at, sent_at),
        at=told.at,
        confirmed_at=told.at if confirmed else None,
    )


def _gone(seen: _Sightings, sent_at: datetime | None) -> Outcome:
    first = seen.gone[0].at
    probes = [one.at for one in seen.gone if one.method is ObservationMethod.PROBE]
    confirmed = next((at for at in probes if at - probes[0] >= CONFIRM_AFTER), None)
    by_author = [one for one in seen.gone if one.kind is OutcomeKind.AUTHOR_DELETED]
    kind = (by_author or seen.gone)[-1].kind
    return Outcome(
        kind=kind,
        state=OutcomeState.PROVISIONAL if confirmed is None else OutcomeState.CONFIRMED,
        cause=_cause(kind, first, sent_at),
        at=seen.gone[-1].at,
        first_gone_at=first,
        gone_proved_at=probes[0] if probes else None,
        confirmed_at=confirmed,
        last_live_at=seen.live_at,
        reappeared=seen.reappeared,
        reappeared_at=seen.reappeared_at,
    )


def _standing(seen: _Sightings) -> Outcome:
    """Return the outcome of a target that is not gone: live, hidden from us, or never seen."""
    kept = Outcome(last_live_at=seen.live_at, reappeared=seen.reappeared, reappeared_at=seen.reappeared_at)
    if seen.hidden is not None:
        return replace(kept, kind=seen.hidden.kind, at=seen.hidden.at)
    if seen.live_at is None:
        return kept
    proved = OutcomeState.CONFIRMED if seen.live_proved else OutcomeState.PROVISIONAL
    state = OutcomeState.REAPPEARED if seen.reappeared and seen.live_proved else proved
    return replace(kept, kind=OutcomeKind.LIVE, state=state, at=seen.live_at)


def _cause(kind: OutcomeKind, at: datetime, sent_at: datetime | None) -> Cause:
    if kind is OutcomeKind.AUTHOR_DELETED:
        return Cause.SELF
    if kind not in ACTED_KINDS:
        return Cause.UNCLEAR
    return Cause.OURS if sent_at is not None and at >= sent_at else Cause.BEFORE_US
