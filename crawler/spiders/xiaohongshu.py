"""Xiaohongshu (小红书): search results, notes, comments and profiles from the answers its own pages ask for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from crawler.browser_spider import BrowserSpider
from crawler.json_reading import Audit, Fields, read_json, read_state
from crawler.markup import decode_page
from crawler.reading import LIST, NOTE, PROFILE, Link, PageParse
from crawler.xiaohongshu_notes import ID, listed_card, listed_note, note_url, opened_note, profile_url
from crawler.xiaohongshu_people import comments_of, profile_of
from storage.records import ReadOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crawler.reading import PageRead, ReadRules
    from storage.records import PostFacts

SEARCH, FEED, COMMENTS, REPLIES, POSTED = "search", "feed", "comments", "replies", "posted"
_PATH_ID = re.compile(r"/(?:explore|user/profile|discovery/item)/([0-9a-f]{24})(?:[/?]|$)")


class XiaohongshuSpider(BrowserSpider):
    """Reads Xiaohongshu in the operator's own signed-in browser."""

    name = "xiaohongshu"

    @staticmethod
    def parse_page(read: PageRead, kind: str, rules: ReadRules) -> PageParse:
        """Return what an answer or page holds; see :func:`parse_page`."""
        return parse_page(read, kind, rules)


def parse_page(read: PageRead, kind: str, rules: ReadRules) -> PageParse:
    """Return what an answer of the platform, or a server-rendered page, holds: a pure function of its bytes.

    ``kind`` is the name under which the answer was listened for, or ``note``, ``profile`` or ``search`` for a page.
    """
    kind = {"search_v2": SEARCH, NOTE: FEED}.get(kind, kind)
    answer = read_json(read.body)
    if answer is None:
        return _parse_state(read, kind, rules)
    audit = Audit()
    envelope = Fields(answer, kind, audit)
    fine, code = envelope.flag("success"), envelope.text("code")
    envelope.ignore("msg", "message", "result")
    if fine is False or code not in {"", "0"}:
        return PageParse(kind=kind, outcome=ReadOutcome.UNKNOWN, reason=f"code_{code or 'none'}")
    data = envelope.inner("data")
    envelope.done()
    if not data.is_there or kind not in _READERS:
        return _changed(kind, "no data in the answer", audit)
    return _READERS[kind](data, read, rules, audit)


def _changed(kind: str, reason: str, audit: Audit) -> PageParse:
    return PageParse(kind=kind, outcome=ReadOutcome.FORMAT_CHANGED, reason=reason, problems=audit.problems)


def _read_search(data: Fields, read: PageRead, rules: ReadRules, audit: Audit) -> PageParse:
    more = data.flag("has_more")
    items = list(data.each("items"))
    found = [listed_note(item, rules) for item in items]
    # A page of queries to search for next has items, and none of them is a note.
    data.ignore("search_id", "request_dqa_info", "cur_cursor", "cursor", "ads", "search_pull_down_opt", "ssr")
    data.done()
    if more is None:
        return _changed(LIST, "search results without has_more", audit)
    return _listed(found, more, read, rules, audit)


def _read_posted(data: Fields, read: PageRead, rules: ReadRules, audit: Audit) -> PageParse:
    more = data.flag("has_more")
    found = [listed_card(card, rules) for card in data.each("notes")]
    data.ignore("cursor")
    data.done()
    if more is None:
        return _changed(LIST, "a list of notes without has_more", audit)
    return _listed(found, more, read, rules, audit)


def _listed(
    found: Iterable[tuple[PostFacts, str] | None],
    more: bool,
    read: PageRead,
    rules: ReadRules,
    audit: Audit,
) -> PageParse:
    """Return listed notes, each once, with the addresses that open them."""
    notes = {post.native_id: (post, token) for entry in found if entry is not None for post, token in [entry]}
    base = rules.base_url or read.url
    return PageParse(
        kind=LIST,
        posts=tuple(post for post, _ in notes.values()),
        links=tuple(
            Link(url=f"{note_url(base, post.native_id)}?xsec_token={token}&xsec_source=pc_search", kind=NOTE)
            for post, token in notes.values()
        ),
        problems=audit.problems,
        more=more,
    )


def _read_feed(data: Fields, read: PageRead, rules: ReadRules, audit: Audit) -> PageParse:
    items = list(data.each("items"))
    data.ignore("cursor_score", "current_time")
    data.done()
    if len(items) != 1:
        return _changed(FEED, f"{len(items)} notes where one was opened", audit)
    note_id = items[0].text("id")
    items[0].ignore("model_type", "xsec_token", "ignore", "track_id")
    card = items[0].inner("note_card")
    items[0].done()
    return _one_note(card, note_id, read, rules, audit)


def _one_note(card: Fields, note_id: str, read: PageRead, rules: ReadRules, audit: Audit) -> PageParse:
    user = card.inner("user")
    token = user.take("xsec_token")
    card.put("user", user)
    post = opened_note(card, rules, note_id=note_id, at=read.at)
    if post is None or not post.author.native_id:
        return _changed(FEED, "a note without id or writer", audit)
    if not (post.title or post.text or post.images):
        return _changed(FEED, "a note that says and shows nothing", audit)
    url = profile_url(rules.base_url or read.url, post.author.native_id)
    link = Link(url=f"{url}?xsec_token={token or ''}&xsec_source=pc_note", kind=PROFILE)
    return PageParse(kind=FEED, posts=(post,), links=(link,), problems=audit.problems)


def _read_comments(data: Fields, read: PageRead, rules: ReadRules, audit: Audit) -> PageParse:
    more = data.flag("has_more")
    root = next(iter(parse_qs(urlsplit(read.url).query).get("root_comment_id", [])), None)
    comments = [
        comment for entry in data.each("comments") for comment in comments_of(entry, rules, at=read.at, root=root)
    ]
    data.ignore("cursor", "time", "user_id", "xsec_token")
    data.done()
    if more is None:
        return _changed(COMMENTS, "comments without has_more", audit)
    once = {comment.native_id: comment for comment in comments}
    return PageParse(kind=COMMENTS, comments=tuple(once.values()), problems=audit.problems, more=more)


def _read_profile(data: Fields, read: PageRead, rules: ReadRules, audit: Audit) -> PageParse:
    own = _PATH_ID.search(urlsplit(read.url).path)
    asked = next(iter(parse_qs(urlsplit(read.url).query).get("target_user_id", [])), "")
    user_id = asked if ID.fullmatch(asked) else own[1] if own else None
    account = profile_of(data, rules, user_id=user_id)
    if account is None:
        return _changed(PROFILE, "a profile that shows nobody", audit)
    return PageParse(kind=PROFILE, accounts=(account,), problems=audit.problems)


def _parse_state(read: PageRead, kind: str, rules: ReadRules) -> PageParse:
    """Return what the state of a server-rendered page holds; it has more than we ask for, all of it ignored."""
    state = read_state(decode_page(read.body, read.headers.get("content-type")))
    audit = Audit()
    if state is None:
        return _changed(kind, "neither JSON nor a page with a state", audit)
    if kind == FEED:
        return _state_note(state, read, rules, audit)
    if kind == PROFILE:
        page = Fields(state.get("user"), "user", audit).inner("user_page_data")
        if not page.is_there:  # what stands in the place of a banned account is not recorded anywhere
            return PageParse(kind=PROFILE, outcome=ReadOutcome.UNKNOWN, reason="no_profile_in_state")
        return _read_profile(page, read, rules, audit)
    if kind == SEARCH:
        items = Fields(state.get("search"), "search", audit).each("feeds")
        return _listed([listed_note(item, rules) for item in items], more=True, read=read, rules=rules, audit=audit)
    return _changed(kind, "a page where an answer was expected", audit)


def _state_note(state: dict[str, object], read: PageRead, rules: ReadRules, audit: Audit) -> PageParse:
    own = _PATH_ID.search(urlsplit(read.url).path)
    notes = Fields(state.get("note"), "note", audit).inner("note_detail_map")
    note_id = own[1] if own else ""
    card = notes.inner(note_id).inner("note")
    if not card.is_there:
        return PageParse(kind=FEED, outcome=ReadOutcome.UNKNOWN, reason="no_note_in_state")
    return _one_note(card, note_id, read, rules, audit)


_READERS: dict[str, Callable[[Fields, PageRead, ReadRules, Audit], PageParse]] = {
    SEARCH: _read_search,
    FEED: _read_feed,
    COMMENTS: _read_comments,
    REPLIES: _read_comments,
    PROFILE: _read_profile,
    POSTED: _read_posted,
}
