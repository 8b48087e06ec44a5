"""How answers leave: JSON for programs on stdout, tables for people, messages and progress on stderr."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from typing import TYPE_CHECKING, Any, Protocol

from storage.text import clean_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class Update(Protocol):
    """Takes how much is done, and of how much where that is known."""

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """Show it."""


_MAX_CELL = 60
_LEAST_CELL = 4
_MOST_NOTES = 20
_ENDLESS = 10_000
_CONTROLS = {code: f"⟨{code:02X}⟩" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}
_CONTROLS |= {code: f"⟨U+{code:04X}⟩" for code in (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}

# What steers a terminal or ends a line for some readers stands escaped in JSON, where it means the same.
_STEERING = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Output:
    """Writes the answer of one command."""

    def __init__(self) -> None:
        self.json = False
        self.problems: list[Any] = []

    def obj(self, value: Mapping[str, Any]) -> None:
        """Write the one object of a command; its ``problems`` decide the exit code and are told to people too."""
        problems = value.get("problems") or []
        self.problems.extend(problems)
        if self.json:
            self.raw_line(value)
        else:
            _print_object({name: item for name, item in value.items() if name != "problems"})
        sys.stdout.flush()  # a command that goes on, as serve does, has answered now
        for problem in problems[:_MOST_NOTES]:
            self.note_problem(problem)
        if len(problems) > _MOST_NOTES:
            self.note(f"and {len(problems) - _MOST_NOTES} more problems; --json lists them")

    def lines(self, rows: Iterable[Mapping[str, Any]], *, shown: Sequence[str] = ()) -> None:
        """Write the lines of a list; ``shown`` are the keys that people see on a terminal (default: all)."""
        if self.json:
            for row in rows:
                self.raw_line(row)
        else:
            _print_table(list(rows), shown)

    def raw_line(self, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write one JSON line to stdout."""
        sys.stdout.write(to_json(value) + "\n")

    def note(self, message: str) -> None:
        """Write a message for the person at the terminal to stderr."""
        sys.stderr.write(visible(message) + "\n")

    def note_problem(self, problem: Mapping[str, Any]) -> None:
        """Tell a person of a problem in one line: its code, its place, what is wrong."""
        line = f"line {problem['line']}" if "line" in problem else None
        place = ", ".join(str(part) for part in (problem.get("file"), line, problem.get("field")) if part)
        self.note(": ".join(part for part in (problem["code"], place, problem["message"]) if part))

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Update]:
        """Show progress on stderr while the block lasts, if that is a terminal; gives ``update(done, total)``."""
        if not sys.stderr.isatty():
            yield _nothing
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda done, total=None: bar.update(task, completed=done, total=total)


def _nothing(_done: int, _total: int | None = None) -> None:
    """Show nothing."""


def to_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return compact JSON on one line, Chinese as it is, text that no codec holds replaced."""
    return clean_to_json(clean_json(value))


def clean_to_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return compact JSON as :func:`to_json` does, of texts that were cleaned when they were read."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def visible(text: str) -> str:
    """Return the text with control and direction characters as tokens: crawled text never steers a terminal."""
    return text.translate(_CONTROLS)


def _print_object(value: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for name, item in value.items():
        shown = item if isinstance(item, str) else to_json(item)
        console.print(Text(f"{name}: {visible(shown)}"))


def _print_table(rows: list[Mapping[str, Any]], shown: Sequence[str]) -> None:
    """Print a table; on a terminal only the columns for people, elsewhere all of them at their full width."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not rows:
        console.print(Text("(none)"))
        return
    if not console.is_terminal:
        console.width, shown = _ENDLESS, ()
    names = [*(shown or rows[0])]
    cells = [[_on_one_line(str(row[names[0]])), *(_cell(row[name]) for name in names[1:])] for row in rows]
    natural = [max(cell_len(cell) for cell in column) for column in zip(names, *cells, strict=True)]
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name, width in zip(names, _fit(natural, console.width - 2 * len(names)), strict=True):
        table.add_column(
            name, width=width, no_wrap=name != names[0], overflow="fold" if name == names[0] else "ellipsis"
        )
    for row_cells in cells:
        table.add_row(*[Text(cell) for cell in row_cells])
    console.print(table)


def _fit(natural: list[int], room: int) -> list[int]:
    """Return widths of columns that fit into a room: the widest give way first, the first, an id, last."""
    widths = list(natural)
    while sum(widths) > room and (widest := max(widths[1:], default=0)) > _LEAST_CELL:
        widths[1 + widths[1:].index(widest)] -= 1
    return [max(1, min(widths[0], room - sum(widths[1:]))), *widths[1:]]


def _cell(item: object) -> str:
    """Return a value in a few words: of an object its name or kind."""
    if isinstance(item, dict):
        item = next((item[key] for key in ("name", "kind") if key in item), item)
    if isinstance(item, list) and all(isinstance(part, str) for part in item):
        item = ", ".join(item)
    shown = item if isinstance(item, str) else "" if item is None else to_json(item)
    shown = _on_one_line(shown)
    return shown if len(shown) <= _MAX_CELL else shown[: _MAX_CELL - 1] + "…"


def _on_one_line(text: str) -> str:
    return visible(" ".join(text.split()))
