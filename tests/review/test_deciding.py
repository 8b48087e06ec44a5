"""Deciding, undoing, claiming, unmasking: plain forms, without a script."""

# ruff: noqa: RUF001 - disguised contacts are what is tested

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from review.pictures import shown_picture
from storage.audit import history, verify
from storage.clues import get_clue
from storage.contacts import contacts_of_verdict
from storage.decisions import decide_clue, undo_clue
from storage.tables import clue
from tests.support import desk as support
from tests.support import takedown
from tests.support.clues import SENIOR

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.clues import ClueRow
    from tests.support.desk import Answer, Client, OpenDesk


def stored(desk: OpenDesk, clue_id: int) -> ClueRow:
    with desk.store.read() as conn:
        return get_clue(conn, clue_id)


def decide(client: Client, clue_id: int, conclusion: str, version: int = 1, **more: object) -> Answer:
    return client.submit(f"/clues/c{clue_id}/decide", conclusion=conclusion, version=version, **more)


def test_a_decision_is_stored_and_leads_to_the_next_clue_which_is_claimed(
    desk: OpenDesk, clues: dict[str, int]
) -> None:
    client = desk.client("ana")
    listed = re.findall(r'/clues/(c\d+)[^"]*" data-row', client.get("/queue").text)
    first, second = listed[0], listed[1]
    answer = client.submit(
        f"/clues/{first}/decide", conclusion="confirmed", version=1, category="fee_refund", reason="明显"
    )
    assert answer.to == f"/clues/{second}"
    row = stored(desk, int(first[1:]))
    assert (row.state, row.version, row.category, row.decided_by) == ("confirmed", 2, "fee_refund", "ana")
    assert stored(desk, int(second[1:])).holder(desk.clock()) == "ana"
    page = client.get(f"/clues/{first}?state=every").text
    assert "明显" in page


def test_a_rejected_clue_names_the_command_that_learns_from_it(desk: OpenDesk, clues: dict[str, int]) -> None:
    client = desk.client("ana")
    for number, conclusion, named in ((1, "rejected", True), (2, "confirmed", False)):
        assert "lexicon propose" not in client.get(f"/clues/c{number}").text
        decide(client, number, conclusion)
        assert (f"lexicon propose c{number}" in client.get(f"/clues/c{number}?state=every").text) is named
    assert "lexicon propose" not in desk.client("aud").get("/clues/c1?state=every").text


def test_two_reviewers_are_given_different_clues(desk: OpenDesk, clues: dict[str, int]) -> None:
    taken = [desk.client(name).submit("/review").to for name in ("ana", "ben", "sen")]
    assert len(set(taken)) == 3
    assert desk.client("ana").submit("/review").to == taken[0], "one's own claim is offered again"


def test_the_chosen_part_of_the_queue_is_kept(desk: OpenDesk, now: datetime) -> None:
    ids = support.add_clues(desk.store, now, [support.pitch(n, platform="forum") for n in (1, 2)])
    client = desk.client("ana")
    answer = client.submit("/review", view="platform=forum")
    assert answer.to.endswith("?platform=forum")
    key = int(re.findall(r"c(\d+)", answer.to)[0])
    assert decide(client, key, "rejected", view="platform=forum").to.endswith("?platform=forum")
    other = next(number for number in ids.values() if number != key)
    assert decide(client, other, "unsure", view="platform=forum").to == "/queue?platform=forum&done=1"


def test_the_second_decision_on_a_version_meets_a_conflict_page(desk: OpenDesk, clues: dict[str, int]) -> None:
    number = clues["p1"]
    ana, ben = desk.client("ana"), desk.client("ben")
    decide(ana, number, "rejected", reason="只是求助")
    answer = decide(ben, number, "confirmed")
    assert answer.status == 409
    assert "ana" in answer.text
    assert "已排除" in answer.text
    assert "只是求助" in answer.text
    row = stored(desk, number)
    assert (row.state, row.decided_by, row.version) == ("rejected", "ana", 2)


def test_a_decision_after_an_undo_in_between_is_a_conflict_too(
    desk: OpenDesk, clues: dict[str, int], now: datetime
) -> None:
    number = clues["p1"]
    with desk.store.write(now) as unit:
        decide_clue(unit, number, "rejected", actor=SENIOR)
        undo_clue(unit, number, actor=SENIOR)
    assert decide(desk.client("ana"), number, "confirmed", version=1).status == 409
    assert stored(desk, number).state == "queued"


@pytest.mark.parametrize(
    "form",
    [
        {"conclusion": "confirmed"},
        {"conclusion": "confirmed", "version": "x"},
        {"conclusion": "confirmed", "version": "-1"},
        {"conclusion": "maybe", "version": 1},
        {"conclusion": "", "version": 1},
        {"conclusion": "duplicate", "version": 1},
        {"conclusion": "duplicate", "version": 1, "of": "self"},
        {"conclusion": "confirmed", "version": 1, "category": "No Category!"},
        {"conclusion": "confirmed", "version": "9" * 30},
    ],
)
def test_an_incomplete_form_changes_nothing(desk: OpenDesk, clues: dict[str, int], form: dict[str, object]) -> None:
    number = clues["p1"]
    form = {name: f"c{number}" if value == "self" else value for name, value in form.items()}
    answer = desk.client("ana").submit(f"/clues/c{number}/decide", **form)
    assert answer.status == 400
    assert stored(desk, number).version == 1


def test_a_duplicate_names_its_original_in_either_spelling(desk: OpenDesk, clues: dict[str, int]) -> None:
    client, original = desk.client("ana"), clues["p1"]
    assert decide(client, clues["p2"], "duplicate", of=f"c{original}").status == 303
    assert decide(client, clues["p3"], "duplicate", of=f" {original} ").status == 303
    assert decide(client, clues["p4"], "duplicate", of=f"c{clues['p2']}").status == 400
    assert decide(client, clues["p4"], "duplicate", of="c424242").status == 404
    assert f'href="/clues/c{original}' in client.get(f"/clues/c{clues['p2']}").text


def test_the_last_decisions_are_listed_with_their_undo(desk: OpenDesk, clues: dict[str, int]) -> None:
    client = desk.client("ana")
    for name in ("p1", "p2", "p3"):
        decide(client, clues[name], "rejected")
    page = client.get(f"/clues/c{clues['p4']}").text
    undos = re.findall(r'action="/clues/c(\d+)/undo"', page)
    assert [int(one) for one in undos] == [clues["p3"], clues["p2"], clues["p1"]]
    assert client.submit(f"/clues/c{clues['p2']}/undo", version=2).to == f"/clues/c{clues['p2']}"
    assert stored(desk, clues["p2"]).state == "queued"
    page = client.get(f"/clues/c{clues['p4']}").text
    assert len(re.findall(r'action="/clues/c\d+/undo"', page)) == 2
    assert 'class="done gone"' in page
    assert "undo" not in re.findall(
        r'action="(/clues/[^"]+)"', desk.client("ben").get(f"/clues/c{clues['p4']}").text
    )


def test_an_undo_of_what_changed_meanwhile_is_a_conflict(desk: OpenDesk, clues: dict[str, int]) -> None:
    number, client = clues["p1"], desk.client("ana")
    decide(client, number, "rejected")
    desk.client("sen").submit(f"/clues/c{number}/undo", version=2)
    assert client.submit(f"/clues/c{number}/undo", version=2).status == 409
    assert client.submit(f"/clues/c{number}/undo").status == 400
    assert client.submit(f"/clues/c{number}/undo", version=3).status == 409, "there is nothing to undo"


def test_claims_are_told_to_the_script_and_to_the_others(desk: OpenDesk, clues: dict[str, int]) -> None:
    path = f"/clues/c{clues['p1']}"
    ana, ben = desk.client("ana"), desk.client("ben")
    assert ana.submit(f"{path}/claim").status == 200
    refused = ben.submit(f"{path}/claim")
    assert (refused.status, refused.text) == (409, '{"holder":"ana"}')
    assert "ana 正在复核" in ben.get(path).text
    assert "正在复核" not in re.sub(r"<p[^>]*hidden[^>]*>", "", ana.get(path).text)
    ben.submit(f"{path}/release")
    assert ben.submit(f"{path}/claim").status == 409, "nobody gives back what is another's"
    ana.submit(f"{path}/release")
    assert ben.submit(f"{path}/claim").status == 200
    assert decide(ana, clues["p1"], "rejected").status == 303, "a claim decides nothing"


def test_roles_that_do_not_decide_see_no_forms(desk: OpenDesk, clues: dict[str, int]) -> None:
    path = f"/clues/c{clues['p1']}"
    for name, unmasks in (("aud", False), ("pri", True)):
        page = desk.client(name).get(path).text
        assert "/decide" not in page
        assert ("/unmask" in page) == unmasks


def _secret(desk: OpenDesk, clue_id: int) -> str:
    with desk.store.read() as conn:
        return f"zhaiwu{int(get_clue(conn, clue_id).target_native_id[1:]):05d}"


def test_unmasking_takes_a_reason_and_is_written_down(desk: OpenDesk, clues: dict[str, int]) -> None:
    number, client = clues["p1"], desk.client("ana")
    path, secret = f"/clues/c{number}", _secret(desk, number)
    assert secret not in client.get(path).text
    for reason in ("", "   "):
        assert client.submit(f"{path}/unmask", reason=reason).status == 400
    assert secret not in client.get(path).text
    assert client.submit(f"{path}/unmask", reason="核对 <b>号码</b>").to == path
    assert secret in client.get(path).text
    with desk.store.read() as conn:
        uses = contacts_of_verdict(conn, get_clue(conn, number).verdict_id)
        entries = history(conn, "clue", f"c{number}")
        opened = [history(conn, "contact", str(one)) for one in {use.contact_id for use in uses}]
        assert verify(conn)["valid"]
    assert [(entry["actor"], entry["via"], entry["details"]["reason"]) for entry in entries] == [
        ("ana", "desk", "核对 <b>号码</b>")
    ]
    assert opened
    assert all(one[-1]["action"] == "contact.unmask" for one in opened)
    assert "核对 &lt;b&gt;号码&lt;/b&gt;" in desk.client("aud").get(path).text


def test_what_was_unmasked_is_open_to_that_session_for_a_while_and_to_nobody_else(
    desk: OpenDesk, clues: dict[str, int]
) -> None:
    number, client = clues["p1"], desk.client("ana")
    path, secret = f"/clues/c{number}", _secret(desk, number)
    client.submit(f"{path}/unmask", reason="核对")
    assert secret in client.get(path).text
    for other in (desk.client("ana"), desk.client("ben"), desk.client("aud")):
        assert secret not in other.get(path).text
    assert "zhaiwu" not in client.get("/queue?state=every").text
    assert "zhaiwu" not in client.get(f"/clues/c{clues['p2']}").text, "the list beside another clue stays masked"
    desk.clock.move(minutes=10)
    assert secret not in client.get(path).text


def test_every_text_of_a_clue_is_masked_decoded_ones_too(desk: OpenDesk, now: datetime) -> None:
    author = support.AccountFacts(native_id="u9", name="上岸喵 zhaiwu_88881", bio="薇❤zhaiwu_88881｜1３8 1234 5678")
    comments = (
        support.said_below("k1", "我加了 z.h.a.i.w.u._88881 了，我的电话13900001111", "小鱼", "卫星 zhaiwu_88881"),
        support.said_below("k2", "专业代办停息挂账，协商个性化分期60期，加微信 laoshi99999 咨询", "停催老师"),
    )
    text = "专业停.息*挂.账，➕V：ｚｈａｉｗｕ_８８８８１，或 z h a i w u _ 8 8 8 8 1，不成功不收费"
    ids = support.add_clues(
        desk.store, now, [support.pitch(9, text, author=author, comments=comments, title="停息 zhaiwu_88881")]
    )
    for number in set(ids.values()):
        for name in ("ana", "aud"):
            page = unescape(re.sub(r"<[^>]+>", "", desk.client(name).get(f"/clues/c{number}").text))
            for secret in ("haiwu_8888", "ｈａｉｗｕ", "h a i w u", "h.a.i", "1234 567", "1390000111", "aoshi9999"):
                assert secret not in page, secret


def test_screenshots_are_blurred_until_unmasked(desk: OpenDesk, clues: dict[str, int], now: datetime) -> None:
    number, client = clues["p1"], desk.client("ana")
    path = f"/clues/c{number}/screenshot.png"
    assert client.get(path).status == 404
    sha256 = support.add_screenshot(desk.store, now, number)
    blurred = client.get(path)
    assert (blurred.status, blurred.headers["content-type"]) == (200, "image/png")
    client.submit(f"/clues/c{number}/unmask", reason="核对截图")
    sharp = client.get(path).body
    assert sharp != blurred.body
    assert desk.client("aud").get(path).body == blurred.body
    original = next(file for file in desk.store.evidence_root.rglob(sha256) if file.is_file())
    assert sharp != original.read_bytes()
    original.write_bytes(b"<svg onload=X()>")
    shown_picture.cache_clear()
    assert client.get(path).status == 500
    assert b"onload" not in client.get(path).body


def test_the_explanation_on_the_page_adds_up(desk: OpenDesk, clues: dict[str, int]) -> None:
    for number in clues.values():
        page = desk.client("ana").get(f"/clues/c{number}").text
        weights = [float(one) for one in re.findall(r'data-weight="([^"]+)"', page)]
        bias, total = (float(one) for one in re.findall(r'class="weight">([-+.\d]+)</td></tr>\s', page)[-2:])
        assert weights
        assert bias + sum(weights) == pytest.approx(total, abs=1e-3)
        score = re.findall(r"对应得分 ([\d.]+)", page)[0]
        assert float(score) == stored(desk, number).score


def test_earlier_submissions_and_what_became_of_them_are_told(
    desk: OpenDesk, clues: dict[str, int], now: datetime, tmp_path: Path
) -> None:
    number, client = clues["p1"], desk.client("ana")
    assert "曾经报送" not in client.get(f"/clues/c{number}").text
    decide(client, number, "confirmed")
    takedown.approved(desk.store, now)
    page = client.get(f"/clues/c{number}?state=every").text
    told = re.search(r"曾经报送：</b>(.*?)</div>", page, re.DOTALL)
    assert told is not None
    assert "partner_desk" in told[1]
    assert "已批准" in told[1]
    refused = client.submit(f"/clues/c{number}/undo", version=2)
    assert refused.status == 409
    assert "进入报送批次" in refused.text


def test_ids_that_are_none_are_not_found(desk: OpenDesk) -> None:
    client = desk.client("ana")
    for path in (
        "/clues/c0",
        "/clues/c1e9",
        "/clues/x",
        "/clues/c999999",
        "/clues/c" + "9" * 40,
        "/clusters/g1",
        "/nowhere",
    ):
        answer = client.get(path)
        assert answer.status == 404, path
        assert "没有找到" in answer.text


def test_stored_state_equals_the_ledger_after_a_day_of_work(desk: OpenDesk, clues: dict[str, int]) -> None:
    client = desk.client("sen")
    for number in clues.values():
        for conclusion in ("rejected", "unsure", "confirmed"):
            row = stored(desk, number)
            if row.state not in {"new", "queued"}:
                client.submit(f"/clues/c{number}/undo", version=row.version)
            decide(client, number, conclusion, version=stored(desk, number).version)
    with desk.store.read() as conn:
        assert verify(conn)["valid"]
        states = conn.execute(sa.select(clue.c.state, clue.c.version)).all()
    assert {tuple(one) for one in states} == {("confirmed", 6)}
