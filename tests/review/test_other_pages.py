"""The other pages: clusters, people, audit, runs, earlier submissions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from storage.clusters import add_cluster, get_cluster
from storage.records import RunState
from storage.runs import end_run, start_run
from tests.support.desk import PASSWORD

if TYPE_CHECKING:
    from tests.support.desk import OpenDesk


@pytest.fixture
def ring(desk: OpenDesk, clues: dict[str, int]) -> int:
    """Put the first four clues into a suggested cluster and return its id."""
    with desk.store.write(desk.clock()) as unit:
        return add_cluster(unit, [clues[f"p{number}"] for number in range(1, 5)], ["contact", "text"])


def test_a_cluster_is_shown_with_its_members_and_their_contacts_masked(
    desk: OpenDesk, clues: dict[str, int], ring: int
) -> None:
    client = desk.client("ana")
    assert f'href="/clusters/g{ring}"' in client.get("/clusters").text
    page = client.get(f"/clusters/g{ring}").text
    assert re.findall(r'href="/clues/(c\d+)', page) == [f"c{clues[f'p{n}']}" for n in range(1, 5)]
    assert "zhaiwu" not in page
    clue_page = client.get(f"/clues/c{clues['p1']}").text
    assert f"/clusters/g{ring}" in clue_page
    assert "×4" in client.get("/queue").text


def test_a_cluster_is_confirmed_once_and_as_it_was_shown(desk: OpenDesk, clues: dict[str, int], ring: int) -> None:
    client = desk.client("ana")
    assert client.submit(f"/clusters/g{ring}/confirm", version=1).to == f"/clusters/g{ring}"
    with desk.store.read() as conn:
        assert get_cluster(conn, ring).confirmed
    late = desk.client("ben").submit(f"/clusters/g{ring}/confirm", version=1)
    assert late.status == 409
    assert "团伙内容已变" in late.text
    assert client.submit(f"/clusters/g{ring}/confirm").status == 400


def test_clues_are_taken_out_of_a_cluster(desk: OpenDesk, clues: dict[str, int], ring: int) -> None:
    client = desk.client("ana")
    every = {f"out-c{clues[f'p{number}']}": "1" for number in range(1, 5)}
    assert client.submit(f"/clusters/g{ring}/split", version=1).status == 400
    assert client.submit(f"/clusters/g{ring}/split", version=1, **every).status == 400
    assert client.submit(f"/clusters/g{ring}/split", version=1, **{f"out-c{clues['p4']}": "1"}).status == 303
    with desk.store.read() as conn:
        assert get_cluster(conn, ring).members == tuple(sorted(clues[f"p{number}"] for number in (1, 2, 3)))


def test_auditors_see_clusters_without_forms(desk: OpenDesk, ring: int) -> None:
    page = desk.client("aud").get(f"/clusters/g{ring}").text
    assert "/confirm" not in page
    assert 'type="checkbox"' not in page


def test_an_admin_adds_disables_and_resets(desk: OpenDesk) -> None:
    admin = desk.client("admin")
    new = {"name": "李雷", "role": "analyst", "password": PASSWORD}
    assert admin.submit("/people", **new).to == "/people"
    assert desk.client().sign_in("李雷").status == 303
    assert admin.submit("/people/李雷/password", password="another horse 10").status == 303
    assert desk.client().sign_in("李雷").status == 401
    assert desk.client().sign_in("李雷", "another horse 10").status == 303
    assert admin.submit("/people/李雷/disable").status == 303
    assert desk.client().sign_in("李雷", "another horse 10").status == 401
    assert "已停用" in admin.get("/people").text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "ANA", "role": "analyst", "password": PASSWORD}, "用户名已被占用"),
        ({"name": "<b>", "role": "analyst", "password": PASSWORD}, "用户名已被占用"),
        ({"name": "new", "role": "root", "password": PASSWORD}, "请选择角色"),
        ({"name": "new", "role": "analyst", "password": "short"}, "密码太短"),
        ({}, "请选择角色"),
    ],
)
def test_what_cannot_be_added_is_told(desk: OpenDesk, form: dict[str, object], told: str) -> None:
    answer = desk.client("admin").submit("/people", **form)
    assert answer.status == 400
    assert told in answer.text


def test_the_last_admin_and_nobody_cannot_be_disabled(desk: OpenDesk) -> None:
    admin = desk.client("admin")
    assert admin.submit("/people/admin/disable").status == 409
    assert admin.submit("/people/nobody/disable").status == 404
    assert admin.get("/people").status == 200


def test_an_auditor_reads_the_chain_and_sees_where_it_breaks(desk: OpenDesk, clues: dict[str, int]) -> None:
    auditor = desk.client("aud")
    for _ in range(60):
        desk.client().sign_in("ana")
    page = auditor.get("/audit").text
    older = re.search(r'href="(/audit\?before=\d+)"', page)
    assert older is not None
    assert "user_added" in auditor.get(older[1]).text
    assert "链条完整" in auditor.get("/audit?check=1").text
    with desk.store.write(desk.clock()) as unit:
        unit.conn.execute(sa.text("UPDATE audit_entry SET actor = 'nobody' WHERE sequence = 5"))
    assert "链条在第 5 条断裂" in auditor.get("/audit?check=1").text
    assert auditor.get("/audit?before=x").status == 200


def test_runs_tell_counts_and_states(desk: OpenDesk) -> None:
    assert "还没有采集过" in desk.client("olga").get("/runs").text
    with desk.store.write(desk.clock()) as unit:
        for state in RunState:
            run = start_run(unit, source=f"source-{state}", platform="web", access="open")
            if state is not RunState.RUNNING:
                end_run(unit, run.id, state, reason="challenge seen")
    page = desk.client("olga").get("/runs").text
    for words in ("进行中", "完成", "达到预算", "被拦截", "页面改版", "失败", "source-blocked", "challenge seen"):
        assert words in page
