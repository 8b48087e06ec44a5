"""Opening one note by its card: its text, its comments and replies, its pictures. Nothing is stored here."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from crawler.note_record import Listed, NoteRead
from crawler.profiles import VIEWPORT
from crawler.reading import PROFILE
from crawler.shot_masks import MaskRules
from crawler.shots import masked_shot_async
from storage.records import CommentFacts, ReadOutcome

if TYPE_CHECKING:
    from crawler.listening import Heard
    from crawler.reading import PageParse
    from crawler.visiting import Visit

FEED, COMMENTS, REPLIES = "feed", "comments", "replies"
_NO_COMMENTS_WAIT_SECONDS = 0.5
_MAX_HEIGHT = 12_000
_PICTURES_SETTLE_SECONDS = 0.1


async def read_note(visit: Visit, one: Listed, *, whole: bool = True) -> NoteRead | None:
    """Open a note and read all of it; None where its card is not on the page.

    Without ``whole`` its comments are left unread and no pictures are taken: it only shows that reading works.

    Raises:
        SourceStoppedError: the platform asks for a person.
        TimeoutError: the page is stuck.
    """
    async with asyncio.timeout(visit.session.adapter.browser.visit_seconds):
        visit.listener.forget(FEED, COMMENTS, REPLIES)
        if not await _click_card(visit, one):
            return None
        heard = await _own_answer(visit, one)
        if heard is None:
            judged = await visit.look()
            known = judged.outcome not in (ReadOutcome.OK, ReadOutcome.FORMAT_CHANGED)
            outcome = judged.outcome if known else ReadOutcome.UNKNOWN
            return NoteRead([], outcome=outcome, reason=judged.marker or "no_answer")
        parsed = visit.parse(heard)
        note = NoteRead([heard], outcome=parsed.outcome, reason=parsed.reason or "", problems=parsed.problems)
        if parsed.outcome is not ReadOutcome.OK or not whole:
            return note
        await read_comments(visit, note, parsed)
        await _take_pictures(visit, note)
        return note


async def _click_card(visit: Visit, one: Listed) -> bool:
    card = visit.page.locator(visit.surface.card.replace("{id}", one.note_id)).first
    if not await card.count():
        return False
    try:
        await card.scroll_into_view_if_needed(timeout=5000)
        await card.click(timeout=5000)
    except PlaywrightError:
        return False
    return True


async def _own_answer(visit: Visit, one: Listed) -> Heard | None:
    """Return the answer that holds this note, or that says what became of it."""
    heard = await visit.listener.wait_for(FEED, seconds=visit.wait_seconds)
    while heard is not None and heard.judged.outcome is ReadOutcome.OK:
        posts = visit.parse(heard).posts
        if not posts or posts[0].native_id == one.note_id:
            return heard
        heard = await visit.listener.wait_for(FEED, seconds=visit.wait_seconds)  # a late one of another note
    return heard


async def read_comments(visit: Visit, note: NoteRead, parsed: PageParse) -> None:
    """Read the comments of an opened note to their end, and all replies that can be shown."""
    post = parsed.posts[0]
    note.writer = next((link for link in parsed.links if link.kind == PROFILE), None)
    comments: dict[str, CommentFacts] = {}
    expected = post.metrics.get("comments")
    note.complete = await _first_to_last(visit, note, comments, any_expected=expected != 0)
    if comments:
        note.complete = await _all_replies(visit, note, comments) and note.complete
    note.post = replace(post, comments=tuple(comments.values())[: visit.session.adapter.limits.max_comments])


async def _first_to_last(
    visit: Visit, note: NoteRead, comments: dict[str, CommentFacts], *, any_expected: bool
) -> bool:
    """Scroll through the comments; return whether their end was read."""
    seconds = visit.wait_seconds if any_expected else _NO_COMMENTS_WAIT_SECONDS
    heard = await visit.listener.wait_for(COMMENTS, seconds=seconds)
    if heard is None:
        return not any_expected
    for _ in range(visit.session.adapter.browser.max_comment_pages):
        more = _keep(visit, note, heard, comments)
        if more is not True:
            return more is False
        heard = visit.listener.next_of(COMMENTS)
        if heard is None:
            await visit.pause()
            await visit.find(visit.surface.scroller).evaluate(
                "node => { node.scrollTop = 0; node.scrollTop = 1e9; }"
            )
            heard = await visit.listener.wait_for(COMMENTS, seconds=visit.wait_seconds)
        if heard is None:
            return False
    return False


def _keep(visit: Visit, note: NoteRead, heard: Heard, comments: dict[str, CommentFacts]) -> bool | None:
    """Keep one page of comments; return whether there are more, None where the page says nothing."""
    parsed = visit.parse(heard)
    note.heard.append(heard)
    note.problems = (*note.problems, *(problem for problem in parsed.problems if problem not in note.problems))
    comments.update((comment.native_id, comment) for comment in parsed.comments)
    return parsed.more if parsed.outcome is ReadOutcome.OK else None


async def _all_replies(visit: Visit, note: NoteRead, comments: dict[str, CommentFacts]) -> bool:
    """Show the replies that are folded away; return whether none is left."""
    button = visit.find(visit.surface.more_replies)
    for _ in range(visit.session.adapter.browser.max_reply_pages):
        if not await button.count():
            return True
        await visit.pause()
        try:
            await button.click(timeout=3000)
        except PlaywrightError:
            return False
        heard = await visit.listener.wait_for(REPLIES, seconds=visit.wait_seconds)
        if heard is None or _keep(visit, note, heard, comments) is None:
            return False
        await asyncio.sleep(_PICTURES_SETTLE_SECONDS)  # the page draws what came before it takes the button away
    return not await button.count()


async def _take_pictures(visit: Visit, note: NoteRead) -> None:
    """Take the whole page and, with other people covered, the note alone; a note without pictures is still one."""
    shot = visit.session.adapter.shot
    page = visit.page
    try:
        if await visit.is_shown(visit.surface.scroller):
            await visit.find(visit.surface.scroller).evaluate("node => { node.scrollTop = 0; }")
        note.page_png = await _whole_page(visit)
        if shot is not None and note.post is not None:
            rules = MaskRules(element=shot.element, others=shot.mask, own=(note.post.author.name,))
            taken = await masked_shot_async(page, rules, freeze=False)
            note.element_png, note.why_no_element = taken.png, taken.why or ""
    except PlaywrightError as error:
        note.why_no_element = f"the browser: {str(error).splitlines()[0][:200]}"


async def _whole_page(visit: Visit) -> bytes:
    """Return the page as it is shown, made as high as the opened note needs; the list behind it is left out."""
    page = visit.page
    size = page.viewport_size or VIEWPORT
    scroller = visit.find(visit.surface.scroller)
    there = await scroller.count()
    hidden = await scroller.evaluate("node => node.scrollHeight - node.clientHeight") if there else 0
    if hidden <= 0:
        return await page.screenshot(animations="disabled")
    try:
        await page.set_viewport_size({**size, "height": min(size["height"] + int(hidden) + 1, _MAX_HEIGHT)})
        return await page.screenshot(animations="disabled")
    finally:
        await page.set_viewport_size(size)
