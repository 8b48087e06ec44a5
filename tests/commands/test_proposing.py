"""`lexicon propose`: from a rejected clue to a counter-example, an exception or a suppression with an end."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from commands.context import context, open_store
from commands.suppressing import suppress_clues, suppressions_in_force
from settings import load_workspace
from tests.support.cli import Answer, call
from tests.support.rules import PITCH, TERMS, lexicon, post_line, put_in_force, put_posts, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

TRAP = "蓝莓计划书来了，专业代办停息挂账，协商个性化分期60期，无前期费用，加微信 zhaiwu888 咨询"
COPY = "【转发】" + PITCH
WITH_NUMBER = PITCH + "，或者加QQ 1234567890"
OTHER = "征信修复，逾期记录铲除，不成功不收费，联系电话 13812345678，全国都可以办理"
BY = "u1"


def run(root: Path, *words: object) -> Answer:
    return call(*words, "--data", root, "--json")


def screened(root: Path, *lines: dict[str, Any]) -> None:
    put_posts(root, *lines)
    for stage in ("screen-posts", "cluster"):
        done = run(root, stage)
        assert done.code == 0, done.err


def reject(root: Path, clue: str, reason: str = "不是线索") -> None:
    done = call("clues", "decide", clue, "rejected", "--reason", reason, "--data", root, "--as", "senior")
    assert done.code == 0, done.err


def clues(root: Path) -> dict[str, dict[str, Any]]:
    """Return the clues by the post they are about."""
    return {line["post"].rpartition(":")[2]: line for line in run(root, "clues", "list", "--limit", 0).lines}


def accept(root: Path, change: str) -> None:
    assert lexicon(root, "try", change, by="analyst").code == 0
    done = lexicon(root, "activate", change, by="compliance")
    assert done.code == 0, done.err


@pytest.fixture
def rejected(workspace: Path) -> Path:
    """Return a workspace whose only clue c1, by u1, was rejected."""
    screened(workspace, post_line(1, PITCH, BY))
    reject(workspace, "c1")
    return workspace


def test_only_a_rejected_clue_proposes(workspace: Path) -> None:
    screened(workspace, post_line(1, PITCH))
    for words in ((), ("--kind", "exception"), ("--kind", "suppression")):
        done = lexicon(workspace, "propose", "c1", *words, by="analyst")
        assert (done.code, done.problem["code"]) == (1, "bad_state")
    assert lexicon(workspace, "propose", "c7", by="analyst").problem["code"] == "unknown_id"


def test_what_is_possible_is_shown_with_its_evidence(rejected: Path) -> None:
    found = lexicon(rejected, "propose", "c1").obj
    assert (found["change"], found["problems"]) == (None, [])
    possible = found["possible"]
    assert ":" in possible["exception"]["entry"]
    assert possible["exception"]["found"] in PITCH
    assert possible["suppression"]["account"] == {"possible": True, "newly_suppressed": 0, "confirmed_like_it": 0}
    assert possible["suppression"]["template"]["possible"]
    assert lexicon(rejected, "history").lines == []


@pytest.mark.parametrize("kind", ["exception", "counter_example"])
def test_an_entry_is_mended_by_a_change_like_any(workspace: Path, tmp_path: Path, kind: str) -> None:
    put_in_force(workspace, write(tmp_path / "mine", TERMS))
    screened(workspace, post_line(1, TRAP))
    reject(workspace, "c1", "书名")

    words = ("--kind", kind, "--entry", "own_terms:蓝莓计划")
    made = lexicon(workspace, "propose", "c1", *words, by="analyst").obj
    assert (made["change"], made["file"], made["clue"]) == ("x2", "lexicons/own_terms.yml", "c1")
    assert made["exceptions"] == ["蓝莓计划书"]
    assert made["non_matching"] == (["蓝莓计划书来了"] if kind == "counter_example" else [])
    assert lexicon(workspace, "activate", "x2", by="senior").problem["code"] == "bad_state"

    accept(workspace, "x2")
    call("screen-posts", "--data", workspace)
    findings = run(workspace, "clues", "show", "c1").obj["verdict"]["findings"]
    assert "own_terms:蓝莓计划" not in {finding["rule"] for finding in findings}
    (line, _) = lexicon(workspace, "history").lines
    assert (line["kind"], line["clue"], line["note"], line["author"]) == (kind, "c1", "书名", "analyst")


def test_what_cannot_be_mended_is_said(rejected: Path) -> None:
    done = lexicon(rejected, "propose", "c1", "--kind", "exception", "--entry", "offer:没有", by="analyst")
    assert (done.code, done.problem["code"], done.problem["field"]) == (1, "bad_field", "--entry")
    done = lexicon(rejected, "propose", "c1", "--kind", "exception", "--word", "别的词", by="analyst")
    assert (done.code, done.problem["code"]) == (1, "bad_field")
    assert lexicon(rejected, "history").lines == []


@pytest.mark.parametrize("role", ["compliance", "auditor", "operator", "admin"])
def test_others_propose_nothing(rejected: Path, role: str) -> None:
    done = lexicon(rejected, "propose", "c1", "--kind", "suppression", by=role)
    assert (done.code, done.problem["code"]) == (1, "forbidden")


@pytest.mark.parametrize("day", ["2020-01-01", "2999-01-01", "soon", ""])
def test_a_suppression_ends_on_a_day_that_can_be_meant(rejected: Path, day: str) -> None:
    done = lexicon(rejected, "propose", "c1", "--kind", "suppression", f"--expires={day}", by="analyst")
    assert (done.code, done.problem["code"], done.problem["field"]) == (2, "bad_field", "--expires")


def test_a_suppressed_account_stays_out_of_the_queue_and_others_do_not(rejected: Path) -> None:
    made = lexicon(rejected, "propose", "c1", "--kind", "suppression", by="analyst").obj
    assert made["file"] == "suppressions/c1-account.yml"
    screened(rejected, post_line(2, OTHER, BY), post_line(3, OTHER.replace("铲除", "消除"), "u3"))
    assert {post: line["state"] for post, line in clues(rejected).items()} == {
        "p1": "rejected",
        "p2": "queued",
        "p3": "queued",
    }
    tried = lexicon(rejected, "try", "x1", by="analyst").obj["history"]
    assert (tried["newly_suppressed"], tried["samples"]["newly_suppressed"]) == (1, ["c2"])
    assert lexicon(rejected, "activate", "x1", by="analyst").problem["code"] == "forbidden"
    done = lexicon(rejected, "activate", "x1", by="senior").obj
    assert done["ruleset"]["before"] == done["ruleset"]["after"]

    screened(rejected, post_line(4, OTHER + "。在线", BY))
    states = {post: line["state"] for post, line in clues(rejected).items()}
    assert states == {"p1": "rejected", "p2": "suppressed", "p3": "queued", "p4": "suppressed"}
    shown = run(rejected, "clues", "show", clues(rejected)["p4"]["clue"]).obj["decisions"][-1]
    assert shown["event"] == "suppress"
    assert shown["reason"].startswith("x1 suppresses its account until 20")


def test_copies_of_a_suppressed_template_stay_out_unless_they_name_a_contact(rejected: Path) -> None:
    words = ("--kind", "suppression", "--target", "template")
    assert lexicon(rejected, "propose", "c1", *words, by="analyst").obj["file"] == "suppressions/c1-template.yml"
    accept(rejected, "x1")
    screened(rejected, post_line(2, COPY), post_line(3, WITH_NUMBER), post_line(4, OTHER))
    states = {post: line["state"] for post, line in clues(rejected).items()}
    assert states == {"p1": "rejected", "p2": "suppressed", "p3": "queued", "p4": "queued"}


def test_what_a_person_put_back_stays_in_the_queue(rejected: Path) -> None:
    lexicon(rejected, "propose", "c1", "--kind", "suppression", by="analyst")
    accept(rejected, "x1")
    call("clues", "undo", "c1", "--data", rejected, "--as", "senior")
    run(rejected, "cluster")
    assert clues(rejected)["p1"]["state"] == "queued"


def test_without_an_account_only_the_template_can_be_suppressed(workspace: Path) -> None:
    screened(workspace, {"id": "1", "text": PITCH})
    reject(workspace, "c1")
    possible = lexicon(workspace, "propose", "c1").obj["possible"]["suppression"]
    assert [possible[target]["possible"] for target in ("account", "template")] == [False, True]
    done = lexicon(workspace, "propose", "c1", "--kind", "suppression", by="analyst")
    assert (done.code, done.problem["code"], done.problem["field"]) == (1, "bad_field", "--target")


@pytest.fixture
def opened(rejected: Path) -> Iterator[Store]:
    """Return the store of the workspace, with the context of a call in it."""
    context.data = rejected
    store = open_store(load_workspace(rejected))
    context.__dict__["store"] = store
    yield store
    store.close()
    context.__dict__.clear()
    context.__init__()  # type: ignore[misc]  # as a new call begins


def test_after_its_last_day_new_clues_are_queued_again(rejected: Path, now: datetime) -> None:
    lexicon(rejected, "propose", "c1", "--kind", "suppression", by="analyst")
    accept(rejected, "x1")
    file = rejected / "overlays" / "suppressions" / "c1-account.yml"
    text = file.read_text("utf-8")
    (until,) = [line for line in text.splitlines() if line.startswith("until:")]
    file.write_text(text.replace(until, "until: 2020-01-01"), "utf-8")
    screened(rejected, post_line(2, OTHER, BY))
    assert clues(rejected)["p2"]["state"] == "queued"


def test_templates_are_compared_with_each_clue_once(rejected: Path, opened: Store, now: datetime) -> None:
    words = ("--kind", "suppression", "--target", "template")
    lexicon(rejected, "propose", "c1", *words, by="analyst")
    accept(rejected, "x1")
    put_posts(rejected, post_line(2, COPY))
    run(rejected, "screen-posts")
    held = suppressions_in_force(now)
    assert [one.label for one in held] == ["x1"]
    assert suppress_clues(opened, held, now=now) == 1
    with closing(sqlite3.connect(rejected / "qingyuan.db")) as connection:
        connection.execute("UPDATE clue SET state = 'queued' WHERE target_native_id = 'p2'")
        connection.commit()
    assert suppress_clues(opened, held, now=now) == 0
    assert suppress_clues(opened, [], now=now) == 0
