"""`evaluate`: one figure a file, faulty lines named, files that cannot be read refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
    path = written(
        tmp_path / "a.jsonl", b"broken", deep, b"\xff\xfe", b"[1]", b'{"id": "6", "label": ["clue"], "text": "x"}'
    )
    done = call("evaluate", path, "--json")
    assert done.code == 1
    assert [(problem["code"], problem["line"]) for problem in done.problems] == [
        ("bad_line", n) for n in (5, 6, 7, 8)
    ]
    assert {problem["file"] for problem in done.problems} == {str(path)}
    assert done.obj["files"][0]["rows"] == 5


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "a.jsonl"), tmp_path / "b.jsonl"
    missing = call("evaluate", good, bad, "--json")
    assert (missing.code, missing.problem["code"], missing.problem["file"]) == (2, "missing_file", str(bad))
    bad.write_bytes(good.read_bytes().decode().encode("utf-16"))
    refused = call("evaluate", good, bad, "--json")
    assert (refused.code, refused.problem["code"], refused.problem["file"]) == (2, "bad_encoding", str(bad))
