"""`evaluate` with its options: errors as lines, another ruleset, plain judges, outputs that spare inputs."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.classifiers.labelled import CALM, OFFER, overlay_with_weights
from tests.support.cli import call, shell

if TYPE_CHECKING:
    from pathlib import Path

WECHAT = {"kind": "wechat", "value": "anping_kefu7"}
ROWS: list[dict[str, Any]] = [
    {"id": "contacts", "text": OFFER, "label": "clue", "contacts": []},
    {"id": "label", "text": CALM, "label": "news"},
    {"id": "false", "text": OFFER, "label": "victim", "contacts": [WECHAT]},
    {"id": "target", "text": OFFER, "label": "clue", "where": ["bio"]},
    {"id": "missed", "text": CALM, "label": "clue"},
    {"id": "right", "text": OFFER, "label": "clue", "contacts": [WECHAT], "where": ["text"]},
    {"id": "nothing", "text": CALM},
    {"id": "unknown", "text": OFFER},
]


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    return lines(tmp_path / "rows.jsonl", ROWS)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    clues = [{"id": f"c{n}", "text": f"专业办理停息挂账，包成功 {n}", "label": "clue"} for n in range(8)]
    others = [{"id": f"o{n}", "text": f"周末去看云和山 {n}", "label": "unrelated"} for n in range(8)]
    return lines(tmp_path / "gold.jsonl", [*clues, *others, {"id": "u", "text": "滴我", "label": "unsure"}])


def test_errors_are_written_the_worst_kind_first_over_all_files(measured: Path, tmp_path: Path) -> None:
    again = lines(tmp_path / "again.jsonl", ROWS)
    target = tmp_path / "errors.jsonl"
    done = call("evaluate", measured, again, "--errors", target, "--json")
    assert (done.code, done.obj["errors_file"]) == (0, str(target))
    found = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert [(line["kind"], line["id"]) for line in found] == [
        (kind, name)
        for kind, name in (
            ("missed", "missed"),
            ("false_flag", "false"),
            ("label", "label"),
            ("contacts", "contacts"),
            ("target", "target"),
            ("unknown_flag", "unknown"),
        )
        for _ in range(2)
    ]
    assert [line["file"] for line in found[:2]] == [str(measured), str(again)]
    posts = b"".join(json.dumps(line["post"]).encode() + b"\n" for line in found)
    assert call("screen", "-", stdin=posts).lines == [line["verdict"] for line in found]
    for line in found:
        assert all(
            line["post"][finding["field"]][finding["start"] : finding["end"]] == finding["text"]
            for finding in line["verdict"]["findings"]
        )


def test_another_ruleset_stands_beside_ours(measured: Path, tmp_path: Path) -> None:
    overlay = overlay_with_weights(tmp_path / "strict", flagged_from=90.0, unsure_from=80.0)
    done = call("evaluate", measured, "--against", overlay, "--json")
    assert done.code == 0
    assert done.obj["against"]["overlay"] == str(overlay)
    assert done.obj["against"]["ruleset"] != done.obj["ruleset"]
    against = done.obj["files"][0]["against"]
    assert against["after"]["recall"]["hits"] == 0
    assert against["changes"]["newly_cleared"] == 5
    assert [row["id"] for row in against["changed"]] == ["contacts", "false", "target", "right", "unknown"]
    assert against["significance"]["flags"] == {"only_before": 3, "only_after": 1, "p": 0.625}


def test_an_overlay_lies_on_those_of_the_workspace(made_workspace: Path, measured: Path, tmp_path: Path) -> None:
    own = call("evaluate", measured, "--data", made_workspace, "--json").obj["ruleset"]
    overlay = overlay_with_weights(tmp_path / "o", flagged_from=1.5)
    done = call("evaluate", measured, "--data", made_workspace, "--against", overlay, "--json")
    assert done.obj["ruleset"] == own
    assert (
        done.obj["against"]["ruleset"]
        == call("evaluate", measured, "--against", overlay, "--json").obj["against"]["ruleset"]
    )


def test_an_overlay_that_cannot_be_used_is_refused(measured: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    none = call("evaluate", measured, "--against", empty, "--json")
    assert (none.code, none.problem["code"], none.problem["file"]) == (2, "missing_file", str(empty))
    broken = overlay_with_weights(tmp_path / "broken", odd_key=1.0)
    refused = call("evaluate", measured, "--against", broken, "--json")
    assert (refused.code, refused.problem["code"], refused.problem["field"]) == (2, "unknown_key", "odd_key")


def test_plain_judges_stand_beside_the_rules(measured: Path, gold: Path) -> None:
    done = call("evaluate", measured, "--baselines", gold, "--json")
    assert done.code == 0
    assert done.obj["baselines"] == {"fitted_on": str(gold), "rows": 16, "clues": 8}
    judges = done.obj["files"][0]["baselines"]
    assert judges["known_rows"] == 0
    for name in ("topic", "topic_with_offer_or_contact", "ngram_regression"):
        assert judges[name]["recall"]["total"] == 4
        assert judges[name]["paired"]["p"] <= 1
    assert judges["topic"]["by_class"]["victim"]["hits"] == 1


def test_a_person_reads_all_of_it_in_tables(measured: Path, gold: Path, tmp_path: Path) -> None:
    overlay = overlay_with_weights(tmp_path / "strict", flagged_from=90.0, unsure_from=80.0)
    errors = tmp_path / "errors.jsonl"
    done = call("evaluate", measured, "--baselines", gold, "--against", overlay, "--errors", errors)
    assert done.code == 0
    shown = done.out.replace("\n", "")  # a long path goes on in the next line
    for words in ("ngram_regression", "newly_cleared", str(errors)):
        assert words in shown
    assert "only before right 3, only after 1, p = 0.62" in done.out
    assert max(map(len, done.out.replace(str(errors), "").splitlines())) <= 80


def test_a_model_is_not_asked_what_it_has_seen(measured: Path, gold: Path, tmp_path: Path) -> None:
    link = tmp_path / "other_name.jsonl"
    os.link(measured, link)
    for name in (measured, link):
        done = call("evaluate", gold, measured, "--baselines", name, "--json")
        assert (done.code, done.problem["field"]) == (2, "--baselines")
    copied = lines(tmp_path / "copy.jsonl", ROWS[:3])
    known = call("evaluate", measured, "--baselines", copied, "--json").obj["files"][0]["baselines"]["known_rows"]
    assert known == 8  # all have one of the two texts of those rows


def test_a_file_of_one_class_and_a_missing_one_cannot_be_fitted_on(measured: Path, tmp_path: Path) -> None:
    one = lines(tmp_path / "one.jsonl", [{"id": "1", "text": "x", "label": "news"}])
    done = call("evaluate", measured, "--baselines", one, "--json")
    assert (done.code, done.problem["field"]) == (2, "--baselines")
    gone = call("evaluate", measured, "--baselines", tmp_path / "gone", "--json")
    assert (gone.code, gone.problem["code"]) == (2, "missing_file")


def test_without_scikit_learn_the_problem_says_what_to_install(measured: Path, gold: Path, tmp_path: Path) -> None:
    (tmp_path / "libraries").mkdir()
    hiding = "raise ModuleNotFoundError(\"No module named 'sklearn'\", name='sklearn')\n"
    (tmp_path / "libraries" / "sklearn.py").write_text(hiding)
    env = {"PYTHONPATH": str(tmp_path / "libraries")}
    done = shell("evaluate", measured, "--baselines", gold, "--json", env=env)
    assert (done.code, done.problem["field"]) == (2, "--baselines")
    assert "pip install scikit-learn" in done.problem["message"]
    assert shell("evaluate", measured, "--json", env=env).code == 0


def test_nothing_that_is_read_is_written_over(measured: Path, gold: Path, tmp_path: Path) -> None:
    before = measured.read_bytes(), gold.read_bytes()
    out = tmp_path / "out"
    for words, option in (
        (("--errors", measured), "--errors"),
        (("--html", measured), "--html"),
        (("--errors", gold, "--baselines", gold), "--errors"),
        (("--errors", out, "--html", out), "--html"),
    ):
        done = call("evaluate", measured, *words, "--json")
        assert (done.code, done.problem["code"], done.problem["field"]) == (2, "bad_field", option)
    nowhere = call("evaluate", measured, "--html", tmp_path / "none" / "page.html", "--json")
    assert (nowhere.code, nowhere.problem["code"]) == (2, "missing_file")
    assert (measured.read_bytes(), gold.read_bytes()) == before
    assert not out.exists()


def test_a_file_that_fails_late_leaves_the_outputs_as_they_were(measured: Path, tmp_path: Path) -> None:
    out = tmp_path / "errors.jsonl"
    out.write_text("old")
    done = call("evaluate", measured, tmp_path / "gone", "--errors", out, "--html", tmp_path / "p.html", "--json")
    assert done.code == 2
    assert out.read_text() == "old"
    assert not (tmp_path / "p.html").exists()
