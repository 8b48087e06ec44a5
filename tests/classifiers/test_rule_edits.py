"""An edit of one entry changes that entry's data and no other character of the file."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.lexicon import PACKAGED_LEXICONS
from classifiers.rule_edits import RuleEditError, edit_entry

FLOW = """# why this file is here
role: offer   # of services
source: test
date: 2026-11-21
terms:
  - term: 代还
    exceptions: [时代还, 年代还]  # traps
    examples:
      matching: [信用卡代还, 代还花呗]
      non_matching: [时代还早]
  - term: "帮您"
    examples: {matching: [帮您谈, 帮您办], non_matching: [帮忙]}
"""
BLOCK = """role: offer
source: test
date: 2026-11-21
terms:
- examples:
    matching:
    - 信用卡代还
    - 代还花呗
    non_matching:
    - 时代还早
  term: 代还
  views: [sound]
- {term: 帮您, examples: {matching: [帮您谈, 帮您办], non_matching: [帮忙,]}}
"""


def entry(content: bytes, term: str) -> dict[str, object]:
    found = yaml.safe_load(content)
    return next(one for one in found["terms"] if one["term"] == term)


@pytest.mark.parametrize("text", [FLOW, BLOCK], ids=["flow", "block"])
@pytest.mark.parametrize("term", ["代还", "帮您"])
def test_additions_stand_in_their_entry_and_nothing_else_moves(text: str, term: str) -> None:
    changed = edit_entry(text.encode(), term, exceptions=["新词"], non_matching=["甲: 乙", "丙 # 丁"])
    wanted = entry(text.encode(), term)
    wanted["exceptions"] = [*wanted.get("exceptions", []), "新词"]
    wanted["examples"]["non_matching"] += ["甲: 乙", "丙 # 丁"]
    assert entry(changed, term) == wanted
    other = "帮您" if term == "代还" else "代还"
    assert entry(changed, other) == entry(text.encode(), other)
    lost = [line for line in text.splitlines() if line not in changed.decode()]
    assert len(lost) <= 2
    assert all(comment in changed.decode() for comment in ("# why", "# of services", "# traps") if comment in text)


def test_views_are_set_or_replaced() -> None:
    assert entry(edit_entry(BLOCK.encode(), "代还", views=["fuzzy"]), "代还")["views"] == ["fuzzy"]
    assert entry(edit_entry(FLOW.encode(), "代还", views=[]), "代还")["views"] == []


def test_what_stands_there_already_is_no_edit() -> None:
    with pytest.raises(RuleEditError, match="already"):
        edit_entry(FLOW.encode(), "代还", exceptions=["时代还"], non_matching=["时代还早"])
    both = edit_entry(FLOW.encode(), "代还", exceptions=["时代还", "隔代还"])
    assert entry(both, "代还")["exceptions"] == ["时代还", "年代还", "隔代还"]


def test_an_unknown_entry_is_refused() -> None:
    with pytest.raises(RuleEditError, match="没有"):
        edit_entry(FLOW.encode(), "没有", exceptions=["x"])


def test_a_layout_that_cannot_be_edited_is_refused_and_not_spoilt() -> None:
    shared = FLOW.replace("[时代还, 年代还]", "&traps [时代还]").replace(
        "non_matching: [帮忙]}", "non_matching: *traps}"
    )
    with pytest.raises(RuleEditError, match="by hand"):
        edit_entry(shared.encode(), "代还", exceptions=["隔代还"])


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1).filter(str.strip))
def test_any_text_can_be_added(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    for written in (FLOW, BLOCK):
        changed = edit_entry(written.encode(), "帮您", non_matching=[text])
        assert entry(changed, "帮您")["examples"]["non_matching"] == ["帮忙", text]


@pytest.mark.parametrize("path", sorted(PACKAGED_LEXICONS.glob("*.yml")), ids=lambda path: path.stem)
def test_every_entry_of_the_packaged_files_can_be_edited(path: object) -> None:
    content = path.read_bytes()  # type: ignore[attr-defined]  # a path
    for term in [one["term"] for one in yaml.safe_load(content)["terms"]][::10]:
        changed = edit_entry(content, term, exceptions=["某某某"], non_matching=["某某某"])
        assert "某某某" in entry(changed, term)["exceptions"]
