"""The package as one page to read: no script, nothing loaded from elsewhere, no link to follow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reporting.render.sheets import cell_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.records import Json

_TEMPLATES = Path(__file__).parent / "templates"


def index_html(facts: Json, columns: Sequence[tuple[str, str]], rows: Sequence[Json]) -> bytes:
    """Return the page; a picture is shown where the row's evidence holds one."""
    loader = FileSystemLoader(_TEMPLATES)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    shown = (
        {
            "item": cell_text(row["item"]),
            "cells": [(cell_text(header), cell_text(row[key])) for key, header in columns],
            "picture": next((name for name in row["evidence"] if name.endswith(".png")), None),
        }
        for row in rows
    )
    text = {key: cell_text(value) for key, value in facts.items()}
    pieces = environment.get_template("index.html").generate(facts=text, rows=shown)
    return b"".join(piece.encode() for piece in pieces)
