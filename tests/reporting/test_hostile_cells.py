"""Hostile texts through a real package: text in clues.xlsx, clues.csv and reply.xlsx, in LibreOffice too.

These three are the forms of table that a package has: a sheet written row by row, a CSV file, and the form with
locked cells and lists. accounts.csv and networks.csv are written by the same function as clues.csv.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
import sqlalchemy as sa
from openpyxl.utils.escape import unescape

from reporting.render.sheets import cell_text, guarded, unguarded
from storage.tables import clue, post, post_revision
from storage.text import clean_text
from tests.support.payloads import PAYLOADS
from tests.support.takedown import CHANNELS, add_confirmed, add_offender, exported

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

APT_LINE = "LibreOffice is missing; as root: apt-get install libreoffice-calc-nogui"
NAMES = ("clues.xlsx", "clues.csv", "reply.xlsx")
CSV_OUT = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,1"
CSV_IN = "--infilter=Text - txt - csv (StarCalc):44,34,76,1"
TITLES = {column.id: column.header for column in CHANNELS["partner_desk"].spec.columns}
SAID = [cell_text(clean_text(payload)) for payload in PAYLOADS]
"""The payloads as a cell shows them: what no database holds replaced, unseen ones named, cut to a cell."""


def plant(store: Store, now: datetime) -> None:
    """Store one confirmed clue per payload, which stands in nickname, handle and address."""
    for number, payload in enumerate(PAYLOADS):
        account_id = add_offender(store, now, f"u{number}", handle=payload)
        (clue_id,) = add_confirmed(store, now, f"n{number}", account_id=account_id, url=payload)
        with store.write(now) as unit:
            post_id = unit.conn.execute(sa.select(clue.c.post_id).where(clue.c.id == clue_id)).scalar_one()
            unit.conn.execute(
                sa.update(post_revision).where(post_revision.c.post_id == post_id).values(author_name=payload)
            )
            unit.conn.execute(sa.update(post).where(post.c.id == post_id).values(account_id=account_id))


@pytest.fixture
def files(sqlite_store: Store, now: datetime, tmp_path: Path) -> dict[str, Path]:
    """Return the tables of a package of all payloads, unpacked."""
    plant(sqlite_store, now)
    answer = exported(sqlite_store, now, tmp_path)
    with zipfile.ZipFile(answer["file"]) as archive:
        return {name: tmp_path / archive.extract(name, tmp_path) for name in NAMES}


def sheet(path: Path, name: str, *, inline: bool = False) -> list[dict[str, Any]]:
    """Return the rows of a sheet; ``inline``: its texts stand in the cells, where openpyxl leaves ``_x005F_``."""
    lines = list(openpyxl.load_workbook(path)[name].iter_rows())
    assert {cell.data_type for line in lines for cell in line} <= {"s", "n"}  # n: an empty cell
    assert not [cell for line in lines for cell in line if cell.hyperlink]
    header = [cell.value for cell in lines[0]]
    texts = [[str(cell.value or "") for cell in line] for line in lines[1:]]
    return [dict(zip(header, map(unescape, line) if inline else line, strict=True)) for line in texts]


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def convert(files: list[Path], to: str, out: Path, *options: str) -> None:
    """Open files in LibreOffice and save them as something else."""
    program = shutil.which("soffice")
    assert program, APT_LINE
    profile = f"-env:UserInstallation={(out / 'profile').as_uri()}"
    command = [program, profile, "--headless", *options, "--convert-to", to, "--outdir", str(out), *map(str, files)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def test_no_formula_no_link_and_every_text_comes_back(files: dict[str, Path], tmp_path: Path) -> None:
    assert len(PAYLOADS) >= 60
    check_parts(files)
    check_texts(files)
    check_libreoffice(files, tmp_path / "office")


def check_parts(files: dict[str, Path]) -> None:
    for name in ("clues.xlsx", "reply.xlsx"):
        with zipfile.ZipFile(files[name]) as book:
            for part in book.namelist():
                text = book.read(part).decode()
                assert not re.search(r"<f[ >/]|<hyperlink|ddeLink|oleLink|externalReference|<webPr", text), part
                assert 'TargetMode="External"' not in text, part
                assert "external" not in part.lower()


def check_texts(files: dict[str, Path]) -> None:
    clues, said = sheet(files["clues.xlsx"], "clues", inline=True), table(files["clues.csv"].read_bytes())
    replies = sheet(files["reply.xlsx"], "reply")
    for column in ("nickname", "handle", "url"):
        assert [row[TITLES[column]] for row in clues] == SAID
        assert [unguarded(row[TITLES[column]]) for row in said] == SAID
    assert [row["url"] for row in replies] == SAID
    for row in said:
        assert not re.match(r"[\s\u3000\0]*[=+\-@＝＋－＠]", row[TITLES["nickname"]])


def check_libreoffice(files: dict[str, Path], out: Path) -> None:
    """One start per direction: both workbooks become CSV, the CSV a workbook."""
    out.mkdir()
    convert([files["clues.xlsx"], files["reply.xlsx"]], CSV_OUT, out)
    convert([Path(shutil.copy(files["clues.csv"], out / "table.csv"))], "xlsx", out, CSV_IN)
    shown = table(next(out.glob("clues*.csv")).read_bytes())
    assert [plain(row[TITLES["nickname"]]) for row in shown] == [plain(text) for text in SAID]
    answers = table(next(out.glob("reply*.csv")).read_bytes())
    assert [plain(row["url"]) for row in answers] == [plain(text) for text in SAID]
    opened = sheet(out / "table.xlsx", "table")
    assert [plain(row[TITLES["nickname"]]) for row in opened] == [plain(guarded(text)) for text in SAID]


def plain(text: str) -> str:
    """Return a text with one kind of line end, which LibreOffice does not keep apart."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(
    "text", ["普通文字", "i12", "12", "0", "wx8888", "2026-11-18T10:30:00+08:00", "post", "marvel"]
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert guarded(text) == text


def test_guard_is_undone_exactly() -> None:
    for payload in PAYLOADS:
        assert unguarded(guarded(payload)) == payload
