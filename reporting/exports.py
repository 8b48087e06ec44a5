"""Exporting an approved batch: look once more whether the targets are there, freeze, build, hand out.

Each step is durable and may be killed: the look leaves observations, the freeze is one transaction, the package is
built from frozen rows to the same bytes, and the batch is exported only when its package is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from reporting.channel import get_channel
from reporting.outcomes import fold_clues
from reporting.packages import SENDER, hand_out, make_letter_pdf, store_package
from storage import batches, submissions
from storage.dossiers import last_reads
from storage.engine import CHUNK_ROWS
from storage.errors import EmptyBatchError, ForbiddenError
from storage.evidence import add_evidence, evidence_path, put_bytes, read_bytes, software_name
from storage.observations import observations_of
from storage.records import BatchState, Role, SubmissionState
from storage.transitions.batch import BatchEvent, next_state
from storage.transitions.outcome import fold
from storage.transitions.submission import SubmissionEvent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from reporting.channel import Channel
    from storage.batches import Batch
    from storage.engine import Store, Unit
    from storage.records import Actor, Json
    from storage.submissions import Submission
    from storage.transitions.outcome import Outcome

LIVE_WITHIN = timedelta(hours=24)
"""A target must have been seen live this recently, else it is probed before the export (contracts §7)."""

_DONE = (BatchState.EXPORTED, BatchState.SENT, BatchState.RECONCILE, BatchState.CLOSED)


class Probe(Protocol):
    """Looks at targets now and records what it sees as observations; what it cannot reach it leaves alone."""

    def __call__(self, clue_ids: Sequence[int]) -> object:
        """Probe the targets of these clues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSettings:
    """What the workspace says of packages: where they are kept, who sends them, how recent "live" must be.

    ``authority`` is the paper that the request rests on, ``person`` who answers questions, ``pledge`` the letter's
    pledge; empty ones are left out. ``pdf``: make the letter as PDF too.
    """

    packages_root: Path
    institution: str
    authority: str = ""
    department: str = ""
    person: str = ""
    contact: str = ""
    pledge: str = ""
    pdf: bool = True
    live_within: timedelta = LIVE_WITHIN


def export_batch(
    store: Store,
    channels: Mapping[str, Channel],
    code: str,
    *,
    settings: PackageSettings,
    out: Path | None = None,
    probe: Probe | None = None,
    now: datetime,
    actor: Actor,
) -> Json:
    """Build and hand out a batch's package; return ``{batch, file, sha256, size, struck:[{clue, why}]}``.

    Targets that were not seen live recently are probed now; gone ones are struck and listed, what nobody could look
    at is marked unprobed. A batch that was exported before is handed out as stored. ``out`` defaults to
    ``<batch>.zip`` in the folder of packages.

    Raises:
        NotFoundError, ForbiddenError, TransitionError, ConflictError: as the transitions.
        EmptyBatchError: every target is gone.
        EvidenceError: stored evidence does not match its hash; nothing is exported.
    """
    with store.read() as conn:
        one = batches.get_batch(conn, code)
    if one.state not in _DONE:
        next_state(code, one.state, BatchEvent.EXPORT, actor)
        if "export" not in (one.frozen or {}):
            channel = get_channel(channels, one.channel)
            _look(store, one, probe=probe, since=now - settings.live_within, now=now)
            _freeze(store, one, channel, settings=settings, now=now, actor=actor)
        _set_letter(store, code, now=now)
        sha256, size = store_package(store, code, settings.packages_root)
        _finish(store, code, sha256=sha256, size=size, now=now, actor=actor)
    elif actor.role is not Role.COMPLIANCE:
        raise ForbiddenError(actor.name, "export a batch", needs=(Role.COMPLIANCE,))
    target = out if out is not None else settings.packages_root / f"{code}.zip"
    with store.read() as conn:
        one = batches.get_batch(conn, code)
    hand_out(settings.packages_root, one.package_sha256 or "", target)
    return {
        "batch": code,
        "file": str(target.resolve()),
        "sha256": one.package_sha256,
        "size": one.package_size,
        "struck": (one.frozen or {})["export"]["struck"],
    }


def _look(store: Store, one: Batch, *, probe: Probe | None, since: datetime, now: datetime) -> None:
    """Probe the targets that were not seen live recently enough."""
    if probe is None:
        return
    with store.read() as conn:
        items = submissions.submissions_of_batch(conn, one.number)
        seen = _seen_live(conn, items)
    stale = [item.clue_id for item in items if not _fresh(seen[item.clue_id][1], since)]
    if stale:
        probe(stale)
        fold_clues(store, stale, now=now)


def _seen_live(conn: Connection, items: Sequence[Submission]) -> dict[int, tuple[Outcome, datetime | None]]:
    """Return per clue what is known of its target, and when it was last seen live by a probe or a crawl."""
    clue_ids = [item.clue_id for item in items]
    observed = observations_of(conn, clue_ids)
    read = last_reads(conn, clue_ids)
    found = {}
    for clue_id in clue_ids:
        value = fold(observed.get(clue_id, ()), sent_at=None)
        times = [moment for moment in (value.last_live_at, read.get(clue_id)) if moment is not None]
        found[clue_id] = (value, max(times, default=None))
    return found


def _fresh(moment: datetime | None, since: datetime) -> bool:
    return moment is not None and moment >= since


def _freeze(
    store: Store, one: Batch, channel: Channel, *, settings: PackageSettings, now: datetime, actor: Actor
) -> None:
    """Strike what is gone and write everything else that the package is built from, in one transaction.

    Raises:
        EmptyBatchError: nothing is left; the strikes stay.
    """
    template = channel.template.read_bytes()
    template_sha256 = put_bytes(store.evidence_root, template)
    pages = _pages_template(store, channel, settings)
    _check_evidence(store, one)
    with store.write(now) as unit:
        one = batches.get_batch(unit.conn, one.code, lock=True)
        next_state(one.code, one.state, BatchEvent.EXPORT, actor)
        live, struck = _strike_gone(unit, one, since=now - settings.live_within, actor=actor)
        add_evidence(unit, template_sha256, len(template))
        export = {
            **{key: getattr(settings, key) for key in SENDER},
            **pages,
            "at": now.isoformat(),
            "software": software_name(),
            "channel_sha256": (one.frozen or {})["channel_sha256"],
            "template": template_sha256,
            "previous": batches.previous_package(unit.conn, one),
            "last_seen_live": live,
            "struck": struck,
        }
        left = batches.count_items(unit.conn, one.number)
        if left:
            batches.set_frozen(unit, one, {**(one.frozen or {}), "export": export})
    if not left:
        raise EmptyBatchError(one.code, "every target is gone")


def _pages_template(store: Store, channel: Channel, settings: PackageSettings) -> Json:
    """Store the template of the letter's PDF; only one beside the docx is taken, so that both say the same."""
    path = channel.template.with_suffix(".html")
    if not settings.pdf:
        return {"pdf_template": None, "no_pdf": "switched off by the setting packages.letter_pdf"}
    if not path.is_file():
        return {"pdf_template": None, "no_pdf": f"there is no {path.name} beside {channel.template.name}"}
    return {"pdf_template": put_bytes(store.evidence_root, path.read_bytes())}


def _set_letter(store: Store, code: str, *, now: datetime) -> None:
    """Make the letter's PDF once and freeze it with the rest; a repeat after a kill finds it there."""
    with store.read() as conn:
        export = (batches.get_batch(conn, code).frozen or {})["export"]
    if "letter_pdf" in export:
        return
    made = make_letter_pdf(store, code)
    with store.write(now) as unit:
        one = batches.get_batch(unit.conn, code, lock=True)
        frozen = one.frozen or {}
        if "letter_pdf" in frozen["export"]:
            return
        for sha256, size, media_type in _letter_bytes(store, frozen["export"], made):
            add_evidence(unit, sha256, size, media_type=media_type)
        batches.set_frozen(unit, one, {**frozen, "export": {**frozen["export"], "letter_pdf": made}})


def _letter_bytes(store: Store, export: Json, made: Json) -> list[tuple[str, int, str]]:
    template = export.get("pdf_template")
    found = []
    if template:
        found.append((template, evidence_path(store.evidence_root, template).stat().st_size, "text/html"))
    if "sha256" in made:
        found.append((made["sha256"], made["size"], "application/pdf"))
    return found


def _strike_gone(unit: Unit, one: Batch, *, since: datetime, actor: Actor) -> tuple[dict[str, str], list[Json]]:
    """Strike items whose target is gone; return when the others were last seen live, and what was struck."""
    items = submissions.submissions_of_batch(unit.conn, one.number)
    seen = _seen_live(unit.conn, items)
    live: dict[str, str] = {}
    struck: list[Json] = []
    for item in items:
        _, moment = seen[item.clue_id]
        if why := _why_gone(seen[item.clue_id]):
            values = {"struck_why": why}
            submissions.change(unit, [item], SubmissionEvent.WITHDRAW, actor=actor, note=why, values=values)
            struck.append({"clue": item.clue, "why": why})
        elif moment is not None and moment >= since:
            live[item.item] = moment.isoformat()
    return live, struck


def _why_gone(seen: tuple[Outcome, datetime | None]) -> str | None:
    value, live_at = seen
    if value.first_gone_at is None or (live_at is not None and live_at > value.first_gone_at):
        return None
    return f"gone since {value.first_gone_at.isoformat(timespec='seconds')}: {value.kind}"


def _check_evidence(store: Store, one: Batch) -> None:
    """Read again the evidence that the package names; raise EvidenceError when a file does not hold."""
    with store.read() as conn:
        items = submissions.submissions_of_batch(conn, one.number)
    facts = [item.frozen or {} for item in items]
    named = {one.get("capture", {}).get("sha256") for one in facts} | {one.get("screenshot") for one in facts}
    for sha256 in sorted(name for name in named if name):
        read_bytes(store.evidence_root, sha256)


def _finish(store: Store, code: str, *, sha256: str, size: int, now: datetime, actor: Actor) -> None:
    """Take the items and then the batch to exported; a repeat after a kill takes the rest."""
    while True:
        with store.write(now) as unit:
            one = batches.get_batch(unit.conn, code, lock=True)
            items = submissions.submissions_of_batch(unit.conn, one.number)
            waiting = [item for item in items if item.state is SubmissionState.APPROVED][:CHUNK_ROWS]
            if waiting:
                submissions.change(unit, waiting, SubmissionEvent.EXPORT, actor=actor, note=sha256)
                continue
            values = {"exported_at": now, "package_sha256": sha256, "package_size": size}
            disclosed = (one.frozen or {})["channel"]["contacts"]
            details = {"sha256": sha256, "size": size, "items": len(items), "contacts": disclosed}
            batches.change_batch(unit, one, BatchEvent.EXPORT, actor=actor, values=values, details=details)
            return
