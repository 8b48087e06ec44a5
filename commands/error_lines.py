"""Wrongly judged rows on their way into a file: the worst kind first, whatever the order in which they come."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from classifiers.evaluate_errors import Wrong, error_line, wrongs_of
from commands.output import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from classifiers.evaluate import Judged
    from storage.records import Json

MOST_SHOWN = 200
"""Rows of one kind and file that the page shows."""


class ErrorLines:
    """Keeps the lines of each kind in a temporary file, and the first of each kind and input file for the page."""

    def __init__(self, spools: dict[Wrong, BinaryIO]) -> None:
        """Write to these open files."""
        self._spools = spools
        self.counts: dict[str, dict[Wrong, int]] = {}
        self.shown: dict[str, dict[Wrong, list[Json]]] = {}

    def watcher(self, file: str) -> Callable[[Sequence[Judged]], None]:
        """Return what takes the judged rows of a file."""
        counts = self.counts.setdefault(file, dict.fromkeys(Wrong, 0))
        shown: dict[Wrong, list[Json]] = self.shown.setdefault(file, {kind: [] for kind in Wrong})

        def watch(items: Sequence[Judged]) -> None:
            for item in items:
                wrong = wrongs_of(item)
                if not wrong:
                    continue
                line = error_line(item, file)
                self._spools[wrong[0]].write(to_json(line).encode() + b"\n")
                counts[wrong[0]] += 1
                if len(shown[wrong[0]]) < MOST_SHOWN:
                    shown[wrong[0]].append(line)

        return watch

    def write_to(self, target: BinaryIO) -> None:
        """Write every line, kind after kind."""
        for spool in self._spools.values():
            spool.seek(0)
            shutil.copyfileobj(spool, target)


@contextlib.contextmanager
def error_lines() -> Iterator[ErrorLines]:
    """Give a place for wrongly judged rows; what it keeps is gone with the block."""
    with contextlib.ExitStack() as stack:
        spools = {kind: stack.enter_context(tempfile.TemporaryFile()) for kind in Wrong}
        yield ErrorLines(cast("dict[Wrong, BinaryIO]", spools))
