"""Rule files and stored posts for tests of the commands that change rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.cli import Answer, call

if TYPE_CHECKING:
    from pathlib import Path

WATCH = "sources:\n  - {name: tips, platform: xiaohongshu, access: import}\n"
PITCH = "专业代办停息挂账，协商个性化分期60期，无前期费用，加微信 zhaiwu888 咨询"
OWN_WORD = "蓝莓计划，帮您办理，不成功不收费，加薇 lmjh_8801"
CHAT = "今天天气真好，周末去爬山。"
TERMS = """role: topic
category: interest_suspension
source: test
date: 2026-11-21
terms:
  - term: 蓝莓计划
    examples:
      matching: [加入蓝莓计划, 蓝莓计划懂的来]
      non_matching: [蓝莓蛋糕]
"""
"""A lexicon file of one term that the packaged files do not have."""


def terms_with(exceptions: str) -> str:
    """Return the file with exceptions."""
    return TERMS.replace("    examples", f"    exceptions: [{exceptions}]\n    examples", 1)


def post_line(number: int, text: str, account: str | None = None) -> dict[str, Any]:
    """Return a post line by an account of its own unless one is named."""
    by = account or f"u{number}"
    return {"id": f"p{number}", "text": text, "author": {"id": by, "name": f"用户{by}"}}


def put_posts(root: Path, *lines: dict[str, Any]) -> None:
    """Import posts into a workspace."""
    (root / "watch.yml").write_text(WATCH, "utf-8")
    file = root.parent / "posts.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    done = call("import", file, "--format", "posts", "--source", "tips", "--data", root, "--json")
    assert done.code == 0, done.err


def lexicon(root: Path, *words: object, by: str | None = None) -> Answer:
    """Run one lexicon command in a workspace."""
    return call("lexicon", *words, "--data", root, "--json", *(("--as", by) if by else ()))


def put_in_force(root: Path, file: Path) -> str:
    """Add, try and activate a rule file; return the change."""
    change = str(lexicon(root, "add", file, by="analyst").obj["change"])
    assert lexicon(root, "try", change, by="analyst").code == 0
    done = lexicon(root, "activate", change, by="senior")
    assert done.code == 0, done.err
    return change


def write(folder: Path, text: str, name: str = "own_terms.yml") -> Path:
    """Write a rule file and return it."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text, "utf-8")
    return path
