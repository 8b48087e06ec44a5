"""What needs a person now, as causes that notices can be told of; nothing in them was crawled.

A cause's key stays the same for as long as the same thing stands, and is another one when it happens again: a
source that stops after a good run, a batch that is proposed anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from storage.holds import held_sources
from storage.needs import failed_jobs, stopped_sources, unanswered_items, waiting_batches
from storage.records import BatchState, RunState, SubmissionState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.engine import Connection

    from reporting.channel import Channel
    from storage.holds import HeldSource
    from storage.needs import StoppedSource, WaitingBatch

Values = dict[str, str | int]

SHANGHAI = ZoneInfo("Asia/Shanghai")

SCHEDULER = "scheduler"
"""Name of the actor that drafts batches by itself; a person must go on with those."""

_MARKER = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CHALLENGE = re.compile(r"captcha|challenge|verif|slider")
_LOGIN = re.compile(r"login|session|signed_out")
_WAITING = (SubmissionState.SENT, SubmissionState.ACKNOWLEDGED, SubmissionState.NEED_MORE)


class NeedKind(StrEnum):
    """What a person has to look at; the words for each stand in ``notice_templates/notices.yml``."""

    CHALLENGE = "challenge"
    LOGIN = "login"
    BLOCKED = "blocked"
    FORMAT_CHANGED = "format_changed"
    RUN_FAILED = "run_failed"
    AUTHORISATION = "authorisation"
    JOB_FAILED = "job_failed"
    DRAFT = "draft"
    APPROVAL = "approval"
    RECONCILE = "reconcile"
    OVERDUE = "overdue"
    NEED_MORE = "need_more"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that stands: ``cause`` is its key, ``values`` fill the words, ``page`` is the desk's page."""

    kind: NeedKind
    cause: str
    values: Mapping[str, str | int] = field(default_factory=dict)
    page: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """The right to read a source, and the last day on which it holds."""

    source: str
    valid_until: date


def standing_needs(
    conn: Connection,
    *,
    now: datetime,
    channels: Mapping[str, Channel],
    authorisations: Sequence[Authorisation] = (),
    notice_days: int = 14,
) -> list[Need]:
    """Return everything that needs a person at ``now``.

    An authorisation is told of from ``notice_days`` before its end. Items are overdue when their channel's file
    names ``sla_days`` and they were sent longer ago than that without an answer.
    """
    return [
        *_source_needs(conn),
        *_ending(authorisations, now=now, notice_days=notice_days),
        *_job_needs(conn),
        *(_batch_need(one, channels) for one in _waiting(conn)),
        *_item_needs(conn, channels, now=now),
    ]


def _source_needs(conn: Connection) -> list[Need]:
    """Return sources that wait for a person, and those whose last run was no good for another reason."""
    held = held_sources(conn)
    names = {one.source for one in held}
    return [
        *(_held_need(one) for one in held),
        *(_source_need(one) for one in stopped_sources(conn) if one.source not in names),
    ]


def _held_need(one: HeldSource) -> Need:
    kind = NeedKind.LOGIN if one.is_login else NeedKind.CHALLENGE
    marker = one.marker if _MARKER.fullmatch(one.marker) else ""
    values: Values = {"source": one.source, "marker": marker, "since": shown_time(one.since)}
    cause = f"source:{one.source}:{kind}:{one.since.isoformat()}"
    return Need(kind=kind, cause=cause, values=values, page="/runs")


def _source_need(one: StoppedSource) -> Need:
    kind, marker = source_kind(one.state, one.reason or "")
    values: Values = {"source": one.source, "marker": marker, "since": shown_time(one.at)}
    return Need(kind=kind, cause=f"source:{one.source}:{kind}:{one.first_run}", values=values, page="/runs")


def source_kind(state: RunState, reason: str) -> tuple[NeedKind, str]:
    """Return what stopped a source and the name of the sign that was seen, empty where the reason is a sentence.

    Reasons may quote addresses, which never leave with a notice.
    """
    word = reason.split(" ", 1)[0]
    marker = word if _MARKER.fullmatch(word) and (word == reason or " at " in reason or "_" in word) else ""
    if state is RunState.FORMAT_CHANGED:
        return NeedKind.FORMAT_CHANGED, ""
    if state is not RunState.BLOCKED:
        return NeedKind.RUN_FAILED, ""
    if _CHALLENGE.search(marker):
        return NeedKind.CHALLENGE, marker
    return (NeedKind.LOGIN if _LOGIN.search(marker) else NeedKind.BLOCKED), marker


def _ending(authorisations: Sequence[Authorisation], *, now: datetime, notice_days: int) -> Iterator[Need]:
    today = now.astimezone(SHANGHAI).date()
    for one in authorisations:
        left = (one.valid_until - today).days
        if left <= notice_days:
            over = "over" if left < 0 else "ending"
            yield Need(
                kind=NeedKind.AUTHORISATION,
                cause=f"source:{one.source}:authorisation:{one.valid_until.isoformat()}:{over}",
                values={"source": one.source, "until": one.valid_until.isoformat(), "left": left},
                page="/runs",
            )


def _job_needs(conn: Connection) -> Iterator[Need]:
    for one in failed_jobs(conn):
        values = {"job": one.job, "period": one.period, "since": shown_time(one.at) if one.at else ""}
        yield Need(kind=NeedKind.JOB_FAILED, cause=f"job:{one.job}:{one.first}", values=values, page="/runs")


def _waiting(conn: Connection) -> list[WaitingBatch]:
    found = waiting_batches(conn, (BatchState.DRAFTED, BatchState.PROPOSED, BatchState.RECONCILE))
    return [one for one in found if one.state is not BatchState.DRAFTED or one.drafted_by == SCHEDULER]


_BATCH_KINDS = {
    BatchState.DRAFTED: NeedKind.DRAFT,
    BatchState.PROPOSED: NeedKind.APPROVAL,
    BatchState.RECONCILE: NeedKind.RECONCILE,
}


def _batch_need(one: WaitingBatch, channels: Mapping[str, Channel]) -> Need:
    kind = _BATCH_KINDS[one.state]
    values: Values = {"batch": one.code, "items": one.items, **_channel_words(one.channel, channels)}
    return Need(kind=kind, cause=f"batch:{one.code}:{kind}:{one.version}", values=values)


def _item_needs(conn: Connection, channels: Mapping[str, Channel], *, now: datetime) -> Iterator[Need]:
    for one in unanswered_items(conn, _WAITING):
        words = _channel_words(one.channel, channels)
        values: Values = {"batch": one.code, "items": one.items, "sent": shown_time(one.sent_at), **words}
        if one.state is SubmissionState.NEED_MORE:
            cause = f"batch:{one.code}:need_more:{one.items}"
            yield Need(kind=NeedKind.NEED_MORE, cause=cause, values=values)
            continue
        days = channels[one.channel].spec.sla_days if one.channel in channels else None
        if days is not None and one.sent_at + timedelta(days=days) <= now:
            cause = f"batch:{one.code}:overdue:{one.state}:{one.sent_at.isoformat()}"
            yield Need(kind=NeedKind.OVERDUE, cause=cause, values={**values, "days": days})


def _channel_words(name: str, channels: Mapping[str, Channel]) -> Values:
    title = channels[name].spec.title if name in channels else None
    return {"channel_zh": title.zh if title else name, "channel_en": title.en if title else name}


def shown_time(moment: datetime) -> str:
    """Return a time as people read it, in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
