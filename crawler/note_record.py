"""Keeping what a visit read: lists, notes and profiles, each with the cursor of the row that asked for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crawler.pieces import ROWS_PER_POST, Piece, Where, post_pieces, write_pieces
from crawler.reading import NOTE, PROFILE
from storage import frontier
from storage.accounts import see_account
from storage.author_bios import carry_bio, known_bio
from storage.evidence import add_capture, put_bytes
from storage.posts import last_reading, store_post
from storage.read_marks import ReadMark, advance, marks_of, set_mark
from storage.records import CaptureFacts, CommentFacts, Json, PostFacts, ReadOutcome
from storage.runs import count_read
from storage.screenshots import ELEMENT, SCREENSHOT, shot_headers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crawler.listening import Heard
    from crawler.reading import Link, PageParse
    from crawler.session import CrawlSession
    from crawler.visiting import Visit
    from storage.engine import Unit

CHANGED, NEW, SEEN = "changed", "new", "seen"


@dataclass(frozen=True, slots=True)
class Listed:
    """A note of a list: what it shows, and the address that opens it."""

    post: PostFacts
    url: str

    @property
    def note_id(self) -> str:
        """The note's id."""
        return self.post.native_id

    @property
    def key(self) -> str:
        """Its key in the frontier."""
        return f"{NOTE}:{self.note_id}"

    @property
    def looks(self) -> list[str | None]:
        """What must differ for a known note to be opened again; counts change all the time."""
        return [self.post.title, self.post.kind, self.post.author.native_id, self.post.author.name]


@dataclass(slots=True)
class NoteRead:
    """An opened note: what was heard of it, what it came to, and its pictures (PNG, None where there is none)."""

    heard: list[Heard]
    outcome: ReadOutcome = ReadOutcome.UNKNOWN
    reason: str = ""
    post: PostFacts | None = None
    writer: Link | None = None
    complete: bool = True
    problems: tuple[str, ...] = ()
    page_png: bytes | None = None
    element_png: bytes | None = None
    why_no_element: str = ""


def keep_list(visit: Visit, heard: Heard, parsed: PageParse, listed: Sequence[Listed]) -> list[Listed]:
    """Store a page of results as what its list shows and return the notes that are to be opened.

    Notes that this run has read are left alone. Known ones that were read within ``refresh_days`` and look the same
    are counted as seen.
    """
    session = visit.session
    with session.store.read() as conn:
        marks = marks_of(conn, session.source.name, [one.key for one in listed])
    left = [one for one in listed if not _is_done(session, marks.get(one.key))]
    counts: Counter[str] = Counter()
    saved: dict[str, int | None] = {}
    capture = heard.capture(session.run_id)
    pieces: list[Piece] = [(2, lambda unit: saved.update(capture=_add_all(unit, [capture])))]
    pieces += [_list_piece(session, one, marks.get(one.key), saved=saved, counts=counts) for one in left]
    pieces.append((1, lambda unit: _count(unit, session, parsed.outcome, counts)))
    write_pieces(session.store, heard.read.at, pieces)
    session.posts.update(counts)
    session.pages[parsed.outcome] += 1
    return [one for one in left if not _is_fresh(session, marks.get(one.key), one)]


def _is_done(session: CrawlSession, mark: ReadMark | None) -> bool:
    return mark is not None and mark.outcome is not None and mark.run_id == session.run_id


def _is_fresh(session: CrawlSession, mark: ReadMark | None, one: Listed) -> bool:
    if mark is None or mark.read_at is None or mark.outcome not in (ReadOutcome.OK, ReadOutcome.GONE):
        return False
    return mark.read_at >= session.stale_before and mark.meta.get("looks") == one.looks


def _list_piece(
    session: CrawlSession,
    one: Listed,
    mark: ReadMark | None,
    *,
    saved: dict[str, int | None],
    counts: Counter[str],
) -> Piece:
    fresh = _is_fresh(session, mark, one)

    def write(unit: Unit) -> None:
        name, capture_id = session.source.name, saved.get("capture")
        result = store_post(unit, one.post, source=name, run_id=session.run_id, capture_id=capture_id)
        counts[NEW] += result == NEW
        counts[SEEN] += fresh
        if fresh:
            set_mark(unit, session.source.name, _mark(session, one), kind=NOTE)

    return ROWS_PER_POST + 1, write


def _mark(session: CrawlSession, one: Listed) -> ReadMark:
    return ReadMark(key=one.key, url=one.url, run_id=session.run_id, outcome=None, read_at=None)


def record_note(visit: Visit, one: Listed, note: NoteRead, *, cursor: Json) -> None:
    """Store an opened note in one go with its captures and pictures, and move the query's cursor.

    Raises:
        LeaseLostError: another process took the query over.
    """
    session, at = visit.session, session_time(note, visit)
    captures = [heard.capture(session.run_id) for heard in note.heard] + _shots(session, one, note, at)
    saved: dict[str, int | None] = {"capture": None}
    counts: Counter[str] = Counter()
    pieces: list[Piece] = [(2 * len(captures), lambda unit: saved.update(capture=_add_all(unit, captures)))]
    if note.post is not None:
        pieces += _note_pieces(session, note, saved, counts)
    pieces.append((6, lambda unit: _settle_note(unit, visit, one, note, cursor=cursor, counts=counts)))
    write_pieces(session.store, at, pieces)
    session.posts.update(counts)
    session.pages[note.outcome] += 1
    for problem in note.problems:
        session.problem("format_changed", f"{one.post.url}: {problem}")


def _shots(session: CrawlSession, one: Listed, note: NoteRead, at: datetime) -> list[CaptureFacts]:
    """Keep the pictures of a note and return their captures: the note alone, and the page, which names it."""
    root, found = session.store.evidence_root, []
    if note.page_png is None:
        return []
    page = CaptureFacts(
        url=one.post.url or "",
        at=at,
        method="browser",
        sha256=put_bytes(root, note.page_png),
        size=len(note.page_png),
        status=200,
        headers={"content-type": "image/png"},
        kind=SCREENSHOT,
        run_id=session.run_id,
    )
    crop = None
    if note.element_png is not None:
        crop = put_bytes(root, note.element_png)
        found.append(replace(page, kind=ELEMENT, sha256=crop, size=len(note.element_png)))
    return [*found, replace(page, headers=shot_headers(crop, note.why_no_element or None))]


def session_time(note: NoteRead, visit: Visit) -> datetime:
    """Return when a note was read: when its own answer came."""
    return note.heard[0].read.at if note.heard else visit.session.clock()


def _note_pieces(
    session: CrawlSession, note: NoteRead, saved: dict[str, int | None], counts: Counter[str]
) -> list[Piece]:
    assert note.post is not None  # noqa: S101 - asked before
    with session.store.read() as conn:
        bio = known_bio(conn, note.post.platform, note.post.author.native_id or "")
        before = last_reading(conn, note.post.platform, note.post.native_id)
    post = replace(note.post, author=replace(note.post.author, bio=note.post.author.bio or bio))
    if not note.complete and before is not None:
        post = _with_known_comments(post, before)
    was_known = before is not None and session.run is not None and before["first_seen"] < session.run.started_at

    def count(_unit: Unit, result: str) -> None:
        if result == SEEN and not was_known:
            return  # the list has counted it as new
        counts[result] += 1

    where = Where(session.source.name, session.run_id)
    return list(post_pieces(post, where, capture_id=lambda: saved["capture"], after=count))


def _with_known_comments(post: PostFacts, before: Json) -> PostFacts:
    """Keep the writer's own comments that an unfinished reading did not come to: it is no edit."""
    shown = {comment.native_id for comment in post.comments}
    kept = [
        CommentFacts(native_id=own["native_id"], author=post.author, text=own["text"])
        for own in before.get("own_comments") or []
        if own["native_id"] not in shown
    ]
    return replace(post, comments=(*post.comments, *kept))


def _settle_note(
    unit: Unit, visit: Visit, one: Listed, note: NoteRead, *, cursor: Json, counts: Counter[str]
) -> None:
    session = visit.session
    fine = note.outcome in (ReadOutcome.OK, ReadOutcome.GONE)
    meta: Json = {"looks": one.looks if fine else None, "marker": note.reason or None}
    mark = ReadMark(
        key=one.key,
        url=one.url,
        run_id=session.run_id,
        outcome=note.outcome,
        read_at=unit.now if fine else None,
        meta=meta,
    )
    set_mark(unit, session.source.name, mark, kind=NOTE)
    if note.writer is not None and note.post is not None and session.run_id is not None:
        request = frontier.NewRequest(
            key=f"{PROFILE}:{note.post.author.native_id}",
            url=note.writer.url,
            kind=PROFILE,
            priority=20,
            depth=1,
            meta={"user_id": note.post.author.native_id},
        )
        frontier.add_requests(
            unit, session.source.name, [request], run_id=session.run_id, stale_before=session.stale_before
        )
    advance(unit, visit.row, owner=session.owner, cursor=cursor)
    _count(unit, session, note.outcome, counts)


def record_profile(visit: Visit, heard: Sequence[Heard], parsed: PageParse) -> None:
    """Store a profile and settle its row; its bio goes to the notes of its account."""
    session, row = visit.session, visit.row
    account = parsed.accounts[0] if parsed.accounts else None
    counts: Counter[str] = Counter()

    def settle(unit: Unit) -> None:
        if account is not None and account.native_id:
            _, changed = carry_bio(
                unit, platform=session.source.platform, native_id=account.native_id, run_id=session.run_id
            )
            counts[CHANGED] += changed
        meta: Json = {"marker": parsed.reason}
        if parsed.outcome is ReadOutcome.OK:
            frontier.complete(unit, row, owner=session.owner, outcome=parsed.outcome, meta=meta)
        else:
            frontier.fail(unit, row, owner=session.owner, outcome=parsed.outcome, meta=meta)
        _count(unit, session, parsed.outcome, counts)

    def see(unit: Unit) -> None:
        capture_id = _add_all(unit, [one.capture(session.run_id) for one in heard])
        if account is not None:
            see_account(unit, session.source.platform, account, seen_at=unit.now, capture_id=capture_id)

    at = heard[0].read.at if heard else session.clock()
    write_pieces(session.store, at, [(2 * len(heard) + 3, see), (190, settle)])
    session.posts.update(counts)
    session.pages[parsed.outcome] += 1
    for problem in parsed.problems:
        session.problem("format_changed", f"{PROFILE}: {problem}")


def settle_query(visit: Visit, *, outcome: ReadOutcome, cursor: Json, reason: str | None = None) -> None:
    """Settle a query's row: read to its end, or given up for this run."""
    session, row = visit.session, visit.row
    with session.store.write(session.clock()) as unit:
        if outcome is ReadOutcome.OK:
            frontier.complete(unit, row, owner=session.owner, outcome=outcome, cursor=cursor)
        else:
            advance(unit, row, owner=session.owner, cursor=cursor)
            frontier.fail(unit, row, owner=session.owner, outcome=outcome, meta={"reason": reason})
    if outcome is ReadOutcome.OK:
        session.starts[ReadOutcome.OK] += 1
        session.health.searches_ended += 1
    else:
        session.start_failed(f"query {row.meta.get('query', '')!r}", outcome, reason or outcome.value)


def _count(unit: Unit, session: CrawlSession, outcome: ReadOutcome, counts: Counter[str]) -> None:
    if session.run_id is not None:
        count_read(unit, session.run_id, outcome=outcome, posts=counts)


def _add_all(unit: Unit, captures: Sequence[CaptureFacts]) -> int | None:
    """Record captures and return the id of the first, which is what was asked for."""
    made = [add_capture(unit, facts) for facts in captures]
    return made[0] if made else None
