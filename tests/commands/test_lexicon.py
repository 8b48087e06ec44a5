"""`lexicon`: a change to the rules from its proposal to its activation by a second person."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import yaml

from classifiers.engine import screen_post
from classifiers.lexicon import PACKAGED_LEXICONS
from classifiers.records import PostText, verdict_line
from commands.context import context, open_store
from commands.rule_history import kept_ruleset
from settings import load_workspace
from storage.records import Role
from tests.support.cli import call
from tests.support.rules import (
    CHAT,
    OWN_WORD,
    PITCH,
    TERMS,
    lexicon,
    post_line,
    put_in_force,
    put_posts,
    terms_with,
)
from tests.support.rules import write as write_rules

if TYPE_CHECKING:
    from pathlib import Path

OWN = "lexicons/own_terms.yml"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write_rules(tmp_path / "mine", TERMS)


def overlay(root: Path) -> Path:
    return root / "overlays" / OWN


def contents(root: Path) -> list[str]:
    with closing(sqlite3.connect(root / "qingyuan.db")) as connection:
        return list(connection.iterdump())


def test_a_change_is_added_tried_and_activated_by_another_person(workspace: Path, own: Path) -> None:
    put_posts(workspace, post_line(1, PITCH), post_line(2, OWN_WORD), post_line(3, CHAT))
    first = call("screen-posts", "--data", workspace, "--json").obj

    added = lexicon(workspace, "add", own, "--note", "新话术", by="analyst").obj
    assert (added["change"], added["entries"], added["file"], added["problems"]) == ("x1", 1, OWN, [])
    assert not overlay(workspace).exists()

    tried = lexicon(workspace, "try", "x1", by="analyst").obj
    assert tried["history"]["posts"] == 3
    assert not overlay(workspace).exists()

    done = lexicon(workspace, "activate", "x1", by="senior").obj
    assert (done["state"], done["ruleset"]["before"]) == ("active", first["ruleset"])
    assert overlay(workspace).read_text("utf-8") == TERMS

    again = call("screen-posts", "--data", workspace, "--json").obj
    assert (again["screened"], again["ruleset"]) == (3, done["ruleset"]["after"])
    (line,) = lexicon(workspace, "history").lines
    assert (line["author"], line["tried"]["by"], line["decided"]["by"]) == ("analyst", "analyst", "senior")
    assert (line["note"], line["state"], line["ruleset"]) == ("新话术", "active", done["ruleset"])


def test_a_trial_shows_what_would_change_on_gold_and_on_stored_posts(workspace: Path, tmp_path: Path) -> None:
    """With a bias that nothing can outweigh the one flagged post is cleared, and the gold row too."""
    put_posts(workspace, post_line(1, PITCH), post_line(2, CHAT))
    file = tmp_path / "weights.yml"
    weights = yaml.safe_load((PACKAGED_LEXICONS.parent / "data" / "weights.yml").read_text("utf-8"))
    file.write_text(yaml.safe_dump({**weights, "bias": weights["bias"] - 50}), "utf-8")
    gold = workspace / "overlays" / "gold"
    (gold / "own.jsonl").write_text(json.dumps({**post_line(9, PITCH), "label": "clue"}) + "\n", "utf-8")

    done = lexicon(workspace, "try", file, by="senior").obj

    assert (done["change"], done["problems"]) == (None, [])
    assert [one["recall"]["hits"] for one in (*done["gold"]["before"], *done["gold"]["after"])] == [1, 0]
    assert done["gold"]["changes"][0]["changes"]["newly_cleared"] == 1
    history = done["history"]
    assert (history["posts"], history["newly_cleared"], history["newly_flagged"], history["failed"]) == (2, 1, 0, 0)
    (sample,) = history["samples"]["newly_cleared"]
    assert sample["post"] == "xiaohongshu:p1"
    assert sample["before"]["score"] > sample["after"]["score"]
    assert (sample["before"]["flagged"], sample["after"]["flagged"]) == (True, False)
    assert done["ruleset"]["before"] != done["ruleset"]["after"]


def test_a_person_reads_a_trial_as_tables(workspace: Path, tmp_path: Path) -> None:
    put_posts(workspace, post_line(1, PITCH), post_line(2, CHAT))
    (workspace / "overlays" / "gold" / "own.jsonl").write_text(
        json.dumps({**post_line(9, PITCH), "label": "clue"}) + "\n", "utf-8"
    )
    file = tmp_path / "weights.yml"
    weights = yaml.safe_load((PACKAGED_LEXICONS.parent / "data" / "weights.yml").read_text("utf-8"))
    file.write_text(yaml.safe_dump({**weights, "bias": weights["bias"] - 50}), "utf-8")
    done = call("lexicon", "try", file, "--data", workspace, "--as", "senior")
    assert done.code == 0
    assert "1/1 → 0/1" in done.out
    assert "newly_cleared: 1" in done.out
    assert "xiaohongshu:p1" in done.out


def test_without_a_gold_set_the_figures_are_null_and_other_files_can_be_named(
    workspace: Path, own: Path, tmp_path: Path
) -> None:
    assert lexicon(workspace, "try", own, by="analyst").obj["gold"] == dict.fromkeys(("before", "after", "changes"))
    gold = tmp_path / "g.jsonl"
    gold.write_text(json.dumps({**post_line(9, PITCH), "label": "clue"}) + "\n[]\n", "utf-8")
    done = lexicon(workspace, "try", own, "--gold", gold, by="analyst")
    assert (done.code, done.problem["code"], done.problem["line"]) == (1, "bad_line", 2)
    assert done.obj["gold"]["before"][0]["rows"] == 1


def test_trying_the_file_of_a_proposed_change_counts_as_its_trial(workspace: Path, own: Path) -> None:
    lexicon(workspace, "add", own, by="analyst")
    assert lexicon(workspace, "try", own, by="senior").obj["change"] == "x1"
    assert lexicon(workspace, "activate", "x1", by="senior").code == 0


def test_an_untried_change_and_the_author_and_other_roles_are_refused(workspace: Path, own: Path) -> None:
    lexicon(workspace, "add", own, by="senior")
    assert lexicon(workspace, "activate", "x1", by="compliance").problem["code"] == "bad_state"
    assert lexicon(workspace, "try", "x1", by="compliance").problem["code"] == "forbidden"
    assert lexicon(workspace, "try", "x1", by="analyst").code == 0
    before = contents(workspace)
    for by, code in (("senior", "four_eyes"), ("analyst", "forbidden"), ("admin", "forbidden")):
        done = lexicon(workspace, "activate", "x1", by=by)
        assert (done.code, done.problem["code"]) == (1, code)
    assert "senior made x1" in lexicon(workspace, "activate", "x1", by="senior").problem["message"]
    assert lexicon(workspace, "activate", "x1").problem["code"] == "unknown_user"
    assert not overlay(workspace).exists()
    assert [line for line in contents(workspace) if "rule_change" in line] == [
        line for line in before if "rule_change" in line
    ]
    assert lexicon(workspace, "activate", "x1", by="compliance").obj["state"] == "active"


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ANALYST, Role.SENIOR}))
def test_other_roles_add_nothing(workspace: Path, own: Path, role: Role) -> None:
    before = contents(workspace)
    done = lexicon(workspace, "add", own, by=role)
    assert (done.code, done.problem["code"]) == (1, "forbidden")
    assert contents(workspace) == before


def test_a_changed_base_is_a_conflict(workspace: Path, own: Path, tmp_path: Path) -> None:
    lexicon(workspace, "add", own, by="analyst")
    assert lexicon(workspace, "try", "x1", by="analyst").code == 0
    write_rules(overlay(workspace).parent, terms_with("蓝莓计划书"))
    done = lexicon(workspace, "activate", "x1", by="senior")
    assert (done.code, done.problem["code"], done.problem["id"]) == (1, "conflict", "x1")
    assert overlay(workspace).read_text("utf-8") == terms_with("蓝莓计划书")


def test_a_change_tried_on_other_rules_must_be_tried_again(workspace: Path, own: Path, tmp_path: Path) -> None:
    lexicon(workspace, "add", own, by="analyst")
    assert lexicon(workspace, "try", "x1", by="analyst").code == 0
    other = write_rules(tmp_path / "other", TERMS.replace("蓝莓", "草莓"), "more_terms.yml")
    put_in_force(workspace, other)
    done = lexicon(workspace, "activate", "x1", by="senior")
    assert (done.code, done.problem["code"]) == (1, "conflict")
    assert lexicon(workspace, "try", "x1", by="analyst").code == 0
    assert lexicon(workspace, "activate", "x1", by="senior").obj["state"] == "active"


def test_a_later_change_supersedes_and_the_earlier_can_come_back(
    workspace: Path, own: Path, tmp_path: Path
) -> None:
    put_in_force(workspace, own)
    put_in_force(workspace, write_rules(tmp_path / "new", terms_with("蓝莓计划书")))
    assert [line["state"] for line in lexicon(workspace, "history").lines] == ["active", "superseded"]
    same = lexicon(workspace, "add", overlay(workspace), by="analyst")
    assert (same.code, same.problem["code"]) == (1, "bad_field")
    put_in_force(workspace, own)
    assert [line["state"] for line in lexicon(workspace, "history").lines] == ["active", "superseded", "superseded"]


def test_a_change_that_was_put_away_stays_away(workspace: Path, own: Path) -> None:
    lexicon(workspace, "add", own, by="analyst")
    done = lexicon(workspace, "reject", "x1", "--reason", "同形词太多", by="compliance").obj
    assert done["state"] == "rejected"
    assert lexicon(workspace, "activate", "x1", by="senior").problem["code"] == "bad_state"
    assert lexicon(workspace, "history").lines[0]["reason"] == "同形词太多"


def test_the_list_says_where_each_term_comes_from(workspace: Path, own: Path) -> None:
    put_in_force(workspace, own)
    (mine,) = [line for line in lexicon(workspace, "list", "--limit", 0).lines if line["origin"] == "overlay"]
    assert (mine["entry"], mine["file"], mine["forms"]) == ("own_terms:蓝莓计划", OWN, ["蓝莓计划"])
    assert len(lexicon(workspace, "list", "--limit", 3).lines) == 3
    packaged = call("lexicon", "list", "--json").lines
    assert len(packaged) == 50
    assert {line["origin"] for line in packaged} == {"packaged"}
    dates = [line["date"] for line in packaged]
    assert dates == sorted(dates, reverse=True)


def test_the_steps_are_audited(workspace: Path, own: Path) -> None:
    put_in_force(workspace, own)
    with closing(sqlite3.connect(workspace / "qingyuan.db")) as connection:
        found = connection.execute(
            "SELECT action, actor, via FROM audit_entry WHERE object_type = 'rule_change' ORDER BY sequence"
        ).fetchall()
    assert found == [
        ("rule_change.add", "analyst", "cli"),
        ("rule_change.try", "analyst", "cli"),
        ("rule_change.activate", "senior", "cli"),
        ("rule_change.finish", "system", "system"),
    ]
    assert call("audit", "verify", "--data", workspace, "--json").obj["valid"] is True


def test_a_verdict_of_an_old_version_is_computed_again_from_its_files(workspace: Path, own: Path) -> None:
    put_posts(workspace, post_line(2, OWN_WORD))
    put_in_force(workspace, own)
    old = call("screen-posts", "--data", workspace, "--json").obj["ruleset"]
    stored = call("clues", "show", "c1", "--data", workspace, "--json").obj
    put_in_force(workspace, write_rules(own.parent, terms_with("蓝莓计划，帮")))
    assert call("screen-posts", "--data", workspace, "--json").obj["ruleset"] != old

    context.data = workspace
    context.__dict__["store"] = open_store(load_workspace(workspace))
    try:
        rules = kept_ruleset(old)
    finally:
        context.store.close()
        context.__dict__.clear()
        context.__init__()  # type: ignore[misc]  # as a new call begins

    author = stored["content"]["author"]
    post = PostText(
        id="xiaohongshu:p2", platform="xiaohongshu", kind="note", text=OWN_WORD, author_name=author["name"]
    )
    line = verdict_line("", screen_post(post, rules))
    assert "own_terms:蓝莓计划" in {finding["rule"] for finding in line["findings"]}  # type: ignore[union-attr]
    for name in ("findings", "score", "bias", "band", "label", "categories", "ruleset"):
        assert line[name] == stored["verdict"][name]


def test_every_version_that_judged_posts_can_be_shown_and_written(
    workspace: Path, own: Path, tmp_path: Path
) -> None:
    put_posts(workspace, post_line(1, PITCH))
    first = call("screen-posts", "--data", workspace, "--json").obj["ruleset"]
    put_in_force(workspace, own)
    second = call("screen-posts", "--data", workspace, "--json").obj["ruleset"]
    kept = lexicon(workspace, "history", "--rulesets").lines
    assert [(one["ruleset"], one["change"], one["in_force"]) for one in kept] == [
        (second, "x1", True),
        (first, None, False),
    ]
    shown = lexicon(workspace, "history", second, "--write", tmp_path / "out").obj
    assert (shown["verdicts"], shown["in_force"]) == (1, True)
    assert (tmp_path / "out" / OWN).read_text("utf-8") == TERMS
    assert OWN in {one["file"] for one in shown["files"]}
    assert OWN not in {one["file"] for one in lexicon(workspace, "history", first).obj["files"]}
    again = lexicon(workspace, "history", second, "--write", tmp_path / "out")
    assert (again.code, again.problem["code"]) == (2, "bad_field")
    assert lexicon(workspace, "history", "nothing").problem["code"] == "unknown_id"
