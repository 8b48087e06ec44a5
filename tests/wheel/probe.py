"""Run inside the environment of the wheel: tell who owns our names, and what every command's --help says."""

from __future__ import annotations

import json
import sys
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer
from typer.testing import CliRunner

from cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator


def words_below(command: object, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group."""
    yield words
    group: dict[str, object] = getattr(command, "commands", {})
    for name, below in group.items():
        yield from words_below(below, (*words, name))


def help_of(words: tuple[str, ...]) -> dict[str, object]:
    """Return exit code and text of one command's --help."""
    result = CliRunner().invoke(app, [*words, "--help"])
    return {"exit": result.exit_code, "text": result.output}


names = sys.argv[1:]
owners = packages_distributions()
answer = {
    "owners": {name: sorted(set(owners.get(name, []))) for name in names},
    "places": {name: str(spec.origin) if (spec := find_spec(name)) else "" for name in names},
    "help": {" ".join(words): help_of(words) for words in words_below(typer.main.get_command(app))},
}
sys.stdout.write(json.dumps(answer, ensure_ascii=False))
