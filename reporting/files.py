"""Files that must be whole or absent: synced before they get their names."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 20


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
    return sha256.hexdigest()


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file to a name at which it appears complete or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name[:80]}.{os.getpid()}.part")
    try:
        with source.open("rb") as reading, beside.open("wb") as writing:
            shutil.copyfileobj(reading, writing, _BLOCK)
            writing.flush()
            os.fsync(writing.fileno())
        beside.replace(target)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a folder's names durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
