"""Drafting: confirmed clues become items of the channel's batch of a week, each target at most once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.weeks import cut_off, week_of
from storage import batches, submissions
from storage.engine import CHUNK_ROWS
from storage.errors import ForbiddenError
from storage.records import Actor, AuditFacts, OutcomeState, Role, SubmissionState, public_id
from storage.transitions.outcome import ACTED_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from reporting.channel import Channel
    from storage.batches import Batch, Candidate
    from storage.engine import Store, Unit
    from storage.records import Json
    from storage.submissions import Submission

DRAFTERS = (Role.COMPLIANCE,)
"""Roles that draft (contracts §1)."""

SCHEDULER = Actor(name="scheduler", via="schedule")
"""The schedule as an actor: it has no role and can only draft; people propose, approve and send."""


def draft_batch(
    store: Store,
    channel: Channel,
    *,
    week: str | None = None,
    now: datetime,
    actor: Actor,
    chunk: int = CHUNK_ROWS,
    check: Callable[[Unit], None] | None = None,
) -> Json:
    """Put confirmed clues into the channel's draft of a week; return ``{batch, items, skipped:[{clue, why}]}``.

    With ``week`` only clues decided before that week's cut-off are taken; without, all that are confirmed now, into
    the present week's draft. While a batch of the week is drafted or returned it takes the additions, else a new
    one is begun; ``batch`` is None when there is nothing to begin one with. Clues go in chunk by chunk: killed at
    any instant, a second call leaves the same draft as one that was not killed. ``check`` is called in every unit
    of work and may keep it from committing.

    Raises:
        ForbiddenError: the actor does not draft.
        InputError: not an ISO week.
    """
    if actor.role not in DRAFTERS and actor != SCHEDULER:
        raise ForbiddenError(actor.name, "draft a batch", needs=DRAFTERS)
    closes = None if week is None else cut_off(week)
    week = week or week_of(now)
    skipped: list[Json] = []
    after = 0
    draft: Batch | None = None
    while True:
        with store.write(now) as unit:
            if check is not None:
                check(unit)
            batches.lock_channel(unit, channel.name)
            page = batches.candidates(unit.conn, after=after, limit=chunk)
            draft = batches.open_draft(unit.conn, channel.name, week)
            if not page:
                items = batches.count_items(unit.conn, draft.number) if draft else 0
                return {"batch": draft.code if draft else None, "items": items, "skipped": skipped}
            skipped += _take(unit, page, channel, draft=draft, week=week, closes=closes, actor=actor)
        after = page[-1].clue_id


def _take(
    unit: Unit,
    page: Sequence[Candidate],
    channel: Channel,
    *,
    draft: Batch | None,
    week: str,
    closes: datetime | None,
    actor: Actor,
) -> list[Json]:
    """Add what may go into the draft, begun now if need be; return what was left out and why."""
    targets = {(one.platform, one.target_native_id) for one in page}
    tried = submissions.attempts_on(unit.conn, channel.name, targets)
    room = channel.spec.limits.items_per_batch - (batches.count_items(unit.conn, draft.number) if draft else 0)
    taken: dict[tuple[str, str], Candidate] = {}
    skipped: list[Json] = []
    for one in page:
        key = (one.platform, one.target_native_id)
        attempts = tried.get(key, [])
        if draft is not None and any(_is_in(attempt, one, draft) for attempt in attempts):
            continue
        why = _refusal(one, channel, closes) or _blocked(one, attempts)
        if why is None and key in taken:
            why = f"same target as {public_id('clue', taken[key].clue_id)} of this draft"
        if why is None and len(taken) >= room:
            why = f"the channel takes {channel.spec.limits.items_per_batch} items a batch"
        if why is None:
            taken[key] = one
        else:
            skipped.append({"clue": public_id("clue", one.clue_id), "why": why})
    if taken:
        _add(unit, taken, tried, channel=channel, draft=draft, week=week, actor=actor)
    return skipped


def _add(
    unit: Unit,
    taken: Mapping[tuple[str, str], Candidate],
    tried: Mapping[tuple[str, str], Sequence[Submission]],
    *,
    channel: Channel,
    draft: Batch | None,
    week: str,
    actor: Actor,
) -> None:
    if draft is None:
        version = channel.spec.version
        draft = batches.add_batch(unit, channel=channel.name, channel_version=version, week=week, actor=actor)
    rows: list[Json] = []
    for key, one in taken.items():
        attempts = tried.get(key, ())
        rows.append(
            {
                "clue_id": one.clue_id,
                "channel": channel.name,
                "attempt": max((attempt.attempt for attempt in attempts), default=0) + 1,
                "batch_id": draft.number,
                "previous_id": attempts[-1].number if attempts else None,
                "platform": one.platform,
                "target_kind": one.target_kind,
                "target_native_id": one.target_native_id,
                "url": one.url,
                "decided_by": one.decided_by,
            }
        )
    submissions.add_items(unit, rows, actor=actor)
    details = {"clues": [public_id("clue", row["clue_id"]) for row in rows]}
    unit.audit(
        AuditFacts(actor=actor, action="batch.draft", object_type="batch", object_id=draft.code, details=details)
    )


def _is_in(attempt: Submission, one: Candidate, draft: Batch) -> bool:
    in_draft = attempt.batch_id == draft.number and attempt.clue_id == one.clue_id
    return in_draft and attempt.state is not SubmissionState.WITHDRAWN


def _refusal(one: Candidate, channel: Channel, closes: datetime | None) -> str | None:
    """Return why the clue cannot go through this channel now, whatever was sent before."""
    if closes is not None and one.decided_at >= closes:
        return "decided after the week's cut-off"
    if not channel.takes(one.platform):
        return f"the channel does not take {one.platform}"
    if "url" in channel.spec.requires and not one.url:
        return "the channel needs an address and the target has none"
    if one.first_gone_at is not None:
        return f"the target is gone since {one.first_gone_at.date()}"
    return None


def _blocked(one: Candidate, attempts: Sequence[Submission]) -> str | None:
    """Return why an earlier attempt blocks another: it is under way, or it worked and still does."""
    for attempt in reversed(attempts):
        if attempt.state is SubmissionState.WITHDRAWN:
            continue
        if attempt.state is not SubmissionState.CLOSED:
            return f"item {attempt.item} is {attempt.state}"
        if one.outcome_kind in ACTED_KINDS and one.outcome_state == OutcomeState.CONFIRMED:
            return f"item {attempt.item} worked: {one.outcome_kind}"
    return None
