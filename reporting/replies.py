"""Importing replies: rows matched by item id, then by address; what does not fit is listed, nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from reporting.outcomes import fold_clues
from reporting.reply_files import MAX_FILE_BYTES, parse_reply_file
from storage import replies, submissions
from storage.engine import CHUNK_ROWS
from storage.errors import ForbiddenError, InputError, NotFoundError
from storage.evidence import add_evidence, put_bytes
from storage.observations import record_observation
from storage.records import AuditFacts, ObservationMethod, Role, SubmissionState, parse_id
from storage.transitions.submission import TABLE, SubmissionEvent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from reporting.channel import Answer, Channel
    from reporting.reply_files import ReplyRow
    from storage.engine import Store, Unit
    from storage.records import Actor, Json
    from storage.submissions import Submission

IMPORTERS = (Role.COMPLIANCE,)
"""Roles that import replies (contracts §1)."""

_EVENTS = {
    SubmissionState.ANSWERED: SubmissionEvent.ANSWER,
    SubmissionState.ACKNOWLEDGED: SubmissionEvent.ACKNOWLEDGE,
    SubmissionState.NEED_MORE: SubmissionEvent.ASK_MORE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    """A row that belongs to an item and means something."""

    row: ReplyRow
    item: Submission
    answer: Answer


def import_replies(store: Store, file: Path, channel: Channel, *, now: datetime, actor: Actor) -> Json:
    """Read a platform's answers; return ``{rows, matched, unmatched, conflicts, changed}`` of the contracts.

    The file is kept as evidence. Importing it twice, or after a kill, changes nothing more.

    Raises:
        ForbiddenError: the actor does not import replies.
        InputError: the file cannot be used as a whole; nothing was stored.
    """
    if actor.role not in IMPORTERS:
        raise ForbiddenError(actor.name, "import replies", needs=IMPORTERS)
    data = _read(file)
    rows = parse_reply_file(data, channel.spec, name=str(file))
    sha256 = put_bytes(store.evidence_root, data)
    with store.read() as conn:
        matched, unmatched, conflicts = _match(conn, rows, channel)
    changed = 0
    for start in range(0, len(matched), CHUNK_ROWS):
        with store.write(now) as unit:
            add_evidence(unit, sha256, len(data))
            changed += _apply(unit, matched[start : start + CHUNK_ROWS], channel, sha256=sha256, actor=actor)
    fold_clues(store, {one.item.clue_id for one in matched}, now=now)
    return {
        "rows": len(rows),
        "matched": len(matched),
        "unmatched": unmatched,
        "conflicts": conflicts,
        "changed": changed,
    }


def canonical_url(url: str) -> str:
    """Return an address with scheme and host in lower case and without an empty path's slash."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url.strip()
    path = parts.path if parts.path != "/" else ""
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), path, parts.query, parts.fragment))


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            data = source.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise InputError("missing_file", "there is no such file", file=str(file)) from None
    except OSError as error:
        raise InputError("corrupt_file", f"cannot be read: {error.strerror}", file=str(file)) from None
    if len(data) > MAX_FILE_BYTES:
        raise InputError("corrupt_file", f"larger than {MAX_FILE_BYTES >> 20} MiB", file=str(file))
    return data


def _match(
    conn: Connection, rows: Sequence[ReplyRow], channel: Channel
) -> tuple[list[_Match], list[Json], list[Json]]:
    """Sort rows into matched, unmatched and conflicting ones."""
    by_url = _items_by_url(conn, rows, channel)
    matched: dict[int, _Match] = {}
    repeated: list[_Match] = []
    unmatched: list[Json] = []
    conflicts: list[Json] = []
    for row in rows:
        if not row.result and not row.note:
            continue  # a form's row that was not filled in yet
        item, why = _find(conn, row, channel, by_url)
        if item is None and why is None:
            unmatched.append({"row": row.line, "item": row.item or None, "url": row.url or None})
            continue
        answer = channel.answer(row.result)
        if item is not None and answer is not None:
            one = _Match(row=row, item=item, answer=answer)
            why = _objection(one, matched.get(item.number))
            if why is None:
                (repeated.append(one) if item.number in matched else matched.setdefault(item.number, one))
                continue
        why = why or ("there is no result" if not row.result else f"unknown result {row.result[:40]!r}")
        conflicts.append({"row": row.line, "item": row.item or None, "why": why})
    return [*matched.values(), *repeated], unmatched, conflicts


def _objection(one: _Match, earlier: _Match | None) -> str | None:
    if one.item.sent_at is None:
        return f"the item is {one.item.state}, it was never sent"
    if earlier is not None and earlier.row.result != one.row.result:
        return f"row {earlier.row.line} says {earlier.row.result} of the same item"
    return None


def _find(
    conn: Connection, row: ReplyRow, channel: Channel, by_url: dict[str, list[Submission]]
) -> tuple[Submission | None, str | None]:
    """Return the item a row is about, or why that cannot be told; both None when nothing fits."""
    here = by_url.get(canonical_url(row.url), []) if row.url else []
    item = _by_id(conn, row.item, channel)
    if item is not None:
        if here and item.number not in {one.number for one in here}:
            return None, f"the address is that of {here[0].item}"
        return item, None
    if len({one.clue_id for one in here}) > 1:
        return None, "the address belongs to several items"
    return (here[0] if here else None), None


def _by_id(conn: Connection, text: str, channel: Channel) -> Submission | None:
    try:
        item = submissions.get_submission(conn, parse_id("item", text))
    except NotFoundError:
        return None
    return item if item.channel == channel.name else None


def _items_by_url(conn: Connection, rows: Sequence[ReplyRow], channel: Channel) -> dict[str, list[Submission]]:
    """Return the sent items that a row's address may mean, the newest first."""
    urls = sorted({shape for row in rows if row.url for shape in (row.url.strip(), canonical_url(row.url))})
    found: dict[str, list[Submission]] = {}
    for start in range(0, len(urls), CHUNK_ROWS):
        known = replies.sent_items_by_url(conn, channel.name, urls[start : start + CHUNK_ROWS])
        for url, numbers in known.items():
            items = found.setdefault(canonical_url(url), [])
            items += [submissions.get_submission(conn, number) for number in numbers]
    return found


def _apply(unit: Unit, matched: Sequence[_Match], channel: Channel, *, sha256: str, actor: Actor) -> int:
    """Store replies that are new with their observations and steps; return how many were."""
    answered = replies.replies_of(unit.conn, [one.item.number for one in matched])
    new: list[_Match] = []
    for one in matched:
        known = answered.get(one.item.number, [])
        if known and _same(known[-1], one):
            continue
        reply_id = replies.add_reply(
            unit,
            one.item.number,
            file_sha256=sha256,
            row=one.row.line,
            words=one.row.result,
            kind=one.answer.kind,
            note=one.row.note or None,
            actor=actor,
        )
        if reply_id is not None:
            _note(unit, one, reply_id, sha256=sha256, actor=actor)
            answered.setdefault(one.item.number, []).append(_as_stored(one))
            new.append(one)
    if new:
        details = {"channel": channel.name, "sha256": sha256, "items": [one.item.item for one in new]}
        unit.audit(
            AuditFacts(
                actor=actor, action="replies.import", object_type="channel", object_id=channel.name, details=details
            )
        )
    return len(new)


def _same(last: Json, one: _Match) -> bool:
    return {key: last[key] for key in ("words", "kind", "note")} == _as_stored(one)


def _as_stored(one: _Match) -> Json:
    return {"words": one.row.result, "kind": one.answer.kind.value, "note": one.row.note or None}


def _note(unit: Unit, one: _Match, reply_id: int, *, sha256: str, actor: Actor) -> None:
    record_observation(
        unit,
        clue_id=one.item.clue_id,
        key=f"reply:{sha256}:{one.row.line}",
        at=unit.now,
        kind=one.answer.kind,
        method=ObservationMethod.REPLY,
        marker=one.row.result,
        reply_id=reply_id,
        actor=actor,
        note=one.row.note or None,
    )
    event = _EVENTS[one.answer.state]
    item = submissions.get_submission(unit.conn, one.item.number)
    if item.state in TABLE[event][0]:
        submissions.change(unit, [item], event, actor=actor, note=one.row.result)
