"""The gold set as the fitting scripts read it."""

from __future__ import annotations

import json
from pathlib import Path

GOLD = Path(__file__).resolve().parent.parent / "tests" / "gold"


def read_gold() -> list[dict[str, object]]:
    """Return the rows of every gold file of posts."""
    return [
        json.loads(line)
        for path in sorted(GOLD.glob("posts*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]


def template_of(row: dict[str, object]) -> str:
    """Return what a fit may not have on both sides: the row's template, which rows of one author share."""
    return str(row.get("template", row["id"]))
