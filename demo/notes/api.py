"""The calls that the note platform's own script makes, and their answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from demo.notes.gate import COOKIE
from demo.notes.shapes import (
    basic_info,
    comment_shape,
    milliseconds,
    note_card,
    posted_notes,
    profile_counts,
    region,
    search_item,
    user_card,
)
from demo.notes.site import OPERATOR, found_notes, is_banned, live_comments, note_state
from demo.pages import Page
from demo.world import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from demo.notes.gate import Refusal
    from demo.notes.shapes import Shape
    from demo.notes.site import NoteSite
    from demo.records import Article, Comment
    from demo.serving import Request

JSON_TYPE = "application/json; charset=utf-8"
PAGE_SIZE = 20
COMMENTS_PER_PAGE = 10
POSTED_PER_PAGE = 30
NOISE = {1: "rec_query", 2: "hot_query"}
"""What stands between the notes of a search, by page."""

NOT_SIGNED_IN = (-101, "无登录信息，或登录信息为空")
NO_SUCH_NOTE = (-510000, "笔记不存在")
NOT_NOW = (300031, "当前笔记暂时无法浏览")
BANNED_ACCOUNT = (-1, "该账号已被封禁")  # invented: no recording of such an answer is known
NOT_UNDERSTOOD = (-1, "参数错误")


def api_page(site: NoteSite, request: Request) -> Page | None:
    """Return the answer to a call, None where there is no such call."""
    answer = _CALLS.get((request.method, request.path))
    return answer(site, request) if answer else None


def refused(refusal: Refusal) -> Page:
    """Return a call's answer that holds a code and no data."""
    return _failure((refusal.code, refusal.message))


def signed_in(site: NoteSite, request: Request) -> bool:
    """Say whether a request comes from somebody who signed in here."""
    return site.gate.signed_in(request.cookies.get(COOKIE))


def _search(site: NoteSite, request: Request) -> Page:
    if not signed_in(site, request):
        return _failure(NOT_SIGNED_IN)
    asked = _json(request)
    keyword, number = str(asked.get("keyword", "")), asked.get("page", 1)
    if not isinstance(number, int) or number < 1:
        return _failure(NOT_UNDERSTOOD)
    found = found_notes(site, keyword)
    shown = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    items = [search_item(site, note) for note in shown]
    if items and number in NOISE:
        items.insert(min(4, len(items)), _suggestions(keyword, NOISE[number]))
    more = number * PAGE_SIZE < len(found)
    return _success({"has_more": more, "items": items} if items else {"has_more": more})


def _suggestions(keyword: str, kind: str) -> Shape:
    """Return the noise between the notes of a search: other searches."""
    words = [f"{keyword}怎么办", f"{keyword}经验", f"{keyword}最新"]
    queries = [{"id": f"q{index}", "name": word, "search_word": word} for index, word in enumerate(words)]
    return {"id": f"{kind}#1", "model_type": kind, kind: {"title": "相关搜索", "source": 2, "queries": queries}}


def _feed(site: NoteSite, request: Request) -> Page:
    asked = _json(request)
    key = str(asked.get("source_note_id", ""))
    note, failure = _opened(site, key, str(asked.get("xsec_token", "")))
    if not signed_in(site, request):
        return _failure(NOT_SIGNED_IN)
    if failure or not note:
        return _failure(failure or NO_SUCH_NOTE)
    item = {"id": key, "model_type": "note", "note_card": note_card(site, note)}
    return _success({"cursor_score": "", "items": [item], "current_time": milliseconds(site.world.now)})


def _opened(site: NoteSite, key: str, token: str) -> tuple[Article | None, tuple[int, str] | None]:
    """Return the note that can be opened with this token, or why it cannot."""
    note = site.notes.get(key)
    state = note_state(site, note) if note else State.GONE
    if not site.gate.accepts("note", key, token) or state is State.NOTICE:
        return None, NOT_NOW
    return (note, None) if state is State.LIVE else (None, NO_SUCH_NOTE)


def _comments(site: NoteSite, request: Request) -> Page:
    note, failure = _asked_note(site, request)
    if failure or not note:
        return _failure(failure or NO_SUCH_NOTE)
    everything = live_comments(site, note)
    top = [comment for comment in everything if comment.parent is None]
    shown, cursor, more = _part(top, request.query.get("cursor", ""), COMMENTS_PER_PAGE)
    comments = [_thread(site, note, comment, everything) for comment in shown]
    data = {"comments": comments, "cursor": cursor, "has_more": more, "user_id": OPERATOR.uid}
    return _success(
        data | {"time": milliseconds(site.world.now), "xsec_token": site.gate.token("note", note.note_id)}
    )


def _thread(site: NoteSite, note: Article, comment: Comment, everything: list[Comment]) -> Shape:
    """Return a comment with the first of its replies and the cursor of the others."""
    replies = [it for it in everything if it.parent == comment.element_id]
    first = replies[:1]
    return comment_shape(site, note, comment) | {
        "sub_comment_count": str(len(replies)),
        "sub_comments": [_reply(site, note, comment, it) for it in first],
        "sub_comment_cursor": first[-1].element_id if first else "",
        "sub_comment_has_more": len(replies) > len(first),
    }


def _reply(site: NoteSite, note: Article, parent: Comment, reply: Comment) -> Shape:
    target = {"id": parent.element_id, "user_info": user_card(site, parent.author)}
    return comment_shape(site, note, reply) | {"target_comment": target}


def _replies(site: NoteSite, request: Request) -> Page:
    note, failure = _asked_note(site, request)
    if failure or not note:
        return _failure(failure or NO_SUCH_NOTE)
    root = request.query.get("root_comment_id", "")
    everything = live_comments(site, note)
    parent = next((comment for comment in everything if comment.element_id == root), None)
    if parent is None:
        return _failure(NOT_UNDERSTOOD)
    own = [comment for comment in everything if comment.parent == root]
    number = request.query.get("num", "10")
    size = min(int(number), COMMENTS_PER_PAGE) if number.isascii() and number.isdecimal() else COMMENTS_PER_PAGE
    shown, cursor, more = _part(own, request.query.get("cursor", ""), size or 1)
    comments = [_reply(site, note, parent, comment) for comment in shown]
    return _success({"comments": comments, "cursor": cursor, "has_more": more, "user_id": OPERATOR.uid})


def _asked_note(site: NoteSite, request: Request) -> tuple[Article | None, tuple[int, str] | None]:
    if not signed_in(site, request):
        return None, NOT_SIGNED_IN
    return _opened(site, request.query.get("note_id", ""), request.query.get("xsec_token", ""))


def _part(listed: list[Comment], cursor: str, size: int) -> tuple[list[Comment], str, bool]:
    """Return what follows the comment named by the cursor, the next cursor, and whether there is more."""
    ids = [comment.element_id for comment in listed]
    start = ids.index(cursor) + 1 if cursor in ids else 0
    shown = listed[start : start + size]
    return shown, shown[-1].element_id if shown else "", start + size < len(listed)


def _other_info(site: NoteSite, request: Request) -> Page:
    author = site.authors.get(request.query.get("target_user_id", ""))
    if not author or is_banned(site, author):
        return _failure(BANNED_ACCOUNT)
    data = {"basic_info": basic_info(site, author), "interactions": profile_counts(author), "tags": []}
    return _success(data | {"tab_public": {"collection": False}, "result": {"success": True, "code": 0}})


def _user_posted(site: NoteSite, request: Request) -> Page:
    author = site.authors.get(request.query.get("user_id", ""))
    own = posted_notes(site, author) if author else []
    ids = [note["note_id"] for note in own]
    cursor = request.query.get("cursor", "")
    start = ids.index(cursor) + 1 if cursor in ids else 0
    shown = own[start : start + POSTED_PER_PAGE]
    more = start + POSTED_PER_PAGE < len(own)
    return _success({"notes": shown, "cursor": shown[-1]["note_id"] if shown else "", "has_more": more})


def _self_info(site: NoteSite, request: Request) -> Page:
    if not signed_in(site, request):
        code, message = NOT_SIGNED_IN
        return _success({"guest": True, "result": {"success": False, "code": code, "message": message}})
    info = basic_info(site, OPERATOR) | {"user_id": OPERATOR.uid, "ip_location": region(OPERATOR)}
    return _success({"guest": False, "result": {"success": True, "code": 0}, "basic_info": info})


def _json(request: Request) -> Mapping[str, Any]:
    try:
        asked = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}


def _success(data: Shape) -> Page:
    return _answer({"code": 0, "success": True, "msg": "成功", "data": data})


def _failure(reason: tuple[int, str]) -> Page:
    code, message = reason
    return _answer({"code": code, "success": False, "msg": message, "data": {}})


def _answer(body: Shape) -> Page:
    return Page(body=json.dumps(body, ensure_ascii=False).encode(), content_type=JSON_TYPE, cache="no-store")


_CALLS: Mapping[tuple[str, str], Callable[[NoteSite, Request], Page]] = {
    ("POST", "/api/sns/web/v1/search/notes"): _search,
    ("POST", "/api/sns/web/v1/feed"): _feed,
    ("GET", "/api/sns/web/v2/comment/page"): _comments,
    ("GET", "/api/sns/web/v2/comment/sub/page"): _replies,
    ("GET", "/api/sns/web/v1/user/otherinfo"): _other_info,
    ("GET", "/api/sns/web/v1/user_posted"): _user_posted,
    ("GET", "/api/sns/web/v1/user/selfinfo"): _self_info,
}
