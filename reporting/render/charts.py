"""Charts as SVG, drawn here: no script, nothing loaded, a title and a description for those who do not see them.

Every text is escaped on its way in. Colours are told apart without seeing them too: by place, length and words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

INK, SOFT, LINE, PALE = "#1b2427", "#4c5a61", "#d5dde0", "#e9efef"
MAIN, LIGHT, WARM = "#0f5c5c", "#9cc5c1", "#b45309"

WIDTH = 760
_LABELS, _VALUES, _ROW, _TOP, _FOOT = 150, 200, 26, 6, 24
_FONT = "Noto Sans CJK SC, PingFang SC, Microsoft YaHei, sans-serif"
_PLOT = WIDTH - _LABELS - _VALUES
_LONGEST_LABEL = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRow:
    """One rate from 0 to 1 with its interval and the bounds that unknown ones leave; None where there is none."""

    label: str
    text: str
    rate: float | None
    low: float | None
    high: float | None
    worst: float | None = None
    best: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRow:
    """One bar of one or two parts that lie one after the other."""

    label: str
    text: str
    parts: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRow:
    """Points on one line in rising order, such as percentiles; None where a point is not known."""

    label: str
    text: str
    points: tuple[float | None, ...]


def rate_chart(rows: Sequence[RateRow], *, key: str, title: str, described: str) -> Markup:
    """Return rates as dots with their intervals on a line from 0 to 100%, the bounds as a pale band behind."""
    drawn = [_grid([(share, f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)], len(rows))]
    for number, row in enumerate(rows):
        middle = _middle(number)
        drawn.append(_row_texts(row.label, row.text, middle))
        if row.worst is not None and row.best is not None:
            drawn.append(_bar(row.worst, row.best, middle, height=16, fill=PALE, stroke=LINE))
        if row.rate is not None and row.low is not None and row.high is not None:
            drawn.append(_bar(row.low, row.high, middle, height=5, fill=LIGHT))
            drawn.append(_dot(row.rate, middle, fill=MAIN))
    return _svg(drawn, rows=len(rows), key=key, title=title, described=described)


def bar_chart(rows: Sequence[BarRow], *, key: str, title: str, described: str, logarithmic: bool = False) -> Markup:
    """Return horizontal bars; the second part of a bar is drawn lighter, behind the first.

    With ``logarithmic`` a bar's length is the logarithm of its sum: for sums of which most would not be seen else.
    """
    most = max((sum(row.parts) for row in rows), default=0)
    drawn: list[Markup] = [_axis(len(rows))]
    for number, row in enumerate(rows):
        middle = _middle(number)
        drawn.append(_row_texts(row.label, row.text, middle))
        start, whole = 0.0, sum(row.parts)
        length = _length(whole, most, logarithmic=logarithmic)
        for part, fill in zip(row.parts, (MAIN, LIGHT), strict=False):
            end = start + (length * part / whole if whole else 0.0)
            drawn.append(_bar(start, end, middle, height=16, fill=fill))
            start = end
    return _svg(drawn, rows=len(rows), key=key, title=title, described=described, foot=4)


def span_chart(rows: Sequence[SpanRow], *, key: str, title: str, described: str) -> Markup:
    """Return points on a line of days each, the first as a full dot."""
    most = max((point for row in rows for point in row.points if point is not None), default=0.0) or 1.0
    step = _step(most)
    marks = [(step * number / most, f"{step * number:g}") for number in range(int(most / step) + 1)]
    drawn = [_grid(marks, len(rows))]
    for number, row in enumerate(rows):
        middle = _middle(number)
        drawn.append(_row_texts(row.label, row.text, middle))
        known = [point / most for point in row.points if point is not None]
        if known:
            drawn.append(_bar(known[0], known[-1], middle, height=5, fill=LIGHT))
            drawn += [_tick(point, middle) for point in known[1:]]
            drawn.append(_dot(known[0], middle, fill=MAIN))
    return _svg(drawn, rows=len(rows), key=key, title=title, described=described)


def _svg(drawn: Iterable[Markup], *, rows: int, key: str, title: str, described: str, foot: int = _FOOT) -> Markup:
    height = _TOP + rows * _ROW + foot
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" font-family="{font}" '
        'viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-labelledby="{key}-title {key}-text">'
        '<title id="{key}-title">{title}</title><desc id="{key}-text">{described}</desc>{drawn}</svg>'
    ).format(
        font=_FONT,
        width=WIDTH,
        height=height,
        key=key,
        title=title,
        described=described,
        drawn=Markup("").join(drawn),
    )


def _middle(number: int) -> float:
    return _TOP + number * _ROW + _ROW / 2


def _x(share: float) -> float:
    return round(_LABELS + min(max(share, 0.0), 1.0) * _PLOT, 1)


def _grid(marks: Iterable[tuple[float, str]], rows: int) -> Markup:
    """Return upright lines at shares of the plot, each with its word below."""
    bottom = _TOP + rows * _ROW
    lines = [
        Markup(
            '<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}" stroke="{line}"/>'
            '<text x="{x}" y="{below}" font-size="11" fill="{soft}" text-anchor="middle">{word}</text>'
        ).format(x=_x(share), top=_TOP, bottom=bottom, line=LINE, below=bottom + 16, soft=SOFT, word=word)
        for share, word in marks
    ]
    return Markup("").join(lines)


def _axis(rows: int) -> Markup:
    return Markup('<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}" stroke="{line}"/>').format(
        x=_x(0), top=_TOP, bottom=_TOP + rows * _ROW, line=LINE
    )


def _row_texts(label: str, text: str, middle: float) -> Markup:
    short = label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"
    return Markup(
        '<text x="{left}" y="{y}" font-size="13" fill="{ink}" text-anchor="end">{label}</text>'
        '<text x="{right}" y="{y}" font-size="12" fill="{ink}">{text}</text>'
    ).format(left=_LABELS - 10, right=WIDTH - _VALUES + 12, y=middle + 4.5, ink=INK, label=short, text=text)


def _bar(start: float, end: float, middle: float, *, height: int, fill: str, stroke: str | None = None) -> Markup:
    width = max(round(_x(end) - _x(start), 1), 1.0 if end > start else 0.0)
    edge = Markup(' stroke="{}"').format(stroke) if stroke else Markup("")
    return Markup('<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="2" fill="{fill}"{edge}/>').format(
        x=_x(start), y=middle - height / 2, width=width, height=height, fill=fill, edge=edge
    )


def _dot(share: float, middle: float, *, fill: str) -> Markup:
    return Markup('<circle cx="{x}" cy="{y}" r="5.5" fill="{fill}" stroke="#ffffff"/>').format(
        x=_x(share), y=middle, fill=fill
    )


def _tick(share: float, middle: float) -> Markup:
    return Markup('<rect x="{x}" y="{y}" width="2.4" height="14" fill="{warm}"/>').format(
        x=round(_x(share) - 1.2, 1), y=middle - 7, warm=WARM
    )


def _length(value: float, most: float, *, logarithmic: bool) -> float:
    """Return a bar's length as a share of the plot."""
    if not value or not most:
        return 0.0
    return math.log1p(value) / math.log1p(most) if logarithmic else value / most


def _step(most: float) -> float:
    """Return a round distance that cuts a length into three to six pieces."""
    power = 10.0 ** math.floor(math.log10(most / 3))
    return next(power * factor for factor in (1, 2, 5, 10) if most / (power * factor) <= 6)  # noqa: PLR2004 - pieces
