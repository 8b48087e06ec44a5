"""Looks at the targets of clues: what a page says about whether they are still there, as observations.

A probe never claims more than the marker it saw (design §9): gone is 410, a 404 seen twice a day apart, a named
marker of the platform, or a comment missing from a page that shows all it has (presence.py). A page that came out
otherwise is unknown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from crawler.parsing import parse_safely
from crawler.presence import Known, Sighting, look_at, words
from crawler.reading import ARTICLE, PAGE, START, Judged, PageParse, judge
from crawler.waiting import after_block, after_failure
from storage import frontier
from storage.clues import get_clue
from storage.evidence import add_capture, put_bytes
from storage.frontier import RECHECK, FrontierRow
from storage.observations import observations_of, record_observation
from storage.post_reads import current_words
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
_MANY_LINKS = 5  # of a list whose entries are all new since it was read


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
    session.control_ok = parsed is not None and _is_control(session, read, parsed)
    after_block(session, control_row(session), read, judged)


def _is_control(session: CrawlSession, read: PageRead, parsed: PageParse) -> bool:
    """Tell whether the control page is what it was: of the same kind, and leading to the source's articles."""
    if parsed.outcome is not ReadOutcome.OK:
        return False
    links = [link.url for link in parsed.links if link.url not in session.source.start_urls]
    with session.store.read() as conn:
        before = frontier.found_kind(conn, session.source.name, read.asked_url)
        if before is not None and before != parsed.kind:
            return False
        many = bool(parsed.posts) or len(links) >= _MANY_LINKS
        return many or frontier.knows_any(conn, session.source.name, links)


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
    alone = judged.wall and session.control_ok is True
    session.blocked_in_a_row *= judged.outcome is ReadOutcome.BLOCKED  # what answers ends a series
    after_block(session, row, read, judged, alone=alone)


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


def see(read: PageRead, judged: Judged, *, first_404_long_ago: bool) -> Sighting | None:
    """Return what an answer says of a target before its content is looked at, None where that decides."""
    if judged.outcome is ReadOutcome.BLOCKED:
        return Sighting(OutcomeKind.LOGIN_WALL if judged.wall else OutcomeKind.PROBE_BLOCKED, judged.marker)
    if judged.outcome is ReadOutcome.GONE:
        return Sighting(OutcomeKind(judged.means), judged.marker)
    if read.status == 404 and first_404_long_ago:  # noqa: PLR2004 - not found
        return Sighting(OutcomeKind.CONTENT_REMOVED, "http_404_twice")
    return Sighting(OutcomeKind.UNKNOWN, judged.marker) if judged.outcome is not ReadOutcome.OK else None


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
    told = see(read, judged, first_404_long_ago=long_ago)
    if told is not None or parsed is None:
        return told or Sighting(OutcomeKind.UNKNOWN, judged.marker)
    known = _known(unit, clue)
    return look_at(read, parsed, clue, known=known, rules=session.rules, markers=session.adapter.markers)


def _known(unit: Unit, clue: ClueRow) -> Known:
    """Return what is stored of a clue's target and of the page on which it stands."""
    texts = {}
    for native_id in {clue.target_native_id, clue.target_native_id.partition("#")[0]}:
        found = current_words(unit.conn, clue.platform, native_id)
        texts[native_id] = None if found is None else words(*found)
    page_id = clue.target_native_id.partition("#")[0] if clue.target_kind is TargetKind.COMMENT else None
    own = texts[clue.target_native_id]
    return Known(own=own, page=texts[page_id] if page_id else own)


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
