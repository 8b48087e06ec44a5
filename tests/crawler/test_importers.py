"""Handed-over files: what is stored, what is refused, and what refuses the whole file."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from crawler.importers import import_file
from crawler.importers import loading as loading_module
from crawler.watch import parse_watch
from storage.accounts import named_id
from storage.errors import InputError
from storage.evidence import verify_all
from storage.posts import count_posts, list_posts, post_details

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from crawler.watch import SourceConfig
    from storage.engine import Store
    from storage.records import Json


def source(text: str = "platform: xiaohongshu") -> SourceConfig:
    return parse_watch(f"sources: [{{name: tips, access: import, {text}}}]")[0]


def lines(*records: Any) -> bytes:
    return b"".join(
        (record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode()) + b"\n"
        for record in records
    )


def load(
    store: Store,
    now: datetime,
    path: Path,
    data: bytes,
    form: str = "posts",
    *,
    config: SourceConfig | None = None,
) -> Json:
    path.write_bytes(data)
    return import_file(store, config or source(), path, format=form, now=now)


def numbers(done: Json) -> tuple[int, ...]:
    return tuple(done[name] for name in ("read", "new", "changed", "unchanged", "refused"))


def shown(store: Store, key: str) -> Json:
    with store.read() as conn:
        found = post_details(conn, key)
    assert found is not None, key
    return found


def test_post_lines_are_stored_and_faulty_ones_named(store: Store, now: datetime, tmp_path: Path) -> None:
    data = lines(
        {"id": "1", "text": "停息挂账", "author": {"id": "u", "name": "甲"}, "mood": 1},
        b"{broken",
        {"id": "2", "title": " "},
        {"id": "3", "text": "x", "url": "javascript:alert(1)"},
        {"id": "4", "author": {"name": "只有昵称"}, "comments": [{"author": "乙", "text": "在吗"}], "mood": 2},
        b"",
    )
    warned: list[str] = []
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + data)
    done = import_file(store, source(), path, format="posts", now=now, warn=warned.append)
    assert numbers(done) == (6, 2, 0, 0, 4)
    assert [(p["code"], p["line"], p.get("field")) for p in done["problems"]] == [
        ("bad_line", 2, None),
        ("bad_field", 3, "text"),
        ("bad_field", 4, "url"),
        ("bad_line", 6, None),
    ]
    assert [p.get("id") for p in done["problems"]] == [None, "2", "3", None]
    assert len(warned) == 1
    found = shown(store, "xiaohongshu:4")
    assert found["author"]["id"] == named_id("只有昵称")
    assert found["comments"][0]["id"].startswith("4#c-")
    with store.read() as conn:
        assert verify_all(conn, store.evidence_root) == {"files": 1, "verified": 1, "bad": []}


def test_second_import_changes_nothing_and_an_edit_is_a_change(store: Store, now: datetime, tmp_path: Path) -> None:
    data = lines({"id": "1", "text": "一"}, {"id": "2", "text": "二"})
    load(store, now, tmp_path / "a", data)
    assert numbers(load(store, now, tmp_path / "a", data)) == (2, 0, 0, 2, 0)
    changed = lines({"id": "1", "text": "一"}, {"id": "2", "text": "二改"})
    assert numbers(load(store, now, tmp_path / "b", changed)) == (2, 0, 1, 1, 0)
    assert shown(store, "xiaohongshu:2")["revisions"] == 2


def test_web_lines_are_known_by_their_address(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    config = source("platform: web, base_url: https://a.example/x/")
    data = lines(
        {"id": "1", "text": "一", "url": "HTTPS://B.example/p?utm_source=x#c"},
        {"id": "2", "text": "二", "url": "p/2"},
        {"id": "3", "text": "三"},
        {"id": "4", "text": "四", "platform": "weibo", "url": "weibo.com/1/2"},
    )
    assert numbers(load(sqlite_store, now, tmp_path / "a", data, config=config))[1] == 4
    with sqlite_store.read() as conn:
        posts = {line["post"]: line["url"] for line in list_posts(conn)}
    assert posts == {
        "web:https://b.example/p": "https://b.example/p",
        "web:https://a.example/x/p/2": "https://a.example/x/p/2",
        "web:3": None,
        "weibo:4": "https://a.example/x/weibo.com/1/2",
    }


def test_other_encodings_are_read_when_named(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(lines({"id": "1", "text": "信用卡\u2028逾期"}).decode().encode("gb18030"))
    done = import_file(sqlite_store, source(), path, format="posts", now=now, encoding="gb18030")
    assert numbers(done) == (1, 1, 0, 0, 0)
    assert shown(sqlite_store, "xiaohongshu:1")["text"] == "信用卡\u2028逾期"


BROKEN_ZIP = b"PK\x03\x04 not a workbook"


@pytest.mark.parametrize(
    ("data", "form", "code"),
    [
        (lines({"id": "1", "text": "好"}) + "坏".encode("gb18030"), "posts", "bad_encoding"),
        ('{"id": "1", "text": "好"}'.encode("utf-16"), "posts", "bad_encoding"),
        (BROKEN_ZIP + b"\xff", "posts", "bad_encoding"),
        ("链接,正文\nhttps://a,好".encode("gb18030"), "tips", "bad_encoding"),
        ("链接,心情\nhttps://a,好".encode(), "tips", "unknown_column"),
        ("链接,链接\nhttps://a,好".encode(), "tips", "unknown_column"),
        ("正文\n好".encode(), "tips", "unknown_column"),
        (b"", "tips", "unknown_column"),
        ('链接,正文\nhttps://a,"好'.encode(), "tips", "corrupt_file"),
        (BROKEN_ZIP, "tips", "corrupt_file"),
        (b'{"mood": 1}', "mediacrawler", "unknown_column"),
        (b'[{"note_id": "1", "desc": "x"}, {"note_id"', "mediacrawler", "corrupt_file"),
        (b"a,b\n1,2", "mediacrawler", "unknown_column"),
        (b"", "mediacrawler", "corrupt_file"),
    ],
)
def test_file_that_cannot_be_read_as_a_whole_stores_nothing(
    sqlite_store: Store, now: datetime, tmp_path: Path, *, data: bytes, form: str, code: str
) -> None:
    with pytest.raises(InputError) as caught:
        load(sqlite_store, now, tmp_path / "a", data, form)
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    with sqlite_store.read() as conn:
        assert count_posts(conn)["posts"] == 0
        assert verify_all(conn, sqlite_store.evidence_root)["files"] == 0


@pytest.mark.parametrize(
    ("encoding", "form", "config", "code"),
    [
        ("klingon", "posts", source(), "bad_encoding"),
        ("utf-8", "stories", source(), "bad_field"),
        (
            "utf-8",
            "posts",
            parse_watch("sources: [{name: s, platform: web, access: open, base_url: https://a.example}]")[0],
            "bad_field",
        ),
    ],
)
def test_wrong_use_is_refused(
    sqlite_store: Store,
    now: datetime,
    tmp_path: Path,
    *,
    encoding: str,
    form: str,
    config: SourceConfig,
    code: str,
) -> None:
    path = tmp_path / "a"
    path.write_bytes(lines({"id": "1", "text": "x"}))
    with pytest.raises(InputError) as caught:
        import_file(sqlite_store, config, path, format=form, now=now, encoding=encoding)
    assert caught.value.code == code


def test_missing_file_is_named(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        import_file(sqlite_store, source(), tmp_path / "a", format="posts", now=now)
    assert caught.value.code == "missing_file"


TIPS = [
    ["平台", "链接", "编号", "标题", "正文", "昵称", "账号", "简介", "发布时间", "备注"],
    [
        "",
        "https://www.xiaohongshu.com/explore/65aa00000000000000000001?xsec_token=CANARY",
        "",
        "上岸",
        "停息挂账",
        "甲",
        "9527",
        "代办",
        "2026年11月3日 10:20",
        "同事举报",
    ],
    ["weibo", "", "5001", "", "=cmd|' /C calc'!A0", "", "", "", "", ""],
    ["", "", "", "没有地址", "", "", "", "", "", ""],
    ["", "https://a.example/1", "", "", "", "", "", "", "", ""],
    ["", "https://a.example/2", "", "题", "", "", "", "", "明天", ""],
    ["", "", "", "", "", "", "", "", "", ""],
]


def as_csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(rows: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append([{"5001": 5001}.get(cell, cell) for cell in row])
        for cell in book.active[book.active.max_row]:
            cell.data_type = "s" if isinstance(cell.value, str) and cell.value.startswith("=") else cell.data_type
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


@pytest.mark.parametrize("make", [as_csv, as_xlsx])
def test_tips_of_staff_are_stored(sqlite_store: Store, now: datetime, tmp_path: Path, make: Any) -> None:
    done = load(sqlite_store, now, tmp_path / ("t.xlsx" if make is as_xlsx else "t.csv"), make(TIPS), "tips")
    assert numbers(done) == (5, 2, 0, 0, 3)
    assert [(p["line"], p["field"]) for p in done["problems"]] == [(4, "url"), (5, "text"), (6, "published_at")]
    found = shown(sqlite_store, "xiaohongshu:65aa00000000000000000001")
    assert (found["author"]["handle"], found["author"]["bio"]) == ("9527", "代办")
    assert found["published_at"] == "2026-11-03T02:20:00+00:00"
    assert found["url"] == "https://www.xiaohongshu.com/explore/65aa00000000000000000001"
    assert shown(sqlite_store, "weibo:5001")["text"].startswith("=cmd")


def test_workbook_bombs_are_refused(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(6):
            archive.writestr(f"xl/{number}.xml", bytes(100 << 20))
    with pytest.raises(InputError, match="unpacks to more"):
        load(sqlite_store, now, tmp_path / "bomb.xlsx", data.getvalue(), "tips")


CONTENTS = [
    {
        "note_id": "65aa00000000000000000002",
        "type": "normal",
        "title": "标题",
        "desc": "正文#征信[话题]#",
        "time": 1778112064000,
        "user_id": "5f0000000000000000000001",
        "nickname": "甲",
        "liked_count": "9.7万",
        "ip_location": "上海",
        "image_list": "a.jpg,b.jpg",
        "note_url": "https://www.xiaohongshu.com/explore/65aa00000000000000000002?xsec_token=CANARY&xsec_source=x",
    },
    {
        "note_id": "65aa00000000000000000003",
        "desc": "隐去作者",
        "user_id": "0a1b2c3d4e5f6071",
        "nickname": "甲***乙",
    },
]
COMMENTS = [
    {"comment_id": "c1", "note_id": CONTENTS[0]["note_id"], "content": "加我", "user_id": "u2", "nickname": "乙"},
    {"comment_id": "c2", "note_id": CONTENTS[0]["note_id"], "content": "好的", "parent_comment_id": "c1"},
    {"comment_id": "c3", "note_id": "unknown", "content": "无主"},
    {"comment_id": "c4", "note_id": CONTENTS[0]["note_id"], "content": ""},
]


def as_rows(records: list[dict[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for record in records for name in record))
    return as_csv([names, *([str(record.get(name, "")) for name in names] for record in records)])


@pytest.mark.parametrize(
    "make", [lambda records: lines(*records), lambda records: json.dumps(records, indent=2).encode(), as_rows]
)
def test_mediacrawler_exports_are_stored(sqlite_store: Store, now: datetime, tmp_path: Path, make: Any) -> None:
    assert numbers(load(sqlite_store, now, tmp_path / "c", make(CONTENTS), "mediacrawler")) == (2, 2, 0, 0, 0)
    done = load(sqlite_store, now, tmp_path / "d", make(COMMENTS), "mediacrawler")
    assert numbers(done) == (4, 2, 0, 0, 2)
    assert sorted(problem["code"] for problem in done["problems"]) == ["bad_field", "unknown_id"]
    found = shown(sqlite_store, "xiaohongshu:65aa00000000000000000002")
    assert (found["kind"], found["metrics"], found["ip_region"]) == ("note", {"likes": 97000}, "上海")
    assert found["published_at"] == "2026-05-07T00:01:04+00:00"
    assert found["images"] == ["a.jpg", "b.jpg"]
    assert [(c["id"], c["parent"]) for c in found["comments"]] == [("c1", None), ("c2", "c1")]
    assert shown(sqlite_store, "xiaohongshu:65aa00000000000000000003")["author"]["id"].startswith("n-")
    stored = (tmp_path / "qingyuan.db").read_bytes() + (tmp_path / "qingyuan.db-wal").read_bytes()
    assert b"CANARY" not in stored
    assert not any(
        b"CANARY" in path.read_bytes() for path in sqlite_store.evidence_root.rglob("*") if path.is_file()
    )


def test_many_faults_are_counted_and_the_first_are_named(
    sqlite_store: Store, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading_module, "MAX_PROBLEMS", 3)
    done = load(sqlite_store, now, tmp_path / "a", b"x\n" * 10 + lines({"id": "1", "text": "t"}))
    assert numbers(done) == (11, 1, 0, 0, 10)
    assert len(done["problems"]) == 4
    assert done["problems"][-1]["message"] == "7 more lines were refused"


def test_killed_import_is_finished_by_the_next_one(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    """Chunks are commits of their own: what a broken-off import stored is unchanged for the next."""
    data = lines(*({"id": str(number), "text": f"第{number}条"} for number in range(300)))
    path = tmp_path / "a"
    path.write_bytes(data)

    def stop(read: int, _total: int | None) -> None:
        if read > 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(sqlite_store, source(), path, format="posts", now=now, progress=stop)
    done = import_file(sqlite_store, source(), path, format="posts", now=now)
    assert done["new"] + done["unchanged"] == 300
    assert done["unchanged"] > 0
