"""Why a verdict has its score: what each reason adds, and the sum that becomes the score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review.marking import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.records import Json

WHOLE_SENTENCES = "wording"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The reasons by weight, and how they add up: ``total`` is log-odds, ``score`` what it gives (0 to 100)."""

    bias: float
    weighty: tuple[Json, ...]
    silent: int
    total: float
    score: float


def explain(bias: float, findings: Sequence[Json]) -> Explanation:
    """Return the sum of a verdict; each finding gets ``number``, its place among all findings from 1."""
    numbered = [{**finding, "number": number} for number, finding in enumerate(findings, 1)]
    weighty = [finding for finding in numbered if finding["weight"]]
    total = math.fsum([bias, *(finding["weight"] for finding in weighty)])
    return Explanation(
        bias=bias,
        weighty=tuple(sorted(weighty, key=lambda finding: (-abs(finding["weight"]), finding["number"]))),
        silent=len(numbered) - len(weighty),
        total=total,
        score=round(100 / (1 + math.exp(-min(max(total, -700), 700))), 1),
    )


def marks_of(findings: Sequence[Json], field: str, text: str) -> list[Mark]:
    """Return the findings of one field as marks; one whose span no longer shows its text is left out.

    What the wording of a whole sentence says is listed with the reasons; a mark over it would hide the others.
    """
    return [
        Mark(
            start=finding["start"],
            end=finding["end"],
            number=number,
            rule=finding["rule"],
            role=finding["role"],
            view=finding["view"],
            weight=finding["weight"],
        )
        for number, finding in enumerate(findings, 1)
        if finding["field"] == field
        and finding["rule"] != WHOLE_SENTENCES
        and text[finding["start"] : finding["end"]] == finding["text"] != ""
    ]
