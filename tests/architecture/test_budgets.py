"""Sizes that keep the code readable: functions, files, parameters, pages of documentation."""

from __future__ import annotations

from tests.support import tree

FUNCTION_LINES = 60
FILE_LINES = 400
TEST_FILE_LINES = 500
POSITIONAL_PARAMETERS = 5
DOCS_LINES = 500
DECISION_LINES = 60


def lines_of(function: tree.Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def positional_count(function: tree.Function) -> int:
    named = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len(named) - (named[:1] in (["self"], ["cls"]))


def test_functions_are_at_most_sixty_lines() -> None:
    long = [
        f"{module.place}:{function.lineno} {name} {lines_of(function)}"
        for module in tree.modules()
        for name, function in tree.functions(module)
        if lines_of(function) > FUNCTION_LINES
    ]
    assert long == []


def test_files_keep_their_budget() -> None:
    long = [
        f"{module.place} {len(module.text.splitlines())}"
        for module in tree.modules()
        if len(module.text.splitlines()) > (TEST_FILE_LINES if module.package == "tests" else FILE_LINES)
    ]
    assert long == []


def test_functions_take_at_most_five_positional_parameters() -> None:
    """A test names its fixtures, so tests are free."""
    many = [
        f"{module.place}:{function.lineno} {name} {positional_count(function)}"
        for module in tree.modules()
        if module.package != "tests"
        for name, function in tree.functions(module)
        if positional_count(function) > POSITIONAL_PARAMETERS
    ]
    assert many == []


def test_pages_of_documentation_keep_their_budget() -> None:
    long = [
        f"{path.relative_to(tree.ROOT)} {count}"
        for path in tree.project_files()
        if path.suffix == ".md" and "docs" in path.relative_to(tree.ROOT).parts
        if (count := len(path.read_text("utf-8").splitlines()))
        > (DECISION_LINES if path.parent.name == "decisions" else DOCS_LINES)
    ]
    assert long == []
