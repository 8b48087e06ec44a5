"""Habits that a linter does not know: output, broad excepts, unfinished marks."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tests.support import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

# At most one per process: it logs and re-raises or records. Each entry is a function and its reason.
BROAD_EXCEPTS: dict[str, str] = {
    "classifiers/judging.py:judge_all": "one hostile post must not end the work on the others; it is recorded",
    "commands/running.py:_guarded": "a command's unforeseen fault becomes exit code 3 and one sentence",
    "crawler/parsing.py:parse_safely": "hostile bytes break parsers in many ways; the page becomes unknown",
    "review/shield.py:Shield.__call__": "a request's unforeseen fault becomes a page that says nothing about it",
}
UNFINISHED = re.compile(rf"\b({'TO'}DO|{'FIX'}ME|{'XX'}X)\b")
BROAD_NAMES = frozenset({"Exception", "BaseException"})


def calls(module: tree.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def is_broad(node: ast.expr | None) -> bool:
    if node is None:
        return True
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(isinstance(part, ast.Name) and part.id in BROAD_NAMES for part in parts)


def broad_excepts(module: tree.Module) -> Iterator[str]:
    for name, function in tree.functions(module):
        for node in ast.walk(function):
            if isinstance(node, ast.ExceptHandler) and is_broad(node.type):
                yield f"{module.place}:{name}"
    for name, call in calls(module):
        if name.endswith("suppress") and any(is_broad(argument) for argument in call.args):
            yield f"{module.place}:{call.lineno} suppress"


def test_only_the_commands_write_to_the_terminal() -> None:
    writers = {
        "print",
        "sys.stdout.write",
        "sys.stderr.write",
        "sys.stdout.buffer.write",
        "typer.echo",
        "click.echo",
    }
    wrong = [
        f"{module.place}:{call.lineno} {name}"
        for module in tree.product_modules()
        if module.package not in {"commands", "cli"}
        for name, call in calls(module)
        if name in writers
    ]
    assert wrong == []


def test_nobody_prints() -> None:
    """The commands write through rich's console, and answers through one function."""
    wrong = [
        f"{module.place}:{call.lineno}"
        for module in tree.product_modules()
        for name, call in calls(module)
        if name == "print"
    ]
    assert wrong == []


def test_broad_excepts_stand_only_where_they_are_named() -> None:
    found = {place for module in tree.product_modules() for place in broad_excepts(module)}
    assert found - set(BROAD_EXCEPTS) == set()


def test_named_broad_excepts_still_exist() -> None:
    found = {place for module in tree.product_modules() for place in broad_excepts(module)}
    assert set(BROAD_EXCEPTS) - found == set()


def test_nothing_is_left_unfinished() -> None:
    wrong = [
        f"{module.place}:{number}"
        for module in tree.modules()
        for number, line in enumerate(module.text.splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert wrong == []


def test_no_test_is_skipped() -> None:
    """What a test needs is installed or its absence is a failure."""
    wrong = [
        f"{module.place}:{node.lineno}"
        for module in tree.modules()
        if module.package == "tests"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"pytest.skip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.importorskip"}
    ]
    assert wrong == []
