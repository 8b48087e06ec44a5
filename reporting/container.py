"""The canonical container: a zip that has exactly one form for its members.

Members are stored without compression, sorted by name, dated 1980-01-01, mode 0644, with nothing before, between or
behind them. Python's zipfile would do most of this, but what it writes depends on its version; a package must
be rebuilt byte for byte years later. Reading is strict and streaming: memory stays flat whatever the file claims.

Layout: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end).
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20
_MADE_BY = 3 << 8 | _VERSION  # Unix
_DATE = 1 << 5 | 1  # 1980-01-01
_MODE = (0o100644 << 16) & 0xFFFFFFFF
_MAX_BYTES = 0xFFFFFFFE
_MAX_MEMBERS = 0xFFFE
_MAX_NAME = 255
_BLOCK = 1 << 20

NAME = re.compile(r"(?!/)(?!.*(^|/)\.\.?(/|$))(?!.*//)[A-Za-z0-9._/\[\]-]{1,255}(?<!/)")
"""What a member may be called: our own ids, never a stranger's text."""


class ContainerError(Exception):
    """The bytes are not a container in canonical form; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member: its name, and its content as bytes or as a file."""

    name: str
    data: bytes = b""
    path: Path | None = None

    def blocks(self) -> Iterable[bytes]:
        """Yield the content in blocks."""
        if self.path is None:
            yield self.data
            return
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a container says of one member, checked against its bytes."""

    name: str
    size: int
    sha256: str
    crc: int = field(repr=False)


def digest(member: Member) -> Entry:
    """Return the size and hash of a member's content."""
    sha256, crc, size = hashlib.sha256(), 0, 0
    for block in member.blocks():
        sha256.update(block)
        crc = zlib.crc32(block, crc)
        size += len(block)
    return Entry(name=member.name, size=size, sha256=sha256.hexdigest(), crc=crc)


def write_container(target: BinaryIO, members: Iterable[Member]) -> list[Entry]:
    """Write the members as a canonical container and return their entries, sorted by name.

    Raises:
        ValueError: a name is not one of ours or doubled, or the container would need more than 4 GiB.
    """
    ordered = sorted(members, key=lambda member: member.name)
    names = [member.name for member in ordered]
    wrong = [name for name in names if not NAME.fullmatch(name)]
    if wrong or len(set(names)) != len(names) or len(names) > _MAX_MEMBERS:
        raise ValueError(f"members cannot be named or doubled like this: {(wrong or names)[:3]}")
    entries: list[Entry] = []
    offset = 0
    for member in ordered:
        entry = digest(member)
        offset += _LOCAL.size + len(entry.name) + entry.size
        if offset > _MAX_BYTES:
            raise ValueError("a package holds at most 4 GiB; split the batch")
        target.write(_local_header(entry))
        for block in member.blocks():
            target.write(block)
        entries.append(entry)
    target.write(_directory(entries))
    return entries


def write_container_file(path: Path, members: Iterable[Member]) -> list[Entry]:
    """Write a container into a new file and sync it; the caller renames it into place."""
    with path.open("xb") as file:
        entries = write_container(file, members)
        file.flush()
        os.fsync(file.fileno())
    return entries


@dataclass(slots=True)
class Reader:
    """Reads a canonical container from front to end; ``kept`` are the small members to hand back whole."""

    source: BinaryIO
    kept: Sequence[str] = ()
    max_kept_bytes: int = 64 << 20
    contents: dict[str, bytes] = field(default_factory=dict)

    def entries(self) -> list[Entry]:
        """Return all entries.

        Raises:
            ContainerError: a byte is not where the canonical form of these members has it.
        """
        found: list[Entry] = []
        while (mark := self.source.read(4)) == b"PK\3\4":
            entry = self._entry(mark)
            if found and entry.name <= found[-1].name:
                raise ContainerError(f"{entry.name} is doubled or out of order")
            found.append(entry)
            if len(found) > _MAX_MEMBERS:
                raise ContainerError("too many members")
        if not found and mark != b"PK\5\6":
            raise ContainerError("not a package: it does not begin with a member")
        expected = _directory(found)
        rest = mark + self.source.read(len(expected) + 1)
        if rest != expected:
            raise ContainerError("the directory at the end differs from the members")
        return found

    def _entry(self, mark: bytes) -> Entry:
        header = mark + self.source.read(_LOCAL.size - len(mark))
        if len(header) != _LOCAL.size:
            raise ContainerError("the file ends inside a header")
        *_, crc, _packed, size, name_length, _extra = _LOCAL.unpack(header)
        if not 0 < name_length <= _MAX_NAME:
            raise ContainerError("a member has no proper name")
        raw = self.source.read(name_length)
        name = raw.decode("ascii", "replace")
        if not NAME.fullmatch(name):
            raise ContainerError("a member has no proper name")
        entry = self._content(name, size, crc)
        if _local_header(entry) != header + raw:
            raise ContainerError(f"the header of {name} is not in canonical form")
        return entry

    def _content(self, name: str, size: int, crc: int) -> Entry:
        sha256, found, left = hashlib.sha256(), 0, size
        keep = bytearray() if name in self.kept and size <= self.max_kept_bytes else None
        while left:
            block = self.source.read(min(left, _BLOCK))
            if not block:
                raise ContainerError(f"the file ends inside {name}")
            left -= len(block)
            sha256.update(block)
            found = zlib.crc32(block, found)
            if keep is not None:
                keep += block
        if found != crc:
            raise ContainerError(f"{name} was changed")
        if keep is not None:
            self.contents[name] = bytes(keep)
        return Entry(name=name, size=size, sha256=sha256.hexdigest(), crc=crc)


def _local_header(entry: Entry) -> bytes:
    name = entry.name.encode("ascii")
    fixed = (_VERSION, 0, 0, 0, _DATE)
    return _LOCAL.pack(b"PK\3\4", *fixed, entry.crc, entry.size, entry.size, len(name), 0) + name


def _directory(entries: Sequence[Entry]) -> bytes:
    parts = []
    offset = 0
    for entry in entries:
        name = entry.name.encode("ascii")
        fixed = (_MADE_BY, _VERSION, 0, 0, 0, _DATE)
        sizes = (entry.crc, entry.size, entry.size, len(name))
        parts.append(_CENTRAL.pack(b"PK\1\2", *fixed, *sizes, 0, 0, 0, 0, _MODE, offset) + name)
        offset += _LOCAL.size + len(name) + entry.size
    body = b"".join(parts)
    if offset + len(body) > _MAX_BYTES:
        raise ContainerError("larger than 4 GiB")
    count = len(entries)
    return body + _END.pack(b"PK\5\6", 0, 0, count, count, len(body), offset, 0)
