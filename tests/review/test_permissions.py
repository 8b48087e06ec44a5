"""Every route is open to exactly the roles that its permission names, and to nobody by mistake."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from review.app import create_app
from review.permissions import GRANTED, Permission, may
from review.routing import Routes, declared_routes
from storage.records import Role
from tests.support.desk import PEOPLE

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store
    from tests.support.desk import OpenDesk

IDENTITIES: list[Role | None] = [None, *Role]

# What each role may do, written a second time and by hand: a change of the table must be meant.
EXPECTED = {
    "/": set(Role),
    "/sign-out": set(Role),
    "/password": set(Role),
    "/queue": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR, Role.PRIVACY},
    "/clues/{key}": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR, Role.PRIVACY},
    "/clues/{key}/screenshot.png": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR, Role.PRIVACY},
    "/clues/{key}/leave": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR, Role.PRIVACY},
    "/clusters": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR, Role.PRIVACY},
    "/clusters/{key}": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR, Role.PRIVACY},
    "/summary": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR, Role.PRIVACY},
    "/summary/{week}.pdf": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR, Role.PRIVACY},
    "/lists/{count}": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR, Role.PRIVACY},
    "/review": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE},
    "/clues/{key}/decide": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE},
    "/clues/{key}/undo": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE},
    "/clues/{key}/claim": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE},
    "/clues/{key}/release": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE},
    "/clusters/{key}/confirm": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE},
    "/clusters/{key}/split": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE},
    "/clues/{key}/unmask": {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE, Role.PRIVACY},
    "/runs": {Role.OPERATOR, Role.SENIOR, Role.COMPLIANCE, Role.AUDITOR},
    "/audit": {Role.AUDITOR, Role.PRIVACY},
    "/people": {Role.ADMIN},
    "/people/{name}/disable": {Role.ADMIN},
    "/people/{name}/password": {Role.ADMIN},
}
EVERYBODY = {"/sign-in", "/language", "/static/{name}", "/healthz", "/metrics"}


def test_every_route_has_an_expectation(sqlite_store: Store, now: datetime) -> None:
    routes = declared_routes(create_app(sqlite_store, now=lambda: now))
    assert {path for _, path, _ in routes} == set(EXPECTED) | EVERYBODY
    for _, path, needs in routes:
        assert GRANTED[needs] == EXPECTED.get(path, set(Role))
        assert may(None, needs) == (path in EVERYBODY)


def test_a_route_without_a_permission_does_not_build(sqlite_store: Store, now: datetime) -> None:
    app = create_app(sqlite_store, now=lambda: now)
    app.add_api_route("/forgotten", lambda: "", methods=["GET"])
    with pytest.raises(KeyError):
        declared_routes(app)


def test_there_is_no_other_way_in(sqlite_store: Store, now: datetime) -> None:
    app = create_app(sqlite_store, now=lambda: now)
    assert (app.docs_url, app.redoc_url, app.openapi_url) == (None, None, None)
    app.mount("/elsewhere", Routes)  # type: ignore[arg-type]  # anything that is no route of the desk
    with pytest.raises(TypeError):
        declared_routes(app)


@pytest.mark.parametrize("role", IDENTITIES)
def test_what_answers_to_whom(desk: OpenDesk, clues: dict[str, int], role: Role | None) -> None:
    client = desk.client(PEOPLE[role] if role else None)
    key = f"c{clues['p1']}"
    for method, path, needs in declared_routes(create_app(desk.store, now=desk.clock)):
        if needs is Permission.OPEN or path in {"/sign-out", "/password", "/"}:
            continue
        address = re.sub(r"\{\w+\}", key, path)
        answer = client.get(address) if method == "GET" else client.submit(address)
        if role is None:
            assert answer.status == 401, path
            assert "zhaiwu" not in answer.text
        elif role in EXPECTED[path]:
            assert answer.status not in {401, 403}, (path, answer.status)
        else:
            assert answer.status == 403, path
            assert "zhaiwu" not in answer.text


def test_an_admin_sees_nothing_of_any_clue(desk: OpenDesk, clues: dict[str, int]) -> None:
    client = desk.client("admin")
    for path in ("/", "/queue", "/queue?search=zhaiwu", f"/clues/c{clues['p1']}", "/audit", "/runs", "/people"):
        answer = client.get(path)
        assert "停息挂账" not in answer.text.replace("停息挂账、延期", ""), path


def test_what_is_forbidden_is_said_before_what_exists(desk: OpenDesk, clues: dict[str, int]) -> None:
    client = desk.client("admin")
    assert client.get(f"/clues/c{clues['p1']}").status == client.get("/clues/c99999").status == 403


def _state(desk: OpenDesk) -> dict[str, list[object]]:
    """Return everything stored but the audit and the time sessions were last used."""
    with desk.store.read() as conn:
        names = [name for name in sa.inspect(conn).get_table_names() if name not in {"audit_entry", "web_session"}]
        return {name: list(conn.execute(sa.text(f"SELECT * FROM {name}"))) for name in names}  # noqa: S608 - our tables


@pytest.mark.parametrize("role", list(Role))
def test_looking_changes_nothing(desk: OpenDesk, clues: dict[str, int], role: Role) -> None:
    client = desk.client(PEOPLE[role])
    before = _state(desk)
    for method, path, _ in declared_routes(create_app(desk.store, now=desk.clock)):
        if method == "GET":
            address = re.sub(r"\{\w+\}", f"c{clues['p1']}", path)
            for _ in range(2):
                client.get(address)
    assert _state(desk) == before


def test_a_form_without_the_token_or_from_another_site_changes_nothing(
    desk: OpenDesk, clues: dict[str, int]
) -> None:
    clients = {role: desk.client(name) for role, name in PEOPLE.items()}
    tokens = {role: client.csrf() for role, client in clients.items()}
    before = _state(desk)
    for method, path, needs in declared_routes(create_app(desk.store, now=desk.clock)):
        if method != "POST":
            continue
        role = min(GRANTED[needs])
        address = re.sub(r"\{\w+\}", f"c{clues['p1']}", path)
        form = {
            "conclusion": "confirmed",
            "version": 1,
            "reason": "x",
            "name": "ana",
            "password": "x",
            "role": "analyst",
        }
        own, other = tokens[role], tokens[min(set(Role) - {role})]
        forged = [
            clients[role].post(address, form),
            clients[role].post(address, {**form, "csrf": ""}),
            clients[role].post(address, {**form, "csrf": other}),
            clients[role].post(address, {**form, "csrf": own}, sec_fetch_site="cross-site"),
            clients[role].post(address, {**form, "csrf": own}, sec_fetch_site="same-site"),
            clients[role].post(address, {**form, "csrf": own}, content_type="text/plain"),
        ]
        assert [answer.status for answer in forged] == [403] * len(forged), path
    assert _state(desk) == before


def test_changing_pages_do_not_answer_to_get(desk: OpenDesk, clues: dict[str, int]) -> None:
    client = desk.client("ana")
    posts = {
        path for method, path, _ in declared_routes(create_app(desk.store, now=desk.clock)) if method == "POST"
    }
    for path in posts - {"/people", "/password", "/sign-in"}:
        address = re.sub(r"\{\w+\}", f"c{clues['p1']}", path)
        assert client.get(address).status in {404, 405}, path
