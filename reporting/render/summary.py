"""The weekly summary as HTML, in Chinese or English: charts, tables, numbers as links where there is a desk."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reporting.render.charts import BarRow, RateRow, SpanRow, bar_chart, rate_chart, span_chart
from reporting.weeks import shown_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from storage.records import Json

    Link = Callable[..., str | None]
    """Takes what a number counts and the choice of targets by name; returns where its list is, None for nowhere."""

    Words = Mapping[str, str]

Language = Literal["zh", "en"]

_HERE = Path(__file__).parent
_TAGS = {"zh": "zh-CN", "en": "en"}
_WIDE = 50  # times that the longest bar may be the shortest one
_PERCENTILES = ("p50", "p75", "p90", "p95")


def summary_body(figures: Json, *, language: Language, link: Link | None = None) -> Markup:
    """Return the body of the page: :func:`reporting.weekly.weekly_summary` made readable."""
    words = load_words()[language]
    rates = list(_rates(figures, words))
    waits = list(_waits(figures, words))
    natural = list(_natural(figures))
    ages = {row["age"]: _age(row, words) for row in figures["open_items"]}
    charts = {
        "rate": _rate_chart(rates, words, key="rate"),
        "funnel": _funnel_chart(figures, words),
        "ages": _ages_chart(figures, ages, words),
        "waiting": _waiting_chart(waits, words),
        "natural": _rate_chart(natural, words, key="natural"),
    }
    known = {"funnel_help": words["funnel_help_wide" if _is_wide(figures) else "funnel_help"]}
    shown = {**known, "f": figures, "w": words, "rates": rates, "waits": waits, "natural": natural, "ages": ages}
    template = _pages().get_template("summary.html")
    return Markup(template.render(**shown, charts=charts, link=link or _nowhere))  # noqa: S704 - escaped by its template


def summary_page(figures: Json, *, language: Language, institution: str = "") -> str:
    """Return the whole page to print."""
    body = summary_body(figures, language=language)
    known = {"f": figures, "w": load_words()[language], "tag": _TAGS[language], "institution": institution}
    return _pages().get_template("summary_print.html").render(**known, body=body)


@cache
def load_words() -> dict[str, dict[str, str]]:
    """Return the words of each language by key."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load((_HERE / "summary_words.yml").read_text("utf-8"))
    return loaded


@cache
def _pages() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"share": _share, "moment": shown_moment}
    return pages


def _nowhere(_count: str, **_where: object) -> str | None:
    return None


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _rates(figures: Json, words: Words) -> Iterator[Json]:
    rate = figures["action_rate"]
    yield {**rate["all"], "label": words["all"], "where": {}}
    for kind in ("channel", "platform"):
        for name, one in rate[f"by_{kind}"].items():
            yield {**one, "label": name, "where": {kind: name}}


def _natural(figures: Json) -> Iterator[Json]:
    for name, one in figures["natural"].items():
        yield {**one, "label": name, "where": {"platform": name}}


def _waits(figures: Json, words: Words) -> Iterator[Json]:
    waiting = figures["waiting"]
    groups: list[tuple[str, Json, Json]] = [(words["all"], {}, waiting["all"])]
    groups += [(name, {"channel": name}, one) for name, one in waiting["by_channel"].items()]
    for label, where, one in groups:
        for kind, counts in _LISTS.items():
            found = one[f"{kind}_days"]
            bounds = found.get("bounds", {})
            cells = [_days(found[name], bounds.get(name), words) for name in _PERCENTILES]
            points = tuple(found[name] for name in _PERCENTILES)
            row = {"label": label, "where": where, "kind": kind, "cells": cells, "points": points}
            yield {**row, "n": found["n"], "open": found["open"], "count": counts[0], "open_count": counts[1]}


_LISTS = {"seen_to_sent": ("sent", "unsent"), "sent_to_gone": ("gone", "not_gone")}
"""What the numbers of ended and open waits count, by kind of wait."""


def _days(value: float | None, bounds: list[float | None] | None, words: Words) -> str:
    if bounds is not None:
        start, end = bounds
        return f"> {start:g}" if end is None else f"{end:g} ({start:g}–{end:g})"
    return words["unknown_yet"] if value is None else f"{value:g}"


def _age(row: Json, words: Words) -> str:
    if row["to_days"] is None:
        return words["days_from"].format(start=row["from_days"])
    return words["days_to"].format(start=row["from_days"], end=row["to_days"])


def _rate_chart(rows: list[Json], words: Words, *, key: str) -> Markup:
    drawn = []
    for row in rows:
        shown = {name: _share(row[name]) for name in ("rate", "low", "high")}
        text = words["figure"].format(**shown, n=row["n"]) if row["n"] else _few(row, words)
        names = ("rate", "low", "high", "worst", "best")
        drawn.append(RateRow(label=row["label"], text=text, **{name: row.get(name) for name in names}))
    described = "; ".join(f"{row.label}: {row.text}" for row in drawn) or words["none"]
    return rate_chart(drawn, key=key, title=words[f"{key}_chart"], described=described)


def _few(row: Json, words: Words) -> str:
    return f"{words['none']}, {words['unknown']} {row['unknown']}"


def _funnel_chart(figures: Json, words: Words) -> Markup:
    rows = [
        BarRow(
            label=words[f"stage_{row['stage']}"],
            text=words["counted"].format(total=row["total"], week=row["week"]),
            parts=(row["total"],),
        )
        for row in figures["funnel"]
    ]
    described = "; ".join(f"{row.label}: {row.text}" for row in rows)
    wide = _is_wide(figures)
    return bar_chart(rows, key="funnel", title=words["funnel_chart"], described=described, logarithmic=wide)


def _is_wide(figures: Json) -> bool:
    """Tell whether the stages differ so much that only logarithms show them all."""
    totals = [row["total"] for row in figures["funnel"] if row["total"]]
    return bool(totals) and max(totals) > _WIDE * min(totals)


def _ages_chart(figures: Json, ages: Mapping[int, str], words: Words) -> Markup:
    rows = [
        BarRow(
            label=ages[row["age"]],
            text=f"{words['preparing']} {row['preparing']}, {words['sent']} {row['sent']}",
            parts=(row["preparing"], row["sent"]),
        )
        for row in figures["open_items"]
    ]
    described = "; ".join(f"{row.label}: {row.text}" for row in rows)
    return bar_chart(rows, key="ages", title=words["ages_chart"], described=described)


def _waiting_chart(waits: list[Json], words: Words) -> Markup:
    rows = [
        SpanRow(
            label=row["label"],
            text=f"{words[row['kind']]}: p50 {row['cells'][0]}",
            points=row["points"],
        )
        for row in waits
    ]
    described = "; ".join(f"{row.label}, {row.text}" for row in rows)
    return span_chart(rows, key="waiting", title=words["waiting_chart"], described=described)
