"""The two READMEs say the same: equal headings, commands, tables, lists and links, section by section."""

from __future__ import annotations

import re

from tests.support import tree

ENGLISH, CHINESE = "README.md", "README.zh-CN.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d+(?:[/.,:]\d+)*")
COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)


def sections(name: str) -> list[str]:
    """Return the text of each section, what stands before the first one included."""
    text = (tree.ROOT / name).read_text("utf-8")
    return re.split(r"^## ", text, flags=re.MULTILINE)


def shape(section: str) -> dict[str, object]:
    """Return what must be equal in both languages."""
    prose = FENCE.sub("", section)
    lines = prose.splitlines()
    return {
        "blocks": [(kind, _commands(body)) for kind, body in FENCE.findall(section)],
        "links": sorted(set(LINK.findall(prose)) - {ENGLISH, CHINESE}),
        "headings": sum(line.startswith("#") for line in lines),
        "rows": sum(line.startswith("|") for line in lines),
        "points": sum(line.startswith("- ") for line in lines),
        "bold": prose.count("**"),
    }


def _commands(body: str) -> list[str]:
    return [line.rstrip() for line in COMMENT.sub("", body).splitlines()]


def test_the_readmes_are_equal_section_by_section() -> None:
    assert [shape(one) for one in sections(ENGLISH)] == [shape(one) for one in sections(CHINESE)]


def test_each_readme_leads_to_the_other() -> None:
    assert CHINESE in LINK.findall(sections(ENGLISH)[0])
    assert ENGLISH in LINK.findall(sections(CHINESE)[0])


def test_figures_are_the_same_in_both() -> None:
    """Numbers of the table of measured values, which somebody may update in one language only."""
    tables = [
        [sorted(NUMBER.findall(line)) for line in "".join(sections(name)).splitlines() if line.startswith("|")]
        for name in (ENGLISH, CHINESE)
    ]
    assert tables[0] == tables[1]
