"""What goes over the pipes between `screen` and its workers: chunks of raw lines there, answer lines back."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

from commands.answering import Answers, Chunk

if TYPE_CHECKING:
    from typing import IO

    from storage.records import Json

_CHUNK = struct.Struct(">QQ")  # number of the first line, bytes of the lines
_ANSWERS = struct.Struct(">QQ")  # bytes of the notes, bytes of the answer lines


def write_chunk(stream: IO[bytes], chunk: Chunk) -> None:
    """Write a chunk; no line holds a line feed."""
    body = b"\n".join(chunk.lines)
    stream.write(_CHUNK.pack(chunk.first, len(body)) + body)
    stream.flush()


def read_chunk(stream: IO[bytes]) -> Chunk:
    """Read a chunk; EOFError where the other side is gone."""
    first, size = _CHUNK.unpack(_exactly(stream, _CHUNK.size))
    return Chunk(first, tuple(_exactly(stream, size).split(b"\n")))


def write_answers(stream: IO[bytes], answers: Answers) -> None:
    """Write answers, the lines as they will stand in the output."""
    notes = json.dumps({"problem": answers.problem, "unknown_keys": answers.unknown_keys}).encode()
    stream.write(_ANSWERS.pack(len(notes), len(answers.text)) + notes)
    stream.write(answers.text)
    stream.flush()


def read_answers(stream: IO[bytes]) -> Answers:
    """Read answers; EOFError where the other side is gone."""
    size, length = _ANSWERS.unpack(_exactly(stream, _ANSWERS.size))
    notes: Json = json.loads(_exactly(stream, size))
    return Answers(_exactly(stream, length), notes["problem"], tuple(notes["unknown_keys"]))


def _exactly(stream: IO[bytes], size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError
    return found
