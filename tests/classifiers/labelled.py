"""Labelled rows and rulesets for tests of the figures."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from classifiers.engine import DATA, Ruleset, load_ruleset
from classifiers.evaluate import judge_portions

if TYPE_CHECKING:
    from pathlib import Path

    from classifiers.evaluate import Judged

OFFER = "我们专业办理停息挂账，不成功不收费，加微信 anping_kefu7"
CALM = "今天的云很好看"


@cache
def rules() -> Ruleset:
    return load_ruleset()


def row(label: str | None, text: str, **more: object) -> dict[str, object]:
    return {"id": "r", "text": text, **({"label": label} if label else {}), **more}


def judged(*rows: dict[str, object]) -> list[Judged]:
    return [item for portion in judge_portions(rows, rules()) for item in portion]


def overlay_with_weights(folder: Path, **changed: float) -> Path:
    """Write an overlay that changes some keys of the packaged weights."""
    data: dict[str, Any] = yaml.safe_load((DATA / "weights.yml").read_text("utf-8"))
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "weights.yml").write_text(yaml.safe_dump({**data, **changed}), "utf-8")
    return folder
