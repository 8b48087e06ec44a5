"""`lexicon check` and `add` on files that are wrong: what is said, the exit code, and that nothing was stored."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.cli import call
from tests.support.rules import TERMS, lexicon, write

if TYPE_CHECKING:
    from pathlib import Path

SUPPRESSION = "suppress: account\naccount: xiaohongshu:u1\nuntil: 2027-01-01\nreason: r\n"
WRONG = [
    ("a.yml", TERMS + "    colour: red\n", 2, "unknown_key", "colour"),
    ("a.yml", "colour: red\n" + TERMS, 2, "unknown_key", "colour"),
    ("a.yml", TERMS.replace("role: topic", "role: subject"), 1, "bad_field", "role"),
    (
        "a.yml",
        TERMS.replace("[加入蓝莓计划, 蓝莓计划懂的来]", "[加入蓝莓计划]"),
        1,
        "bad_field",
        "examples.matching",
    ),
    ("a.yml", TERMS.replace("[蓝莓蛋糕]", "[]"), 1, "bad_field", "examples.non_matching"),
    ("a.yml", TERMS.replace("加入蓝莓计划", "加入草莓计划"), 1, "bad_field", "examples.matching"),
    ("a.yml", TERMS.replace("[蓝莓蛋糕]", "[蓝莓计划书]"), 1, "bad_field", "examples.non_matching"),
    ("a.yml", TERMS.replace("蓝莓计划", "停息挂账"), 1, "bad_field", None),
    ("a.yml", "role: [", 2, "corrupt_file", None),
    ("a.yml", "- a\n", 1, "bad_field", None),
    ("a.yml", "", 1, "bad_field", None),
    ("a.txt", TERMS, 1, "bad_field", None),
    ("weights.yml", "bias: 1\n", 1, "bad_field", None),
    ("severity.yml", "other: {points: 500, reason: r}\n", 1, "bad_field", None),
    ("b.yml", SUPPRESSION + "forever: true\n", 2, "unknown_key", "forever"),
    ("b.yml", SUPPRESSION.replace("u1", "").replace("xiaohongshu:", "nobody"), 1, "bad_field", "account"),
]


def changes(root: Path) -> int:
    with closing(sqlite3.connect(root / "qingyuan.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM rule_change").fetchone()[0])


@pytest.mark.parametrize(
    "wrong", WRONG, ids=[f"{number}-{wrong[3]}-{wrong[4]}" for number, wrong in enumerate(WRONG)]
)
def test_a_wrong_file_is_named_and_not_stored(
    workspace: Path, tmp_path: Path, wrong: tuple[str, str, int, str, str | None]
) -> None:
    name, text, code, problem, field = wrong
    file = write(tmp_path / "mine", text, name)
    for command in ("check", "add"):
        done = lexicon(workspace, command, file, by="analyst")
        assert (done.code, done.problem["code"]) == (code, problem), done.err
        assert done.problem.get("field") == field or field is None
        assert name.partition(".")[0] in done.problem["file"]
    assert changes(workspace) == 0


def test_a_broken_example_is_named_by_its_entry_and_text(workspace: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "mine", TERMS.replace("加入蓝莓计划", "加入草莓计划"))
    problem = lexicon(workspace, "check", file).problem
    assert problem["id"] == "own_terms:蓝莓计划"
    assert problem["message"] == "entry 蓝莓计划 does not find: 加入草莓计划"
    assert problem["file"] == str(file)


def test_bytes_that_are_no_text_and_files_that_are_not_there(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_bytes(b"role: \xff\xfe")
    for found, code in (
        (file, "bad_encoding"),
        (tmp_path / "none.yml", "missing_file"),
        (tmp_path, "missing_file"),
    ):
        done = lexicon(workspace, "add", found, by="analyst")
        assert (done.code, done.problem["code"]) == (2, code)
        assert lexicon(workspace, "try", found, by="analyst").problem["code"] == code
    assert changes(workspace) == 0


def test_an_unknown_change_is_no_crash(workspace: Path) -> None:
    for words in (("try", "x9"), ("activate", "x9"), ("activate", "c1"), ("reject", "x9")):
        done = lexicon(workspace, *words, by="senior")
        assert (done.code, done.problem["code"]) == (1, "unknown_id")


def test_the_shipped_rules_hold_without_a_workspace() -> None:
    done = call("lexicon", "check", "--json")
    assert (done.code, done.obj["problems"], done.obj["change"]) == (0, [], None)
    assert done.obj["entries"] > 300


def test_files_are_checked_together(tmp_path: Path) -> None:
    """Each is right by itself; together they name one form twice."""
    one, other = write(tmp_path / "a", TERMS, "one.yml"), write(tmp_path / "b", TERMS, "two.yml")
    for file in (one, other):
        assert call("lexicon", "check", file, "--json").obj["entries"] == 1
    done = call("lexicon", "check", one, other, "--json")
    assert (done.code, done.problem["code"]) == (1, "bad_field")
    assert "one:蓝莓计划" in done.problem["message"]


def test_the_files_in_force_are_checked_too(workspace: Path) -> None:
    write(workspace / "overlays" / "lexicons", TERMS.replace("加入蓝莓计划", "加入草莓计划"))
    done = lexicon(workspace, "check")
    assert (done.code, done.problem["code"], done.problem["id"]) == (1, "bad_field", "own_terms:蓝莓计划")
    write(workspace / "overlays" / "lexicons", TERMS + "    colour: red\n")
    done = lexicon(workspace, "check")
    assert (done.code, done.problem["code"], done.problem["field"]) == (2, "unknown_key", "colour")


def test_a_file_that_an_activated_change_did_not_put_there_is_a_problem(workspace: Path, tmp_path: Path) -> None:
    lexicon(workspace, "add", write(tmp_path / "mine", TERMS), by="analyst")
    lexicon(workspace, "try", "x1", by="analyst")
    assert lexicon(workspace, "activate", "x1", by="senior").code == 0
    assert lexicon(workspace, "check").code == 0
    (workspace / "overlays" / "lexicons" / "own_terms.yml").unlink()
    done = lexicon(workspace, "check")
    assert (done.code, done.problem["code"], done.problem["id"]) == (1, "conflict", "x1")


def test_a_broken_suppression_in_force_stops_the_stage(workspace: Path) -> None:
    write(workspace / "overlays" / "suppressions", SUPPRESSION + "forever: true\n", "b.yml")
    for words in (("lexicon", "check"), ("cluster",)):
        done = call(*words, "--data", workspace, "--json")
        assert (done.code, done.problem["code"]) == (2, "unknown_key")


def test_a_suppression_of_ones_own_is_a_change_like_any(workspace: Path, tmp_path: Path) -> None:
    done = lexicon(workspace, "add", write(tmp_path / "mine", SUPPRESSION, "partner.yml"), by="senior").obj
    assert (done["file"], done["entries"]) == ("suppressions/partner.yml", 1)
