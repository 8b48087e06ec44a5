"""Labelled lines as the commands read them: what is faulty becomes a problem, the rest goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from commands.files import open_input
from commands.screening import refuse_other_encoding
from storage.post_lines import LineProblem, iter_lines, parse_post_line
from storage.text import clean_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.records import Json

_MOST_PROBLEMS = 1000


class Problems:
    """The problems of a call, up to so many a file that memory stays flat."""

    def __init__(self) -> None:
        """Begin with none."""
        self.found: list[Json] = []
        self._counts: dict[str, int] = {}

    def add(self, problem: Json) -> None:
        """Keep a problem, or count it where its file has too many already."""
        file = str(problem["file"])
        self._counts[file] = self._counts.get(file, 0) + 1
        if self._counts[file] <= _MOST_PROBLEMS:
            self.found.append(problem)

    def end(self, path: Path) -> None:
        """Say how many problems of a file were not kept."""
        left = self._counts.get(str(path), 0) - _MOST_PROBLEMS
        if left > 0:
            message = f"and {left} more problems in this file"
            self.found.append({"code": "bad_line", "file": str(path), "message": message})


def labelled_rows(path: Path, problems: Problems) -> Iterator[dict[str, Any]]:
    """Yield the readable rows of a file, texts cleaned.

    A line that is no object, and one without a label that is no post line, are left out. Of a labelled row the
    faulty fields are named and the others used; one that holds no text at all is no fault.
    """
    from classifiers.evaluate_gold import read_gold

    with open_input(str(path)) as source:
        refuse_other_encoding(source, name=str(path))
        for number, raw in iter_lines(source):
            line = parse_post_line(raw, number)
            if isinstance(line, LineProblem) and not _is_labelled(raw, line):
                problems.add(_problem(path, number, line.code, line.field, line.message))
                continue
            row = clean_json(json.loads(raw))
            faults = {fault.field: fault.message for fault in read_gold(row).faults}
            if isinstance(line, LineProblem) and not _says_nothing(row, line):
                faults[str(line.field)] = line.message
            for field, message in faults.items():
                problems.add(_problem(path, number, "bad_field", field, message))
            yield row
    problems.end(path)


def _is_labelled(raw: bytes, problem: LineProblem) -> bool:
    """Tell a labelled row from a broken line; its JSON is good when only a field is at fault."""
    return problem.code == "bad_field" and json.loads(raw).get("label") is not None


def _says_nothing(row: Json, problem: LineProblem) -> bool:
    """Tell whether the only fault is that no field holds text."""
    return problem.field == "text" and (row.get("text") is None or isinstance(row["text"], str))


def _problem(path: Path, line: int, code: str, field: str | None, message: str) -> Json:
    problem: Json = {"code": code, "file": str(path), "line": line}
    return {**problem, **({"field": field} if field else {}), "message": message}
