"""The tick and its cron arithmetic as pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.weeks import cut_off, week_of
from scheduler import (
    RETRY_AFTER,
    TIMEZONE,
    Due,
    Entry,
    Job,
    Lane,
    Rule,
    Standing,
    check_cron,
    fired_since,
    first_periods,
    last_fire,
    next_fire,
    tick,
)
from storage.errors import SettingsError

WEEKLY = Job(name="draft", cron="0 18 * * fri", words=(), rule=Rule.EACH, lane=Lane.PROMPT, weekly=True)
CRAWL = Job(name="crawl", cron="0 */6 * * *", words=(), lane=Lane.READING)
CRONS = ("*/10 * * * *", "0 */6 * * *", "0 18 * * fri", "30 0 * * *", "15 2 1 * *", "0 9 1 * 1", "5 4 * 2,9 sun")
MOMENTS = st.datetimes(min_value=datetime(1986, 1, 1), max_value=datetime(2036, 12, 31)).map(  # noqa: DTZ001 - below
    lambda moment: moment.replace(tzinfo=UTC)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TIMEZONE).astimezone(UTC)


def entry(job: Job, period: str, standing: Standing = Standing.CLOSED, **rest: object) -> Entry:
    return Entry(job=job.name, period=period, standing=standing, **rest)  # type: ignore[arg-type]  # as the test says


def names(due: list[Due]) -> list[tuple[str, str]]:
    return [(one.job.name, one.period) for one in due]


@pytest.mark.parametrize("cron", ["0 18 * * 5", "0 18 * * fri", "0 18 * * FRI"])
def test_weekdays_are_those_of_crontab(cron: str) -> None:
    assert next_fire(cron, at("2026-11-18T00:00")) == at("2026-11-20T18:00")


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("0", "22"), ("7", "22"), ("1-5", "18 19 20 23 24"), ("fri-mon", "20 21 22 23"), ("5-7", "20 21 22"),
        ("0-7", "18 19 20 21 22 23 24"), ("*/2", "19 21 22 24"), ("1-5/2", "18 20 23"), ("mon,3", "18 23"),
    ],
)  # fmt: skip
def test_spans_and_steps_of_weekdays(weekday: str, days: str) -> None:
    moment, found = at("2026-11-17T23:00"), []
    while (fired := next_fire(f"0 0 * * {weekday}", moment)) is not None and fired < at("2026-11-25T00:00"):
        found.append(str(fired.astimezone(TIMEZONE).day))
        moment = fired
    assert found == days.split()


def test_day_and_weekday_together_mean_either() -> None:
    fires = [next_fire("0 9 1 * mon", at("2026-11-27T00:00"))]
    fires.append(next_fire("0 9 1 * mon", fires[0] or at("2026-11-27T00:00")))
    assert fires == [at("2026-11-30T09:00"), at("2026-12-01T09:00")]


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "61 * * * *", "* * * * 8", "* * * * friday", "@daily", "0 0 30 2 *"]
)
def test_what_is_no_cron_line_or_never_fires_is_refused(cron: str) -> None:
    with pytest.raises(SettingsError, match=r"cron expression|never fires"):
        check_cron(cron)


def test_a_daily_line_loses_no_day_where_summer_time_begins_or_ends() -> None:
    """China had summer time from 1986 to 1991."""
    moment = datetime(1985, 12, 31, 15, tzinfo=UTC)
    days = []
    while moment < datetime(1992, 1, 1, tzinfo=UTC):
        found = next_fire("30 0 * * *", moment)
        assert found is not None
        days.append(found.astimezone(TIMEZONE).date())
        moment = found
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]


@settings(max_examples=80, deadline=None)
@given(cron=st.sampled_from(CRONS), now=MOMENTS)
def test_last_and_next_fire_are_neighbours(cron: str, now: datetime) -> None:
    last, following = last_fire(cron, now), next_fire(cron, now)
    assert last is not None
    assert following is not None
    assert last <= now < following
    assert next_fire(cron, last) == following
    assert not fired_since(cron, last, now=now)
    assert fired_since(cron, last - timedelta(seconds=1), now=now)


@settings(max_examples=80, deadline=None)
@given(now=MOMENTS)
def test_a_weekly_period_is_the_week_whose_cut_off_has_passed(now: datetime) -> None:
    week = WEEKLY.period_of(now)
    assert cut_off(week) <= now < cut_off(week_of(cut_off(week) + timedelta(days=7)))


def test_a_new_job_begins_with_its_first_tick() -> None:
    now = at("2026-11-20T17:59")
    assert tick(now, [], jobs=[WEEKLY, CRAWL]) == []
    known = first_periods(now, [], jobs=[WEEKLY, CRAWL])
    assert known == {"draft": "2026-W46", "crawl": "2026-11-20T09:59Z"}
    ledger = [Entry(job=job, period=period, standing=Standing.CLOSED) for job, period in known.items()]
    assert first_periods(now, ledger, jobs=[WEEKLY, CRAWL]) == {}
    later = tick(at("2026-11-20T18:00"), ledger, jobs=[WEEKLY, CRAWL])
    assert names(later) == [("draft", "2026-W47"), ("crawl", "2026-11-20T10:00Z")]


def test_missed_weeks_come_one_by_one_and_missed_crawls_once() -> None:
    now = at("2026-12-10T12:34")
    ledger = [entry(WEEKLY, "2026-W46"), entry(CRAWL, "2026-11-20T04:00Z")]
    assert names(tick(now, ledger, jobs=[WEEKLY, CRAWL])) == [("draft", "2026-W47"), ("crawl", "2026-12-10T04:00Z")]
    assert names(tick(now, [entry(WEEKLY, "2026-W47")], jobs=[WEEKLY])) == [("draft", "2026-W48")]
    assert names(tick(now, [entry(WEEKLY, "2026-W49")], jobs=[WEEKLY])) == []


def test_an_open_week_is_tried_again_before_the_next_one() -> None:
    now = at("2026-12-10T12:34")
    failed = entry(WEEKLY, "2026-W47", Standing.OPEN, failures=1, ended_at=now - timedelta(seconds=30))
    assert tick(now, [failed], jobs=[WEEKLY]) == []
    assert names(tick(now + RETRY_AFTER[0], [failed], jobs=[WEEKLY])) == [("draft", "2026-W47")]
    left = entry(WEEKLY, "2026-W47", Standing.OPEN)
    assert names(tick(now, [left], jobs=[WEEKLY])) == [("draft", "2026-W47")]
    assert tick(now, [entry(WEEKLY, "2026-W47", Standing.HELD)], jobs=[WEEKLY]) == []


def test_a_failed_crawl_gives_way_to_the_next_period() -> None:
    now = at("2026-11-20T12:01")
    failed = entry(CRAWL, "2026-11-20T04:00Z", Standing.OPEN, failures=2, ended_at=now)
    assert tick(now, [failed], jobs=[CRAWL]) == []
    older = entry(CRAWL, "2026-11-19T22:00Z", Standing.OPEN, failures=2, ended_at=now)
    assert names(tick(now, [older], jobs=[CRAWL])) == [("crawl", "2026-11-20T04:00Z")]


def test_a_clock_set_back_runs_nothing_twice_and_does_not_wait_for_the_wrong_time() -> None:
    """A clock eight days ahead has run the crawls and the draft of a week to come."""
    ahead = [entry(WEEKLY, "2026-W47"), entry(CRAWL, "2026-11-28T04:00Z")]
    true = [entry(WEEKLY, "2026-W46"), entry(CRAWL, "2026-11-20T04:00Z")]
    now = at("2026-11-20T18:01")
    assert names(tick(now, [*ahead, *true], jobs=[WEEKLY, CRAWL])) == [("crawl", "2026-11-20T10:00Z")]
    failed_ahead = entry(CRAWL, "2026-11-20T04:00Z", Standing.OPEN, failures=1, ended_at=now + timedelta(days=8))
    assert names(tick(at("2026-11-20T12:01"), [failed_ahead], jobs=[CRAWL])) == [("crawl", "2026-11-20T04:00Z")]


def test_a_first_tick_by_a_clock_that_was_ahead_does_not_count() -> None:
    ahead = [entry(CRAWL, "2027-11-28T04:00Z")]
    now = at("2026-11-20T12:01")
    assert tick(now, ahead, jobs=[CRAWL]) == []
    assert first_periods(now, ahead, jobs=[CRAWL]) == {"crawl": "2026-11-20T04:01Z"}


def test_a_renamed_job_keeps_its_past_and_an_unknown_one_is_ignored() -> None:
    renamed = Job(name="new", cron=WEEKLY.cron, words=(), rule=Rule.EACH, weekly=True, former=("draft",))
    now = at("2026-12-10T12:34")
    ledger = [entry(WEEKLY, "2026-W48"), Entry(job="gone", period="2026-W40", standing=Standing.OPEN)]
    assert names(tick(now, ledger, jobs=[renamed])) == [("new", "2026-W49")]
    assert renamed.names[0] == "draft"
    assert first_periods(now, ledger, jobs=[renamed]) == {}
    both = [*ledger, Entry(job="new", period="2026-W49", standing=Standing.CLOSED)]
    assert tick(now, both, jobs=[renamed]) == []


def test_a_job_that_rests_is_caught_up_later() -> None:
    ledger = [entry(CRAWL, "2026-11-20T04:00Z")]
    now = at("2026-11-21T00:01")
    assert tick(now, ledger, jobs=[CRAWL], resting={"crawl"}) == []
    assert names(tick(now, ledger, jobs=[CRAWL])) == [("crawl", "2026-11-20T16:00Z")]


@settings(max_examples=50, deadline=None)
@given(
    start=MOMENTS,
    steps=st.lists(st.integers(min_value=-9 * 1440, max_value=21 * 1440), min_size=1, max_size=25),
    job=st.sampled_from([WEEKLY, CRAWL]),
)
def test_however_the_clock_goes_no_period_runs_twice_and_none_of_each_is_left_out(
    start: datetime, steps: list[int], job: Job
) -> None:
    """Runs that succeed at once, on a clock that jumps by minutes given; periods that sort as their times do."""
    done = list(first_periods(start, [], jobs=[job]).values())
    now, newest = start, start
    for minutes in steps:
        now += timedelta(minutes=minutes)
        newest = max(newest, now)
        while due := tick(now, standing(job, done, now), jobs=[job]):
            assert due[0].period not in done
            assert due[0].fired_at <= now
            done.append(due[0].period)
        done += first_periods(now, standing(job, done, now), jobs=[job]).values()
    assert len(done) == len(set(done))
    if job.rule is Rule.EACH:
        assert expected_weeks(job, start, newest) <= set(done)


def standing(job: Job, done: list[str], now: datetime) -> list[Entry]:
    """Return what the ledger says: the newest row that is not ahead."""
    past = [period for period in done if period <= job.period_of(now)]
    return [entry(job, max(past))] if past else []


def expected_weeks(job: Job, start: datetime, end: datetime) -> set[str]:
    weeks, fired = set(), next_fire(job.cron, start)
    while fired is not None and fired <= end:
        weeks.add(job.period_of(fired))
        fired = next_fire(job.cron, fired)
    return weeks
