"""Replies: rows find their items or are listed, files are kept, nothing is guessed or counted twice."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from reporting.batches import show_batch
from reporting.outcomes import list_outcomes
from reporting.replies import import_replies
from storage import audit
from storage.errors import ForbiddenError, InputError
from storage.evidence import read_bytes, verify_all
from storage.records import Actor, Role
from storage.replies import replies_of
from tests.support.takedown import CHANNEL, CHANNELS, CHECKER, add_confirmed, approved, sent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

DAY = timedelta(days=1)
HEADER = ("item", "url", "result", "note")


def csv_file(folder: Path, *rows: Sequence[str], header: Sequence[str] = HEADER) -> Path:
    path = folder / "reply.csv"
    path.write_text("".join(",".join(row) + "\n" for row in [header, *rows]), "utf-8")
    return path


def xlsx_file(folder: Path, *rows: Sequence[Any], header: Sequence[str] = HEADER) -> Path:
    book = openpyxl.Workbook()
    for row in (header, *rows):
        book.active.append(list(row))
    path = folder / "reply.xlsx"
    book.save(path)
    return path


def read(store: Store, file: Path, now: datetime, channel: str = CHANNEL, actor: Actor = CHECKER) -> dict[str, Any]:
    return import_replies(store, file, CHANNELS[channel], now=now, actor=actor)


def states(store: Store, code: str) -> dict[str, str]:
    with store.read() as conn:
        return {item["item"]: item["state"] for item in show_batch(conn, code)["contents"]}


def kinds(store: Store) -> dict[str, str]:
    with store.read() as conn:
        return {line["item"]: f"{line['kind']}/{line['state']}" for line in list_outcomes(conn)}


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_rows_are_matched_by_item_then_by_address(store: Store, now: datetime, tmp_path: Path, make: Any) -> None:
    add_confirmed(store, now, *"abcdef")
    code = sent(store, now, tmp_path)
    file = make(
        tmp_path,
        ("i1", "", "已下架", "内容已删"),
        ("", "HTTPS://Forum.test/b", "已限流", ""),
        ("i3", "https://forum.test/c", "未违规", ""),
        ("i4", "", "核实中", ""),
        ("i5", "", "需补充材料", ""),
        ("i77", "https://elsewhere.test/x", "已下架", ""),
        ("", "", "", ""),
    )
    answer = read(store, file, now + DAY)
    assert answer == {
        "rows": 6,
        "matched": 5,
        "unmatched": [{"row": 7, "item": "i77", "url": "https://elsewhere.test/x"}],
        "conflicts": [],
        "changed": 5,
    }
    assert states(store, code) == {
        "i1": "answered",
        "i2": "closed",  # a restriction is confirmed by the reply itself
        "i3": "answered",
        "i4": "acknowledged",
        "i5": "need_more",
        "i6": "sent",
    }
    assert kinds(store) == {
        "i1": "content_removed/provisional",
        "i2": "content_restricted/confirmed",
        "i3": "live/provisional",
        "i4": "unknown/provisional",
        "i5": "unknown/provisional",
        "i6": "unknown/provisional",
    }


def test_same_file_twice_changes_nothing(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a", "b")
    sent(store, now, tmp_path)
    file = csv_file(tmp_path, ("i1", "", "已下架", ""), ("i2", "", "account_banned", ""))
    first = read(store, file, now + DAY)
    with store.read() as conn:
        entries = audit.verify(conn)["entries"]
    again = read(store, file, now + 2 * DAY)
    assert (first["changed"], again) == (2, {**first, "changed": 0})
    resaved = csv_file(tmp_path, ("i2", "", "account_banned", ""), ("i1", "", "已下架", ""))
    assert read(store, resaved, now + 3 * DAY)["changed"] == 0, "the same words in another file are no news"
    with store.read() as conn:
        assert audit.verify(conn)["entries"] == entries


def test_platform_may_answer_again(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a")
    code = sent(store, now, tmp_path)
    for days, word, state in (
        (1, "核实中", "acknowledged"),
        (2, "已下架", "answered"),
        (3, "需补充材料", "need_more"),
    ):
        answer = read(store, csv_file(tmp_path, ("i1", "", word, "")), now + days * DAY)
        assert (answer["changed"], states(store, code)) == (1, {"i1": state})
    with store.read() as conn:
        words = [one["words"] for one in replies_of(conn, [1])[1]]
    assert words == ["核实中", "已下架", "需补充材料"]


def test_file_is_kept_as_evidence(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a")
    sent(store, now, tmp_path)
    file = csv_file(tmp_path, ("i1", "", "已下架", ""))
    read(store, file, now + DAY)
    with store.read() as conn:
        sha256 = replies_of(conn, [1])[1][0]["file_sha256"]
        found = verify_all(conn, store.evidence_root)
    assert found["files"] == found["verified"] > 0
    assert read_bytes(store.evidence_root, sha256) == file.read_bytes()


def test_what_does_not_fit_is_listed_and_changes_nothing(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a", "b", "c")
    code = sent(store, now, tmp_path)
    add_confirmed(store, now, "later")
    approved(store, now)
    file = csv_file(
        tmp_path,
        ("i1", "https://forum.test/b", "已下架", ""),
        ("i2", "", "大概处理了", ""),
        ("i3", "", "已下架", ""),
        ("i3", "", "未违规", ""),
        ("i3", "", "已下架", ""),
        ("i4", "", "已下架", ""),
        ("i2", "", "", "没有结果"),
    )
    answer = read(store, file, now + DAY)
    assert (answer["matched"], answer["changed"]) == (2, 1)
    assert [(one["row"], one["why"]) for one in answer["conflicts"]] == [
        (2, "the address is that of i2"),
        (3, "unknown result '大概处理了'"),
        (5, "row 4 says 已下架 of the same item"),
        (7, "the item is approved, it was never sent"),
        (8, "there is no result"),
    ]
    assert states(store, code) == {"i1": "sent", "i2": "sent", "i3": "answered"}


def test_item_of_another_channel_is_not_matched(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a")
    sent(store, now, tmp_path)
    answer = read(store, csv_file(tmp_path, ("i1", "", "已删除", "")), now + DAY, channel="cac_12377")
    assert answer["unmatched"] == [{"row": 2, "item": "i1", "url": None}]


def test_address_of_several_targets_is_a_conflict(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a", "b", url="https://forum.test/same")
    sent(store, now, tmp_path)
    answer = read(store, csv_file(tmp_path, ("", "https://forum.test/same", "已下架", "")), now + DAY)
    assert [one["why"] for one in answer["conflicts"]] == ["the address belongs to several items"]


def test_own_columns_of_the_channel_are_read(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a")
    sent(store, now, tmp_path)
    file = xlsx_file(tmp_path, ("i1", "forum", "已封号", "ok"), header=("报送编号", "平台", "处理结果", "备注"))
    assert read(store, file, now + DAY)["changed"] == 1
    assert kinds(store) == {"i1": "account_banned/provisional"}


def test_filled_in_form_of_the_package_is_read(store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(store, now, "a", "b")
    sent(store, now, tmp_path)
    (package,) = (tmp_path / "packages").glob("*.zip")
    with zipfile.ZipFile(package) as archive:
        book = openpyxl.load_workbook(io.BytesIO(archive.read("reply.xlsx")))
    book["reply"]["C2"] = "已下架"
    book["reply"]["C3"] = "已限流"
    book.save(tmp_path / "back.xlsx")
    answer = read(store, tmp_path / "back.xlsx", now + DAY)
    assert (answer["rows"], answer["matched"], answer["changed"]) == (2, 2, 2)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COMPLIANCE])
def test_only_compliance_imports(sqlite_store: Store, now: datetime, tmp_path: Path, role: Role) -> None:
    with pytest.raises(ForbiddenError):
        read(sqlite_store, csv_file(tmp_path), now, actor=Actor(name="x", role=role))


def test_file_that_cannot_be_read_stores_nothing(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        read(sqlite_store, csv_file(tmp_path, ("i1", "x"), header=("item", "colour")), now)
    assert (raised.value.code, raised.value.exit_code) == ("unknown_column", 2)
    with pytest.raises(InputError) as raised:
        read(sqlite_store, tmp_path / "none.csv", now)
    assert raised.value.code == "missing_file"
    assert not list(sqlite_store.evidence_root.rglob("*"))
