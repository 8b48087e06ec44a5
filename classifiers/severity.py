"""How harmful a solicitation is, as one small integer that orders the queue (codebook R11).

Severity is no part of a verdict's score: the score says how surely a post is a solicitation, severity how much it
matters if it is one. Points and their reasons are data (``data/severity.yml``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.datafiles import DataFileError, DataNode, read_data_file
from classifiers.records import Band, Category, Role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from classifiers.records import Finding, Verdict

HIGHEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityScale:
    """Points by category and by part of an offer, as the data file gives them."""

    categories: Mapping[Category, int]
    other: int
    second_category_less: int
    recruiting_rules: frozenset[str]
    recruiting: int
    parts: Mapping[Role, int]
    full_offer: int


def severity(verdict: Verdict, scale: SeverityScale) -> int:
    """Return the severity of a verdict, 0 to 100; 0 for a clear one."""
    if verdict.band is Band.CLEAR:
        return 0
    found = {Role(finding.role) for finding in verdict.findings if _counts(finding)}
    parts = [role for role in scale.parts if role in found]
    tier = _first_tier(verdict, scale)
    if tier == 0:
        tier = scale.other + (scale.full_offer if len(parts) == len(scale.parts) else 0)
    return min(HIGHEST, tier + sum(scale.parts[role] for role in parts))


def _counts(finding: Finding) -> bool:
    """Say whether the finding is part of an offer: a turn of speech, a contact, or a term that weighs."""
    return ":" not in finding.rule or finding.weight > 0


def _first_tier(verdict: Verdict, scale: SeverityScale) -> int:
    """Return the points of the worst category or of recruiting, 0 where there is none of the first tier."""
    points = [
        scale.categories[category] - scale.second_category_less * (place > 0)
        for place, category in enumerate(verdict.categories)
        if category in scale.categories
    ]
    if any(finding.rule in scale.recruiting_rules for finding in verdict.findings):
        points.append(scale.recruiting)
    return max(points, default=0)


def load_severity(path: Path) -> SeverityScale:
    """Read the points; raise DataFileError on an unknown or missing key or a number that is no point."""
    data = read_data_file(path)
    categories = data.node("categories")
    recruiting, parts = data.node("recruiting"), data.node("parts")
    scale = SeverityScale(
        categories={_category(path, name): _points(categories.node(name)) for name in categories.keys()},  # noqa: SIM118 - a data node is no dict
        other=_points(data.node("other")),
        second_category_less=_points(data.node("second_category_less")),
        recruiting_rules=frozenset(recruiting.texts("rules")),
        recruiting=_points(recruiting),
        parts={role: _points(parts.node(role.value)) for role in (Role.FEE, Role.PROMISE, Role.CONTACT)},
        full_offer=_points(data.node("full_offer")),
    )
    for node in (categories, parts, data):
        node.close()
    return scale


def _category(path: Path, name: str) -> Category:
    if name not in set(Category):
        raise DataFileError(path, f"{name!r} is no category", field=f"categories.{name}", unknown_key=True)
    return Category(name)


def _points(node: DataNode) -> int:
    """Take points and their reason, and close the node."""
    points = node.number("points")
    node.text("reason")
    node.close()
    if points != int(points) or not 0 <= points <= HIGHEST:
        raise DataFileError(node.path, f"{node.place}.points must be a whole number of 0 to {HIGHEST}")
    return int(points)
