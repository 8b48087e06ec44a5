"""Every problem that a command can name, with its fields and exit code, and what stays unstored."""

from __future__ import annotations

import io
import random
import sqlite3
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from tests.support.cli import Answer, call

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

UNREADABLE = {
    "unknown_key",
    "unknown_column",
    "bad_encoding",
    "missing_file",
    "corrupt_file",
    "unknown_source",
    "unknown_channel",
    "unknown_user",
}
FIELDS = {"code", "file", "line", "field", "id", "message"}
WATCH = "sources:\n  - {name: tips, platform: xiaohongshu, access: import}\n"
TERMS = """role: topic
category: interest_suspension
source: test
date: 2026-11-21
terms:
  - {term: 蓝莓计划, examples: {matching: [加入蓝莓计划, 蓝莓计划懂的来], non_matching: [蓝莓蛋糕]}}
"""


def workbook(*rows: Sequence[str]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


XLSX = workbook(["item", "url", "result", "note"], ["i1", "", "content_removed", ""])


def contents(root: Path) -> list[str]:
    with closing(sqlite3.connect(root / "qingyuan.db")) as connection:
        return list(connection.iterdump())


def refused(done: Answer, code: str, **wanted: Any) -> dict[str, Any]:
    """Check that a command was refused with one problem of this code, told to people too, and return it."""
    problem = done.problem
    assert problem["code"] == code, problem
    assert done.code == (2 if code in UNREADABLE else 1), done.err
    assert set(problem) - {"clues"} <= FIELDS
    assert problem["message"].strip()
    assert problem["message"] in done.err
    assert {name: problem.get(name) for name in wanted} == wanted
    return problem


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        ("nonsense = 1\n", "unknown_key", "nonsense"),
        ("[desk]\ncolour = 1\n", "unknown_key", "desk.colour"),
        ("[desk]\nport = 70000\n", "bad_field", "desk.port"),
        ("[desk]\nlanguage = 'fr'\n", "bad_field", "desk.language"),
        ("= 1\n", "bad_field", None),
        ("[packages]\nlive_within_hours = 0\n", "bad_field", "packages.live_within_hours"),
    ],
)
def test_settings_that_nobody_reads_or_that_cannot_be_meant(
    text: str, code: str, field: str | None, workspace: Path
) -> None:
    (workspace / "qingyuan.toml").write_text(text, "utf-8")
    for words in ("posts count", "clues list", "screen", "verify-package x", "users list --as admin"):
        done = call(*words.split(), "--data", workspace, "--json")
        assert done.code == 2
        assert (done.problem["code"], done.problem.get("field")) == (code, field)
        assert done.problem["file"] == str(workspace / "qingyuan.toml")


def test_settings_of_another_encoding(workspace: Path) -> None:
    (workspace / "qingyuan.toml").write_bytes("[institution]\nname = '银行'\n".encode("gb18030"))
    refused(call("posts", "count", "--data", workspace, "--json"), "bad_encoding")


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        (WATCH + "colour: red\n", 3, "colour"),
        (WATCH + "  - {name: b, platform: web, access: import, colour: red}\n", 3, "sources.1.colour"),
        (
            WATCH + "  - name: b\n    platform: web\n    access: import\n    budget: {pages: 3}\n",
            6,
            "sources.1.budget.pages",
        ),
    ],
)
def test_a_key_of_the_watch_list_that_nobody_reads(text: str, line: int, field: str, workspace: Path) -> None:
    (workspace / "watch.yml").write_text(text, "utf-8")
    (workspace / "in.jsonl").write_text('{"id": "1", "text": "x"}')
    before = contents(workspace)
    for words in (("crawl",), ("import", workspace / "in.jsonl", "--format", "posts", "--source", "tips")):
        done = call(*words, "--data", workspace, "--json")
        refused(done, "unknown_key", file=str(workspace / "watch.yml"), line=line, field=field)
    assert contents(workspace) == before


def test_an_overlay_with_a_key_that_nobody_reads(workspace: Path) -> None:
    lexicon = workspace / "overlays" / "lexicons" / "mine.yml"
    lexicon.write_text(TERMS + "colour: red\n", "utf-8")
    for words in ("screen", "screen-posts"):
        done = call(*words.split(), "--data", workspace, "--json")
        refused(done, "unknown_key", file=str(lexicon), field="colour")
    lexicon.unlink()
    channel = workspace / "overlays" / "channels" / "mine.yml"
    channel.write_text("title: {zh: 我的, en: mine, fr: mien}\n", "utf-8")
    done = call("channels", "list", "--data", workspace, "--json")
    assert (done.code, done.problem["file"]) == (2, str(channel))


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        ("clues show c99", "unknown_id", "c99"),
        ("clues show 1", "unknown_id", "1"),
        ("clues show c01", "unknown_id", "c01"),
        ("clues show ../../c1", "unknown_id", "../../c1"),
        (f"clues show c{'9' * 30}", "unknown_id", f"c{'9' * 30}"),
        ("clues decide g1 confirmed", "unknown_id", "g1"),
        ("clues decide c1 duplicate --of c99", "unknown_id", "c99"),
        ("clues undo c99", "unknown_id", "c99"),
        ("clusters show g99", "unknown_id", "g99"),
        ("posts show forum:none", "unknown_id", "forum:none"),
        ("posts show nonsense", "unknown_id", "nonsense"),
        ("batch show none", "unknown_id", "none"),
        ("batch propose none", "unknown_id", "none"),
        ("batch export ../../x", "unknown_id", "../../x"),
        ("recheck --batch none", "unknown_id", "none"),
        ("batch draft --channel none", "unknown_channel", "none"),
        ("replies import x.csv --channel none", "unknown_channel", "none"),
        ("crawl none", "unknown_source", "none"),
        ("import x --format posts --source none", "unknown_source", "none"),
        ("clues undo c1 --as none", "unknown_user", "none"),
        ("users disable none --as admin", "unknown_user", "none"),
    ],
)
def test_an_id_that_nobody_knows(words: str, code: str, name: str, busy_workspace: Path) -> None:
    before = contents(busy_workspace)
    done = call("--as", "compliance", *words.split(), "--data", busy_workspace, "--json")
    refused(done, code, id=name)
    assert contents(busy_workspace) == before


def test_a_state_that_does_not_allow_it(busy_workspace: Path) -> None:
    week = call("batch", "list", "--data", busy_workspace, "--json").lines[-1]["batch"]
    for words, name in (
        ("clues undo c1", "c1"),
        ("clues decide c4 confirmed", "c4"),
        ("clues undo c4", "c4"),
        (f"batch export {week}", week),
        (f"batch sent {week} --at 2026-11-20 --receipt r", week),
        (f"batch propose {week}-2", f"{week}-2"),
    ):
        done = call(*words.split(), "--data", busy_workspace, "--as", "compliance", "--json")
        refused(done, "bad_state", id=name)


def test_a_stale_version_is_a_conflict_and_changes_nothing(busy_workspace: Path) -> None:
    root = ("--data", busy_workspace, "--as", "analyst", "--json")
    assert call("clues", "decide", "c1", "unsure", "--version", 1, *root).code == 0
    before = contents(busy_workspace)
    problem = refused(call("clues", "decide", "c1", "confirmed", "--version", 1, *root), "conflict", id="c1")
    assert "2" in problem["message"]
    assert contents(busy_workspace) == before
    assert call("clues", "decide", "c1", "confirmed", "--version", 2, *root).code == 0


def test_who_decided_does_not_approve_and_the_clues_are_named(busy_workspace: Path) -> None:
    root = ("--data", busy_workspace, "--json")
    for clue in ("c1", "c2"):
        assert call("clues", "decide", clue, "confirmed", *root, "--as", "senior").code == 0
    draft = call("batch", "list", *root, "--limit", 1).obj["batch"]
    assert call("batch", "draft", "--channel", "partner_desk", *root, "--as", "compliance").obj["batch"] == draft
    assert call("batch", "propose", draft, *root, "--as", "compliance").obj["items"] == 3
    before = contents(busy_workspace)
    problem = refused(call("batch", "approve", draft, *root, "--as", "senior"), "four_eyes")
    assert problem["clues"] == ["c1", "c2"]
    assert contents(busy_workspace) == before
    struck = call("batch", "approve", draft, "--strike", "c1", "--strike", "c2", *root, "--as", "senior")
    assert struck.obj == {"batch": draft, "state": "approved", "items": 1}


@pytest.mark.parametrize(
    "words",
    ["clues decide c1 duplicate", "clues decide c1 confirmed --of c2", "clues decide c1 confirmed --category X;"],
)
def test_a_field_that_cannot_be_meant(words: str, busy_workspace: Path) -> None:
    done = call(*words.split(), "--data", busy_workspace, "--as", "analyst", "--json")
    refused(done, "bad_field")


FILES: dict[str, tuple[bytes | None, str]] = {
    "missing.csv": (None, "missing_file"),
    "utf16.csv": ("item,url,result,note\ni1,,已删除,\n".encode("utf-16"), "bad_encoding"),
    "gb18030.csv": ("item,url,result,note\ni1,,请咨询我们的专员,\n".encode("gb18030"), "bad_encoding"),
    "random.csv": (random.Random(1).randbytes(4000), "bad_encoding"),
    "random.xlsx": (random.Random(2).randbytes(4000), "corrupt_file"),
    "half.xlsx": (XLSX[: len(XLSX) // 2], "corrupt_file"),
    "head.xlsx": (XLSX[:30], "corrupt_file"),
    "half-without-suffix": (XLSX[: len(XLSX) // 2], "corrupt_file"),
    "empty.xlsx": (b"", "corrupt_file"),
    "column.csv": (b"item,url,result,colour\n", "unknown_column"),
    "column.xlsx": (workbook(["item", "colour", "result"]), "unknown_column"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["replies", "tips"])
def test_a_table_that_cannot_be_read_as_a_whole(kind: str, name: str, busy_workspace: Path, tmp_path: Path) -> None:
    (busy_workspace / "watch.yml").write_text(WATCH, "utf-8")
    data, code = FILES[name]
    if data is not None:
        (tmp_path / name).write_bytes(data)
    words = {
        "replies": ("replies", "import", tmp_path / name, "--channel", "partner_desk"),
        "tips": ("import", tmp_path / name, "--format", "tips", "--source", "tips"),
    }[kind]
    before = contents(busy_workspace)
    done = call(*words, "--data", busy_workspace, "--as", "compliance", "--json")
    refused(done, code, file=str(tmp_path / name))
    assert contents(busy_workspace) == before
    assert list((busy_workspace / "evidence").rglob("*")) == []


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030"])
def test_post_lines_of_another_encoding_are_refused_whole_or_read_by_name(encoding: str, workspace: Path) -> None:
    (workspace / "watch.yml").write_text(WATCH, "utf-8")
    path = workspace / "in.jsonl"
    path.write_bytes('{"id": "1", "text": "请您咨询"}\n{"id": "2", "text": "停息挂账"}\n'.encode(encoding))
    words = ("import", path, "--format", "posts", "--source", "tips", "--data", workspace, "--json")
    refused(call(*words), "bad_encoding", file=str(path))
    assert call("posts", "count", "--data", workspace, "--json").obj["posts"] == 0
    assert call(*words, "--encoding", encoding).obj["new"] == 2
    assert [line["text"] for line in call("posts", "list", "--data", workspace, "--json").lines] == [
        "停息挂账",
        "请您咨询",
    ]


@pytest.mark.parametrize("encoding", ["nonsense", "base64", "undefined", ""])
def test_an_encoding_that_is_none_is_refused(encoding: str, workspace: Path) -> None:
    (workspace / "watch.yml").write_text(WATCH, "utf-8")
    path = workspace / "in.jsonl"
    path.write_text('{"id": "1", "text": "x"}')
    words = ("import", path, "--format", "posts", "--source", "tips", "--encoding", encoding)
    refused(call(*words, "--data", workspace, "--json"), "bad_encoding", field="encoding")


def test_a_workbook_is_known_by_its_content(workspace: Path) -> None:
    (workspace / "watch.yml").write_text(WATCH, "utf-8")
    path = workspace / "tips.csv"
    path.write_bytes(workbook(["编号", "正文"], ["1", "停息挂账"]))
    words = ("import", path, "--format", "tips", "--source", "tips", "--data", workspace, "--json")
    assert call(*words).obj["new"] == 1


def test_a_faulty_line_of_an_import_is_refused_and_the_rest_is_stored(workspace: Path) -> None:
    (workspace / "watch.yml").write_text(WATCH, "utf-8")
    path = workspace / "in.jsonl"
    path.write_text(
        '\ufeff{"id": "1", "text": "a", "colour": 1}\r\nbroken\n\n{"id": "2"}\n{"id": "3", "text": "c"}', "utf-8"
    )
    words = ("import", path, "--format", "posts", "--source", "tips", "--data", workspace, "--json")
    done = call(*words)
    assert done.code == 1
    counts = {name: done.obj[name] for name in ("read", "new", "changed", "unchanged", "refused")}
    assert counts == {"read": 5, "new": 2, "changed": 0, "unchanged": 0, "refused": 3}
    found = [(problem["code"], problem["line"]) for problem in done.problems]
    assert found == [("bad_line", 2), ("bad_line", 3), ("bad_field", 4)]
    assert {problem["file"] for problem in done.problems} == {str(path)}
    assert done.problems[2]["id"] == "2"
    assert done.err.count("colour") == 1
    again = call(*words)
    assert (again.code, again.obj["new"], again.obj["unchanged"]) == (1, 0, 2)


def exported(root: Path) -> Path:
    batch = call("batch", "list", "--data", root, "--json", "--limit", 2).lines[1]["batch"]
    done = call("batch", "export", batch, "--data", root, "--as", "compliance", "--json")
    assert done.code == 0, done.err
    return type(root)(done.obj["file"])


def test_a_package_that_was_changed_is_tampered_and_of_a_stranger_untrusted(
    busy_workspace: Path, tmp_path: Path
) -> None:
    package = exported(busy_workspace)
    assert package.is_absolute()
    good = call("verify-package", package, "--data", busy_workspace, "--json")
    assert (good.code, good.obj["valid"], good.obj["trusted"]) == (0, True, True)
    assert call("verify-package", package, "--key", busy_workspace / "keys" / "package.pub", "--json").code == 0

    other = tmp_path / "other"
    assert call("init", other, "--password-stdin", stdin=b"Correct-horse-9\n").code == 0
    done = call("verify-package", package, "--data", other, "--json")
    assert (done.obj["valid"], done.obj["trusted"]) == (True, False)
    refused(done, "untrusted", file=str(package))

    changed = tmp_path / "changed.zip"
    data = bytearray(package.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    for path, raw in ((changed, bytes(data)), (tmp_path / "cut.zip", bytes(data[:-9])), (tmp_path / "x", b"")):
        path.write_bytes(raw)
        done = call("verify-package", path, "--data", busy_workspace, "--json")
        assert done.obj["valid"] is False
        refused(done, "tampered", file=str(path))
    with zipfile.ZipFile(tmp_path / "plain.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    refused(call("verify-package", tmp_path / "plain.zip", "--data", busy_workspace, "--json"), "tampered")


@pytest.mark.parametrize("place", ["none.zip", "folder", "file/below", "n" * 300])
def test_a_missing_package_is_missing(place: str, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    done = call("verify-package", tmp_path / place, "--data", workspace, "--json")
    refused(done, "missing_file", file=str(tmp_path / place))


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("UPDATE audit_entry SET actor = 'someone' WHERE sequence = 3", 3),
        ("DELETE FROM audit_entry WHERE sequence = 2", 2),
    ],
)
def test_a_changed_audit_chain_is_tampered(statement: str, first_bad: int, workspace: Path) -> None:
    with closing(sqlite3.connect(workspace / "qingyuan.db")) as connection:
        connection.execute(statement)
        connection.commit()
    done = call("audit", "verify", "--data", workspace, "--json")
    assert (done.code, done.obj["valid"], done.obj["first_bad"]) == (1, False, first_bad)
    assert (done.problem["code"], done.problem["id"]) == ("tampered", str(first_bad))


def test_a_workspace_is_not_made_over_something_else(tmp_path: Path) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "file").write_text("mine")
    done = call("init", folder, "--password-stdin", "--json", stdin=b"Correct-horse-9\n")
    assert done.code == 2
    assert [path.name for path in folder.iterdir()] == ["file"]
    for password in (b"short\n", b"\n", b"", b"aaaaaaaaaaaa\n", b"a" * 300 + b"\n"):
        done = call("init", tmp_path / "new", "--password-stdin", "--json", stdin=password)
        assert (done.code, done.problem["code"], done.problem["field"]) == (1, "bad_field", "password")
        assert not (tmp_path / "new").exists()
    assert call("init", tmp_path / "new", "--json").code == 2  # no terminal to ask at


def test_a_moved_clock_is_refused_outside_a_demo(workspace: Path) -> None:
    done = call("clues", "list", "--data", workspace, "--json", env={"QINGYUAN_CLOCK": "2026-11-20T18:00"})
    assert done.problem["code"] == "forbidden"
