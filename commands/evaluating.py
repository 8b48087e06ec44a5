"""The command that measures a ruleset on labelled lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.context import context
from commands.files import open_input
from commands.screening import active_ruleset, refuse_other_encoding
from storage.post_lines import LineProblem, iter_lines, parse_post_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.records import Json


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("evaluate")(evaluate_command)


def evaluate_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Labelled post lines, JSON lines, UTF-8.")],
) -> None:
    """Measure the ruleset on labelled lines: recall, precision, labels, targets, contacts; one figure a file."""
    from classifiers.evaluate import evaluate

    problems: list[Json] = []
    paths = [path.absolute() for path in files]
    answer = evaluate(((str(path), _rows(path, problems)) for path in paths), active_ruleset())
    context.out.obj({**answer, "problems": problems} if problems else answer)


def _rows(path: Path, problems: list[Json]) -> Iterator[dict[str, Any]]:
    """Yield the readable labelled rows of a file; the others become problems."""
    with open_input(str(path)) as source:
        refuse_other_encoding(source, name=str(path))
        for number, raw in iter_lines(source):
            line = parse_post_line(raw, number)
            if isinstance(line, LineProblem) and not _is_labelled(raw, line):
                problems.append({"code": line.code, "file": str(path), "line": number, "message": line.message})
            else:
                yield json.loads(raw)


def _is_labelled(raw: bytes, problem: LineProblem) -> bool:
    """Tell a labelled row that says nothing from a broken line; its JSON is good when only a field is at fault."""
    return problem.code == "bad_field" and "label" in json.loads(raw)
