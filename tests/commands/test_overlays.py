"""A workspace's own files are in force for every command that judges."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.cli import call

if TYPE_CHECKING:
    from pathlib import Path

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
LINE = json.dumps({"id": "1", "text": "蓝莓计划，帮您办理，不成功不收费，加薇 lmjh_8801"}).encode()


def test_screening_in_a_workspace_knows_its_own_terms(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    assert call("init", root, "--password-stdin", stdin=b"Correct-horse-7\n").code == 0
    packaged = call("screen", "-", "--data", root, stdin=LINE).obj
    (root / "overlays" / "lexicons" / "own_terms.yml").write_text(TERMS, "utf-8")

    own = call("screen", "-", "--data", root, stdin=LINE).obj

    assert "own_terms:蓝莓计划" in {finding["rule"] for finding in own["findings"]}
    assert own["ruleset"] != packaged["ruleset"]
