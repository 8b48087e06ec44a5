"""The weekly summary: each number is as long as its list, at a cost that grows with the targets and no faster."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa

from reporting.cases import Measure
from reporting.lists import UNDER_WAY, Choice, list_flagged, list_seen, list_targets, list_under_way
from reporting.render.charts import BarRow, RateRow, SpanRow, bar_chart, rate_chart, span_chart
from reporting.render.pdf import make_pdf
from reporting.render.summary import load_words, summary_body, summary_page
from reporting.statistics import statistics
from reporting.weekly import period_of, weekly_summary
from reporting.weeks import week_of, week_to_sum_up
from storage.errors import InputError
from tests.support.figures import SECRET, busy_weeks
from tests.support.takedown import add_confirmed, observe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from storage.engine import Store

DAY = timedelta(days=1)
HOSTILE = '"><script>alert(1)</script>'


def length(conn: Connection, count: str, choice: Choice) -> int:
    """Return how long a list is, read in pages of three."""
    found, place = 0, None
    while True:
        numbers = page_of(conn, count, choice, place)
        found += len(numbers)
        if len(numbers) < 3:
            return found
        place = numbers[-1]


def page_of(conn: Connection, count: str, choice: Choice, place: int | None) -> list[int]:
    if count == "seen":
        return [row["id"] for row in list_seen(conn, choice, before=place, limit=3)]
    if count == "flagged":
        return list_flagged(conn, choice, before=place, limit=3)
    if count in UNDER_WAY:
        return [item.number for item in list_under_way(conn, count, choice, after=place, limit=3)]
    return [case.one.clue_id for case in list_targets(conn, Measure(count), choice, before=place, limit=3)]


def numbers_of(figures: dict[str, Any]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield every number of a summary with what it counts and of which part."""
    rates = figures["action_rate"]
    for where, one in parts(rates["all"], channel=rates["by_channel"], platform=rates["by_platform"]):
        yield from ((one[name], name, where) for name in ("acted", "live", "unknown"))
        yield one["n"], "known", where
    for where, one in parts(figures["waiting"]["all"], channel=figures["waiting"]["by_channel"]):
        yield one["seen_to_sent_days"]["n"], "sent", where
        yield one["sent_to_gone_days"]["n"], "gone", where
        yield one["sent_to_gone_days"]["open"], "not_gone", where
    yield figures["waiting"]["all"]["seen_to_sent_days"]["open"], "unsent", {}
    for name, one in figures["natural"].items():
        yield from ((one[key], f"natural_{key}", {"platform": name}) for key in ("gone", "live", "unknown"))
    for row in figures["open_items"]:
        yield row["preparing"], "preparing", {"age": row["age"]}
        yield row["sent"], "under_way", {"age": row["age"]}
    stages = [(row["stage"], row) for row in figures["funnel"]]
    for name, row in [*stages, *figures["apart"].items()]:
        yield row["week"], name, {"new": True}
        yield row["total"], name, {}


def parts(whole: dict[str, Any], **groups: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    yield {}, whole
    for kind, found in groups.items():
        yield from (({kind: name}, one) for name, one in found.items())


def test_every_number_is_as_long_as_its_list(store: Store, now: datetime, tmp_path: Path) -> None:
    end = busy_weeks(store, now, tmp_path)
    for week in (week_of(now), week_of(end)):
        with store.read() as conn:
            figures = weekly_summary(conn, week=week, now=end)
            period = period_of(week, end)
            found = [
                (number, length(conn, count, Choice(period=period, **where)), count, where)
                for number, count, where in numbers_of(figures)
            ]
        assert [one for one in found if one[0] != one[1]] == []


def test_figures_of_a_busy_time(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    end = busy_weeks(sqlite_store, now, tmp_path)
    with sqlite_store.read() as conn:
        found = weekly_summary(conn, week=week_of(end), now=end)
        assert found["action_rate"]["all"] == {
            **statistics(conn, now=end)["action_rate"],
            "acted": 2,  # a removed, b restricted by its reply
            "live": 3,  # c refused, d came back, u
        }
    assert {row["stage"]: row["total"] for row in found["funnel"]} == {
        "seen": 12, "flagged": 12, "confirmed": 12, "sent": 9, "answered": 3, "acted": 2,
    }  # fmt: skip
    assert {name: row["total"] for name, row in found["apart"].items()} == {
        "reappeared": 1, "before_us": 1, "self_deleted": 1,
    }  # fmt: skip
    assert (found["natural"]["forum"]["gone"], found["natural"]["forum"]["rate"]) == (1, 1.0)
    assert set(found["action_rate"]["by_channel"]) == {"partner_desk", "cac_12377"}
    assert found["complete"] is False


@pytest.mark.parametrize(
    ("at", "week"), [(-2, "2026-W46"), (0, "2026-W46"), (2, "2026-W47"), (3, "2026-W47"), (6, "2026-W47")]
)
def test_week_to_sum_up_is_the_one_closed_last(now: datetime, at: int, week: str) -> None:
    assert week_to_sum_up(now + at * DAY + timedelta(hours=8)) == week


@pytest.mark.parametrize("week", ["2026-W60", "W47", "2030-W01", ""])
def test_weeks_that_cannot_be_meant_are_refused(sqlite_store: Store, now: datetime, week: str) -> None:
    with sqlite_store.read() as conn, pytest.raises(InputError):
        weekly_summary(conn, week=week or "x", now=now)


def statements(store: Store, deed: Any) -> int:
    seen: list[str] = []
    note = lambda *args: seen.append(args[2])  # noqa: E731 - SQLAlchemy's listener
    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        with store.read() as conn:
            deed(conn)
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)
    return len(seen)


def test_statements_do_not_grow_with_the_targets(sqlite_store: Store, now: datetime) -> None:
    counts = []
    for start in (0, 10, 300):
        for clue_id in add_confirmed(sqlite_store, now, *(f"n{start}-{number}" for number in range(max(start, 5)))):
            observe(sqlite_store, clue_id, now + DAY, "live")
        deeds = (lambda conn: weekly_summary(conn, now=now + 8 * DAY), lambda conn: statistics(conn, now=now + DAY))
        counts.append([statements(sqlite_store, deed) for deed in deeds])
    assert counts[0] == counts[1] == counts[2]
    assert max(chain(*counts)) <= 10


def test_page_and_print_say_the_same_in_both_languages(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    end = busy_weeks(sqlite_store, now, tmp_path)
    with sqlite_store.read() as conn:
        figures = weekly_summary(conn, week=week_of(end), now=end)
    chinese, english = (summary_body(figures, language=language) for language in ("zh", "en"))
    assert re.findall(r"<td[^>]*>([\d.]+)</td>", chinese) == re.findall(r"<td[^>]*>([\d.]+)</td>", english)
    assert "处置率" in chinese
    assert "Action rate" in english
    assert SECRET not in chinese + english
    assert set(load_words()["zh"]) == set(load_words()["en"])
    page = summary_page(figures, language="zh", institution="某某银行")
    assert "某某银行" in page
    assert make_pdf(page).data == make_pdf(page).data


def test_charts_are_readable_without_seeing_them_and_escape_what_they_show() -> None:
    names: dict[str, Any] = {"key": "k", "title": HOSTILE, "described": HOSTILE}
    drawn = (
        rate_chart([RateRow(label=HOSTILE, text=HOSTILE, rate=0.5, low=0.2, high=0.8)], **names),
        rate_chart([RateRow(label="a", text="b", rate=None, low=None, high=None)], **names),
        bar_chart(
            [BarRow(label=HOSTILE, text=HOSTILE, parts=(3, 4)), BarRow(label="", text="", parts=(0, 0))], **names
        ),
        bar_chart([BarRow(label="a", text="b", parts=(100_000,))], logarithmic=True, **names),
        span_chart([SpanRow(label=HOSTILE, text="x", points=(1.5, 90.0, None, None))], **names),
        span_chart([SpanRow(label="a", text="x", points=(None,) * 4)], **names),
        bar_chart([], **names),
    )
    for chart in drawn:
        root = ElementTree.fromstring(chart)  # noqa: S314 - our own
        assert root.get("role") == "img"
        assert [child.tag.rpartition("}")[2] for child in root[:2]] == ["title", "desc"]
        assert root[0].text == root[1].text == HOSTILE
        assert "<script" not in chart
        assert " style=" not in chart
