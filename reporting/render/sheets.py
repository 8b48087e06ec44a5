"""Spreadsheets and tables: typed text cells only, so that nothing a stranger wrote is ever computed or followed.

Excel and its kin take a cell that begins with ``= + - @`` for a formula, xlsxwriter's ``write`` makes formulas and
links of such text by itself (measured: 4 formulas and 5 links of 20 hostile cells), and lone surrogates or control
characters break the file. Excel holds 32,767 characters in a cell. A CSV file has no types, so spreadsheets also
make numbers and dates of its text: 18 digits lose the last three, leading zeros go, 1/2 becomes a day.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import xlsxwriter

from reporting.render.office import repack, xml_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.records import Json

MAX_CELL = 32_767
CUT = "…（截断）"
_DANGEROUS = "=+-@\t\r\n\0＝＋－＠"
_BLANK = " \u3000\u00a0"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec"
_NUMERIC = re.compile(r"(?i)[\d.,:/年月日时分秒%()¥$€£ e+-]+")
_DIGIT = re.compile(r"\d")
_WORDED = re.compile(
    rf"(?i)\d{{1,4}}[ ./-]?({_MONTHS})[a-z]{{0,9}}([ ./-]?\d{{1,4}})?|({_MONTHS})[a-z]{{0,9}}[ ./-]?\d{{1,4}}"
    r"|[\d-]{8,10}T[\d:.]+Z?|true|false"
)
_PLAIN_NUMBER = re.compile(r"0|[1-9]\d{0,8}")
_CREATED = datetime(1980, 1, 1, tzinfo=UTC)
_WIDTHS = {"url": 48, "excerpt": 60, "evidence": 36, "rule": 36, "measure": 30}


def cell_text(value: object) -> str:
    """Return a value as the text of a cell: lists joined, unseen characters made visible, cut where Excel ends."""
    if value is None:
        return ""
    text = "；".join(str(part) for part in value) if isinstance(value, list | tuple) else str(value)
    text = xml_text(text)
    units = text.encode("utf-16-le")  # Excel counts these, an emoji is two
    if len(units) <= 2 * MAX_CELL:
        return text
    return units[: 2 * (MAX_CELL - len(CUT))].decode("utf-16-le", "ignore") + CUT


def guarded(text: str) -> str:
    """Return CSV text with ``'`` before what a spreadsheet would compute, or rewrite as a number or date."""
    return f"'{text}" if _is_active(text) else text


def unguarded(text: str) -> str:
    """Return CSV text as it was before :func:`guarded`."""
    return text[1:] if text.startswith("'") and _is_active(text[1:]) else text


def _is_active(text: str) -> bool:
    """Tell whether a CSV text needs its guard; one that begins with ``'`` itself does, so that undoing is exact."""
    if text.lstrip(_BLANK)[:1] in (*_DANGEROUS, "'"):
        return True
    plain = unicodedata.normalize("NFKC", text).strip()
    if _PLAIN_NUMBER.fullmatch(plain):
        return False
    return bool(_NUMERIC.fullmatch(plain) and _DIGIT.search(plain)) or bool(_WORDED.fullmatch(plain))


def table_csv(columns: Sequence[tuple[str, str]], rows: Iterable[Json]) -> bytes:
    """Return a CSV file (UTF-8 with BOM, all fields quoted, formulas guarded)."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([guarded(header) for _, header in columns])
    for row in rows:
        writer.writerow([guarded(cell_text(row[key])) for key, _ in columns])
    return buffer.getvalue().encode("utf-8-sig")


def lines_json(rows: Iterable[Json]) -> bytes:
    """Return JSON lines; characters that no reader sees are escaped."""
    return "".join(f"{_shown(json.dumps(row, ensure_ascii=False))}\n" for row in rows).encode()


def object_json(value: Json) -> bytes:
    """Return one JSON object over several lines; characters that no reader sees are escaped."""
    lines = json.dumps(value, ensure_ascii=False, indent=1).split("\n")
    return "".join(f"{_shown(line)}\n" for line in lines).encode()


def table_xlsx(name: str, columns: Sequence[tuple[str, str]], rows: Iterable[Json]) -> bytes:
    """Return a workbook with one sheet of text cells."""
    buffer = io.BytesIO()
    book = new_workbook(buffer, constant_memory=True)
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bg_color": "#E7ECF3", "border": 1, "text_wrap": True})
    body = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    sheet.freeze_panes(1, 0)
    for place, (key, header) in enumerate(columns):
        sheet.set_column(place, place, _WIDTHS.get(key, 18))
        sheet.write_string(0, place, cell_text(header), head)
    for line, row in enumerate(rows, 1):
        for place, (key, _) in enumerate(columns):
            sheet.write_string(line, place, cell_text(row[key]), body)
    book.close()
    return repack(buffer.getvalue())


def new_workbook(target: io.BytesIO, *, constant_memory: bool = False) -> xlsxwriter.Workbook:
    """Return a workbook that makes neither formulas nor links of text and carries no present time."""
    options = {
        "constant_memory": constant_memory,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(target, options)
    book.set_properties({"created": _CREATED, "author": "", "comments": ""})
    return book


def _shown(text: str) -> str:
    return "".join(
        character if character.isprintable() or character == "\u3000" else _escaped(character) for character in text
    )


def _escaped(character: str) -> str:
    """Return a character inside a JSON string as its escape."""
    return json.dumps(character)[1:-1]
