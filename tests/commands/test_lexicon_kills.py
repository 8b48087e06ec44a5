"""An activation and the judging of history, killed at any instant, end as if nobody had killed them."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from commands.context import context, open_store
from commands.rule_changes import activate, end_activations, hash_in_force
from settings import load_workspace
from storage.records import Actor, ChangeState, Role
from storage.rule_changes import begin_activation, finish_activation, get_change, list_changes
from tests.support.cli import call
from tests.support.kills import Command, kill_until_done, reading
from tests.support.rules import CHAT, PITCH, TERMS, lexicon, post_line, put_in_force, put_posts, terms_with, write
from tests.support.screening import end_state
from tests.support.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

SENIOR = Actor(name="senior", role=Role.SENIOR, via="cli")


@pytest.fixture
def tried(workspace: Path, tmp_path: Path) -> Path:
    """Return a workspace with an own file in force (x1) and a tried change of it (x2)."""
    put_in_force(workspace, write(tmp_path / "mine", TERMS))
    lexicon(workspace, "add", write(tmp_path / "mine", terms_with("蓝莓计划书")), by="analyst")
    assert lexicon(workspace, "try", "x2", by="analyst").code == 0
    return workspace


@pytest.fixture
def opened(tried: Path) -> Iterator[Store]:
    """Return the store of the workspace, with the context of a call in it."""
    context.data = tried
    store = open_store(load_workspace(tried))
    context.__dict__["store"] = store
    yield store
    store.close()
    context.__dict__.clear()
    context.__init__()  # type: ignore[misc]  # as a new call begins


def overlay(root: Path) -> Path:
    return root / "overlays" / "lexicons" / "own_terms.yml"


def begun(store: Store, now: datetime) -> None:
    """Do the first step of the activation and no other, as a kill right after it leaves it."""
    with store.read() as conn:
        trial = get_change(conn, 2).trial or {}
    versions = trial["ruleset"]
    with store.write(now) as unit:
        begin_activation(
            unit,
            2,
            actor=SENIOR,
            in_force=hash_in_force("lexicons/own_terms.yml"),
            before=versions["before"],
            after=versions["after"],
        )


def states(store: Store) -> list[str]:
    with store.read() as conn:
        return [row.state.value for row in list_changes(conn)]


def test_a_kill_before_the_file_is_written_is_made_good_by_the_next_command(
    tried: Path, opened: Store, now: datetime
) -> None:
    begun(opened, now)
    assert overlay(tried).read_text("utf-8") == TERMS
    assert states(opened) == ["activating", "active"]
    (line, _) = lexicon(tried, "history").lines
    assert (line["state"], line["decided"]["by"]) == ("active", "senior")
    assert overlay(tried).read_text("utf-8") == terms_with("蓝莓计划书")
    assert states(opened) == ["active", "superseded"]


def test_a_kill_after_the_file_was_written_is_made_good_by_the_stage(
    tried: Path, opened: Store, now: datetime
) -> None:
    begun(opened, now)
    write(overlay(tried).parent, terms_with("蓝莓计划书"))
    (overlay(tried).parent / ".own_terms.yml.abc123").write_text("half", "utf-8")
    assert call("screen-posts", "--data", tried).code == 0
    assert states(opened) == ["active", "superseded"]
    assert [path.name for path in overlay(tried).parent.iterdir()] == ["own_terms.yml"]


def test_what_somebody_put_there_in_between_is_not_overwritten(tried: Path, opened: Store, now: datetime) -> None:
    begun(opened, now)
    write(overlay(tried).parent, terms_with("别的"))
    end_activations()
    assert overlay(tried).read_text("utf-8") == terms_with("别的")
    with opened.read() as conn:
        row = get_change(conn, 2)
    assert (row.state, row.reason) == (ChangeState.REJECTED, "another file was put there before it")


def test_ending_twice_changes_nothing(tried: Path, opened: Store, now: datetime) -> None:
    begun(opened, now)
    end_activations()
    end_activations()
    with opened.write(now) as unit:
        assert finish_activation(unit, 2) is None
    assert states(opened) == ["active", "superseded"]


def test_an_activation_goes_through_all_its_steps(tried: Path, opened: Store) -> None:
    row, entries = activate(2, actor=SENIOR)
    assert (row.state, entries) == (ChangeState.ACTIVE, 1)
    assert hashlib.sha256(overlay(tried).read_bytes()).hexdigest() == row.sha256


@pytest.mark.parametrize("kills", [2, pytest.param(25, marks=pytest.mark.slow)])
def test_row_and_file_agree_after_kills_at_any_instant(tried: Path, opened: Store, kills: int) -> None:
    """Each round activates a tried change, is killed, and is then looked at by another command."""
    chance = random.Random(7)
    for number in range(2, 2 + kills):
        argv = [sys.executable, str(ROOT / "cli.py"), "--data", str(tried), "--as", "senior"]
        with subprocess.Popen(
            [*argv, "lexicon", "activate", f"x{number}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as running:
            _kill_after_first_row(opened, number, running, chance)
        lines = {line["change"]: line for line in lexicon(tried, "history").lines}
        state, stands = lines[f"x{number}"]["state"], hash_in_force("lexicons/own_terms.yml")
        assert state in {"active", "tried"}
        assert (stands == lines[f"x{number}"]["sha256"]) is (state == "active")
        next_file = write(tried.parent / "next", terms_with(f"蓝莓计划{number}号"))
        assert lexicon(tried, "add", next_file, by="analyst").obj["change"] == f"x{number + 1}"
        assert lexicon(tried, "try", f"x{number + 1}", by="analyst").code == 0
    assert call("audit", "verify", "--data", tried, "--json").obj["valid"] is True


def _kill_after_first_row(
    store: Store, number: int, running: subprocess.Popen[bytes], chance: random.Random
) -> None:
    """Wait until the decision is stored and a random while more, then kill."""
    while running.poll() is None:
        with store.read() as conn:
            if get_change(conn, number).state is not ChangeState.TRIED:
                break
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.02))
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)


def test_a_run_goes_on_with_rules_that_came_into_force_meanwhile(workspace: Path) -> None:
    number = 800
    put_posts(workspace, *[post_line(i, f"{PITCH if i % 3 else CHAT}（{i}）") for i in range(number)])
    store = open_store(load_workspace(workspace))
    judged = reading(store.engine, "SELECT count(*) FROM verdict")
    argv = [sys.executable, str(ROOT / "cli.py"), "--data", str(workspace), "--json", "screen-posts"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        while running.poll() is None and judged() == reading(store.engine, "SELECT 0")():
            time.sleep(0.002)
        write(overlay(workspace).parent, TERMS)
        out, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    assert b"other rules" in err
    state = end_state(store)
    store.close()
    newest = json.loads(out)["ruleset"]
    assert sorted(row[0] for row in state["verdicts"] if row[2] == newest) == sorted(f"p{i}" for i in range(number))
    assert number < len(state["verdicts"]) < 2 * number


def test_history_is_judged_anew_across_kills(workspace: Path, tmp_path: Path) -> None:
    """New rules over judged posts: every revision gets one verdict of them, whatever was killed in between."""
    number = 800
    lines = [post_line(i, f"{PITCH if i % 3 else CHAT}（{i}）") for i in range(number)]
    put_posts(workspace, *lines)
    assert call("screen-posts", "--data", workspace).code == 0
    put_in_force(workspace, write(tmp_path / "mine", TERMS))
    store = open_store(load_workspace(workspace))
    argv = [sys.executable, str(ROOT / "cli.py"), "--data", str(workspace), "--json", "screen-posts"]
    committed = reading(store.engine, "SELECT count(*) FROM verdict")
    command = Command(argv=argv, committed=committed, spread_seconds=0.3)
    done = kill_until_done(command, kills=2, seed=5)
    assert done.returncode == 0, done.stderr
    assert done.counted >= 1, done
    state = end_state(store)
    store.close()
    second = lexicon(workspace, "history", "--rulesets").lines[0]["ruleset"]
    judged = [row[0] for row in state["verdicts"] if row[2] == second]
    assert sorted(judged) == sorted({f"p{i}" for i in range(number)})
    assert len(state["verdicts"]) == 2 * number
