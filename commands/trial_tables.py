"""What a trial showed, as tables for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.context import context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.records import Json


def print_trial(answer: Json) -> None:
    """Print the figures on the gold set, what changes among stored posts, and the samples."""
    gold, history = answer["gold"], answer["history"]
    if gold["before"]:
        context.out.lines(_gold_rows(gold), shown=("file", "rows", "recall", "precision", "labels"))
    numbers = {name: value for name, value in history.items() if name != "samples"}
    context.out.obj({"change": answer["change"], **answer["ruleset"], **numbers})
    if rows := _sample_rows(history["samples"]):
        context.out.lines(rows, shown=("post", "change", "score", "label", "rules", "excerpt"))


def _gold_rows(gold: Json) -> Iterator[Json]:
    for before, after in zip(gold["before"], gold["after"], strict=True):
        row: Json = {"file": before["file"], "rows": before["rows"]}
        for name in ("recall", "precision"):
            row[name] = " → ".join(_share(figures[name], "hits") for figures in (before, after))
        row["labels"] = " → ".join(_share(figures["labels"], "right") for figures in (before, after))
        yield row


def _share(rate: Json | None, hits: str) -> str:
    return "–" if rate is None else f"{rate[hits]}/{rate['total']}"


def _sample_rows(samples: Json) -> list[Json]:
    """Return a row a post; what is suppressed is named by its clue alone."""
    rows: dict[str, Json] = {}
    for kind, found in samples.items():
        for one in found:
            row = _sample_row(one) if isinstance(one, dict) else {"post": one, "change": kind, **_NOTHING}
            rows.setdefault(row["post"], row)
    return list(rows.values())


_NOTHING = dict.fromkeys(("score", "label", "rules", "excerpt"), "")


def _sample_row(one: Json) -> Json:
    before, after = one["before"], one["after"]
    rules = [
        *(f"-{finding['rule']}" for finding in one["findings"]["gone"]),
        *(f"+{finding['rule']}" for finding in one["findings"]["new"]),
    ]
    return {
        "post": one["post"],
        "change": ", ".join(one["change"]),
        "score": f"{before['score']} → {after['score']}",
        "label": f"{before['label']} → {after['label']}",
        "rules": " ".join(rules),
        "excerpt": one["excerpt"],
    }
