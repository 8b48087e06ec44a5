"""Looks at the targets of clues: what a page says about whether they are still there, as observations.

A probe never claims more than the marker it saw (design §9): gone is 410, a 404 seen twice a day apart, a named
marker of the platform, or a comment missing from a page that answers. A page that came out otherwise is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from crawler.parsing import parse_safely
from crawler.reading import ARTICLE, PAGE, START, Judged, PageParse, judge
from crawler.urls import canonical_url
from crawler.waiting import after_block, after_failure
from storage import frontier
from storage.clues import get_clue
from storage.evidence import add_capture, put_bytes
from storage.frontier import RECHECK, FrontierRow
from storage.observations import observations_of, record_observation
from storage.records import CaptureFacts, ObservationMethod, OutcomeKind, ReadOutcome, TargetKind

if TYPE_CHECKING:
    from crawler.parsing import Parser
    from crawler.reading import PageRead
    from crawler.session import CrawlSession
    from storage.clues import ClueRow
    from storage.engine import Unit

CONTROL = "control"
"""Kind of the request for a page that is known to be there: the source's first start page."""

ACTOR = "recheck"
_BETWEEN_404 = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look says of a target."""

    kind: OutcomeKind
    marker: str | None = None


def control_row(session: CrawlSession) -> FrontierRow:
    """Return the request for the control page; it is no row of the frontier."""
    return FrontierRow(
        id=0,
        source=session.source.name,
        url=(session.search_urls() or session.source.start_urls)[0],
        kind=CONTROL,
        depth=0,
        attempts=0,
        run_id=None,
        read_at=None,
        cursor=None,
        meta={},
    )


def record_control(session: CrawlSession, read: PageRead | None, parser: Parser) -> None:
    """Note whether the control page could be read; None = it did not answer."""
    if read is None:
        session.control_ok = False
        return
    sha256 = put_bytes(session.store.evidence_root, read.body) if read.body else None
    with session.store.write(read.at) as unit:
        add_capture(unit, _capture(read, sha256, CONTROL))
    judged = judge(read, session.adapter)
    parsed = parse_safely(parser, read, START, session.rules) if judged.outcome is ReadOutcome.OK else None
    session.control_ok = parsed is not None and parsed.outcome is ReadOutcome.OK
    after_block(session, control_row(session), read, judged)


def record_probe(session: CrawlSession, row: FrontierRow, read: PageRead, *, parser: Parser) -> None:
    """Store the answer to one look and what it says; a server's fault is asked again first."""
    sha256 = put_bytes(session.store.evidence_root, read.body) if read.body else None
    judged = judge(read, session.adapter)
    kind = PAGE if session.source.platform == "feed" else ARTICLE
    rules = replace(session.rules, article=None)
    parsed = parse_safely(parser, read, kind, rules) if judged.outcome is ReadOutcome.OK else None
    with session.store.write(read.at) as unit:
        capture_id = add_capture(unit, _capture(read, sha256, RECHECK))
        again = read.status >= 500 or read.status == 429  # noqa: PLR2004 - may pass
        if again and not judged.stops and not after_failure_is_final(session, row):
            after_failure(unit, session, row, reason=judged.marker or "", read=read)
        else:
            sighting = _sighting(session, unit, row, read, judged=judged, parsed=parsed)
            settle_probe(unit, session, row, sighting, capture_id=capture_id)
    after_block(session, row, read, judged)


def record_probe_failure(session: CrawlSession, row: FrontierRow, reason: str, *, refused: bool = False) -> None:
    """Settle a look that brought no answer: asked again, then unknown; one that is refused is blocked."""
    with session.store.write(session.clock()) as unit:
        if refused:
            settle_probe(unit, session, row, Sighting(OutcomeKind.PROBE_BLOCKED, reason), capture_id=None)
        elif after_failure_is_final(session, row):
            settle_probe(unit, session, row, Sighting(OutcomeKind.UNKNOWN, reason), capture_id=None)
        else:
            after_failure(unit, session, row, reason=reason)


def after_failure_is_final(session: CrawlSession, row: FrontierRow) -> bool:
    """Tell whether a look has been tried often enough."""
    return row.attempts + 1 >= session.adapter.limits.max_attempts


def see(
    read: PageRead, judged: Judged, parsed: PageParse | None, clue: ClueRow, *, first_404_long_ago: bool
) -> Sighting:
    """Return what an answer says of a clue's target: a pure function."""
    if judged.outcome is ReadOutcome.BLOCKED:
        wall = judged.stops and (judged.marker or "").startswith("login")
        return Sighting(OutcomeKind.LOGIN_WALL if wall else OutcomeKind.PROBE_BLOCKED, judged.marker)
    if judged.outcome is ReadOutcome.GONE:
        return Sighting(OutcomeKind(judged.means), judged.marker)
    if read.status == 404 and first_404_long_ago:  # noqa: PLR2004 - not found
        return Sighting(OutcomeKind.CONTENT_REMOVED, "http_404_twice")
    if parsed is None:
        return Sighting(OutcomeKind.UNKNOWN, judged.marker)
    return _on_page(read, parsed, clue)


def _on_page(read: PageRead, parsed: PageParse, clue: ClueRow) -> Sighting:
    if parsed.outcome is not ReadOutcome.OK:
        return Sighting(OutcomeKind.UNKNOWN, parsed.reason or parsed.outcome.value)
    page_id = clue.target_native_id.partition("#")[0] if clue.target_kind is TargetKind.COMMENT else None
    here = {canonical_url(read.url), *(post.native_id for post in parsed.posts)}
    if (page_id or clue.target_native_id) not in here:
        return Sighting(OutcomeKind.UNKNOWN, "another_page")
    if clue.target_kind is not TargetKind.COMMENT:
        return Sighting(OutcomeKind.LIVE)
    shown = {comment.native_id for post in parsed.posts for comment in post.comments}
    if clue.target_native_id in shown:
        return Sighting(OutcomeKind.LIVE)
    return Sighting(OutcomeKind.CONTENT_REMOVED, "comment_absent")


def _sighting(
    session: CrawlSession,
    unit: Unit,
    row: FrontierRow,
    read: PageRead,
    *,
    judged: Judged,
    parsed: PageParse | None,
) -> Sighting:
    clue = get_clue(unit.conn, int(row.meta["clue_id"]))
    earlier = observations_of(unit.conn, [clue.id]).get(clue.id, [])
    long_ago = session.control_ok is True and any(
        look.marker == "http_404" and read.at - look.at >= _BETWEEN_404 for look in earlier
    )
    return see(read, judged, parsed, clue, first_404_long_ago=long_ago)


def settle_probe(
    unit: Unit, session: CrawlSession, row: FrontierRow, sighting: Sighting, *, capture_id: int | None
) -> None:
    """Record what one look saw and settle its row."""
    record_observation(
        unit,
        clue_id=int(row.meta["clue_id"]),
        key=str(row.meta["key"]),
        at=unit.now,
        kind=sighting.kind,
        method=ObservationMethod.PROBE,
        marker=sighting.marker,
        control_ok=session.control_ok,
        capture_id=capture_id,
        actor=ACTOR,
    )
    outcome = ReadOutcome.OK if sighting.kind is OutcomeKind.LIVE else ReadOutcome.UNKNOWN
    frontier.complete(unit, row, owner=session.owner, outcome=outcome, meta={"seen": sighting.kind.value})
    session.seen[sighting.kind.value] += 1


def _capture(read: PageRead, sha256: str | None, kind: str) -> CaptureFacts:
    return CaptureFacts(
        url=read.url,
        at=read.at,
        method="http",
        sha256=sha256,
        size=len(read.body),
        status=read.status,
        headers=read.headers,
        kind=kind,
        why_none=None if sha256 else "the answer had no body",
    )
