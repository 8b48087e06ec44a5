"""The package: what is in it, what is not, and that it comes out the same wherever it is built."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
import sqlalchemy as sa
import time_machine

from reporting.columns import COLUMN_KEYS
from reporting.packages import stored_path
from storage.evidence import add_capture, put_bytes
from storage.records import CaptureFacts
from storage.screenshots import set_screenshot, shot_headers
from storage.sealing import load_sealer
from storage.tables import clue, cluster, cluster_member, contact, contact_use, post_revision, verdict
from tests.support.takedown import CHANNELS, add_confirmed, add_offender, exported, sent

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
TEXT = "客户王女士 13812345678 已上岸，停息挂账找我，加薇 kefu8888，@小红 也说好"
REBUILD = """
import sys
from pathlib import Path
from reporting.packages import store_package
from storage.engine import Store, make_engine
url, evidence, keys, code, packages = sys.argv[1:]
store = Store(make_engine(url), evidence_root=Path(evidence), keys_root=Path(keys))
sys.stdout.write(store_package(store, code, Path(packages))[0])
"""


def give_contact(store: Store, now: datetime, clue_id: int, value: str) -> None:
    """Store a contact found in the clue's text, as screening does."""
    sealer = load_sealer(store.keys_root)
    start = TEXT.index(value)
    with store.write(now) as unit:
        row = unit.conn.execute(
            sa.select(clue.c.verdict_id, verdict.c.revision_id)
            .join_from(clue, verdict, verdict.c.id == clue.c.verdict_id)
            .where(clue.c.id == clue_id)
        ).one()
        key = unit.conn.execute(
            sa.insert(contact).values(
                kind="wechat",
                key=sealer.link_key("wechat", value),
                sealed=sealer.seal(value),
                masked="k******8",
                first_seen=now,
            )
        ).inserted_primary_key
        assert key is not None
        unit.conn.execute(
            sa.insert(contact_use).values(
                contact_id=key[0],
                revision_id=row.revision_id,
                verdict_id=row.verdict_id,
                field="text",
                start=start,
                end=start + len(value),
            )
        )


def give_page(store: Store, now: datetime, clue_id: int) -> str:
    """Store the page that the clue's text was read from and return its hash."""
    page = b"<html>the page</html>"
    sha256 = put_bytes(store.evidence_root, page)
    with store.write(now) as unit:
        facts = CaptureFacts(url="https://forum.test/a", at=now, method="http", sha256=sha256, size=len(page))
        capture_id = add_capture(unit, facts)
        revision = (
            sa.select(verdict.c.revision_id)
            .join_from(clue, verdict, verdict.c.id == clue.c.verdict_id)
            .where(clue.c.id == clue_id)
            .scalar_subquery()
        )
        unit.conn.execute(
            sa.update(post_revision).where(post_revision.c.id == revision).values(capture_id=capture_id)
        )
    return sha256


def confirm_ring(store: Store, now: datetime, clue_ids: list[int]) -> None:
    with store.write(now) as unit:
        values = {"state": "open", "basis": ["contact"], "confirmed": True, "created_at": now, "updated_at": now}
        key = unit.conn.execute(sa.insert(cluster).values(values)).inserted_primary_key
        assert key is not None
        rows = [{"cluster_id": key[0], "clue_id": clue_id} for clue_id in clue_ids]
        unit.conn.execute(sa.insert(cluster_member), rows)


def members(answer: dict[str, Any]) -> dict[str, bytes]:
    with zipfile.ZipFile(answer["file"]) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.decode().splitlines()]


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_package_holds_what_the_contract_names(store: Store, now: datetime, tmp_path: Path) -> None:
    (clue_id,) = add_confirmed(store, now, "a")
    page_sha256 = give_page(store, now, clue_id)
    answer = exported(store, now, tmp_path)
    found = members(answer)
    assert set(found) == {
        "clues.xlsx",
        "clues.csv",
        "clues.jsonl",
        "accounts.csv",
        "networks.csv",
        "reply.xlsx",
        "index.html",
        "letter.docx",
        "evidence/i1/post.json",
        "evidence/i1/capture.json",
        "manifest.json",
        "manifest.sig",
    }
    assert answer["sha256"] == hashlib.sha256(Path(answer["file"]).read_bytes()).hexdigest()
    assert answer["size"] == Path(answer["file"]).stat().st_size
    (line,) = lines(found["clues.jsonl"])
    assert set(line) == set(COLUMN_KEYS)
    assert (line["item"], line["attempt"], line["target_kind"], line["place"]) == ("i1", 1, "post", "post")
    assert line["last_seen_live"] == "unprobed"
    assert line["captured_at"] == "2026-11-18T10:30:00+08:00"
    capture = json.loads(found["evidence/i1/capture.json"])
    assert (capture["sha256"], capture["url"], capture["method"]) == (page_sha256, "https://forum.test/a", "http")
    manifest = json.loads(found["manifest.json"])
    assert manifest["counts"] == {"items": 1, "accounts": 0, "networks": 0, "unprobed": 1, "members": 10}
    assert manifest["previous"] is None
    for entry in manifest["files"]:
        data = found[entry["name"]]
        assert (entry["size"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_sheets_agree_and_say_the_rule_in_the_words_of_the_channel(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    add_confirmed(sqlite_store, now, "a", "b", category="surrender")
    found = members(exported(sqlite_store, now, tmp_path))
    spec = CHANNELS["partner_desk"].spec
    rows = table(found["clues.csv"])
    book = openpyxl.load_workbook(io.BytesIO(found["clues.xlsx"]))
    headers = [column.header for column in spec.columns]
    assert [cell.value for cell in book["clues"][1]] == headers == list(rows[0])
    assert [row["报送编号"] for row in rows] == ["i1", "i2"]
    assert rows[0]["违规说明"] == spec.rules["surrender"]
    reply = openpyxl.load_workbook(io.BytesIO(found["reply.xlsx"]))["reply"]
    assert [reply.cell(line, 1).value for line in (2, 3)] == ["i1", "i2"]
    assert "关于处置" in zipfile.ZipFile(io.BytesIO(found["letter.docx"])).read("word/document.xml").decode()


def test_import_without_a_page_says_so(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(sqlite_store, now, "a")
    capture = json.loads(members(exported(sqlite_store, now, tmp_path))["evidence/i1/capture.json"])
    assert capture["sha256"] is None
    assert "without a page" in capture["why_none"]


@pytest.mark.parametrize(
    ("channel", "shown"),
    [("partner_desk", "k******8"), ("cac_12377", "kefu8888")],
)
def test_other_people_are_masked_and_contacts_shown_as_the_channel_asks(
    store: Store, now: datetime, tmp_path: Path, channel: str, shown: str
) -> None:
    (clue_id,) = add_confirmed(store, now, "a", text=TEXT, account_id=add_offender(store, now, "u1", handle="h1"))
    give_contact(store, now, clue_id, "kefu8888")
    found = members(exported(store, now, tmp_path, channel))
    (line,) = lines(found["clues.jsonl"])
    assert line["contacts"] == [f"wechat:{shown}"]
    assert shown in line["excerpt"]
    whole = b"".join(found.values()).decode("utf-8", "replace")
    for secret in ("13812345678", "王女士", "小红", *(["kefu8888"] if channel == "partner_desk" else [])):
        assert secret not in whole
    post = json.loads(found["evidence/i1/post.json"])
    assert post["text"].startswith("客户*女士 *********** 已上岸")


def test_nobody_of_the_house_is_named(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a", decided_by="zhangwei-analyst")
    whole = b"".join(members(exported(store, now, tmp_path)).values()).decode("utf-8", "replace")
    for name in ("zhangwei-analyst", "chen", "sun"):
        assert f'"{name}"' not in whole
        assert f">{name}<" not in whole


def test_ring_and_account_stand_in_their_tables(store: Store, now: datetime, tmp_path: Path) -> None:
    ids = add_confirmed(store, now, "a", "b", "c")
    confirm_ring(store, now, ids[:2])
    found = members(exported(store, now, tmp_path))
    (network,) = table(found["networks.csv"])
    assert (network["关联依据"], network["本批报送编号"]) == ("contact", "i1；i2")
    assert table(found["accounts.csv"]) == [], "posts that show no author make no account"


@pytest.mark.parametrize("kind", ["covered", "uncovered", "none"])
def test_picture_with_others_covered_goes_along_and_a_whole_page_never(
    sqlite_store: Store, now: datetime, tmp_path: Path, kind: str
) -> None:
    page, crop = (put_bytes(sqlite_store.evidence_root, PNG + part) for part in (b"page", b"crop"))
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    with sqlite_store.write(now) as unit:
        facts = CaptureFacts(url="https://forum.test/a", at=now, method="browser", sha256=page, kind="screenshot")
        headers = {
            "covered": shot_headers(crop),
            "uncovered": {"element": crop},
            "none": shot_headers(None, "too tall"),
        }
        capture_id = add_capture(unit, replace(facts, headers=headers[kind]))
        set_screenshot(unit, clue_id, sha256=page, capture_id=capture_id)
    found = members(exported(sqlite_store, now, tmp_path))
    cropped = kind == "covered"
    assert found.get("evidence/i1/post.png") == (PNG + b"crop" if cropped else None)
    assert ("evidence/i1/post.png" in lines(found["clues.jsonl"])[0]["evidence"]) is cropped
    assert PNG + b"page" not in found.values()
    why = {"uncovered": "its crop does not cover other people", "none": "too tall"}
    expected = [] if cropped else [{"item": "i1", "why": why[kind]}]
    assert json.loads(found["manifest.json"])["without_picture"] == expected


def test_earlier_items_are_named_in_the_next_attempt(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a")
    first = sent(store, now, tmp_path)
    found = members(exported(store, now, tmp_path, "cac_12377"))
    (line,) = lines(found["clues.jsonl"])
    assert (line["attempt"], line["earlier_items"]) == (2, ["i1"])
    assert json.loads(found["manifest.json"])["previous"] is None, "another channel's package is no predecessor"
    assert first != line["item"]


def test_package_is_rebuilt_to_the_same_bytes_elsewhere(store: Store, now: datetime, tmp_path: Path) -> None:
    ids = add_confirmed(store, now, "a", "b", text=TEXT)
    give_contact(store, now, ids[0], "kefu8888")
    with time_machine.travel(now - timedelta(hours=31), tick=False):
        answer = exported(store, now, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    url = store.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", REBUILD, url, str(store.evidence_root), str(store.keys_root)]
    environment = {**os.environ, "TZ": "America/St_Johns", "PYTHONHASHSEED": "7", "LANG": "C"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    done = subprocess.run(
        [*command, answer["batch"], str(elsewhere)],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == answer["sha256"]
    assert stored_path(elsewhere, done.stdout).read_bytes() == Path(answer["file"]).read_bytes()
