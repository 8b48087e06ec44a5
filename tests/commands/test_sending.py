"""`batch send` as typed: answers, exit codes, two real processes killed, what the lists say afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import yaml

from commands.context import open_store
from reporting.channel import PACKAGED
from settings import load_workspace
from tests.support.cli import call, command
from tests.support.http_inbox import SECRET, Receiver
from tests.support.sending import SECRET_ENV, copies_of
from tests.support.takedown import CHANNEL

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = {"attempt", "state", "transport", "receiver", "key", "message_id", "tries", "by"}
SHOWN |= {"began_at", "ended_at", "try_after", "receipt", "error", "note"}


@pytest.fixture
def exported(busy_workspace: Path) -> tuple[Path, str]:
    """Return a workspace and its exported batch."""
    batch = call("batch", "list", "--data", busy_workspace, "--json", "--limit", 2).lines[1]["batch"]
    done = call("batch", "export", batch, "--data", busy_workspace, "--as", "compliance", "--json")
    assert done.code == 0, done.err
    return busy_workspace, batch


def switch_on(root: Path, url: str, **wanted: object) -> None:
    """Let the partner desk of a workspace send by signed HTTP."""
    value = yaml.safe_load((PACKAGED / f"{CHANNEL}.yml").read_text("utf-8"))
    section = {"kind": "webhook", "url": url, "secret_env": SECRET_ENV, "private": True, "dry_run": False}
    value["transport"] = section | wanted
    text = yaml.safe_dump(value, allow_unicode=True)
    (root / "overlays" / "channels" / f"{CHANNEL}.yml").write_text(text, "utf-8")


def test_send_answers_as_the_contract_says_and_lists_show_it(exported: tuple[Path, str]) -> None:
    root, batch = exported
    words = ("batch", "send", batch, "--data", root, "--as", "compliance", "--json")
    env = {SECRET_ENV: SECRET}
    with Receiver() as receiver:
        switch_on(root, receiver.url(), dry_run=True)
        dry = call(*words, env=env)
        assert (dry.code, dry.obj["state"], dry.obj["attempt"], dry.obj["dry_run"]) == (0, "exported", 1, True)
        assert "nothing was sent" in dry.err
        switch_on(root, receiver.url())
        for plan, code, state in (("busy", 1, "exported"), ("reset_late", 1, "reconcile")):
            receiver.plan("/in", plan)
            done = call(*words, env=env)
            assert (done.code, done.obj["batch"], done.obj["state"], done.obj["attempt"]) == (code, batch, state, 1)
            assert (done.problem["code"], done.problem["id"]) == ("failed", batch)
        assert call(*words, env=env).problem["code"] == "bad_state"
        lines = call("batch", "list", "--data", root, "--json").lines
        assert [(one["state"], one["delivery"]) for one in lines if one["batch"] == batch] == [
            ("reconcile", {"attempt": 1, "state": "unknown"})
        ]
        again = call(*words, "--again", env=env)
        assert (again.code, again.obj["state"], again.obj["attempt"]) == (0, "sent", 2)
        assert call(*words, env=env).problem["code"] == "bad_state"
    shown = call("batch", "show", batch, "--data", root, "--json").obj
    assert [set(one) for one in shown["deliveries"]] == [SHOWN, SHOWN]
    assert [one["state"] for one in shown["deliveries"]] == ["settled", "delivered"]
    assert call("audit", "verify", "--data", root, "--json").obj["valid"]


def test_without_transport_or_role_or_secret_nothing_begins(exported: tuple[Path, str]) -> None:
    root, batch = exported
    none = call("batch", "send", batch, "--data", root, "--as", "compliance", "--json")
    assert (none.code, none.problem["field"]) == (2, "transport")
    switch_on(root, "https://intake.platform.example/")
    secret = call("batch", "send", batch, "--data", root, "--as", "compliance", "--json")
    assert (secret.code, secret.problem["field"]) == (2, "transport.secret_env")
    for role in ("senior", "analyst", "auditor", "admin"):
        assert call("batch", "send", batch, "--data", root, "--as", role, "--json").problem["code"] == "forbidden"
    assert (
        call("batch", "send", "none", "--data", root, "--as", "compliance", "--json").problem["code"]
        == "unknown_id"
    )
    assert "delivery" not in call("batch", "list", "--data", root, "--json", "--limit", 2).lines[1]


def test_a_killed_command_leaves_a_doubt_that_the_next_one_lists(exported: tuple[Path, str]) -> None:
    root, batch = exported
    with closing(open_store(load_workspace(root))) as store:
        codes = [batch, *copies_of(store, batch, 1, now=datetime.now(UTC))]
    with Receiver(keep_bodies=False) as receiver:
        switch_on(root, receiver.url())
        for code, moment in zip(codes, ("meanwhile", "afterwards"), strict=True):
            child: list[subprocess.Popen[bytes]] = []
            receiver.plan("/in", "ok", **{moment: lambda found=child: os.kill(found[0].pid, signal.SIGKILL)})
            words = ("batch", "send", code, "--data", root, "--as", "compliance", "--json")
            env = {**os.environ, SECRET_ENV: SECRET}
            child.append(subprocess.Popen(command(words), env=env, stdout=subprocess.DEVNULL))
            assert child[0].wait(timeout=120) == -signal.SIGKILL
        lines = call("batch", "list", "--data", root, "--json").lines
        assert {one["batch"]: one["state"] for one in lines if one["batch"] in codes} == dict.fromkeys(
            codes, "reconcile"
        )
        again = call(
            "batch", "send", codes[1], "--data", root, "--as", "compliance", "--json", env={SECRET_ENV: SECRET}
        )
        assert again.problem["code"] == "bad_state"
        assert sorted(one.batch for one in receiver.taken) == sorted(codes)


def test_an_export_says_when_nobody_is_named(busy_workspace: Path) -> None:
    batch = call("batch", "list", "--data", busy_workspace, "--json", "--limit", 2).lines[1]["batch"]
    words = ("batch", "export", batch, "--data", busy_workspace, "--as", "compliance", "--json")
    file = busy_workspace / "qingyuan.toml"
    named = file.read_text("utf-8")
    file.write_text(named.replace('name = "清源测试银行"', 'name = "  "'), "utf-8")
    done = call(*words)
    assert done.code == 0
    assert "institution.name" in done.err
    file.write_text(named, "utf-8")
    assert "institution.name" not in call(*words).err
