"""Typing commands as an outside program does, and what came back: code, standard output, messages."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import app
from commands.running import run
from tests.support import tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command left behind."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        """Return standard output; what is no UTF-8 fails the test."""
        return self.raw.decode("utf-8")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return standard output as JSON lines, split at line feeds alone."""
        assert not self.raw or self.raw.endswith(b"\n"), self.raw[-200:]
        return [_load(line) for line in self.raw.split(b"\n")[:-1]]

    @property
    def obj(self) -> dict[str, Any]:
        """Return the one object on the one line; also a reader that splits at any line end sees one."""
        assert len(self.out.splitlines()) == 1, (self.out, self.err)
        (found,) = self.lines
        return found

    @property
    def problems(self) -> list[dict[str, Any]]:
        """Return the problems of the one object."""
        found: list[dict[str, Any]] = self.obj["problems"]
        return found

    @property
    def problem(self) -> dict[str, Any]:
        """Return the only problem."""
        (found,) = self.problems
        return found


def call(*argv: object, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Answer:
    """Run one command in this process, as the program does after start-up."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors="replace", newline="\n") for _ in range(2))
    typed = io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)), "utf-8")
    with (
        _environment(env or {}),
        _standard_input(typed),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run(app, [str(word) for word in argv])
    for stream in (out, err):
        stream.flush()
    return Answer(code, _written(out), _written(err).decode())


def shell(
    *argv: object, stdin: bytes = b"", env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Answer:
    """Run one command as a process of its own."""
    done = subprocess.run(
        command(argv), input=stdin, env=_clean(env or {}), cwd=cwd, capture_output=True, check=False, timeout=120
    )
    return Answer(done.returncode, done.stdout, done.stderr.decode())


@contextlib.contextmanager
def started(*argv: object, cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command and end it with the block, whatever happens in it."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command(argv), stdin=pipe, stdout=pipe, stderr=pipe, env=_clean({}), cwd=cwd) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()


def command(argv: Sequence[object]) -> list[str]:
    """Return the words that start the program from the working copy."""
    return [sys.executable, str(tree.ROOT / "cli.py"), *map(str, argv)]


def _clean(wanted: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QINGYUAN_")}
    return {**kept, **wanted}


@contextlib.contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    try:
        for name in [name for name in os.environ if name.startswith("QINGYUAN_")]:
            del os.environ[name]
        os.environ.update(wanted)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _standard_input(stream: io.TextIOWrapper) -> Iterator[None]:
    before, sys.stdin = sys.stdin, stream
    try:
        yield
    finally:
        sys.stdin = before


def _written(stream: io.TextIOWrapper) -> bytes:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


def _load(line: bytes) -> dict[str, Any]:
    found = json.loads(line, parse_constant=_refuse_constant)
    assert isinstance(found, dict)
    return found


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")
