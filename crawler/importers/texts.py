"""Text files of any encoding as a stream of UTF-8 lines; checked as a whole before anything of them is stored."""

from __future__ import annotations

import codecs
import contextlib
import io
from typing import TYPE_CHECKING, BinaryIO, cast

from storage.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK_BYTES = 1 << 20
_UTF8 = frozenset({"utf-8", "utf-8-sig"})


def check_text(path: Path, encoding: str) -> None:
    """Decode a whole file in passing.

    Raises:
        InputError: it is not there (``missing_file``), or is no text of this encoding (``bad_encoding``).
    """
    decoder = codecs.getincrementaldecoder(_codec(encoding))()
    read = 0
    try:
        with path.open("rb") as file:
            while block := file.read(_CHUNK_BYTES):
                decoder.decode(block)
                read += len(block)
            decoder.decode(b"", final=True)
    except UnicodeError as error:
        place = read + getattr(error, "start", 0)
        raise InputError("bad_encoding", f"not {encoding} near byte {place}", file=str(path)) from None
    except OSError as error:
        raise InputError("missing_file", error.strerror or "cannot be read", file=str(path)) from None


@contextlib.contextmanager
def open_utf8(path: Path, encoding: str) -> Iterator[BinaryIO]:
    """Open a text file so that its lines can be read as UTF-8 whatever its own encoding is; a BOM is dropped."""
    codec = _codec(encoding)
    with path.open("rb") as file:
        if codec in _UTF8:
            yield cast("BinaryIO", file)
            return
        text = io.TextIOWrapper(cast("BinaryIO", file), codec, newline="\n")
        yield cast("BinaryIO", _Recoded(text))
        text.detach()


@contextlib.contextmanager
def open_text(path: Path, encoding: str) -> Iterator[io.TextIOWrapper]:
    """Open a text file for reading; line ends stay as they are, a BOM is dropped."""
    codec = _codec(encoding)
    with path.open("r", encoding="utf-8-sig" if codec in _UTF8 else codec, newline="") as file:
        yield file


class _Recoded:
    """Lines of a text file as UTF-8 bytes; only ``readline``, which is all that line readers use."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text

    def readline(self, limit: int) -> bytes:
        return self._text.readline(limit).encode()


def _codec(encoding: str) -> str:
    try:
        "".encode(encoding)  # only encodings of text: codecs.lookup knows base64 and the like too
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise InputError("bad_encoding", f"there is no encoding {encoding!r}", field="encoding") from None
