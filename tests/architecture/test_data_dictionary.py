"""The two pages of the data dictionary name every table and every column of the database, and no other."""

from __future__ import annotations

import re

from storage.tables import metadata
from tests.support import tree

PAGES = sorted((tree.ROOT / "docs").glob("data-dictionary*.md"))
HEADING = re.compile(r"^### `(\w+)`$", re.MULTILINE)
NAMES = re.compile(r"`(\w+)`")


def described() -> dict[str, list[str]]:
    """Return the columns that the pages name, by table, in their order."""
    pieces = [piece for page in PAGES for piece in HEADING.split(page.read_text("utf-8"))[1:]]
    return {name: _columns(text) for name, text in zip(pieces[::2], pieces[1::2], strict=True)}


def _columns(text: str) -> list[str]:
    rows = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    return [name for row in rows for name in NAMES.findall(row.split("|")[1])]


def test_every_table_has_its_section_and_no_section_is_left_over() -> None:
    assert sorted(described()) == sorted(metadata.tables)


def test_every_column_is_named_once_and_no_other() -> None:
    page = described()
    wrong = {
        name: sorted(set(page[name]) ^ set(table.columns.keys())) or page[name]
        for name, table in metadata.tables.items()
        if sorted(page[name]) != sorted(table.columns.keys())
    }
    assert wrong == {}
