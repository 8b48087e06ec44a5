"""The figures of ``evaluate`` for a person at a terminal: tables that fit eighty columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from classifiers.baselines import Baseline
from classifiers.evaluate_tally import rate
from classifiers.records import Label
from commands.output import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from storage.records import Json

_MOST_ERRORS = 20
_PARTS = {
    "by_class": "flagged by class",
    "by_category": "recall by category",
    "by_field": "recall by field",
    "by_platform": "recall by platform",
    "by_obfuscation": "recall by obfuscation",
    "by_subtype": "recall by subtype (one group counts once)",
    "by_difficulty": "recall by difficulty",
}
_SHORT_LABELS = {Label.EDUCATION: "educ", Label.UNRELATED: "unrel", Label.VICTIM: "vict"}


def print_figures(answer: Json) -> None:
    """Print the figures of every file."""
    console = Console(highlight=False)
    for figures in answer["files"]:
        console.print(_head(figures, answer["ruleset"]))
        for part in _parts(figures, answer):
            console.print(Padding(part, (0, 0, 1, 2)))
    for key in ("errors_file", "html_file"):
        if key in answer:
            console.print(Text(visible(f"written: {answer[key]}")))


def _head(figures: Json, ruleset: str) -> Text:
    name = visible(Path(figures["file"]).name)
    return Text.assemble((name, "bold"), f"  {figures['rows']} rows  ruleset {ruleset}")


def _parts(figures: Json, answer: Json) -> Iterator[RenderableType]:
    yield _rates("", _summary(figures))
    yield from (_rates(title, figures[key]) for key, title in _PARTS.items() if figures.get(key))
    if figures.get("by_label"):
        yield _rates("labels: recall and precision", _both(figures["by_label"]))
    if figures.get("contacts_by_kind"):
        yield _rates("contacts by kind: recall and precision", _both(figures["contacts_by_kind"]))
    if figures["confusion"]:
        yield _confusion(figures["confusion"])
    if "baselines" in figures:
        yield _baselines(figures, answer["baselines"])
    if "against" in figures:
        yield _against(figures, answer["against"])
    if figures["errors"]:
        yield _errors(figures["errors"])


def _summary(figures: Json) -> dict[str, Json]:
    """Return the leading figures as rates; what is not known is left out."""
    contacts = figures["contacts"] or {}
    found = {
        "recall": figures["recall"],
        "precision": figures["precision"],
        "labels right": _right(figures["labels"]),
        "targets right": _right(figures["targets"]),
        "contact recall": contacts.get("recall"),
        "contact precision": contacts.get("precision"),
        "unsure, flagged": _flagged(figures["unsure"]),
        "unlabelled, flagged": _flagged(figures["unlabelled"]),
    }
    return {name: value for name, value in found.items() if value and value["total"]}


def _right(found: Json | None) -> Json | None:
    return rate(found["right"], found["total"]) if found else None


def _flagged(found: Json) -> Json:
    return rate(found["flagged"], found["rows"])


def _both(pairs: Mapping[str, Json]) -> dict[str, Json]:
    """Return recall and precision of every group as rows of their own."""
    return {
        f"{group} {name}": pair[name]
        for group, pair in pairs.items()
        for name in ("recall", "precision")
        if pair[name]["total"]
    }


def _rates(title: str, rates: Mapping[str, Json]) -> RenderableType:
    table = _table("", ">hits", "<total", ">share", "<95%")
    for group, value in rates.items():
        table.add_row(_cell(group), str(value["hits"]), f"of {value['total']}", share(value), interval(value))
    return _titled(title, table)


def _confusion(confusion: Mapping[str, Mapping[str, int]]) -> RenderableType:
    table = _table("gold \\ found", *(f">{_SHORT_LABELS.get(label, label.value)}" for label in Label))
    for gold in Label:
        if gold.value in confusion:
            row = confusion[gold.value]
            cells = [Text(str(row.get(label.value, "·")), style="bold" if label is gold else "") for label in Label]
            table.add_row(gold.value, *cells)
    return _titled("labels", table)


def _baselines(figures: Json, fitted: Json) -> RenderableType:
    table = _table("judge", ">recall", ">precision", ">only rules", ">only it", ">p")
    table.add_row("the rules", share(figures["recall"]), share(figures["precision"]), "", "", "")
    for name in Baseline:
        judge = figures["baselines"][name.value]
        pair = judge["paired"]
        table.add_row(
            name.value,
            share(judge["recall"]),
            share(judge["precision"]),
            str(pair["only_rules"]),
            str(pair["only_baseline"]),
            probability(pair["p"]),
        )
    known = figures["baselines"]["known_rows"]
    note = f"; {known} of these rows stand in it too" if known else ""
    return _titled(f"beside plain judges (regression fitted on {fitted['rows']} rows{note})", table)


def _against(figures: Json, other: Json) -> RenderableType:
    against = figures["against"]
    table = _table("", ">before", ">after")
    before, after = _summary(figures), _summary(against["after"])
    for name in dict.fromkeys((*before, *after)):
        table.add_row(name, *(_counted(side.get(name)) for side in (before, after)))
    for name, count in against["changes"].items():
        table.add_row(name, "", str(count))
    tests = [
        f"{what}: only before right {pair['only_before']}, only after {pair['only_after']}, "
        f"p = {probability(pair['p'])} (exact McNemar)"
        for what, pair in against["significance"].items()
    ]
    if against["failed"]:
        table.add_row("no verdict", "", str(against["failed"]))
    changed = _table("changed row", "<gold", "<before", "<after")
    rows = flags_first(against["changed"])
    for row in rows[:_MOST_ERRORS]:
        sides = (f"{row[side]['label']} {row[side]['score']}" for side in ("before", "after"))
        changed.add_row(_cell(row["id"]), row["gold"] or "", *sides)
    left = len(rows) - _MOST_ERRORS
    more = [Text(f"and {left} more; --json lists them")] if left > 0 else []
    return _titled(f"against ruleset {other['ruleset']}", table, *map(Text, tests), changed, *more)


def _errors(errors: Sequence[Json]) -> RenderableType:
    table = _table("row", "<gold", "<found", ">score", "<heaviest reason")
    for error in errors[:_MOST_ERRORS]:
        table.add_row(
            _cell(error["id"]), error["gold"], error["label"], str(error["score"]), _cell(_heaviest(error))
        )
    left = len(errors) - _MOST_ERRORS
    more = [Text(f"and {left} more; --errors FILE lists them with their texts")] if left > 0 else []
    return _titled("missed and wrongly flagged", table, *more)


def _heaviest(error: Json) -> str:
    heavy = max(error["findings"], key=lambda finding: abs(finding["weight"]), default=None)
    return f"{heavy['rule']} {heavy['weight']:+.2f}" if heavy and heavy["weight"] else ""


def _counted(value: Json | None) -> str:
    return f"{value['hits']} of {value['total']}  {share(value)}" if value else ""


def flags_first(changed: Iterable[Json]) -> list[Json]:
    """Return changed rows with those first whose flag changes, else in their order."""
    return sorted(changed, key=lambda row: row["before"]["flagged"] == row["after"]["flagged"])


def share(value: Json | None) -> str:
    """Return hits of total in per cent; a dash where nothing was counted."""
    return f"{100 * value['hits'] / value['total']:.1f}%" if value and value["total"] else "–"


def interval(value: Json | None) -> str:
    """Return the 95 % interval in per cent; empty where nothing was counted."""
    return f"{100 * value['low']:.1f}–{100 * value['high']:.1f}" if value and value["total"] else ""


def probability(p: float) -> str:
    """Return a probability to two digits that count."""
    return f"{p:.2g}" if p < 1 else "1"


def _table(first: str, *others: str) -> Table:
    """Return a table; a column's sign says to which side its cells go."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name[1:], justify="right" if name[0] == ">" else "left", overflow="fold")
    return table


def _titled(title: str, *parts: RenderableType) -> Group:
    return Group(*_head_of(title), *parts)


def _head_of(title: str) -> Iterable[Text]:
    return [Text(visible(title), style="bold cyan")] if title else []


def _cell(text: str) -> Text:
    return Text(visible(" ".join(text.split())))
