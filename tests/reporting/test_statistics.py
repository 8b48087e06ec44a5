"""The figures of the contracts: rates with their unknowns, waiting times with their open cases."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.outcomes import fold_outcomes
from reporting.replies import import_replies
from reporting.statistics import action_rate, statistics
from storage.statistics_math import waiting_percentiles, wilson
from tests.support.takedown import CHANNEL, CHANNELS, CHECKER, add_confirmed, observe, sent

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

DAY = timedelta(days=1)
HALVES = (0.5, 0.75, 0.9, 0.95)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (964, 1205, 0.776, 0.822),
        (40, 50, 0.67, 0.89),
        (8, 10, 0.49, 0.94),
        (0, 10, 0.0, 0.278),
        (10, 10, 0.722, 1.0),
    ],
)
def test_wilson_interval_is_that_of_the_books(hits: int, total: int, low: float, high: float) -> None:
    found = wilson(hits, total)
    assert found is not None
    assert found[0] == pytest.approx(low, abs=0.005)
    assert found[1] == pytest.approx(high, abs=0.005)


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_interval_holds_the_rate(pair: tuple[int, int]) -> None:
    hits, total = pair
    found = wilson(hits, total)
    assert found is not None
    assert 0 <= found[0] <= hits / total + 1e-12
    assert hits / total - 1e-12 <= found[1] <= 1


def test_nothing_has_no_interval() -> None:
    assert wilson(0, 0) is None


def test_percentiles_without_open_cases_are_the_plain_ones() -> None:
    assert waiting_percentiles([4, 1, 3, 2], [], HALVES) == [2, 3, 4, 4]
    assert waiting_percentiles([], [], HALVES) == [None] * 4


def test_open_cases_are_censored_not_dropped() -> None:
    # Kaplan and Meier by hand: at 1 day 1 of 4 ends (0.75), at 3 days 1 of 2 (0.375); two are open at 2 and 5.
    assert waiting_percentiles([1, 3], [2, 5], HALVES) == [3, None, None, None]
    assert waiting_percentiles([1], [9] * 9, HALVES) == [None] * 4


@given(st.lists(st.floats(0, 100), max_size=30), st.lists(st.floats(0, 100), max_size=30))
def test_percentiles_rise_and_open_cases_never_make_them_faster(
    ended: list[float], still_open: list[float]
) -> None:
    found = [math.inf if one is None else one for one in waiting_percentiles(ended, still_open, HALVES)]
    assert found == sorted(found)
    for slow, fast in zip(found, waiting_percentiles(ended, [], HALVES), strict=True):
        assert slow >= (math.inf if fast is None else fast) or not ended


def test_rate_without_cases_is_null() -> None:
    assert action_rate(acted=0, known=0, unknown=0) == {
        "rate": None,
        "low": None,
        "high": None,
        "n": 0,
        "unknown": 0,
        "worst": None,
        "best": None,
    }
    only_unknown = action_rate(acted=0, known=0, unknown=4)
    assert (only_unknown["rate"], only_unknown["worst"], only_unknown["best"]) == (None, 0.0, 1.0)


def test_empty_workspace_has_empty_figures(store: Store, now: datetime) -> None:
    with store.read() as conn:
        found = statistics(conn, now=now)
    empty = {"p50": None, "p75": None, "p90": None, "p95": None, "n": 0, "open": 0}
    assert found["action_rate"]["rate"] is None
    assert found["seen_to_sent_days"] == empty
    assert found["sent_to_gone_days"] == {**empty, "bounds": dict.fromkeys(("p50", "p75", "p90", "p95"))}
    assert found["natural"] == {}
    assert (found["before_us"], found["self_deleted"], found["reappeared"]) == (0, 0, 0)


def removed(store: Store, clue_id: int, now: datetime, *days: float) -> None:
    for number in days:
        observe(store, clue_id, now + number * DAY, "content_removed")


def test_every_figure_on_a_week_of_all_kinds(store: Store, now: datetime, tmp_path: Path) -> None:
    ids = add_confirmed(store, now - 4 * DAY, *"abcdefghij")
    early, *_ = add_confirmed(store, now - 4 * DAY, "gone-early")
    removed(store, early, now - DAY, 0)
    fold_outcomes(store, now=now)
    sent(store, now, tmp_path)
    file = tmp_path / "r.csv"
    file.write_text("item,result\ni1,已下架\ni2,已限流\ni3,已封号\ni4,未违规\n", "utf-8")
    import_replies(store, file, CHANNELS[CHANNEL], now=now + DAY / 2, actor=CHECKER)
    removed(store, ids[0], now, 1, 8)  # acted
    #   b: restricted by reply: acted
    #   c: banned says the reply, nobody saw it: unknown
    observe(store, ids[3], now + DAY, "live")  # refused: known
    removed(store, ids[4], now, 3, 7)  # provisional: unknown
    observe(store, ids[5], now + DAY, "login_wall")  # unknown
    observe(store, ids[6], now + DAY, "live", control_ok=False)  # void: unknown
    removed(store, ids[7], now, 1, 8)  # came back: known, live
    observe(store, ids[7], now + 9 * DAY, "live")
    for number in (2, 9):
        observe(store, ids[8], now + number * DAY, "author_deleted", marker="m")  # in neither
    #   j: nobody looked: unknown
    fold_outcomes(store, now=now + 10 * DAY)
    with store.read() as conn:
        found = statistics(conn, now=now + 10 * DAY)
        past = statistics(conn, as_of=now + 7.5 * DAY, now=now + 10 * DAY)
    rate = found["action_rate"]
    assert (rate["n"], rate["unknown"]) == (4, 5)
    assert rate["rate"] == pytest.approx(2 / 4)
    assert (rate["worst"], rate["best"]) == (pytest.approx(2 / 9), pytest.approx(7 / 9))
    interval = wilson(2, 4)
    assert (rate["low"], rate["high"]) == interval
    assert (found["before_us"], found["self_deleted"], found["reappeared"]) == (1, 1, 1)
    assert found["seen_to_sent_days"] == {"p50": 4.0, "p75": 4.0, "p90": 4.0, "p95": 4.0, "n": 10, "open": 1}
    assert found["sent_to_gone_days"]["n"] == 1
    assert found["sent_to_gone_days"]["open"] == 9
    assert found["sent_to_gone_days"]["p50"] is None, "most are not gone"
    assert (past["action_rate"]["n"], past["action_rate"]["unknown"]) == (2, 8), "known then: b and d"


def test_bounds_hold_the_rate(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    ids = add_confirmed(sqlite_store, now, *"abcd")
    sent(sqlite_store, now, tmp_path)
    removed(sqlite_store, ids[0], now, 1, 8)
    observe(sqlite_store, ids[1], now + DAY, "live")
    with sqlite_store.read() as conn:
        rate = statistics(conn, now=now + 9 * DAY)["action_rate"]
    assert rate["worst"] <= rate["rate"] <= rate["best"]
    assert rate["low"] <= rate["rate"] <= rate["high"]
