"""Rechecks through a browser: a control search and a note of it first, then each target with a token that opens it.

Gone needs a named marker of the platform and a control that was readable in the same visit. The page that stands
for stale tokens, haste and removal alike says nothing, and what a banned profile shows is not recorded: both are
unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from crawler.note_record import Listed, NoteRead
from crawler.note_visit import read_comments, read_note
from crawler.presence import Sighting
from crawler.profile_visit import profile_of_page
from crawler.query_visit import SEARCH
from crawler.reading import NOTE, PROFILE
from crawler.recheck import CONTROL, settle_probe
from storage.clues import get_clue
from storage.evidence import add_capture
from storage.frontier import RECHECK
from storage.read_marks import marks_of
from storage.records import OutcomeKind, ReadOutcome, TargetKind

if TYPE_CHECKING:
    from crawler.listening import Heard
    from crawler.session import CrawlSession
    from crawler.visiting import Visit
    from storage.clues import ClueRow
    from storage.frontier import FrontierRow

_CONTROL_TRIES = 3


def opening_url(session: CrawlSession, row: FrontierRow) -> str:
    """Return the address that opens a row's page, with the token it needs."""
    if row.kind == CONTROL:
        return session.search_urls()[0]
    if row.kind != RECHECK:
        return row.url
    with session.store.read() as conn:
        clue = get_clue(conn, int(row.meta["clue_id"]))
        kind, native_id = _page_of(clue)
        key = f"{kind}:{native_id}"
        known = marks_of(conn, session.source.name, [key]).get(key)
    surface = session.adapter.surface
    assert surface is not None  # noqa: S101 - only such platforms come here
    path = (surface.profile if kind == PROFILE else surface.note).replace("{id}", native_id).replace("{token}", "")
    return session.fresh_urls.get(native_id) or (known.url if known else urljoin(session.source.home, path))


def _page_of(clue: ClueRow) -> tuple[str, str]:
    """Return the kind and id of the page on which a clue's target stands."""
    if clue.target_kind is TargetKind.ACCOUNT:
        return PROFILE, clue.target_native_id
    if clue.target_kind is TargetKind.COMMENT:
        return NOTE, clue.post_key.partition(":")[2]
    return NOTE, clue.target_native_id


async def read_control(visit: Visit) -> None:
    """Search as a crawl does and open a note of the results: then reading works in this visit."""
    session = visit.session
    await visit.settle_document()
    heard = await visit.listener.wait_for(*SEARCH, seconds=visit.wait_seconds)
    if heard is None:
        await visit.look()
        session.control_ok = False
        return
    _keep(visit, heard, CONTROL)
    parsed = visit.parse(heard)
    listed = [Listed(post, link.url) for post, link in zip(parsed.posts, parsed.links, strict=True)]
    session.fresh_urls.update({one.note_id: one.url for one in listed})
    session.control_ok = False
    for one in listed[:_CONTROL_TRIES]:
        await visit.pause()
        note = await read_note(visit, one, whole=False)
        if note is not None and note.outcome is ReadOutcome.OK:
            _keep(visit, note.heard[0], CONTROL)
            session.control_ok = True
            return
        if visit.page.url.partition("?")[0] != visit.row.url.partition("?")[0]:
            await visit.page.goto(session.search_urls()[0])
            await visit.listener.wait_for(*SEARCH, seconds=visit.wait_seconds)


async def read_target(visit: Visit) -> None:
    """Look at one target and record what was seen of it."""
    session = visit.session
    with session.store.read() as conn:
        clue = get_clue(conn, int(visit.row.meta["clue_id"]))
    await visit.pause()
    if clue.target_kind is TargetKind.ACCOUNT:
        heard, sighting = await _see_account(visit, clue)
    else:
        heard, sighting = await _see_note(visit, clue)
    at = heard[0].read.at if heard else session.clock()
    with session.store.write(at) as unit:
        captures = [add_capture(unit, one.capture(None, kind=RECHECK)) for one in heard]
        settle_probe(unit, session, visit.row, sighting, capture_id=captures[0] if captures else None)


async def _see_account(visit: Visit, clue: ClueRow) -> tuple[list[Heard], Sighting]:
    heard, parsed = await profile_of_page(visit)
    shown = {account.native_id for account in parsed.accounts}
    if shown and shown <= {clue.target_native_id, None}:
        return heard, Sighting(OutcomeKind.LIVE)
    return heard, Sighting(OutcomeKind.UNKNOWN, parsed.reason or "another_account")


async def _see_note(visit: Visit, clue: ClueRow) -> tuple[list[Heard], Sighting]:
    document = await visit.settle_document()
    heard = [document] if document is not None else []
    parsed = visit.parse(document, NOTE) if document is not None else None
    if parsed is None or parsed.outcome is not ReadOutcome.OK:
        return heard, await _see_notice(visit)
    if parsed.posts[0].native_id != _page_of(clue)[1]:
        return heard, Sighting(OutcomeKind.UNKNOWN, "another_page")
    if clue.target_kind is TargetKind.POST:
        return heard, Sighting(OutcomeKind.LIVE)
    note = NoteRead(heard)
    await read_comments(visit, note, parsed)
    shown = {comment.native_id for comment in (note.post.comments if note.post else ())}
    if clue.target_native_id in shown:
        return note.heard, Sighting(OutcomeKind.LIVE)
    if note.complete and visit.session.control_ok:
        return note.heard, Sighting(OutcomeKind.CONTENT_REMOVED, "comment_absent")
    return note.heard, Sighting(OutcomeKind.UNKNOWN, "comments_unfinished")


async def _see_notice(visit: Visit) -> Sighting:
    """Return what a page says that shows no note: gone by a named marker alone."""
    judged = await visit.look()
    if judged.outcome is ReadOutcome.GONE:
        return Sighting(OutcomeKind(judged.means), judged.marker)
    if judged.outcome is ReadOutcome.BLOCKED:
        return Sighting(OutcomeKind.PROBE_BLOCKED, judged.marker)
    return Sighting(OutcomeKind.UNKNOWN, judged.marker or "no_note_on_page")


def _keep(visit: Visit, heard: Heard, kind: str) -> None:
    with visit.session.store.write(heard.read.at) as unit:
        add_capture(unit, heard.capture(visit.session.run_id, kind=kind))
