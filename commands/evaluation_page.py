"""The figures and errors of ``evaluate`` as one page to read: no script, nothing loaded from elsewhere.

Every text on it may be hostile: all of it is escaped, characters that nobody sees or that turn a line around are
shown as tokens, as on the desk.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from classifiers.baselines import BASELINE_TITLES
from classifiers.evaluate_errors import WRONG_TITLES, Wrong
from classifiers.evaluate_tally import rate
from classifiers.postlines import read_post_line
from classifiers.records import Label
from commands import evaluation_words as words
from commands.evaluation_tables import flags_first, interval, probability, share
from review.explaining import explain, marks_of
from review.hidden import show_hidden
from review.i18n import load_catalogues
from review.marking import LONGEST_SHOWN, decode_text, mark_text
from review.pages import moment, pieces, signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from commands.error_lines import ErrorLines
    from commands.evaluation_words import Title
    from review.explaining import Explanation
    from review.marking import Decoded, Piece
    from storage.records import Json

_TEMPLATES = Path(__file__).parent / "templates"
_MOST_CHANGED_SHOWN = 200
_PARTS: tuple[tuple[str, Title, Mapping[str, Title]], ...] = (
    ("by_category", ("各类别召回", "Recall by category"), words.CATEGORIES),
    ("by_class", ("各类文本的命中率", "Flagged by class"), words.LABELS),
    ("by_obfuscation", ("各种伪装的召回", "Recall by disguise"), words.DISGUISES),
    ("by_difficulty", ("各难度召回", "Recall by difficulty"), words.DIFFICULTIES),
    ("by_platform", ("各平台召回", "Recall by platform"), words.PLATFORMS),
    ("by_field", ("各位置召回", "Recall by place"), words.PLACES),
    ("by_subtype", ("各子类召回（同组计一次）", "Recall by subtype, a group counts once"), {}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One rate with its title; ``good`` tells whether more is better."""

    title: Title
    rate: Json
    good: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Rates under one heading."""

    title: Title
    figures: list[Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldShown:
    """One field of a row: its text in pieces, how the machine read it where that differs, what was left out."""

    title: Title
    is_name: bool
    pieces: list[Piece]
    decoded: list[Decoded]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShown:
    """A wrongly judged row with the sum of its score."""

    line: Json
    fields: list[FieldShown]
    explanation: Explanation


def evaluation_page(answer: Json, errors: ErrorLines, *, now: datetime) -> bytes:
    """Return the page of an answer of ``evaluate``."""
    page = _environment().get_template("evaluation.html")
    files = [_file(figures, answer, errors) for figures in answer["files"]]
    whole = {"against": None, "baselines": None, **answer}
    return page.render(answer=whole, files=files, now=now).encode("utf-8", "replace")


def _environment() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"plain": show_hidden, "pieces": pieces, "signed": signed, "moment": moment}
    pages.filters |= {"share": share, "interval": interval, "probability": probability}
    pages.globals |= {"words": words, "titled": words.titled, "roles": _role_titles(), "labels": [*Label]}
    pages.globals |= {"wrong_titles": WRONG_TITLES, "baseline_titles": BASELINE_TITLES}
    return pages


def _role_titles() -> dict[str, Title]:
    """Return the desk's names of the roles of findings."""
    zh, en = (load_catalogues()[name].texts for name in ("zh", "en"))
    return {key.removeprefix("finding."): (zh[key], en[key]) for key in zh if key.startswith("finding.")}


def _file(figures: Json, answer: Json, errors: ErrorLines) -> Json:
    """Return everything that the page shows of one file."""
    name = figures["file"]
    return {
        "name": Path(name).name,
        "path": name,
        "figures": figures,
        "summary": list(_summary(figures)),
        "apart": {"unsure": figures["unsure"], "unlabelled": figures["unlabelled"]},
        "panels": list(_panels(figures)),
        "confusion": figures["confusion"],
        "contacts": figures["contacts_by_kind"] or {},
        "baselines": figures.get("baselines"),
        "against": _against(figures, answer) if "against" in figures else None,
        "errors": [
            (kind, errors.counts[name][kind], [_error(line) for line in errors.shown[name][kind]]) for kind in Wrong
        ],
    }


def _summary(figures: Json) -> Iterator[Figure]:
    contacts = figures["contacts"] or {}
    found: tuple[tuple[Title, Json | None], ...] = (
        (("召回率", "Recall"), figures["recall"]),
        (("精确率", "Precision"), figures["precision"]),
        (("标签正确", "Labels right"), _right(figures["labels"])),
        (("对象正确", "Targets right"), _right(figures["targets"])),
        (("联系方式召回", "Contact recall"), contacts.get("recall")),
        (("联系方式精确", "Contact precision"), contacts.get("precision")),
    )
    for title, value in found:
        if value and value["total"]:
            yield Figure(title=title, rate=value)


def _right(found: Json | None) -> Json | None:
    return rate(found["right"], found["total"]) if found else None


def _panels(figures: Json) -> Iterator[Panel]:
    for key, title, names in _PARTS:
        if figures.get(key):
            rates = [
                Figure(title=words.titled(group, names), rate=value, good=key != "by_class" or group == Label.CLUE)
                for group, value in figures[key].items()
            ]
            yield Panel(title=title, figures=rates)


def _against(figures: Json, answer: Json) -> Json:
    """Return both rulesets side by side."""
    against = figures["against"]
    sides = {
        side: {figure.title: figure for figure in _summary(found)}
        for side, found in (("before", figures), ("after", against["after"]))
    }
    titles = dict.fromkeys((*sides["before"], *sides["after"]))
    changed = flags_first(against["changed"])
    return {
        "overlay": answer["against"]["overlay"],
        "ruleset": answer["against"]["ruleset"],
        "rates": [(title, sides["before"].get(title), sides["after"].get(title)) for title in titles],
        "parts": list(_parts_side_by_side(figures, against["after"])),
        "changes": against["changes"],
        "significance": against["significance"],
        "failed": against["failed"],
        "changed": changed[:_MOST_CHANGED_SHOWN],
        "left": max(0, len(changed) - _MOST_CHANGED_SHOWN),
    }


def _parts_side_by_side(before: Json, after: Json) -> Iterator[tuple[Title, list[tuple[Title, Json, Json]]]]:
    """Yield the parts in which a rate differs, with the groups that do."""
    for key, title, names in _PARTS:
        own, other = before.get(key) or {}, after.get(key) or {}
        rows = [
            (words.titled(group, names), own[group], other[group])
            for group in own
            if group in other and own[group]["hits"] != other[group]["hits"]
        ]
        if rows:
            yield title, rows


def _error(line: Json) -> ErrorShown:
    findings = line["verdict"]["findings"]
    fields = [_field(name, text, findings) for name, text in read_post_line(line["post"]).fields()]
    gold = {"categories": [], "obfuscations": [], "why": "", **line["gold"]}
    shown = {**line, "gold": gold, "platform": line["post"].get("platform", "")}
    return ErrorShown(line=shown, fields=fields, explanation=explain(line["verdict"]["bias"], findings))


def _field(name: str, text: str, findings: Sequence[Json]) -> FieldShown:
    marks = marks_of(findings, name, text)
    return FieldShown(
        title=words.field_title(name),
        is_name=name.endswith(("author", "author.name")),
        pieces=mark_text(text, marks),
        decoded=decode_text(text, marks, shown=text),
        left_out=max(0, len(text) - LONGEST_SHOWN),
    )
