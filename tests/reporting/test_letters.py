"""The covering letter: as docx, and as pages that are the same wherever they are set, or why there are none."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdf
import pytest

from reporting.channel import PACKAGED
from reporting.exports import export_batch
from reporting.render.letter import MAX_ROWS, letter_docx, letter_pdf
from reporting.render.pdf import MISSING_FONT, MISSING_LIBRARY, make_pdf
from reporting.signing import make_package_key
from storage.evidence import verify_all
from tests.support.takedown import CHANNELS, CHECKER, add_confirmed, approved, exported, settings

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store
    from tests.support.site import Site

TEMPLATES = PACKAGED / "templates"
FACTS = {
    "subject": "关于处置的函",
    "recipient": "平台专员",
    "institution": "示范银行",
    "authority": "合作协议 2026-7 号",
    "department": "消费者权益保护部",
    "person": "<b>周</b>",
    "contact": "010-66668888",
    "pledge": "以上内容真实，愿承担法律责任",
    "batch": "2026-W47-x",
    "count": 3,
    "date": "2026-11-18",
}
REMAKE = """
import json, sys
from pathlib import Path
from reporting.packages import make_letter_pdf
from storage.engine import Store, make_engine
url, evidence, keys, code = sys.argv[1:]
store = Store(make_engine(url), evidence_root=Path(evidence), keys_root=Path(keys))
sys.stdout.write(json.dumps(make_letter_pdf(store, code)))
"""


def rows(count: int) -> list[dict[str, Any]]:
    values = {"platform": "web", "url": "https://forum.test/a", "rule": "有偿代办", "measure": "下架该内容"}
    return [{"item": f"i{number}", **values} for number in range(1, count + 1)]


def pages(data: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def docx_text(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("word/document.xml").decode()


def export(store: Store, now: datetime, folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    make_package_key(store.keys_root, now=now)
    chosen = replace(settings(folder), pdf=True, authority="合作协议 2026-7 号", pledge="以上内容真实")
    answer = export_batch(store, CHANNELS, approved(store, now), settings=chosen, now=now, actor=CHECKER)
    with zipfile.ZipFile(answer["file"]) as archive:
        return answer, {name: archive.read(name) for name in archive.namelist()}


def in_another_process(script: str, *arguments: str, **environment: str) -> str:
    """Run a script elsewhere and return what it writes."""
    root = Path(__file__).parents[2]
    whole = {**os.environ, **environment, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=root.anchor, env=whole, capture_output=True, text=True, check=True).stdout


def test_both_letters_say_the_same() -> None:
    word = docx_text(letter_docx((TEMPLATES / "letter.docx").read_bytes(), FACTS, rows(3)))
    (page,) = pages(letter_pdf((TEMPLATES / "letter.html").read_bytes(), FACTS, rows(3)).data)
    for said in ("示范银行", "合作协议 2026-7 号", "消费者权益保护部", "010-66668888", "愿承担法律责任", "i3"):
        assert said in word
        assert said in page
    assert "<b>周</b>" in page
    assert "第 1 页，共 1 页" in page


def test_empty_settings_leave_their_paragraph_out() -> None:
    bare = FACTS | dict.fromkeys(("authority", "department", "person", "contact", "pledge"), "")
    word = docx_text(letter_docx((TEMPLATES / "letter.docx").read_bytes(), bare, rows(1)))
    page = "".join(pages(letter_pdf((TEMPLATES / "letter.html").read_bytes(), bare, rows(1)).data))
    for left_out in ("依据", "承诺", "联系人"):
        assert left_out not in word
        assert left_out not in page


def test_table_breaks_over_pages_with_its_head_on_each_and_ends_where_it_says() -> None:
    found = pages(letter_pdf((TEMPLATES / "letter.html").read_bytes(), FACTS, rows(60)).data)
    assert len(found) > 2
    assert all("违规说明" in page for page in found)
    assert all(f"第 {number} 页，共 {len(found)} 页" in page for number, page in enumerate(found, 1))
    assert "i60" in found[-1]
    word = docx_text(letter_docx((TEMPLATES / "letter.docx").read_bytes(), FACTS, rows(MAX_ROWS + 5)))
    assert "另有 5 条" in word
    assert f">i{MAX_ROWS}<" in word
    assert f">i{MAX_ROWS + 1}<" not in word


def test_nothing_is_loaded_into_a_letter(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("geheim")
    references = (f"{site.url}/x", secret.as_uri(), "data:text/plain,geheim")
    html = "".join(
        f"<link rel=stylesheet href='{url}'><style>@import '{url}'; p {{background: url({url})}}"
        f"@font-face {{font-family: f; src: url({url})}}</style><img src='{url}'><object data='{url}'></object>"
        for url in references
    )
    made = make_pdf(f"{html}<p style='font-family: f'>停息")
    assert site.requests == []
    assert b"geheim" not in made.data
    assert "geheim" not in "".join(pages(made.data))


def test_pages_are_set_once_and_come_out_the_same_elsewhere(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    add_confirmed(sqlite_store, now, "a")
    answer, found = export(sqlite_store, now, tmp_path)
    manifest = json.loads(found["manifest.json"])
    assert manifest["letter_pdf"]["fonts"]
    assert "合作协议" in "".join(pages(found["letter.pdf"]))
    url = sqlite_store.engine.url.render_as_string(hide_password=False)
    where = (url, str(sqlite_store.evidence_root), str(sqlite_store.keys_root), answer["batch"])
    again = json.loads(
        in_another_process(REMAKE, *where, TZ="America/St_Johns", PYTHONHASHSEED="7", LANG="C.UTF-8")
    )
    assert again["sha256"] == hashlib.sha256(found["letter.pdf"]).hexdigest()
    assert again["fonts"] == manifest["letter_pdf"]["fonts"]
    with sqlite_store.read() as conn:
        files = verify_all(conn, sqlite_store.evidence_root)
    assert files["files"] == files["verified"] == 3  # both templates and the pages


WITHOUT_PANGO = """
import cffi
opened = cffi.FFI.dlopen
def lacking(self, name, flags=0):
    if name and "pango" in name:
        raise OSError("cannot load library " + name)
    return opened(self, name, flags)
cffi.FFI.dlopen = lacking
"""
NO_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{0}</dir><cachedir>{0}</cachedir></fontconfig>"""


TRIED = """
import sys
from reporting.render.pdf import PdfUnavailableError, make_pdf
try:
    make_pdf("<p>停息")
except PdfUnavailableError as error:
    sys.stdout.write(str(error))
"""


@pytest.mark.parametrize("why", [MISSING_LIBRARY, MISSING_FONT])
def test_machine_that_cannot_set_pages_says_why(tmp_path: Path, why: str) -> None:
    """Without any font the library would end the process, so that is asked before."""
    fonts = tmp_path / "fonts.conf"
    fonts.write_text(NO_FONTS.format(tmp_path))
    prelude = WITHOUT_PANGO if why == MISSING_LIBRARY else ""
    assert in_another_process(prelude + TRIED, FONTCONFIG_FILE=str(fonts)) == why


def test_package_without_pages_says_why_and_is_whole(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(sqlite_store, now, "a")
    answer = exported(sqlite_store, now, tmp_path)
    with zipfile.ZipFile(answer["file"]) as archive:
        assert "letter.pdf" not in archive.namelist()
        assert "letter.docx" in archive.namelist()
        told = json.loads(archive.read("manifest.json"))["letter_pdf"]
    assert told == {"why": "switched off by the setting packages.letter_pdf"}
