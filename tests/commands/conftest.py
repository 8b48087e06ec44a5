"""Workspaces made by the commands themselves, once a session and copied for each test."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from commands.context import open_store
from reporting.batches import approve_batch, propose_batch
from reporting.drafts import draft_batch
from settings import load_workspace
from storage import users
from storage.clusters import judge
from storage.records import Actor, Role
from tests.support.cli import call
from tests.support.clues import add_clue
from tests.support.takedown import CHANNELS, CHECKER, SENIOR

if TYPE_CHECKING:
    from pathlib import Path

    from storage.engine import Store

PASSWORD = "Correct-horse-9"
DECIDER = Actor(name="wu", role=Role.ANALYST, via="cli")
HOSTILE = "停息挂账\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxt\u2066\r\x08\x7f [red]x[/red] 加微信 abc_123"


@pytest.fixture(scope="session")
def made_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with a person of each role, named like the role; not to be changed."""
    root = tmp_path_factory.mktemp("made") / "ws"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_MEMORY_KIB", 64)  # let hashing cost little
        assert call("init", root, "--password-stdin", stdin=f"{PASSWORD}\n".encode()).code == 0
        file = root / "qingyuan.toml"
        named = '[institution]\nname = "清源测试银行"\n'
        file.write_text(file.read_text("utf-8").replace("[institution]\n", named, 1), "utf-8")
        for role in Role:
            if role is not Role.ADMIN:
                words = ("users", "add", role.value, "--role", role.value, "--password-stdin")
                done = call(*words, "--data", root, "--as", "admin", stdin=f"{PASSWORD}\n".encode())
                assert done.code == 0, done.err
    return root


@pytest.fixture(scope="session")
def busy_template(made_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with clues and batches in several states; not to be changed."""
    root = tmp_path_factory.mktemp("busy") / "ws"
    shutil.copytree(made_workspace, root)
    store = open_store(load_workspace(root))
    _fill(store, datetime.now(UTC) - timedelta(hours=1))
    store.close()
    return root


@pytest.fixture
def workspace(made_workspace: Path, tmp_path: Path) -> Path:
    """Return an empty workspace with a person of each role."""
    return shutil.copytree(made_workspace, tmp_path / "ws")


@pytest.fixture
def busy_workspace(busy_template: Path, tmp_path: Path) -> Path:
    """Return a workspace with queued c1, c2 and c3, confirmed c4, and batches drafted, proposed, approved."""
    return shutil.copytree(busy_template, tmp_path / "ws")


def _fill(store: Store, now: datetime) -> None:
    for number in (1, 2, 3):
        _add_clue(store, now, f"q{number}", state="queued")
    for number, steps in enumerate(("proposed", "approved", "drafted"), 4):
        _add_clue(store, now, f"b{number}", state="confirmed")
        code = draft_batch(store, CHANNELS["partner_desk"], now=now, actor=CHECKER)["batch"]
        if steps in {"proposed", "approved"}:
            propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
        if steps == "approved":
            approve_batch(store, code, now=now, actor=SENIOR)
    with store.write(now) as unit:
        judge(unit, 1, 2, "same", DECIDER)


def _add_clue(store: Store, now: datetime, native_id: str, *, state: str) -> None:
    decided = {"decided_by": DECIDER.name, "decided_at": now, "category": "anti_collection"}
    with store.write(now) as unit:
        add_clue(
            unit, native_id, text=f"{HOSTILE} {native_id}", state=state, **(decided if state == "confirmed" else {})
        )
