"""Reply files come from outside: broken, hostile and huge ones end in a named refusal."""

from __future__ import annotations

import io
import random
import zipfile
from contextlib import suppress

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.channel import load_channels
from reporting.reply_files import MAX_ROWS, ReplyRow, parse_reply_file
from storage.errors import InputError

SPEC = load_channels()["partner_desk"].spec


def parse(data: bytes, name: str = "reply.csv") -> list[ReplyRow]:
    return parse_reply_file(data, SPEC, name=name)


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def replaced(data: bytes, name: str, content: bytes) -> bytes:
    """Return a workbook with one part replaced or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.namelist():
            if part != name:
                target.writestr(part, source.read(part))
        target.writestr(name, content)
    return buffer.getvalue()


GOOD = workbook(["item", "url", "result", "note"], ["i1", None, "已下架", "x"])


def code_of(data: bytes, name: str = "reply.csv") -> str:
    with pytest.raises(InputError) as raised:
        parse(data, name)
    assert raised.value.exit_code == 2 or raised.value.code in {"bad_encoding", "corrupt_file", "unknown_column"}
    return raised.value.code


def test_rows_keep_their_line_and_lose_guards() -> None:
    data = '\ufeffitem,result,note\r\ni1,已下架,"\'=1+1"\r\n,,\r\n i2 , 未违规 ,x\r\n'.encode()
    assert parse(data) == [
        ReplyRow(line=2, item="i1", url="", result="已下架", note="=1+1"),
        ReplyRow(line=4, item="i2", url="", result="未违规", note="x"),
    ]


def test_workbook_is_known_by_its_content_and_its_name() -> None:
    expected = [ReplyRow(line=2, item="i1", url="", result="已下架", note="x")]
    assert parse(GOOD, "reply.csv") == parse(GOOD, "reply.xlsx") == expected
    assert code_of(b"item,result\n", "reply.xlsx") == "corrupt_file"


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("item,colour,result", "colour"),
        ("item,url", "result"),
        ("result,note", "item"),
        ("item,item,result", "twice"),
        ("", "result"),
        ("item,编号,result", "编号"),
    ],
)
def test_wrong_header_names_the_column(header: str, names: str) -> None:
    with pytest.raises(InputError, match=names) as raised:
        parse(f"{header}\ni1,x,y\n".encode())
    assert raised.value.code == "unknown_column"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("item,result\ni1,已下架\n".encode("gb18030"), "bad_encoding"),
        (b"item,result\ni1,\xff\xfe\n", "bad_encoding"),
        ("item,result\n".encode("utf-16"), "bad_encoding"),
        (b"item,result\ni1,a\0b\n", "corrupt_file"),
        (b"", "unknown_column"),
        (b"PK\3\4", "corrupt_file"),
        (b"PK\3\4" + random.Random(3).randbytes(2000), "corrupt_file"),
        (GOOD[:-200], "corrupt_file"),
        (GOOD[: len(GOOD) // 2], "corrupt_file"),
        (replaced(GOOD, "xl/workbook.xml", b"<workbook"), "corrupt_file"),
        (replaced(GOOD, "xl/worksheets/sheet1.xml", b"not xml"), "corrupt_file"),
        (replaced(GOOD, "[Content_Types].xml", b""), "corrupt_file"),
    ],
)
def test_broken_file_is_refused_by_its_fault(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_entities_are_refused() -> None:
    laughs = (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
        b'<c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>'
    )
    assert code_of(replaced(GOOD, "xl/worksheets/sheet1.xml", laughs)) == "corrupt_file"
    outside = b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'
    assert code_of(replaced(GOOD, "xl/styles.xml", outside)) == "corrupt_file"


def test_bombs_are_refused() -> None:
    assert code_of(replaced(GOOD, "xl/media/image1.png", b"\0" * (300 << 20))) == "corrupt_file"
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(600):
            archive.writestr(f"x{number}", b"")
    assert code_of(many.getvalue()) == "corrupt_file"


def test_too_many_rows_are_refused() -> None:
    assert code_of(b"item,result\n" + b"i1,x\n" * (MAX_ROWS + 1)) == "corrupt_file"
    far = b"<row r='1048576'><c r='XFD1048576' t='inlineStr'><is><t>x</t></is></c></row>"
    sheet = (
        b"<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>"
        b"<dimension ref='A1:XFD1048576'/><sheetData>" + far + b"</sheetData></worksheet>"
    )
    assert code_of(replaced(GOOD, "xl/worksheets/sheet1.xml", sheet)) in {"corrupt_file", "unknown_column"}


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_any_damage_to_a_workbook_is_survived(place: int, change: int) -> None:
    data = bytearray(GOOD)
    data[place] ^= change
    with suppress(InputError):
        parse(bytes(data))


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    with suppress(InputError):
        parse(b"item,result\n" + data)
