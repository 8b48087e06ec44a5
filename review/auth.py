"""Letting a request in: session, permission, and proof that a form is ours."""

from __future__ import annotations

import hmac
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002 - FastAPI reads the guard's annotation when it runs
from fastapi.concurrency import run_in_threadpool

from review.i18n import LANGUAGES
from review.permissions import Permission, may, needs_of
from review.visit import FORM_COOKIE, LANGUAGE_COOKIE, SESSION_COOKIE, Visit
from storage.errors import ForbiddenError
from storage.sessions import find_session, touch_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from review.desk import Desk
    from storage.sessions import SessionRow

TOUCH_EVERY = timedelta(seconds=60)
"""How stale the time of last use may get before it is written again."""

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_OWN_SITE = frozenset({"same-origin", "none"})
_FORM_TYPE = "application/x-www-form-urlencoded"
_LOCAL_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,1000}")


class NotSignedInError(Exception):
    """The page needs a session, and the request has none that holds."""


class ForgedError(Exception):
    """A form came from another site, or without the token of the page it should come from."""


async def guard(request: Request) -> Visit:
    """Return the visit of a request that may come in; every route depends on this.

    Raises:
        NotSignedInError: a session is needed.
        ForbiddenError: the person's role lacks the permission that the route declares.
        ForgedError: a changing request does not prove that it comes from our own page.
    """
    form = await _read_form(request)
    return await run_in_threadpool(_admit, request, form)


def visit_of(request: Request) -> Visit:
    """Return the visit that was begun for a request, or one of nobody (for error pages)."""
    found: Visit | None = getattr(request.state, "visit", None)
    return found or _make_visit(request, None, {})


def local_path(text: str, default: str = "/") -> str:
    """Return a path of this desk as given, or the default: never another site, never a control character."""
    return text if _LOCAL_PATH.fullmatch(text) else default


def _admit(request: Request, form: Mapping[str, str]) -> Visit:
    desk: Desk = request.app.state.desk
    session = _find(desk, request)
    visit = request.state.visit = _make_visit(request, session, form)
    needs = needs_of(request.scope["endpoint"])
    if needs is not Permission.OPEN and session is None:
        raise NotSignedInError
    if not may(session.role if session else None, needs):
        raise ForbiddenError(visit.actor.name, f"open {request.url.path}")
    if request.method not in _SAFE_METHODS:
        _check_own_form(visit, needs)
    return visit


def _make_visit(request: Request, session: SessionRow | None, form: Mapping[str, str]) -> Visit:
    desk: Desk = request.app.state.desk
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    language = chosen if chosen in LANGUAGES else desk.settings.language
    return Visit(
        desk=desk,
        request=request,
        now=desk.now(),
        session=session,
        words=desk.catalogues[language],
        form=form,
    )


def _find(desk: Desk, request: Request) -> SessionRow | None:
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    now = desk.now()
    with desk.store.read() as conn:
        found = find_session(conn, token, now=now, idle=desk.settings.idle, longest=desk.settings.longest)
    if found is not None and now - found.seen_at > TOUCH_EVERY:
        with desk.store.write(now) as unit:
            touch_session(unit, found.id)
    return found


def _check_own_form(visit: Visit, needs: Permission) -> None:
    """Refuse forms of other sites.

    Browsers say where a request comes from over TLS and on the loopback only, so the token counts everywhere:
    the session's, or before sign-in the one that our sign-in page put into a cookie and into its form.
    """
    headers, cookies = visit.request.headers, visit.request.cookies
    if headers.get("sec-fetch-site", "same-origin") not in _OWN_SITE:
        raise ForgedError
    given = visit.form.get("csrf") or headers.get("x-csrf-token", "")
    expected = [visit.session.csrf] if visit.session else []
    if needs is Permission.OPEN:
        expected.append(cookies.get(FORM_COOKIE, ""))
    if not any(token and hmac.compare_digest(token.encode(), given.encode()) for token in expected):
        raise ForgedError


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a plain form; the last of several with one name counts, files are not read."""
    if request.method in _SAFE_METHODS or _FORM_TYPE not in request.headers.get("content-type", ""):
        return {}
    fields = await request.form()
    return {name: value for name, value in fields.items() if isinstance(value, str)}
