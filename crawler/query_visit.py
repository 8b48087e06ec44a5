"""Reading one search to its end: each page of results is kept, each note is opened by a click, read and closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from playwright.async_api import Error as PlaywrightError

from crawler.note_record import Listed, keep_list, record_note, settle_query
from crawler.note_visit import read_note
from crawler.watch import in_quiet_hours
from storage.records import Json, ReadOutcome, RunState

if TYPE_CHECKING:
    from crawler.listening import Heard
    from crawler.reading import PageParse
    from crawler.visiting import Visit

SEARCH = ("search", "search_v2")
"""Names under which pages of results are listened for."""

_MAX_RESTARTS = 30
_SCROLLS = 3
_SCROLL_WAIT_SHARE = 0.25


class EnoughError(Exception):
    """The visit ends here and goes on later: the budget is spent, or the run was stopped."""


@dataclass(slots=True)
class _Search:
    """One search on its way."""

    listed: int = 0
    opened: int = 0
    pages: int = 0
    restarts: int = 0
    unopened: set[str] = field(default_factory=set)
    last: str | None = None

    def cursor(self, visit: Visit, *, ended: bool = False) -> Json:
        """Return how far the search has come; the notes that are done are marked by themselves."""
        return {
            "run": visit.session.run_id,
            "pages": self.pages,
            "listed": self.listed,
            "opened": self.opened,
            "last": self.last,
            "ended": ended,
        }


async def read_query(visit: Visit) -> None:
    """Read the search that a visit's page has opened, to its end, its cap, or the end of the budget.

    Raises:
        SourceStoppedError: the platform asks for a person.
        EnoughError: the run stops here; the row goes back with its cursor.
        LeaseLostError: another process took the query over.
    """
    search = _Search()
    await visit.settle_document()
    while not await _read_results(visit, search):
        search.restarts += 1
        if search.restarts > _MAX_RESTARTS:
            settle_query(visit, outcome=ReadOutcome.UNKNOWN, cursor=search.cursor(visit), reason="page_goes_away")
            return
        await visit.pause()
        visit.listener.forget(*SEARCH)
        await visit.page.goto(visit.row.url)


async def _read_results(visit: Visit, search: _Search) -> bool:
    """Read results page by page; return False when a note took the page away and the search must be opened anew."""
    search.listed = search.pages = 0
    heard = await visit.listener.wait_for(*SEARCH, seconds=visit.wait_seconds)
    while True:
        if heard is None:
            await _without_answer(visit, search)
            return True
        parsed = visit.parse(heard)
        if parsed.outcome is not ReadOutcome.OK:
            keep_list(visit, heard, parsed, [])
            settle_query(visit, outcome=parsed.outcome, cursor=search.cursor(visit), reason=parsed.reason)
            return True
        if not await _read_page(visit, search, heard, parsed):
            return False
        if not parsed.more or search.listed >= visit.session.adapter.browser.max_results:
            await _end(visit, search)
            return True
        heard = await _scroll_on(visit, search)


async def _read_page(visit: Visit, search: _Search, heard: Heard, parsed: PageParse) -> bool:
    """Keep one page of results, the last one too, and open its notes."""
    listed = [Listed(post, link.url) for post, link in zip(parsed.posts, parsed.links, strict=True)]
    search.pages += 1
    search.listed += len(listed)
    visit.session.health.listed += len(listed)
    for problem in parsed.problems:
        visit.session.problem("format_changed", f"search results: {problem}")
    for one in keep_list(visit, heard, parsed, listed):
        if one.note_id in search.unopened:
            continue
        _check_enough(visit, begun=search.opened > 0)
        await visit.pause()
        if not await _open(visit, search, one):
            return False
    return True


async def _open(visit: Visit, search: _Search, one: Listed) -> bool:
    """Open, read, record and close one note; return False when that took the page away."""
    visit.session.started += 1
    note = await read_note(visit, one)
    if note is None:  # its card is not on the page any more: what the list shows of it is kept
        visit.session.started -= 1
        search.unopened.add(one.note_id)
        return True
    search.opened += 1
    search.last = one.note_id
    record_note(visit, one, note, cursor=search.cursor(visit))
    visit.session.health.opened(note.post)
    return await close_note(visit)


def _check_enough(visit: Visit, *, begun: bool = True) -> None:
    """End the visit when the run is stopped or its budget spent; at least one note is opened."""
    session = visit.session
    if in_quiet_hours(session.source, session.clock()):
        session.stop_with(RunState.BUDGET, "quiet hours")
    spent = begun and session.started >= session.source.budget.pages_per_run
    if session.stop is not None or spent:
        raise EnoughError
    if session.health.since_start >= session.adapter.browser.recycle_after:
        raise EnoughError


async def close_note(visit: Visit) -> bool:
    """Close the overlay; return False when the page is no longer the search it was."""
    overlay = visit.find(visit.surface.overlay)
    for step in ("Escape", "close"):
        try:
            if not await overlay.count():
                break
            await visit.pause()
            if step == "close":
                await visit.find(visit.surface.close).click(timeout=2000)
            else:
                await visit.page.keyboard.press(step)
            await overlay.wait_for(state="hidden", timeout=2000)
        except PlaywrightError:
            continue
    on_search = visit.page.url.partition("?")[0] == visit.row.url.partition("?")[0]
    return on_search and not await overlay.count()


async def _scroll_on(visit: Visit, search: _Search) -> Heard | None:
    """Scroll to the bottom until the next page of results comes; None where none does."""
    for _ in range(_SCROLLS):
        _check_enough(visit, begun=search.opened > 0)
        if (heard := visit.listener.next_of(*SEARCH)) is not None:
            return heard
        await visit.pause()
        await visit.page.evaluate("scrollTo(0, 0); scrollTo(0, document.documentElement.scrollHeight)")
        seconds = visit.wait_seconds * _SCROLL_WAIT_SHARE
        if (heard := await visit.listener.wait_for(*SEARCH, seconds=seconds)) is not None:
            return heard
    return None


async def _without_answer(visit: Visit, search: _Search) -> None:
    """Settle a search whose (next) page of results did not come."""
    judged = await visit.look()
    login = visit.session.adapter.login
    if not search.pages and login is not None and not await visit.is_shown(login.done):
        visit.session.wait_for_person("not_signed_in", visit.row.url.partition("?")[0], is_login=True)
        raise EnoughError
    if search.pages and await visit.is_shown(visit.surface.end):
        await _end(visit, search)
        return
    reason = judged.marker or ("no_next_page" if search.pages else "no_results_answer")
    settle_query(visit, outcome=ReadOutcome.UNKNOWN, cursor=search.cursor(visit), reason=reason)


async def _end(visit: Visit, search: _Search) -> None:
    """Settle a search that was read to its end; one that found nothing must prove it."""
    if search.listed or await _is_proved_empty(visit):
        if search.unopened:
            message = f"{len(search.unopened)} notes of {visit.row.meta.get('query', '')!r} could not be clicked"
            visit.session.problem("failed", message)
        settle_query(visit, outcome=ReadOutcome.OK, cursor=search.cursor(visit, ended=True))
        return
    reason = "nothing found, and neither the page's own words nor a control search prove it"
    settle_query(visit, outcome=ReadOutcome.UNKNOWN, cursor=search.cursor(visit), reason=reason)


async def _is_proved_empty(visit: Visit) -> bool:
    """Tell whether the page says that nothing was found, or else a search that always finds something does."""
    try:
        await visit.find(visit.surface.empty).wait_for(state="visible", timeout=2000)
    except PlaywrightError:
        return await _control_finds(visit)
    return True


async def _control_finds(visit: Visit) -> bool:
    _check_enough(visit)
    await visit.pause()
    visit.listener.forget(*SEARCH)
    await visit.page.goto(search_url(visit, visit.surface.control_query))
    heard = await visit.listener.wait_for(*SEARCH, seconds=visit.wait_seconds)
    return heard is not None and bool(visit.parse(heard).posts)


def search_url(visit: Visit, query: str) -> str:
    """Return the address of a search."""
    return urljoin(visit.session.source.home, visit.surface.search.replace("{query}", quote(query, safe="")))
