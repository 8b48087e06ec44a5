"""Opening input and writing output files of commands."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from storage.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUFFER_BYTES = 1 << 17


@contextlib.contextmanager
def open_input(name: str) -> Iterator[BinaryIO]:
    """Open a file for reading bytes, or standard input for ``-``.

    Raises:
        InputError: it is not there or cannot be read (``missing_file``, exit 2).
    """
    if name == "-":
        if sys.stdin is None:
            raise missing("-", "standard input is closed")
        yield cast("BinaryIO", sys.stdin.buffer)
        return
    try:
        stream = Path(name).open("rb", buffering=_BUFFER_BYTES)  # noqa: SIM115 - closed below
    except OSError as error:
        raise missing(name, error.strerror or "cannot be read") from None
    with stream:
        yield stream


def missing(name: str, why: str) -> InputError:
    """Return the error of a file that cannot be opened; exit code 2."""
    return InputError("missing_file", why, file=name)


@contextlib.contextmanager
def replaced_atomically(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears whole or not at all: beside it first, synced, then renamed.

    Raises:
        InputError: it cannot be written there (``missing_file``, exit 2).
    """
    if path.exists() and not path.is_file():
        raise missing(str(path), "this is a folder or a device, and only files are replaced")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise missing(str(path), error.strerror or "cannot be written") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
