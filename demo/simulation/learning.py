"""What the operator adds after the first weeks: the site's own ways to say that something is gone, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_PACKAGED = Path(__file__).resolve().parents[2] / "crawler" / "sources" / "web.yml"
_LEARNT: tuple[dict[str, str], ...] = (
    {"name": "forum_gone", "place": "head", "pattern": "您要找的这一页已经离开了我们"},
    {"name": "forum_not_found", "place": "head", "pattern": r"<title>\s*没有找到相关内容"},
    {"name": "forum_to_start", "place": "url", "pattern": "^https?://[^/]+/$"},
)


def learn_markers(folder: Path) -> None:
    """Write the platform's definition with the markers of this site into a folder of overlays."""
    definition: dict[str, Any] = yaml.safe_load(_PACKAGED.read_text("utf-8"))
    definition["markers"]["gone"] = [*definition["markers"]["gone"], *_LEARNT]
    text = yaml.safe_dump(definition, allow_unicode=True, sort_keys=False)
    (folder / _PACKAGED.name).write_text(text, "utf-8")
