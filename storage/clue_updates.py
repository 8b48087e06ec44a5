"""From verdicts to clues: new targets become clues, known ones follow the machine's present opinion.

A clue shows the best live verdict on its target: one of the ruleset in force, on the current revision of the post
or comment where it was found. Decisions survive re-screening; they end only when the content that was judged has
changed. What is in a batch beyond drafted is left as it was sent until that attempt is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.decisions import SYSTEM, ledger_row
from storage.live_hits import Key, frozen_clues, hit_order, known_clues, live_hits
from storage.records import OPEN_CLUE_STATES, AuditFacts, Band, ClueState, Json, TargetKind, public_id
from storage.tables import clue, decision, post
from storage.transitions.clue import ClueEvent, next_state
from storage.upsert import insert_returning

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Row

    from storage.engine import Unit

CHANGED = "the content changed after the decision"
"""Reason of a re-opening: what was judged is no longer what stands there."""

CLEAR_NOW = "the machine finds no solicitation there any more"
"""Reason of a suppression: the clue was open and its target is judged clear now."""

FLAGGED_AGAIN = "the machine finds a solicitation there again"
"""Reason of a re-opening: the clue had been suppressed by the machine's own opinion alone."""

_NO_PERSON = {"category": None, "decided_by": None, "decided_at": None, "claimed_by": None, "claim_until": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClueTarget:
    """Where a provider speaks: the key of a clue and how to get there."""

    platform: str
    kind: TargetKind
    native_id: str
    url: str | None
    account_id: int | None

    @property
    def key(self) -> Key:
        """The clue's key."""
        return self.platform, self.kind.value, self.native_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A stored verdict that points to a target; ``own`` when it judged the target's own row."""

    target: ClueTarget
    verdict_id: int
    post_id: int
    own: bool
    score: float
    band: Band
    categories: Sequence[str]
    severity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What becomes of one known clue: new column values, and the event that changes its state."""

    row: Row[Any]
    values: Json
    event: ClueEvent | None = None
    reason: str | None = None


def apply_hits(unit: Unit, ruleset: str, hits: Sequence[Hit]) -> tuple[int, int]:
    """Make clues of targets that have none, update the others; return (new, updated).

    A constant number of statements whatever the number of hits.
    """
    best: dict[Key, Hit] = {}
    for hit in sorted(hits, key=lambda one: hit_order(one.band, one.score, own=one.own, post_id=one.post_id)):
        best.setdefault(hit.target.key, hit)
    rows = [_clue_row(unit, best[key]) for key in sorted(best)]
    columns = [clue.c.platform, clue.c.target_kind, clue.c.target_native_id]
    made = {tuple(row) for row in insert_returning(unit.conn, clue, rows, columns)}
    if made:
        _note_first_sight(unit, sa.tuple_(*columns).in_(sorted(made)))
    rest = [key for key in best if key not in made]
    updated = _settle(unit, ruleset, sa.tuple_(*columns).in_(rest)) if rest else 0
    if rest:
        _set_severity(unit, [best[key] for key in rest])
    return len(made), updated


def _note_first_sight(unit: Unit, made: sa.ColumnElement[bool]) -> None:
    """Keep when the posts of the new clues had first been seen; an older file read later changes no figure."""
    seen = sa.select(post.c.first_seen).where(post.c.id == clue.c.post_id).scalar_subquery()
    unit.conn.execute(sa.update(clue).where(made).values(seen_at=seen))


def _set_severity(unit: Unit, hits: Sequence[Hit]) -> None:
    """Give the clues that show one of these verdicts its severity; it only orders the queue."""
    change = (
        sa.update(clue).where(clue.c.verdict_id == sa.bindparam("shown")).values(severity=sa.bindparam("points"))
    )
    unit.conn.execute(change, [{"shown": hit.verdict_id, "points": hit.severity} for hit in hits])


def settle_clues(unit: Unit, ruleset: str, clue_ids: Collection[int]) -> int:
    """Point clues to the best live verdict on their target, or close those that have none; return how many changed.

    Without any live hit an open clue is suppressed with a reason. A confirmed one whose content changed goes back
    to people as unsure, because somebody may have rewritten it to get through, and waits until one has looked;
    other decisions stay. A clue whose post has no verdict of the ruleset yet is left alone.
    """
    return _settle(unit, ruleset, clue.c.id.in_(clue_ids))


def _settle(unit: Unit, ruleset: str, wanted: sa.ColumnElement[bool]) -> int:
    rows = known_clues(unit.conn, ruleset, wanted)
    hits = live_hits(unit.conn, ruleset, rows)
    frozen = frozen_clues(unit.conn, [row.id for row in rows])
    steps = []
    for row in rows:
        found = hits.get((row.platform, row.target_kind, row.target_native_id))
        step = None if row.id in frozen else _follow(row, found) if found else _clear(row)
        if step is not None:
            steps.append(step)
    _write(unit, steps)
    return len(steps)


def _follow(row: Row[Any], hit: Row[Any]) -> Step | None:
    """Return the step of a clue whose target has a live hit."""
    if hit.id == row.verdict_id:
        return None
    values = {
        "verdict_id": hit.id,
        "post_id": hit.post_id,
        "score": hit.score,
        "band": hit.band,
        "categories": list(hit.categories),
    }
    if row.state in OPEN_CLUE_STATES:
        return _step(row, values, revision_id=hit.revision_id)
    if _changed(row, hit):
        return _step(row, values | _NO_PERSON, event=ClueEvent.REOPEN, reason=CHANGED)
    if row.state == ClueState.SUPPRESSED and row.last_reason == CLEAR_NOW:
        return _step(row, values | _NO_PERSON, event=ClueEvent.REOPEN, reason=FLAGGED_AGAIN)
    return _step(row, values, revision_id=hit.revision_id)


def _clear(row: Row[Any]) -> Step | None:
    """Return the step of a clue whose target no live verdict names any more."""
    if row.present_id is None or row.present_id == row.verdict_id:
        return None
    score = row.present_score if row.present_band == Band.CLEAR else 0.0  # else its score is about another target
    values = {"verdict_id": row.present_id, "post_id": row.present_post_id, "score": score}
    values["band"] = Band.CLEAR.value
    if row.state == ClueState.CONFIRMED and _changed(row, None):
        values["band"] = Band.UNSURE.value
        return _step(row, values | _NO_PERSON, event=ClueEvent.REOPEN, reason=CHANGED)
    if row.state not in OPEN_CLUE_STATES:
        return _step(row, values)
    if row.last_reason == CHANGED:  # somebody had decided on it: a person looks again, whatever the machine says
        return _step(row, values | {"band": Band.UNSURE.value})
    return _step(row, values | _NO_PERSON, event=ClueEvent.SUPPRESS, reason=CLEAR_NOW)


def _changed(row: Row[Any], hit: Row[Any] | None) -> bool:
    """Return whether the target's own content differs from what the last decision was about.

    A fuller reading of a list entry is no edit (contracts §8). Of an account only name and bio count, and only
    where both readings show them and the hit's is the newer one.
    """
    if row.judged_id is None:
        return False
    if row.target_kind == TargetKind.ACCOUNT:
        if hit is None or hit.seen_at <= row.judged_at:
            return False
        pairs = ((row.judged_name, hit.author_name), (row.judged_bio, hit.author_bio))
        return any(old and new and old != new for old, new in pairs)
    if row.target_revision_id is None:
        return False
    if row.judged_post_id == row.target_post_id:
        return bool(row.judged_is_full) and row.judged_id != row.target_revision_id
    return row.target_revision_id not in (row.judged_comments or [])


def _step(
    row: Row[Any],
    values: Json,
    *,
    event: ClueEvent | None = None,
    reason: str | None = None,
    revision_id: int | None = None,
) -> Step:
    """Return a step; what a person would judge differently raises the version: state, content, band, categories."""
    shown = {"band": row.band, "categories": row.categories}
    moved = revision_id is not None and revision_id != row.shown_revision_id
    if event or moved or any(values.get(name, old) != old for name, old in shown.items()):
        values = {**values, "version": row.version + 1}
    if event:
        values = {**values, "state": next_state(row.id, ClueState(row.state), event, SYSTEM).value}
    return Step(row=row, values=values, event=event, reason=reason)


def _write(unit: Unit, steps: Sequence[Step]) -> None:
    """Write all steps: one statement for the clues, one for the ledger, an audit entry per kind of event."""
    if not steps:
        return
    columns = [
        *("state", "version", "verdict_id", "post_id", "score", "band", "categories"),
        *_NO_PERSON,
    ]
    parameters = [
        {f"new_{name}": step.values.get(name, getattr(step.row, name)) for name in columns} | {"clue": step.row.id}
        for step in steps
    ]
    values = {name: sa.bindparam(f"new_{name}", type_=clue.c[name].type) for name in columns}
    statement = sa.update(clue).where(clue.c.id == sa.bindparam("clue")).values({**values, "updated_at": unit.now})
    unit.conn.execute(statement, parameters)
    for event in (ClueEvent.SUPPRESS, ClueEvent.REOPEN):
        moved = [step for step in steps if step.event is event]
        if moved:
            _record(unit, event, moved)


def _record(unit: Unit, event: ClueEvent, steps: Sequence[Step]) -> None:
    rows = [
        ledger_row(unit, step.row, ClueState(step.values["state"]), event=event, actor=SYSTEM, reason=step.reason)
        | {"verdict_id": step.values["verdict_id"]}
        for step in steps
    ]
    unit.conn.execute(sa.insert(decision), rows)
    clues = [public_id("clue", step.row.id) for step in steps]
    unit.audit(
        AuditFacts(
            actor=SYSTEM,
            action=f"clues.{event}",
            object_type="clues",
            object_id=f"{clues[0]}-{clues[-1]}",
            details={
                "clues": clues,
                "state_to": rows[0]["state_to"],
                "reasons": sorted({str(s.reason) for s in steps}),
            },
        )
    )


def _clue_row(unit: Unit, hit: Hit) -> Json:
    target = hit.target
    return {
        "platform": target.platform,
        "target_kind": target.kind.value,
        "target_native_id": target.native_id,
        "url": target.url,
        "account_id": target.account_id,
        "state": ClueState.NEW.value,
        "version": 1,
        "score": hit.score,
        "band": hit.band.value,
        "severity": hit.severity,
        "categories": list(hit.categories),
        "post_id": hit.post_id,
        "verdict_id": hit.verdict_id,
        "created_at": unit.now,
        "updated_at": unit.now,
        "simulated": unit.simulated,
    }
