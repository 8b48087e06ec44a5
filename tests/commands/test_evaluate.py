"""`evaluate`: one figure a file, faulty lines and fields named, files that cannot be read refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from classifiers.evaluate_tally import rate
from commands.evaluation_tables import interval
from tests.support.cli import call

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = {
    *("file", "rows", "unlabelled", "unsure", "labels", "targets", "confusion", "recall", "precision"),
    *("by_category", "by_class", "by_obfuscation", "by_platform", "by_field", "by_subtype", "contacts", "errors"),
}
RATE = {"hits", "total", "low", "high"}
ROWS: list[dict[str, Any]] = [
    {
        "id": "1",
        "text": "专业代办停息挂账，不成功不收费，加微信 zhaiwu888",
        "label": "clue",
        "categories": ["interest_suspension"],
    },
    {"id": "2", "text": "今天天气真好，适合爬山", "label": "unrelated"},
    {"id": "3", "text": "没有标签的一行"},
    {"id": "4", "label": "unrelated", "author": {"name": " "}},
]


def written(path: Path, *more: bytes) -> Path:
    path.write_bytes(
        b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in ROWS) + b"\n".join(more)
    )
    return path


def test_every_file_has_its_figures_in_order(tmp_path: Path) -> None:
    paths = [written(tmp_path / "b.jsonl"), written(tmp_path / "a.jsonl")]
    done = call("evaluate", *paths, "--json")
    assert (done.code, done.err) == (0, "")
    assert set(done.obj) == {"files", "ruleset"}
    assert [figures["file"] for figures in done.obj["files"]] == [str(path) for path in paths]
    for figures in done.obj["files"]:
        assert set(figures) == FIGURES
        assert figures["rows"] == 4
        assert figures["unlabelled"]["rows"] == 1
        assert set(figures["recall"]) == set(figures["precision"]) == RATE
        assert (figures["recall"]["hits"], figures["recall"]["total"]) == (1, 1)
        assert figures["by_subtype"] is None


def test_faulty_lines_are_named_and_the_rest_is_measured(tmp_path: Path) -> None:
    deep = b'{"id": "5", "label": "clue", "text": "x", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    less_deep = b'{"id": "5", "label": "clue", "text": "x", "a": ' + b"[" * 700 + b"]" * 700 + b"}"
    path = written(tmp_path / "a.jsonl", b"broken", deep, b"\xff\xfe", b"[1]", b"", less_deep)
    done = call("evaluate", path, "--json")
    assert done.code == 1
    assert [(problem["code"], problem["line"]) for problem in done.problems] == [
        ("bad_line", n) for n in (5, 6, 7, 8, 9, 10)
    ]
    assert {problem["file"] for problem in done.problems} == {str(path)}
    assert done.obj["files"][0]["rows"] == 4


def test_faulty_gold_is_named_by_line_and_field_and_the_row_still_counts(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.jsonl",
        b'{"id": "5", "label": ["clue"], "text": "x"}',
        b'{"id": "6", "label": "scam", "text": "x"}',
        b'{"id": "7", "label": "clue", "text": "x", "categories": ["loans"], "where": "text", "platform": 3}',
        b'{"label": "clue", "text": "x"}',
        b'{"id": "9", "label": "news", "text": ["x"]}',
        b'{"id": "10", "text": ["x"]}',
    )
    done = call("evaluate", path, "--json")
    assert done.code == 1
    assert [(problem["code"], problem["line"], problem["field"]) for problem in done.problems] == [
        ("bad_field", 5, "label"),
        ("bad_field", 6, "label"),
        ("bad_field", 7, "categories[0]"),
        ("bad_field", 7, "where"),
        ("bad_field", 7, "platform"),
        ("bad_field", 8, "id"),
        ("bad_field", 9, "text"),
        ("bad_field", 10, "text"),
    ]
    (figures,) = done.obj["files"]
    assert figures["rows"] == 9
    assert figures["recall"]["total"] == 3
    assert figures["unlabelled"]["rows"] == 3


def test_problems_beyond_a_thousand_of_a_file_are_counted(tmp_path: Path) -> None:
    paths = [written(tmp_path / name, *[b"broken"] * 1005) for name in ("a.jsonl", "b.jsonl")]
    problems = call("evaluate", *paths, "--json").problems
    assert len(problems) == 2 * 1001
    assert problems[1000]["message"] == "and 5 more problems in this file"
    assert [problem["file"] for problem in problems[1000:1002]] == [str(path) for path in paths]


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "a.jsonl"), tmp_path / "b.jsonl"
    missing = call("evaluate", good, bad, "--json")
    assert (missing.code, missing.problem["code"], missing.problem["file"]) == (2, "missing_file", str(bad))
    bad.write_bytes(good.read_bytes().decode().encode("utf-16"))
    refused = call("evaluate", good, bad, "--json")
    assert (refused.code, refused.problem["code"], refused.problem["file"]) == (2, "bad_encoding", str(bad))


def test_a_file_without_a_line_and_one_without_a_label_give_figures(tmp_path: Path) -> None:
    empty, plain = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    empty.write_bytes(b"")
    plain.write_bytes(b'{"id": "1", "text": "x"}\n')
    done = call("evaluate", empty, plain, "--details", "--json")
    assert done.code == 0
    assert [figures["rows"] for figures in done.obj["files"]] == [0, 1]
    assert set(done.obj["files"][0]) == FIGURES | {"by_difficulty", "by_label", "contacts_by_kind"}


def test_a_person_reads_tables_with_every_figure(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.jsonl", '{"id": "\\u202e[red]x", "text": "云", "label": "clue"}'.encode(), b"broken"
    )
    done = call("evaluate", path, "--details")
    assert done.code == 1
    for words in ("recall", "of 2", "50.0%", interval(rate(1, 2)), "interest_suspension", "⟨U+202E⟩[red]x", "gold"):
        assert words in done.out
    assert "\u202e" not in done.out
    assert "bad_line" in done.err
    assert max(map(len, done.out.splitlines())) <= 80
