"""The figures of a simulation as rows for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, str]


def rows_of(answer: Mapping[str, Any]) -> list[Row]:
    """Return one row for each figure: what the product says, what is true, what is aimed at."""
    rate, waits = answer["action_rate"], answer["sent_to_gone_days"]
    measured = rate["measured"]
    again, back, alone = answer["reoffence"], answer["reappeared"], answer["natural_disappearance"]
    known = answer["known_at_days"]
    return [
        _row("weeks, seed", f"{answer['weeks']}, {answer['seed']}"),
        _row("posts, clues, confirmed", f"{answer['posts']}, {answer['clues']}, {answer['confirmed']}"),
        _row("solicitations found", _of(answer["found"], "clues", "standing")),
        _row("targets sent (innocent)", f"{answer['sent']['targets']} ({answer['sent']['innocent']})"),
        _row("weekly drafts", str(answer["drafts"]["batches"]), str(answer["weeks"])),
        _row("action rate", _percent(measured["rate"]), _percent(rate["true"])),
        _row("brought about by reports", "", _percent(rate["caused"])),
        _row("unknown share", _percent(answer["unknown_share"])),
        _row("known at 14 days", _of(known["14"], "known", "of")),
        _row("known at 30 days", _of(known["30"], "known", "of"), aim="at least 97%"),
        _row("falsely called removed", _of(answer["false_removed"], "count", "of"), aim="at most 0.5%"),
        _row("falsely called live", _of(answer["false_live"], "count", "of")),
        _row("days to gone, p50 / p90", _days(waits["measured"]), _days(waits["true"])),
        _row(
            "removed, then reposted",
            f"{again['found']} found, {again['sent']} sent",
            _of(again, "reposted", "removed"),
        ),
        _row("median days to a repost", "", str(again["median_gap_days"])),
        _row("back after removal", f"{back['seen']} seen, {back['sent_again']} sent again", str(back["true"])),
        _row(
            "gone without a report",
            f"{alone['said']} of {alone['targets']}",
            f"{alone['true']} of {alone['targets']}",
        ),
        _row("submitted twice", str(sum(answer["duplicates"].values())), aim="0"),
        _row("killed at work", f"{answer['kills']['counted']} of {answer['kills']['tried']} tried"),
        _row("seconds a week", str(answer["seconds_per_week"])),
    ]


def _row(figure: str, measured: str, truth: str = "", *, aim: str = "") -> Row:
    return {"figure": figure, "measured": measured, "truth": truth, "aim": aim}


def _of(figure: Mapping[str, Any], part: str, whole: str) -> str:
    share = figure[part] / figure[whole] if figure[whole] else None
    return f"{figure[part]} of {figure[whole]}, {_percent(share)}"


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"


def _days(waits: Mapping[str, Any]) -> str:
    return f"{waits['p50']} / {waits['p90']}"
