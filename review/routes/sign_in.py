"""Signing in and out, the language, one's own password."""

import secrets

from fastapi.responses import Response

from review.auth import local_path
from review.i18n import LANGUAGES
from review.permissions import Permission
from review.routing import Guarded, Routes
from review.visit import FORM_COOKIE, LANGUAGE_COOKIE, SESSION_COOKIE, Visit
from storage.errors import InputError
from storage.records import Actor, AuditFacts, Role
from storage.sessions import OpenedSession, end_session, open_session
from storage.sign_ins import Attempt, is_refused, reserve, succeed
from storage.users import UserRow, find_user, set_password, verify_password

routes = Routes()

HOME = {Role.ADMIN: "/people", Role.OPERATOR: "/runs"}
"""First page of the roles that do not begin with the queue."""

_LANGUAGE_SECONDS = 365 * 24 * 3600
_FORM_TOKEN_BYTES = 32


@routes.get("/", Permission.SIGNED_IN)
def home(visit: Guarded) -> Response:
    """Send everybody to the page their role begins with."""
    return visit.go(HOME.get(visit.signed_in.role, "/queue"))


@routes.get("/sign-in", Permission.OPEN)
def show_sign_in(visit: Guarded) -> Response:
    """Show the sign-in form; who is signed in goes on to the first page."""
    return visit.go("/") if visit.session else sign_in_page(visit)


@routes.post("/sign-in", Permission.OPEN)
def sign_in(visit: Guarded) -> Response:
    """Open a session with a fresh token, or say that it did not work and nothing more."""
    name, password = visit.form.get("name", "").strip(), visit.form.get("password", "")
    then = local_path(visit.form.get("then", "/"))
    attempt = Attempt(name=name, address=visit.request.client.host if visit.request.client else "")
    number = _begin(visit, attempt)
    if number is None:
        return sign_in_page(visit, status=429, then=then, problem="too_many")
    with visit.desk.hashing, visit.desk.store.read() as conn:
        user = verify_password(conn, name, password)
    if user is None:
        _note_failure(visit, name)
        return sign_in_page(visit, status=401, then=then, problem="wrong")
    answer = visit.go(then)
    _set_cookie(visit, answer, SESSION_COOKIE, _open(visit, user, number).token)
    return answer


@routes.post("/sign-out", Permission.SIGNED_IN)
def sign_out(visit: Guarded) -> Response:
    """End the session."""
    with visit.desk.store.write(visit.now) as unit:
        end_session(unit, visit.request.cookies.get(SESSION_COOKIE, ""))
        unit.audit(_entry(visit.actor, "sign_out", visit.actor.name))
    answer = visit.go("/sign-in")
    answer.delete_cookie(SESSION_COOKIE, path="/")
    return answer


@routes.post("/language", Permission.OPEN)
def choose_language(visit: Guarded) -> Response:
    """Remember the language of this browser."""
    answer = visit.go(local_path(visit.form.get("then", "/")))
    language = visit.form.get("language", "")
    if language in LANGUAGES:
        _set_cookie(visit, answer, LANGUAGE_COOKIE, language, max_age=_LANGUAGE_SECONDS)
    return answer


@routes.get("/password", Permission.SIGNED_IN)
def show_password(visit: Guarded) -> Response:
    """Show the form for a new password."""
    return visit.page("password.html", problem=None)


@routes.post("/password", Permission.SIGNED_IN)
def change_password(visit: Guarded) -> Response:
    """Replace one's own password; every session ends, this one too."""
    form, name = visit.form, visit.actor.name
    attempt = Attempt(name=name, address=visit.request.client.host if visit.request.client else "")
    number = _begin(visit, attempt)
    if number is None:
        return visit.page("password.html", status=429, problem="too_many")
    with visit.desk.hashing, visit.desk.store.read() as conn:
        right = verify_password(conn, name, form.get("old", "")) is not None
    if not right or form.get("new") != form.get("again"):
        return visit.page("password.html", status=400, problem="differ" if right else "wrong")
    try:
        with visit.desk.store.write(visit.now) as unit:
            succeed(unit, number)
            set_password(unit, name, password=form.get("new", ""), actor=visit.actor)
    except InputError:
        return visit.page("password.html", status=400, problem="weak")
    return visit.go("/sign-in")


def sign_in_page(visit: Visit, *, status: int = 200, then: str = "/", problem: str | None = None) -> Response:
    """Return the sign-in page and give the browser the token that its form proves itself with."""
    token = visit.request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(_FORM_TOKEN_BYTES)
    answer = visit.page("sign_in.html", status=status, form_token=token, then=local_path(then), problem=problem)
    _set_cookie(visit, answer, FORM_COOKIE, token)
    return answer


def _begin(visit: Visit, attempt: Attempt) -> int | None:
    """Write the attempt down before the password is looked at; None when it may not be looked at."""
    with visit.desk.store.read() as conn:
        if is_refused(conn, attempt, now=visit.now):
            return None
    with visit.desk.store.write(visit.now) as unit:
        return reserve(unit, attempt)


def _open(visit: Visit, user: UserRow, number: int) -> OpenedSession:
    actor = Actor(name=user.name, role=user.role, via="desk")
    with visit.desk.store.write(visit.now) as unit:
        succeed(unit, number)
        unit.audit(_entry(actor, "sign_in", user.name))
        return open_session(unit, user.id, replaces=visit.request.cookies.get(SESSION_COOKIE))


def _note_failure(visit: Visit, name: str) -> None:
    """Audit a failed sign-in; a name that nobody has is not kept, people type passwords there."""
    with visit.desk.store.write(visit.now) as unit:
        known = find_user(unit.conn, name) is not None
        unit.audit(_entry(Actor(name="anonymous", via="desk"), "sign_in_failed", name if known else "unknown"))


def _entry(actor: Actor, action: str, name: str) -> AuditFacts:
    return AuditFacts(actor=actor, action=action, object_type="user", object_id=name)


def _set_cookie(visit: Visit, answer: Response, name: str, value: str, max_age: int | None = None) -> None:
    secure = visit.desk.settings.secure_cookies
    answer.set_cookie(name, value, httponly=True, samesite="strict", secure=secure, path="/", max_age=max_age)
