"""Reading the files in which platforms answer: CSV or XLSX, hostile like everything from outside.

Parsing is pure and bounded: sizes are checked before a file is unpacked, XML with a document type is refused, and
a sheet's own claims about its dimensions are not believed.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import error as ZlibError  # noqa: N812 - it is an exception class

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from reporting.channel import REPLY_COLUMNS
from reporting.render.sheets import unguarded
from storage.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reporting.channel import ChannelSpec

MAX_FILE_BYTES = 16 << 20
MAX_ROWS = 50_000
MAX_COLUMNS = 60
_MAX_UNPACKED_BYTES = 256 << 20
_MAX_MEMBERS = 500
_DECLARATIONS = tuple(word.encode(code) for word in ("<!DOCTYPE", "<!ENTITY") for code in ("ascii", "utf-16-le"))
_ZIP = b"PK\3\4"
_DAMAGED = (
    InvalidFileException,
    SyntaxError,  # both XML parsers raise kinds of it
    zipfile.BadZipFile,
    ZlibError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
    RecursionError,
    EOFError,
    OSError,
)
"""What openpyxl raises on damaged workbooks, found by flipping bytes of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRow:
    """One row of a reply file; ``line`` counts from 1 with the header, as spreadsheets do."""

    line: int
    item: str
    url: str
    result: str
    note: str


def parse_reply_file(data: bytes, spec: ChannelSpec, *, name: str) -> list[ReplyRow]:
    """Return the rows of a reply file that hold anything.

    Raises:
        InputError: the file is no table (``corrupt_file``), not UTF-8 (``bad_encoding``), has a column that neither
            every channel nor this one knows, or lacks one that is needed (``unknown_column``).
    """
    if data[:4] == _ZIP or name.lower().endswith((".xlsx", ".xlsm")):
        table = _xlsx_rows(data, name)
    else:
        table = _csv_rows(data, name)
    header = next(table, [])
    places = _places(header, spec, name)
    rows = []
    for line, cells in enumerate(table, 2):
        values = {key: cells[place].strip() if place < len(cells) else "" for key, place in places.items()}
        if any(cell.strip() for cell in cells):
            rows.append(
                ReplyRow(
                    line=line,
                    item=unguarded(values.get("item", "")),
                    url=unguarded(values.get("url", "")),
                    result=unguarded(values["result"]),
                    note=unguarded(values.get("note", "")),
                )
            )
    return rows


def _places(header: Sequence[str], spec: ChannelSpec, name: str) -> dict[str, int]:
    """Return where each of item, url, result and note stands."""
    own: dict[str, str | None] = {column.header: None for column in spec.columns}
    own |= {title: key for key, title in spec.reply.columns.items()}
    known: dict[str, str | None] = {**own, **{key: key for key in REPLY_COLUMNS}}
    places: dict[str, int] = {}
    for place, cell in enumerate(header):
        title = cell.strip()
        if not title:
            continue
        if title not in known:
            raise InputError("unknown_column", f"there is no column {title[:60]!r}", file=name, field=title[:60])
        key = known[title]
        if key in places:
            raise InputError("unknown_column", f"column {key} stands twice", file=name, field=key)
        if key is not None:
            places[key] = place
    if "result" not in places or not {"item", "url"} & set(places):
        message = f"columns needed: {', '.join(REPLY_COLUMNS)} (item or url, and result)"
        raise InputError("unknown_column", message, file=name)
    return places


def _csv_rows(data: bytes, name: str) -> Iterator[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("bad_encoding", f"not UTF-8 at byte {error.start}", file=name) from None
    if "\0" in text:
        raise InputError("corrupt_file", "not a table of text", file=name)
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for number, cells in enumerate(reader):
            _check_size(number, len(cells), name)
            yield cells
    except csv.Error as error:
        raise InputError("corrupt_file", f"not CSV: {error}", file=name) from None


def _xlsx_rows(data: bytes, name: str) -> Iterator[list[str]]:
    _check_archive(data, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what openpyxl does not know of a workbook does not matter here
            return iter(_first_sheet(data, name))
    except _DAMAGED as error:
        raise InputError("corrupt_file", f"not a workbook: {type(error).__name__}", file=name) from None


def _first_sheet(data: bytes, name: str) -> list[list[str]]:
    with closing(
        openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    ) as book:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        rows = []
        for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True)):
            _check_size(number, 0, name)
            rows.append(["" if cell is None else str(cell) for cell in cells])
        return rows


def _check_archive(data: bytes, name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            if len(members) > _MAX_MEMBERS or size > _MAX_UNPACKED_BYTES:
                raise InputError("corrupt_file", "the workbook unpacks to more than is reasonable", file=name)
            for member in members:
                with archive.open(member) as part:
                    _check_part(part.read(_MAX_UNPACKED_BYTES), name)
    except (zipfile.BadZipFile, ZlibError, NotImplementedError, RuntimeError, EOFError, ValueError, OSError):
        raise InputError("corrupt_file", "not a workbook", file=name) from None


def _check_part(part: bytes, name: str) -> None:
    if any(word in part for word in _DECLARATIONS):
        raise InputError("corrupt_file", "the workbook holds a document type, which none needs", file=name)


def _check_size(rows: int, columns: int, name: str) -> None:
    if rows > MAX_ROWS or columns > MAX_COLUMNS:
        raise InputError("corrupt_file", f"more than {MAX_ROWS} rows or {MAX_COLUMNS} columns", file=name)
