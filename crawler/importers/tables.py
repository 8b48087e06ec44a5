"""Tables from strangers: CSV and XLSX as rows of texts, bounded in size."""

from __future__ import annotations

import csv
import zipfile
from datetime import date, datetime
from typing import IO, TYPE_CHECKING
from zlib import error as ZlibError  # noqa: N812 - it is an exception class

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from crawler.importers.texts import check_text, open_text
from storage.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_COLUMNS = 200
MAX_CELL_CHARS = 1 << 20
_MAX_XLSX_BYTES = 64 << 20
_MAX_UNPACKED_BYTES = 512 << 20
_MAX_MEMBERS = 1000
_ZIP = b"PK\3\4"

Row = tuple[int, list[str]]
"""Line number, counted from 1 with the header as spreadsheets do, and cells."""


def is_workbook(path: Path) -> bool:
    """Tell whether a file is an XLSX workbook, by its name or its first bytes."""
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) == _ZIP
    except OSError:
        return False


def read_table(path: Path, encoding: str) -> Iterator[Row]:
    """Yield the rows of a table that hold anything, the header first.

    Raises:
        InputError: the file is missing, is no text of this encoding, or is no table (``corrupt_file``). For CSV the
            encoding is checked before the first row comes.
    """
    rows = _xlsx_rows(path) if is_workbook(path) else _csv_rows(path, encoding)
    for number, cells in rows:
        if any(cell.strip() for cell in cells):
            yield number, cells


def _csv_rows(path: Path, encoding: str) -> Iterator[Row]:
    check_text(path, encoding)
    csv.field_size_limit(MAX_CELL_CHARS)
    with open_text(path, encoding) as file:
        reader = csv.reader(file, strict=True)
        number = 1
        try:
            for cells in reader:
                if len(cells) > MAX_COLUMNS:
                    raise InputError(
                        "corrupt_file", f"more than {MAX_COLUMNS} columns", file=str(path), line=number
                    )
                yield number, cells
                number = reader.line_num + 1
        except csv.Error as error:
            raise InputError("corrupt_file", f"not CSV: {error}", file=str(path), line=number) from None


def _xlsx_rows(path: Path) -> Iterator[Row]:
    _check_archive(path)
    try:
        with path.open("rb") as file:  # by its name, openpyxl would refuse a workbook without the usual suffix
            yield from _sheet_rows(file)
    except (
        InvalidFileException,
        SyntaxError,  # both XML parsers raise kinds of it
        zipfile.BadZipFile,
        ZlibError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        EOFError,
        OSError,
    ) as error:  # what openpyxl raises on damaged workbooks
        message = f"not a workbook: {type(error).__name__}"
        raise InputError("corrupt_file", message, file=str(path)) from None


def _sheet_rows(file: IO[bytes]) -> Iterator[Row]:
    book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # a sheet's own word on its size is not believed
        for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True), 1):
            yield number, [_cell(cell) for cell in cells]
    finally:
        book.close()


def _check_archive(path: Path) -> None:
    try:
        if path.stat().st_size > _MAX_XLSX_BYTES:
            raise InputError("corrupt_file", "the workbook is larger than is reasonable", file=str(path))
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _MAX_MEMBERS or sum(m.file_size for m in members) > _MAX_UNPACKED_BYTES:
                message = "the workbook unpacks to more than is reasonable"
                raise InputError("corrupt_file", message, file=str(path))
            for member in members:
                with archive.open(member) as part:
                    if b"<!DOCTYPE" in part.read(4096):  # no workbook needs one
                        raise InputError("corrupt_file", "the workbook holds a document type", file=str(path))
    except FileNotFoundError:
        raise InputError("missing_file", "cannot be read", file=str(path)) from None
    except (zipfile.BadZipFile, ZlibError, NotImplementedError, RuntimeError, EOFError, ValueError, OSError):
        raise InputError("corrupt_file", "not a workbook", file=str(path)) from None


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # an id typed as a number
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)[:MAX_CELL_CHARS]
