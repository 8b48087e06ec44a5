"""Worker processes for `screen`: started when there is enough to do, kept busy in order, replaced when they die.

A chunk whose worker dies is given to a fresh one line by line; the line that kills again gets an error line of its
own, and the rest goes on. At most a few chunks are on their way at any time, so memory stays flat.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from commands.answering import Answers, Chunk, failed_answer
from commands.frames import read_answers, write_chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

FIRST_CHUNKS = 4
"""Chunks answered in this process before any worker is started: to load the rules takes longer than that."""

_NO_WORKER = "the process that judged it died, and no other could be started"


class _Worker:
    """One process and the chunk it has."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(), process_group=0
        )
        assert self.process.stdin is not None  # noqa: S101 - asked for above
        assert self.process.stdout is not None  # noqa: S101 - asked for above
        self.source, self.target = self.process.stdout, self.process.stdin
        self.is_ready = False
        self.number = -1
        self.chunk: Chunk | None = None

    def give(self, number: int, chunk: Chunk) -> None:
        """Hand over a chunk; a worker that died meanwhile shows when its answer is read."""
        self.number, self.chunk = number, chunk
        with contextlib.suppress(OSError):
            write_chunk(self.target, chunk)

    def take(self) -> Answers:
        """Return the answer, or what a worker writes when it is ready; EOFError when it is dead."""
        answers = read_answers(self.source)
        self.is_ready, self.chunk = True, None
        return answers

    def end(self) -> str:
        """End the process and say how it ended."""
        self.process.kill()
        code = self.process.wait()
        for pipe in (self.source, self.target):
            with contextlib.suppress(OSError):
                pipe.close()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return f"the process that judged it {how}"


class Pool:
    """Answers chunks in order, in this process while that is quicker, then in so many others.

    ``argv`` is the command of a worker; ``answer`` answers a chunk here. With one worker everything is done here.
    """

    def __init__(self, argv: Sequence[str], count: int, *, answer: Callable[[Chunk], Answers]) -> None:
        self._argv = argv
        self._count = count
        self._answer = answer
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Pool:
        """Start nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process behind."""
        for worker in [*self._workers]:
            self._drop(worker)
        self._selector.close()

    def answers(self, chunks: Iterable[Chunk]) -> Iterator[Answers]:
        """Yield the answers of the chunks, in their order."""
        rest = iter(chunks)
        for chunk in islice(rest, None if self._count == 1 else FIRST_CHUNKS):
            yield self._answer(chunk)
        for chunk in rest:
            if not self._workers:
                self.start()
            yield self._answer(chunk)
            if self._find_ready():
                break
        yield from self.spread(rest)

    def start(self) -> None:
        """Start the workers; they are used as soon as they are ready."""
        for _ in range(self._count):
            with contextlib.suppress(OSError):  # no process, no memory: what there is has to do
                self._hire(_Worker(self._argv))

    def wait_until_ready(self) -> int:
        """Wait until every worker is ready or dead; return how many are ready."""
        while not all(worker.is_ready for worker in self._workers):
            self._find_ready(timeout=None)
        return len(self._workers)

    def spread(self, chunks: Iterator[Chunk]) -> Iterator[Answers]:
        """Yield the answers of the chunks, in their order, from the workers that are ready."""
        done: dict[int, Answers] = {}
        given = taken = 0
        while True:
            for worker in self._idle():
                if given - taken > 2 * self._count or (chunk := next(chunks, None)) is None:
                    break
                worker.give(given, chunk)
                given += 1
            if given == taken:  # nobody is there, or nothing is left
                if (chunk := next(chunks, None)) is None:
                    return
                done[given] = self._answer(chunk)
                given += 1
            while taken not in done:
                done.update(self._collect())
            while taken in done:
                yield done.pop(taken)
                taken += 1

    def _idle(self) -> Iterator[_Worker]:
        return (worker for worker in self._workers if worker.is_ready and worker.chunk is None)

    def _find_ready(self, timeout: float | None = 0) -> bool:
        """Let the workers say that they are ready; those that died on the way are given up."""
        for worker in self._heard(timeout):
            try:
                worker.take()
            except EOFError:
                self._drop(worker)
        return any(worker.is_ready for worker in self._workers)

    def _collect(self) -> dict[int, Answers]:
        """Wait for what the workers say and return the answers by the numbers of their chunks."""
        found: dict[int, Answers] = {}
        for worker in self._heard(None):
            number, chunk = worker.number, worker.chunk
            try:
                answers = worker.take()
            except EOFError:
                self._drop(worker)
                if chunk is not None:
                    found[number] = self._one_by_one(chunk)
            else:
                if chunk is not None:
                    found[number] = answers
        return found

    def _heard(self, timeout: float | None) -> list[_Worker]:
        if not self._workers:
            return []
        return [key.data for key, _ in self._selector.select(timeout)]

    def _one_by_one(self, chunk: Chunk) -> Answers:
        """Answer the lines of a chunk that killed a worker, each by itself, in a fresh one."""
        parts: list[Answers] = []
        worker: _Worker | None = None
        can_start = True
        for number, raw in enumerate(chunk.lines, chunk.first):
            line = Chunk(number, (raw,))
            if worker is None and can_start:
                worker = self._start_ready()
                can_start = worker is not None
            if worker is None:
                parts.append(failed_answer(line, _NO_WORKER))
                continue
            worker.give(number, line)
            try:
                parts.append(worker.take())
            except EOFError:
                parts.append(failed_answer(line, self._drop(worker)))
                worker = None
        if worker is None and can_start:
            self._start_ready()
        return _joined(parts)

    def _start_ready(self) -> _Worker | None:
        try:
            worker = _Worker(self._argv)
        except OSError:
            return None
        self._hire(worker)
        try:
            worker.take()
        except EOFError:
            self._drop(worker)
            return None
        return worker

    def _hire(self, worker: _Worker) -> None:
        self._workers.append(worker)
        self._selector.register(worker.source, selectors.EVENT_READ, worker)

    def _drop(self, worker: _Worker) -> str:
        """End a worker and say how it ended."""
        self._workers.remove(worker)
        self._selector.unregister(worker.source)
        return worker.end()


def _joined(parts: Sequence[Answers]) -> Answers:
    keys = {key: None for part in parts for key in part.unknown_keys}
    problem = next((part.problem for part in parts if part.problem), None)
    return Answers(b"".join(part.text for part in parts), problem, tuple(keys))


def _environment() -> dict[str, str]:
    """Return the worker's environment: it finds our packages where we found them."""
    ours = str(Path(__file__).resolve().parent.parent)
    paths = [ours, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
