"""What a person sees on a terminal: nothing crawled steers it, ids stand whole, messages go to standard error."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.commands.conftest import HOSTILE
from tests.support.cli import call, command

if TYPE_CHECKING:
    from pathlib import Path

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
SHOWN = (
    "posts list",
    "posts show forum:q1",
    "clues list",
    "clues show c1",
    "clusters list",
    "clusters show g1",
    "batch list",
    "batch show {batch}",
    "outcomes list",
    "channels list",
    "posts count",
)


def batch_of(root: Path) -> str:
    return str(call("batch", "list", "--json", "--data", root).lines[-1]["batch"])


@pytest.mark.parametrize("words", SHOWN)
def test_crawled_text_never_steers_the_terminal(words: str, busy_workspace: Path) -> None:
    typed = words.format(batch=batch_of(busy_workspace)).split()
    done = call(*typed, "--data", busy_workspace)
    assert done.code == 0
    assert STEERING.search(done.out + done.err) is None


@pytest.mark.parametrize("words", ["posts show forum:q1", "posts list"])
def test_control_characters_are_shown_as_tokens_and_markup_as_text(words: str, busy_workspace: Path) -> None:
    shown = call(*words.split(), "--data", busy_workspace).out
    assert "⟨1B⟩[2J" in shown
    assert "⟨9B⟩" in shown
    assert "⟨U+202E⟩" in shown
    assert "[red]x[/red]" in call("posts", "show", "forum:q1", "--data", busy_workspace).out


def test_json_holds_the_text_as_stored_without_a_byte_that_steers(busy_workspace: Path) -> None:
    done = call("posts", "show", "forum:q1", "--data", busy_workspace, "--json")
    assert done.obj["text"] == f"{HOSTILE} q1"
    assert STEERING.search(done.out.rstrip("\n")) is None


@pytest.mark.parametrize(
    "words", [("clues", "show"), ("posts", "show"), ("batch", "show"), (), ("screen",), ("--limit",)]
)
def test_what_was_typed_comes_back_harmless(words: tuple[str, ...], workspace: Path) -> None:
    done = call(*words, "c1\x1b]0;owned\x07\u202e", "--data", workspace)
    assert done.code in {1, 2}
    assert STEERING.search(done.err) is None
    assert "1B" in done.err or "x1b" in done.err


def test_unknown_keys_of_a_line_are_named_harmlessly() -> None:
    done = call("screen", stdin=b'{"id": "1", "text": "x", "k\\u001b[31m\\u202e": 1}')
    assert done.code == 0
    assert "[31m" in done.err
    assert STEERING.search(done.err.rstrip("\n")) is None


def test_on_a_terminal_of_eighty_columns_ids_stand_whole_and_lines_fit(busy_workspace: Path) -> None:
    batch = batch_of(busy_workspace)
    shown = on_terminal("batch", "list", "--data", str(busy_workspace))
    assert f"{batch}-3" in shown
    posts = on_terminal("posts", "list", "--data", str(busy_workspace))
    assert "forum:q1" in posts
    assert "停息挂账" in posts
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown + posts)  # our own bold head
    assert STEERING.search(plain.replace("\r\n", "\n")) is None
    assert max(len(line) for line in plain.splitlines()) <= 80


def on_terminal(*words: str) -> str:
    """Run a command on a terminal of eighty columns and return what it showed."""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    with subprocess.Popen(command(words), stdin=slave, stdout=slave, stderr=slave, env=env) as child:
        os.close(slave)
        shown = b""
        while chunk := _read(master):
            shown += chunk
        os.close(master)
    assert child.returncode == 0
    return shown.decode()


def _read(master: int) -> bytes:
    try:
        return os.read(master, 1 << 16)
    except OSError:  # Linux says so when the other end is closed
        return b""
