"""The global options wherever they stand, one object on one line, wrong usage, and the help of every command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import typer

from cli import app
from tests.support.cli import call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OBJECTS = ("posts count", "stats", "audit verify", "clues show c1", "clusters show g1", "screen-posts")
LISTS = ("posts list", "clues list", "clusters list", "channels list", "batch list", "outcomes list", "users list")


def commands(command: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command and group with its words."""
    command = command or typer.main.get_command(app)
    yield words, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*words, name))


COMMANDS = dict(commands())


def test_global_options_stand_before_or_after_the_command_and_take_an_equals_sign(workspace: Path) -> None:
    wanted = call("users", "list", "--json", "--as", "admin", "--limit", "2", "--data", workspace)
    assert (wanted.code, len(wanted.lines)) == (0, 2)
    spaced = [("--data", str(workspace)), ("--as", "admin"), ("--limit", "2"), ("--json",)]
    joined = [(f"--data={workspace}",), ("--as=admin",), ("--limit=2",), ("--json",)]
    for options in (spaced, joined):
        for cut in range(5):
            for order in (options, options[::-1]):
                before = [word for option in order[:cut] for word in option]
                after = [word for option in order[cut:] for word in option]
                assert call(*before, "users", "list", *after) == wanted
        assert call("users", *options[0], *options[1], "list", *options[2], *options[3]) == wanted


def test_the_environment_names_workspace_and_person_and_options_win(workspace: Path, tmp_path: Path) -> None:
    named = {"QINGYUAN_DATA": str(workspace), "QINGYUAN_USER": "admin"}
    wanted = call("users", "list", "--json", "--as", "admin", "--data", workspace)
    assert call("users", "list", "--json", env=named) == wanted
    wrong = {"QINGYUAN_DATA": str(tmp_path / "none"), "QINGYUAN_USER": "nobody"}
    assert call("users", "list", "--json", "--as", "admin", "--data", workspace, env=wrong) == wanted
    empty = {"QINGYUAN_DATA": "", "QINGYUAN_USER": ""}
    assert call("users", "list", "--json", "--as", "admin", "--data", workspace, env=empty) == wanted


def test_one_call_leaves_nothing_to_the_next(workspace: Path) -> None:
    assert call("users", "list", "--json", "--as", "admin", "--data", workspace).code == 0
    assert call("users", "list", "--json").problem["code"] == "unknown_user"
    assert call("clues", "list", "--json").problem["code"] == "missing_file"
    assert call("channels", "list", "--data", workspace, "--as", "admin").out.lstrip()[0] != "{"


def test_behind_two_dashes_nothing_is_an_option(workspace: Path) -> None:
    done = call("--json", "--data", workspace, "clues", "show", "--", "--limit")
    assert (done.code, done.problem["code"], done.problem["id"]) == (1, "unknown_id", "--limit")


def test_a_workspace_is_named_by_a_relative_path_and_answers_hold_absolute_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("init", "ws", "--password-stdin", "--json", stdin=b"Correct-horse-9\n").obj == {
        "data": str(tmp_path / "ws")
    }
    assert call("posts", "count", "--data", "ws", "--json").code == 0
    assert call("posts", "count", "--data", "none", "--json").problem["file"] == str(
        tmp_path / "none/qingyuan.toml"
    )
    (tmp_path / "file.zip").write_bytes(b"nothing")
    problem = call("verify-package", "file.zip", "--data", "ws", "--json").problem
    assert (problem["code"], problem["file"]) == ("tampered", str(tmp_path / "file.zip"))


@pytest.mark.parametrize("words", OBJECTS)
def test_a_command_answers_with_one_object_on_one_line(words: str, busy_workspace: Path) -> None:
    done = call(*words.split(), "--data", busy_workspace, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.obj
    assert "problems" not in done.obj or done.obj["problems"] == []


@pytest.mark.parametrize("words", LISTS)
def test_a_list_answers_with_one_object_a_line(words: str, busy_workspace: Path) -> None:
    done = call(*words.split(), "--data", busy_workspace, "--json", "--as", "admin")
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == len(done.lines)


WRONG = {
    "no such command": ("such", "qingyuan --help"),
    "no such command below": ("clues such", "qingyuan clues --help"),
    "no such option": ("clues list --such", "qingyuan clues list --help"),
    "no value": ("clues list --state", "requires an argument"),
    "no such state": ("clues list --state such", "confirmed"),
    "no such band": ("clues list --band such", "unsure"),
    "no such conclusion": ("clues decide c1 such", "duplicate"),
    "no conclusion": ("clues decide c1", "qingyuan clues decide --help"),
    "one argument too many": ("clues show c1 c2", "qingyuan clues show --help"),
    "a version in words": ("clues decide c1 confirmed --version new", "--version"),
    "no such role": ("users add x --role boss --password-stdin", "compliance"),
    "no channel": ("batch draft", "--channel"),
    "no time": ("batch sent x --at yesterday --receipt r --as admin", "2026-11-20T18:00"),
    "two choices": ("recheck --due --all", "choose one"),
    "port too high": ("serve --port 70000", "65535"),
    "limit below nothing": ("clues list --limit -1", "whole number"),
    "limit in words": ("clues list --limit=all", "0 for all"),
    "limit without end": (f"clues list --limit {'9' * 5000}", "whole number"),
    "no limit": ("clues list --limit", "needs a value"),
    "empty workspace": ("clues list --data=", "needs a value"),
    "nobody": ("clues list --as=", "needs a value"),
    "a json value": ("clues list --json=yes", "qingyuan clues list --help"),
    "no command": ("", "qingyuan --help"),
    "no command below": ("clues", "qingyuan clues --help"),
}


@pytest.mark.parametrize(("words", "says"), WRONG.values(), ids=WRONG.keys())
def test_wrong_usage_is_refused_with_what_to_do(words: str, says: str, workspace: Path) -> None:
    env = {"QINGYUAN_DATA": str(workspace), "QINGYUAN_USER": "admin"}
    done = call("--json", *words.split(), env=env)
    assert done.code == 2
    assert done.problem["code"] == "bad_field"
    assert says in done.problem["message"]
    assert says in done.err
    told = call(*words.split(), env=env)
    assert (told.code, told.raw) == (2, b"")
    assert told.err.strip()


def test_a_group_without_command_shows_its_commands_as_a_message() -> None:
    for words in (), ("clues",), ("batch",):
        done = call(*words)
        assert (done.code, done.raw) == (2, b"")
        assert "Usage" in done.err
        assert all(name in done.err for name in COMMANDS[words].commands)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_option_explains_itself(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    assert command.help
    assert re.search(r"[.:)]$", command.help.strip().splitlines()[0]), command.help
    unexplained = [parameter.name for parameter in command.params if not getattr(parameter, "help", None)]
    assert unexplained == []
    done = call(*words, "--help")
    assert (done.code, done.err) == (0, "")
    if not hasattr(command, "commands"):
        assert "--data DIR" in done.out


def test_every_command_of_this_version_is_there() -> None:
    there = {" ".join(words) for words, command in COMMANDS.items() if not hasattr(command, "commands")}
    assert there >= {
        *("demo", "init", "crawl", "import", "screen-posts", "cluster", "capture", "run", "screen", "evaluate"),
        *("posts list", "posts show", "posts count", "clues list", "clues show", "clues decide", "clues undo"),
        *("clusters list", "clusters show", "users add", "users list", "users disable", "channels list"),
        *("batch draft", "batch propose", "batch approve", "batch return", "batch export", "batch sent"),
        *("batch list", "batch show", "replies import", "recheck", "outcomes list", "stats", "verify-package"),
        *("serve", "audit verify"),
    }
