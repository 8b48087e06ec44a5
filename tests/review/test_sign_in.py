"""Signing in, staying in, getting out."""

from __future__ import annotations

import re
import statistics
import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from review.app import DeskSettings
from review.auth import local_path
from review.visit import FORM_COOKIE, LANGUAGE_COOKIE, SESSION_COOKIE
from storage import users
from storage.sign_ins import LIMIT
from tests.support import desk as support
from tests.support.desk import PASSWORD

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store
    from tests.support.desk import OpenDesk


def _audited(desk: OpenDesk, action: str) -> int:
    with desk.store.read() as conn:
        return conn.execute(
            sa.text("SELECT count(*) FROM audit_entry WHERE action = :a"), {"a": action}
        ).scalar_one()


def test_each_role_begins_where_its_work_is(desk: OpenDesk) -> None:
    assert desk.client("ana").get("/").to == "/queue"
    assert desk.client("admin").get("/").to == "/people"
    assert desk.client("olga").get("/").to == "/runs"
    assert desk.client("ana").get("/sign-in").to == "/"


@pytest.mark.parametrize(
    ("name", "password"), [("ana", "wrong"), ("nobody", PASSWORD), ("ana", ""), ("", ""), ("ANA", PASSWORD)]
)
def test_what_is_wrong_is_not_told(desk: OpenDesk, name: str, password: str) -> None:
    wrong = desk.client().sign_in("ana", "another wrong one")
    answer = desk.client().sign_in(name, password)
    assert answer.status == wrong.status == 401
    strip = re.compile(r'value="[^"]*"')
    assert strip.sub("", answer.text) == strip.sub("", wrong.text)
    assert SESSION_COOKIE not in str(answer.headers)


def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites(desk: OpenDesk) -> None:
    client = desk.client()
    form = client.get("/sign-in").headers.get_all("set-cookie")
    answer = client.sign_in("ana")
    for line in [*(form or []), *(answer.headers.get_all("set-cookie") or [])]:
        assert "HttpOnly" in line
        assert "SameSite=strict" in line
        assert "Path=/" in line
        assert "Secure" not in line


def test_behind_tls_cookies_travel_over_nothing_else(sqlite_store: Store, now: datetime) -> None:
    with support.opened_desk(sqlite_store, now, DeskSettings(secure_cookies=True)) as desk:
        answer = desk.client().sign_in("ana")
        assert all("Secure" in line for line in answer.headers.get_all("set-cookie") or ["none"])


def test_a_token_set_before_signing_in_is_replaced(desk: OpenDesk) -> None:
    client = desk.client()
    client.cookies[SESSION_COOKIE] = "chosen-by-somebody-else"
    client.sign_in("ana")
    first = client.cookies[SESSION_COOKIE]
    assert first != "chosen-by-somebody-else"
    client.sign_in("ana")
    assert client.cookies[SESSION_COOKIE] != first
    client.cookies[SESSION_COOKIE] = first
    assert client.get("/queue").status == 401, "the browser's earlier session is over"


def test_a_session_ends_by_idling_and_by_age(desk: OpenDesk) -> None:
    client = desk.client("ana")
    desk.clock.move(minutes=14)
    assert client.get("/queue").status == 200
    desk.clock.move(minutes=14)
    assert client.get("/queue").status == 200, "what is used stays open"
    desk.clock.move(minutes=15)
    assert client.get("/queue").status == 401
    client.sign_in("ana")
    for _ in range(47):
        desk.clock.move(minutes=10)
        assert client.get("/queue").status == 200
    desk.clock.move(minutes=10)
    assert client.get("/queue").status == 401


def test_who_is_disabled_is_out_with_the_next_request(desk: OpenDesk) -> None:
    client, admin = desk.client("ana"), desk.client("admin")
    assert client.get("/queue").status == 200
    assert admin.submit("/people/ana/disable").status == 303
    assert client.get("/queue").status == 401
    assert desk.client().sign_in("ana").status == 401


def test_signing_out_ends_the_session_for_good(desk: OpenDesk) -> None:
    client = desk.client("ana")
    kept = dict(client.cookies)
    assert client.submit("/sign-out").to == "/sign-in"
    client.cookies.update(kept)
    assert client.get("/queue").status == 401
    assert _audited(desk, "sign_out") == 1


def test_of_a_thousand_guesses_ten_are_looked_at(desk: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    client = desk.client()
    token = client.csrf("/sign-in")
    answers = [
        client.post("/sign-in", {"csrf": token, "name": "ana", "password": f"guess {n}", "then": "/"}).status
        for n in range(1000)
    ]
    assert answers == [401] * LIMIT + [429] * (1000 - LIMIT)
    assert _audited(desk, "sign_in_failed") == LIMIT
    assert client.sign_in("ana").status == 429, "not even the right one"
    desk.clock.move(minutes=15)
    assert client.sign_in("ana").status == 303


def test_guesses_at_the_own_password_are_limited_too(desk: OpenDesk) -> None:
    client = desk.client("ana")
    form = {"old": "wrong", "new": "another horse 10", "again": "another horse 10"}
    answers = [client.submit("/password", **form).status for _ in range(LIMIT + 3)]
    assert answers == [400] * LIMIT + [429] * 3


def test_unknown_names_take_as_long_as_known_ones(desk: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "_MEMORY_KIB", 8 * 1024)  # dear enough to be seen above the rest
    users._hash_of_nobody.cache_clear()
    with desk.store.write(desk.clock()) as unit:
        users.set_password(unit, "ana", password=PASSWORD, actor=support.ADMIN)
    times: dict[str, list[float]] = {"ana": [], "nobody": []}
    with desk.store.read() as conn:
        users.verify_password(conn, "nobody", "x")  # makes the hash of nobody
        for _ in range(15):
            for name, taken in times.items():
                begun = time.process_time()
                assert users.verify_password(conn, name, "wrong guess") is None
                taken.append(time.process_time() - begun)
    users._hash_of_nobody.cache_clear()
    known, unknown = (statistics.median(taken) for taken in times.values())
    assert unknown == pytest.approx(known, rel=0.5)


def test_a_new_password_needs_the_old_one_and_ends_every_session(desk: OpenDesk) -> None:
    client, elsewhere = desk.client("ana"), desk.client("ana")
    new = "another horse 10"
    assert client.submit("/password", old="wrong", new=new, again=new).status == 400
    assert client.submit("/password", old=PASSWORD, new=new, again=new + "!").status == 400
    assert client.submit("/password", old=PASSWORD, new="short", again="short").status == 400
    assert client.submit("/password", old=PASSWORD, new=new, again=new).to == "/sign-in"
    assert client.get("/queue").status == elsewhere.get("/queue").status == 401
    assert desk.client().sign_in("ana").status == 401
    assert desk.client().sign_in("ana", new).status == 303


def test_after_signing_in_one_gets_where_one_wanted_and_nowhere_else(desk: OpenDesk, clues: dict[str, int]) -> None:
    client = desk.client()
    wanted = f"/clues/c{clues['p1']}?state=every"
    page = client.get(wanted)
    assert page.status == 401
    assert f'name="then" value="{wanted}"' in page.text
    form = {"csrf": client.csrf("/sign-in"), "name": "ana", "password": PASSWORD}
    assert client.post("/sign-in", {**form, "then": wanted}).to == wanted
    for elsewhere in (
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "javascript:X()",
        "/a\r\nx: y",
        "evil",
        "",
    ):
        assert client.post("/sign-in", {**form, "then": elsewhere}).to == "/"
        assert local_path(elsewhere) == "/"


def test_a_sign_in_form_proves_where_it_comes_from(desk: OpenDesk) -> None:
    client = desk.client()
    form = {"name": "ana", "password": PASSWORD, "then": "/"}
    assert client.post("/sign-in", form).status == 403
    assert client.post("/sign-in", {**form, "csrf": ""}, cookie=f"{FORM_COOKIE}=").status == 403
    assert (
        client.post("/sign-in", {**form, "csrf": client.csrf("/sign-in")}, sec_fetch_site="cross-site").status
        == 403
    )


def test_the_language_is_remembered_by_the_browser(desk: OpenDesk) -> None:
    client = desk.client("ana")
    assert 'lang="zh-CN"' in client.get("/queue").text
    client.submit("/language", language="en", then="/queue")
    assert '<html lang="en">' in client.get("/queue").text
    assert client.submit("/language", language="xx", then="//evil.test").to == "/"
    client.cookies[LANGUAGE_COOKIE] = "../en"
    assert '<html lang="zh-CN">' in client.get("/queue").text


def test_passwords_and_tokens_stand_nowhere_in_the_database(desk: OpenDesk, tmp_path: object) -> None:
    client = desk.client("ana")
    desk.client().sign_in(PASSWORD, "typed into the wrong field")
    with desk.store.read() as conn:
        names = sa.inspect(conn).get_table_names()
        everything = str([conn.execute(sa.text(f"SELECT * FROM {name}")).all() for name in names])  # noqa: S608
    assert PASSWORD not in everything
    assert client.cookies[SESSION_COOKIE] not in everything
