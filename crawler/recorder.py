"""Keeping what was read: bytes first, then captures, posts and links together with the row that asked for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crawler.parsing import parse_safely
from crawler.pieces import Piece, Where, post_pieces, write_pieces
from crawler.reading import ARTICLE, FEED, LIST, NO_PAGES, PAGE, SITEMAP, START, PageParse, is_page, judge
from crawler.robots import ROBOTS_DISALLOW
from crawler.waiting import after_block, after_failure, first_404_at, is_second_404
from storage import frontier
from storage.evidence import add_capture, put_bytes
from storage.records import CaptureFacts, Json, ReadOutcome
from storage.runs import count_read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crawler.parsing import Parser
    from crawler.reading import Judged, Link, PageRead
    from crawler.session import CrawlSession
    from storage.engine import Unit
    from storage.frontier import FrontierRow
    from storage.records import PostFacts

_PRIORITY = {SITEMAP: 1, FEED: 1, ARTICLE: 10, PAGE: 15, LIST: 20}
_LINK_CHUNK = 100


@dataclass(slots=True)
class _Page:
    """One read on its way into the database."""

    session: CrawlSession
    row: FrontierRow
    read: PageRead
    parsed: PageParse
    captures: list[CaptureFacts]
    capture_id: int | None = None
    posts: Counter[str] = field(default_factory=Counter)
    opened: int = 0
    given_up: bool = False

    @property
    def is_page(self) -> bool:
        """Whether this read counts as one of a page."""
        return is_page(self.parsed.kind, self.row.url, self.session.source.platform)


def record_read(
    session: CrawlSession, row: FrontierRow, read: PageRead, *, parser: Parser, hops: Sequence[tuple[str, int]] = ()
) -> ReadOutcome:
    """Store one read and settle its row; return what the read was. ``hops`` are redirects as (address, status).

    Raises:
        LeaseLostError: another process took the row over and stores the page itself.
    """
    sha256 = put_bytes(session.store.evidence_root, read.body) if read.body else None
    judged = judge(read, session.adapter)
    parsed = _parse(session, row, read, judged=judged, parser=parser)
    page = _Page(session, row, read, parsed, _captures(session, read, sha256, hops))
    if parsed.outcome is ReadOutcome.OK:
        write_pieces(session.store, read.at, _good_pieces(page))
    else:
        fault: Piece = (len(page.captures) + 2, lambda unit: _settle_fault(unit, page, judged))
        write_pieces(session.store, read.at, [fault])
        after_block(session, row, read, judged)
    _tell(page)
    return parsed.outcome


def record_failure(session: CrawlSession, row: FrontierRow, reason: str, *, final: bool = False) -> bool:
    """Settle a row whose page did not come: put it off, or give it up (``final``, or after enough attempts).

    Return whether it was given up.
    """
    with session.store.write(session.clock()) as unit:
        given_up = after_failure(unit, session, row, reason=reason, final=final)
        if session.run_id is not None and is_page(row.kind, row.url, session.source.platform):
            count_read(unit, session.run_id, outcome=ReadOutcome.UNKNOWN, posts={})
    session.pages[ReadOutcome.UNKNOWN] += is_page(row.kind, row.url, session.source.platform)
    if given_up and row.kind == START:
        session.start_failed(row.url, ReadOutcome.UNKNOWN, reason)
    return given_up


def record_refusal(session: CrawlSession, row: FrontierRow, reason: str) -> None:
    """Settle a row that may not be read (robots.txt, a foreign host): that is no read of a page."""
    with session.store.write(session.clock()) as unit:
        frontier.fail(unit, row, owner=session.owner, outcome=ReadOutcome.BLOCKED, meta={"refused": reason})
    session.started -= row.kind not in NO_PAGES
    session.refused += reason == ROBOTS_DISALLOW and row.kind != START
    if row.kind == START:
        session.start_failed(row.url, ReadOutcome.BLOCKED, reason)


def _parse(session: CrawlSession, row: FrontierRow, read: PageRead, *, judged: Judged, parser: Parser) -> PageParse:
    if read.status == 404 and is_second_404(session, row, read.at):  # noqa: PLR2004 - not found
        return PageParse(kind=row.kind, outcome=ReadOutcome.GONE, reason="http_404_twice")
    if judged.outcome is not ReadOutcome.OK:
        return PageParse(kind=row.kind, outcome=judged.outcome, reason=judged.marker)
    if read.status == 304:  # noqa: PLR2004 - not modified: what it was before
        return PageParse(kind=str(row.meta.get("found", row.kind)))
    return parse_safely(parser, read, row.kind, session.rules)


def _captures(
    session: CrawlSession, read: PageRead, sha256: str | None, hops: Sequence[tuple[str, int]]
) -> list[CaptureFacts]:
    found = [
        CaptureFacts(
            url=url,
            at=read.at,
            method="http",
            sha256=None,
            status=status,
            kind="redirect",
            run_id=session.run_id,
            why_none="a redirect",
        )
        for url, status in hops
    ]
    page = CaptureFacts(
        url=read.url,
        at=read.at,
        method="http",
        sha256=sha256,
        size=len(read.body),
        status=read.status,
        headers=read.headers,
        run_id=session.run_id,
        why_none=None if sha256 else "the answer had no body",
    )
    return [*found, page]


def _good_pieces(page: _Page) -> list[Piece]:
    """Return what a good read writes; the last piece settles its row, so that all else is there before."""
    pieces: list[Piece] = [(2 * len(page.captures), lambda unit: _add_captures(unit, page))]
    for post in page.parsed.posts:
        pieces += _post_pieces(page, post)
    if page.session.run_id is not None and page.row.depth < page.session.adapter.limits.max_depth:
        pieces += _link_pieces(page)
    return [*pieces, (3, lambda unit: _settle_ok(unit, page))]


def _add_captures(unit: Unit, page: _Page) -> None:
    page.capture_id = [add_capture(unit, facts) for facts in page.captures][-1]


def _post_pieces(page: _Page, post: PostFacts) -> Iterator[Piece]:
    where = Where(page.session.source.name, page.session.run_id)

    def count(_unit: Unit, result: str) -> None:
        page.posts[result] += 1

    return post_pieces(post, where, capture_id=lambda: page.capture_id, after=count)


def _link_pieces(page: _Page) -> Iterator[Piece]:
    """Yield the links to write, pages before lists: whether a list had news decides on its own lists."""
    pages = [link for link in page.parsed.links if link.kind != LIST]
    lists = [link for link in page.parsed.links if link.kind == LIST]
    for links in (pages, lists):
        for first in range(0, len(links), _LINK_CHUNK):
            chunk = links[first : first + _LINK_CHUNK]

            def write(unit: Unit, chunk: list[Link] = chunk) -> None:
                _add_links(unit, page, chunk)

            yield len(chunk), write


def _add_links(unit: Unit, page: _Page, links: Sequence[Link]) -> None:
    session = page.session
    dry = 0 if page.opened or page.row.kind == START else int(page.row.meta.get("dry", 0)) + 1
    wanted = [link for link in links if link.kind != LIST or dry <= session.adapter.limits.max_dry_lists]
    requests = [
        frontier.NewRequest(
            key=link.url,
            url=link.url,
            kind=link.kind,
            priority=_PRIORITY[link.kind],
            depth=page.row.depth + 1,
            lastmod=link.lastmod,
            again=link.kind in NO_PAGES or link.kind == LIST,
            meta={"dry": dry} if link.kind == LIST else {},
        )
        for link in wanted
    ]
    assert session.run_id is not None  # noqa: S101 - rechecks follow no links
    page.opened += frontier.add_requests(
        unit, session.source.name, requests, run_id=session.run_id, stale_before=session.stale_before
    )


def _settle_ok(unit: Unit, page: _Page) -> None:
    row, read, parsed = page.row, page.read, page.parsed
    meta: Json = {"found": parsed.kind, "http_404_at": None}
    cursor = {name: read.headers[name] for name in ("etag", "last-modified") if read.headers.get(name)}
    frontier.complete(
        unit,
        row,
        owner=page.session.owner,
        outcome=ReadOutcome.OK,
        kind=parsed.kind if row.kind == PAGE else None,
        cursor=cursor if row.kind == START and cursor else None,
        meta=meta,
    )
    _count_in_run(unit, page)


def _settle_fault(unit: Unit, page: _Page, judged: Judged) -> None:
    session, row, outcome = page.session, page.row, page.parsed.outcome
    _add_captures(unit, page)
    reason = page.parsed.reason or outcome.value
    if outcome is ReadOutcome.GONE:
        page.given_up = True
        frontier.complete(unit, row, owner=session.owner, outcome=outcome, meta={"marker": reason})
    elif outcome is ReadOutcome.BLOCKED and judged.stops:
        frontier.postpone(unit, row, owner=session.owner, until=unit.now, counts=False)
    elif outcome is ReadOutcome.BLOCKED or page.read.status >= 500:  # noqa: PLR2004 - may pass
        page.given_up = after_failure(unit, session, row, reason=reason, outcome=outcome, read=page.read)
    else:
        page.given_up = True
        meta = {"reason": reason, "http_404_at": first_404_at(row, page.read)}
        frontier.fail(unit, row, owner=session.owner, outcome=outcome, meta=meta)
    _count_in_run(unit, page)


def _count_in_run(unit: Unit, page: _Page) -> None:
    if page.session.run_id is not None:
        outcome = page.parsed.outcome if page.is_page else None
        count_read(unit, page.session.run_id, outcome=outcome, posts=page.posts)


def _tell(page: _Page) -> None:
    """Bring this process's counts up to what was stored."""
    session, row, parsed = page.session, page.row, page.parsed
    session.pages[parsed.outcome] += page.is_page
    session.started -= row.kind not in NO_PAGES and not page.is_page
    session.posts.update(page.posts)
    if parsed.outcome is ReadOutcome.OK:
        session.blocked_in_a_row = 0
    if parsed.kind == ARTICLE and parsed.outcome in (ReadOutcome.OK, ReadOutcome.FORMAT_CHANGED):
        session.kinds[ARTICLE] += 1
        session.kinds["unreadable"] += parsed.outcome is ReadOutcome.FORMAT_CHANGED
    if row.kind == START:
        if parsed.outcome is ReadOutcome.OK:
            session.starts[ReadOutcome.OK] += 1
        elif page.given_up:
            session.start_failed(row.url, parsed.outcome, parsed.reason or parsed.outcome.value)
    for problem in parsed.problems:
        session.problem("bad_field", f"{row.url}: {problem}")
    session.look_again()
