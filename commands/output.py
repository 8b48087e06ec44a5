"""How answers leave: JSON for programs on stdout, tables for people, messages and progress on stderr."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from typing import TYPE_CHECKING, Any, Protocol

from storage.text import clean_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Update(Protocol):
    """Takes how much is done, and of how much where that is known."""

    def __call__(self, done: int, total: int | None = None, /) -> None:
        """Show it."""


_MAX_CELL = 60
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
        """Write the one object of a command; its ``problems`` decide the exit code."""
        self.problems.extend(value.get("problems") or [])
        if self.json:
            self.raw_line(value)
        else:
            _print_object(value)

    def lines(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the lines of a list."""
        if self.json:
            for row in rows:
                self.raw_line(row)
        else:
            _print_table(list(rows))

    def raw_line(self, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write one JSON line to stdout."""
        sys.stdout.write(to_json(value) + "\n")

    def note(self, message: str) -> None:
        """Write a message for the person at the terminal to stderr."""
        sys.stderr.write(visible(message) + "\n")

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
    text = json.dumps(clean_json(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
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


def _print_table(rows: list[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not rows:
        console.print(Text("(none)"))
        return
    table = Table(*[str(name) for name in rows[0]], box=None, header_style="bold")
    for row in rows:
        table.add_row(*[Text(_cell(item)) for item in row.values()])
    console.print(table)


def _cell(item: object) -> str:
    shown = item if isinstance(item, str) else "" if item is None else to_json(item)
    shown = visible(shown.replace("\n", " "))
    return shown if len(shown) <= _MAX_CELL else shown[: _MAX_CELL - 1] + "…"
