"""A shared folder: a file appears under its name complete or not at all, and never in place of another one."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from typing import TYPE_CHECKING

from reporting.files import file_hash, sync_folder
from reporting.transports.conversation import Receipt
from storage.errors import PermanentSendError, RetryableSendError, UnknownResultError

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 20
_WITHOUT_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_FOR_NOW = (errno.ENOSPC, errno.EDQUOT, errno.ENOENT, errno.EIO, errno.ESTALE, errno.EHOSTDOWN, errno.ETIMEDOUT)


def drop_file(folder: Path, name: str, source: Path, *, sha256: str) -> Receipt:
    """Put a copy of a file into a folder under a name; the same content there already is a success.

    Raises:
        RetryableSendError: the folder is not there now (a share that is not mounted), or it is full.
        PermanentSendError: another content has that name, or the folder may not be written.
        UnknownResultError: the file got its name, but whether it will stay is not known.
    """
    where, target = f"folder {folder}", folder / name
    beside = folder / f".{name[:80]}.{os.getpid()}.part"
    if not folder.is_dir():
        raise RetryableSendError(where, "is not there; is the share mounted?")
    try:
        _copy(source, beside, sha256=sha256, where=where)
        fresh = _publish(beside, target)
    except OSError as error:
        kind = RetryableSendError if error.errno in _FOR_NOW else PermanentSendError
        raise kind(where, f"{name}: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    if not fresh:
        _check_same(target, where, sha256=sha256)
    try:
        sync_folder(folder)
    except OSError as error:
        raise UnknownResultError(where, f"{name} is there, but was not made durable: {error.strerror}") from None
    return Receipt(words=f"{target} sha256 {sha256}" + ("" if fresh else ", was there already"))


def _copy(source: Path, beside: Path, *, sha256: str, where: str) -> None:
    with source.open("rb") as reading, beside.open("wb") as writing:
        shutil.copyfileobj(reading, writing, _BLOCK)
        writing.flush()
        os.fsync(writing.fileno())
    if file_hash(beside) != sha256:
        raise PermanentSendError(where, "what was written is not what was to be sent")


def _publish(beside: Path, target: Path) -> bool:
    """Give the file its name; return False when the name is taken."""
    try:
        os.link(beside, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _WITHOUT_LINKS:
            raise
        # Shares without hard links: nothing but a person writes there at the same time.
        if target.exists():
            return False
        beside.rename(target)
    return True


def _check_same(target: Path, where: str, *, sha256: str) -> None:
    try:
        found = file_hash(target)
    except OSError as error:
        raise PermanentSendError(where, f"{target.name} is there and cannot be read: {error.strerror}") from None
    if found != sha256:
        raise PermanentSendError(where, f"{target.name} is there with another content; nothing was overwritten")
