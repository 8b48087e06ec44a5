"""The documents of the note platform: one application in all of them, with the state it starts from.

Style and script stand in each document: a browser that is watched keeps no copies and would ask for them anew.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from demo.notes.api import NOT_NOW, signed_in
from demo.notes.gate import COOKIE
from demo.notes.shapes import basic_info, camel, milliseconds, note_card, posted_notes, profile_counts
from demo.notes.site import OPERATOR, is_banned, note_state
from demo.pages import Page, render_template
from demo.world import State

if TYPE_CHECKING:
    from demo.notes.shapes import Shape
    from demo.notes.site import NoteSite
    from demo.serving import Request

UNDEFINED = "\x00undefined"
SESSION_SECONDS = 365 * 86_400
# What stands in a note's place; the wording for moderators' removals is that of public code, see shapes.py.
GONE_WORDS = {
    State.GONE: "笔记不存在",
    State.MISSING: "你访问的页面不见了",
    State.AUTHOR_DELETED: "笔记已被删除",
    State.BANNED: "笔记不存在",
}
BANNED_WORDS = "该账号因违反社区规范，已被封禁"  # invented: no recording of such a page is known


def document_page(site: NoteSite, request: Request) -> Page | None:
    """Return the document at an address, None where there is none."""
    path = request.path
    if path in {"/", "/explore"}:
        return application(site, request, title=f"{site.platform.name} - {site.platform.slogan}")
    if path in {"/search_result", "/search_result/"}:
        keyword = request.query.get("keyword", "")
        return application(site, request, title=f"{keyword} - {site.platform.name}搜索")
    head, _, key = path.rpartition("/")
    if head in {"/explore", "/discovery/item", "/search_result"}:
        return _note_page(site, request, key)
    if head == "/user/profile":
        return _profile_page(site, request, key)
    if path == "/404" or head == "/404":
        return _lost_page(site, request)
    return _sign_in_page(site, request) if path == "/login" else None


def application(site: NoteSite, request: Request, *, title: str, **state: object) -> Page:
    """Return the application's document with the state that its script starts from."""
    inside = signed_in(site, request)
    account = {"user_id": OPERATOR.uid, "nickname": OPERATOR.name} if inside else {}
    user: Shape = {
        "loggedIn": inside,
        "userInfo": camel(account) | {"guest": not inside},
        "userPageData": UNDEFINED,
    }
    start = {
        "global": {"appSettings": {"notificationInterval": 30}, "pwaAddDesktopPrompt": UNDEFINED},
        "search": {"state": "", "searchContext": {"keyword": request.query.get("keyword", ""), "page": 1}},
        "user": user | _part(state, "user"),
        "note": {"currentNoteId": UNDEFINED, "noteDetailMap": {}} | _part(state, "note"),
        "notice": state.get("notice", UNDEFINED),
    }
    values = {"platform": site.platform, "title": title, "state": _script(start), "twin": "localhost" in site.base}
    return Page(body=render_template("notes.html", **values), cache="no-store")


def challenge_page(site: NoteSite, request: Request) -> Page:
    """Return the page on which a person shows to be one: pressing its button ends the challenge."""
    if request.method == "POST":
        site.gate.lift()
        return _moved(_local(_form(request).get("redirect", "/explore")))
    target = request.query.get("redirectPath", "/explore")
    values = {"platform": site.platform, "title": "安全验证", "redirect": target, "kind": "challenge"}
    return Page(body=render_template("notes_form.html", **values), cache="no-store")


def challenge_moved(request: Request) -> Page:
    """Return the redirect from a document to the challenge page."""
    asked = f"{request.path}?{request.raw_query}" if request.raw_query else request.path
    words = {"redirectPath": asked, "verifyUuid": secrets.token_hex(16), "verifyType": "102", "verifyBiz": "461"}
    return _moved(f"/website-login/captcha?{urlencode(words)}")


def _note_page(site: NoteSite, request: Request, key: str) -> Page:
    """Return an opened note, what stands in its place, or the page that tells nothing."""
    note = site.notes.get(key)
    state = note_state(site, note) if note else State.GONE
    if not site.gate.accepts("note", key, request.query.get("xsec_token")) or state is State.NOTICE:
        return _moved(lost_address(request))
    if not note or state is not State.LIVE:
        return application(site, request, title=site.platform.name, notice=GONE_WORDS[state])
    detail = {
        "note": camel(note_card(site, note)),
        "comments": {"list": [], "cursor": "", "hasMore": True, "loading": False, "firstRequestFinish": False},
        "currentTime": milliseconds(site.world.now),
    }
    known = {"currentNoteId": key, "firstNoteId": key, "noteDetailMap": {key: detail}}
    return application(site, request, title=f"{note.title} - {site.platform.name}", note=known)


def lost_address(request: Request) -> str:
    """Return the address of the page that says that a note cannot be seen now, and not why."""
    code, message = NOT_NOW
    source = f"{request.path}?{request.raw_query}"
    words = {"source": source, "error_code": code, "error_msg": message, "verifyMsg": ""}
    return f"/404/sec_{secrets.token_urlsafe(6)}?{urlencode(words)}"


def _lost_page(site: NoteSite, request: Request) -> Page:
    words = request.query.get("error_msg", "你访问的页面不见了")
    return application(site, request, title=site.platform.name, notice=words)


def _profile_page(site: NoteSite, request: Request, key: str) -> Page | None:
    author = site.authors.get(key)
    if not author:
        return None
    title = f"{author.name} - {site.platform.name}"
    if is_banned(site, author):
        return application(site, request, title=site.platform.name, notice=BANNED_WORDS, user={"notes": [[]]})
    page = {
        "basic_info": basic_info(site, author),
        "interactions": profile_counts(author),
        "tags": [],
        "tab_public": UNDEFINED,
        "result": {"success": True, "code": 0, "message": "成功"},
    }
    cards = [
        {"id": it["note_id"], "note_card": {name: it[name] for name in _CARD_KEYS}, "xsec_token": it["xsec_token"]}
        for it in posted_notes(site, author)
    ]
    known = {"userPageData": camel(page), "notes": [camel(cards), [], [], []]}
    return application(site, request, title=title, user=known)


_CARD_KEYS = ("note_id", "display_title", "type", "user", "interact_info", "cover", "xsec_token")


def _sign_in_page(site: NoteSite, request: Request) -> Page:
    """Return the sign-in form, or after it was sent the cookie of the session."""
    if request.method != "POST":
        target = request.query.get("redirectPath", "/explore")
        values = {"platform": site.platform, "title": "登录", "redirect": target, "kind": "login"}
        return Page(body=render_template("notes_form.html", **values), cache="no-store")
    cookie = f"{COOKIE}={site.gate.session}; Path=/; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Lax"
    return _moved(_local(_form(request).get("redirect", "/explore")), ("Set-Cookie", cookie))


def _form(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}


def _local(target: str) -> str:
    return target if target.startswith("/") and not target.startswith("//") else "/explore"


def _moved(target: str, *headers: tuple[str, str]) -> Page:
    return Page(body=b"", status=302, headers=(("Location", target), *headers), cache="no-store")


def _part(state: dict[str, object], name: str) -> dict[str, Any]:
    found = state.get(name, {})
    return found if isinstance(found, dict) else {}


def _script(state: Shape) -> str:
    """Return the state as the page writes it: not quite JSON, for what is not known stands as bare undefined."""
    text = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    return text.replace(json.dumps(UNDEFINED), "undefined").replace("</", "\\u003c/")
