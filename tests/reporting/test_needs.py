"""What stands and needs a person, by the state of the tables; keys change exactly when something happens anew."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from reporting.batches import propose_batch, return_batch
from reporting.needs import SCHEDULER, Authorisation, Need, NeedKind, source_kind, standing_needs
from storage import ledger, runs
from storage.holds import hold_source, lift_hold
from storage.records import RunState
from storage.tables import batch, submission
from tests.support import takedown
from tests.support.takedown import CHANNELS, CHECKER, SENIOR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store


def needs(store: Store, now: datetime, authorisations: Sequence[Authorisation] = ()) -> list[Need]:
    with store.read() as conn:
        return standing_needs(conn, now=now, channels=CHANNELS, authorisations=authorisations)


def kinds(store: Store, now: datetime) -> list[NeedKind]:
    return [need.kind for need in needs(store, now)]


def run_source(
    store: Store, now: datetime, state: RunState, reason: str | None = None, source: str = "forum"
) -> None:
    with store.write(now) as unit:
        one = runs.start_run(unit, source=source, platform="web", access="visitor")
        runs.end_run(unit, one.id, state, reason=reason)


def fail_job(store: Store, now: datetime, period: str, *, times: int = ledger.MAX_ATTEMPTS) -> None:
    for _ in range(times):
        held = ledger.begin(store, "crawl", period, now=now)
        assert held is not None
        ledger.finish(store, held, now=now, failed=True)


@pytest.mark.parametrize(
    ("state", "reason", "kind", "marker"),
    [
        (RunState.BLOCKED, "captcha_title at https://x.example/?token=1", NeedKind.CHALLENGE, "captcha_title"),
        (RunState.BLOCKED, "gateway_challenge at https://x.example/", NeedKind.CHALLENGE, "gateway_challenge"),
        (RunState.BLOCKED, "login_address at https://x.example/login", NeedKind.LOGIN, "login_address"),
        (RunState.BLOCKED, "http_403 at https://x.example/", NeedKind.BLOCKED, "http_403"),
        (RunState.BLOCKED, "robots.txt of x.example cannot be had", NeedKind.BLOCKED, ""),
        (RunState.BLOCKED, "the site asked to be left alone until 2026", NeedKind.BLOCKED, ""),
        (RunState.FORMAT_CHANGED, "7 of 9 articles could not be read", NeedKind.FORMAT_CHANGED, ""),
        (RunState.FAILED, "storing failed: OSError", NeedKind.RUN_FAILED, ""),
        (RunState.BLOCKED, "", NeedKind.BLOCKED, ""),
    ],
)
def test_a_reason_is_told_by_its_sign_and_never_by_an_address(
    state: RunState, reason: str, kind: NeedKind, marker: str
) -> None:
    assert source_kind(state, reason) == (kind, marker)


def test_nothing_stands_in_an_empty_workspace(store: Store, now: datetime) -> None:
    assert needs(store, now) == []


def test_a_stopped_source_stands_under_one_key_until_a_run_is_good(store: Store, now: datetime) -> None:
    run_source(store, now, RunState.FINISHED)
    run_source(store, now, RunState.BLOCKED, "captcha_title at https://x.example/")
    (first,) = needs(store, now)
    assert (first.kind, first.page) == (NeedKind.CHALLENGE, "/runs")
    assert "x.example" not in str(first)
    run_source(store, now, RunState.BLOCKED, "captcha_title at https://x.example/2")
    (again,) = needs(store, now)
    assert again.cause == first.cause
    run_source(store, now, RunState.FINISHED)
    assert needs(store, now) == []
    run_source(store, now, RunState.BLOCKED, "captcha_title at https://x.example/")
    (anew,) = needs(store, now)
    assert anew.cause != first.cause


def test_a_held_source_stands_until_it_goes_on(store: Store, now: datetime) -> None:
    run_source(store, now, RunState.BLOCKED, "captcha at https://x.example/")
    for is_login, kind in ((False, NeedKind.CHALLENGE), (True, NeedKind.LOGIN)):
        with store.write(now) as unit:
            lift_hold(unit, "forum")
            hold_source(unit, "forum", reason="x at https://x.example/", marker="sign_seen", is_login=is_login)
        (found,) = needs(store, now)
        assert (found.kind, found.values["marker"]) == (kind, "sign_seen")
        assert "x.example" not in str(found)


def test_a_job_stands_when_its_last_period_failed_for_good(store: Store, now: datetime) -> None:
    fail_job(store, now, "2026-11-16", times=1)
    assert kinds(store, now) == []
    fail_job(store, now, "2026-11-17")
    (first,) = needs(store, now)
    assert first.kind is NeedKind.JOB_FAILED
    assert first.values["period"] == "2026-11-17"
    fail_job(store, now, "2026-11-18")
    (again,) = needs(store, now)
    assert (again.cause, again.values["period"]) == (first.cause, "2026-11-18")
    held = ledger.begin(store, "crawl", "2026-11-19", now=now)
    assert held is not None
    ledger.finish(store, held, now=now)
    assert needs(store, now) == []


def test_a_proposed_batch_waits_until_it_is_given_back(store: Store, now: datetime) -> None:
    takedown.add_confirmed(store, now, "a", "b")
    code = takedown.drafted(store, now)
    assert kinds(store, now) == []  # drafted by a person, who knows
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    (first,) = needs(store, now)
    assert (first.kind, first.values["items"], first.values["batch"]) == (NeedKind.APPROVAL, 2, code)
    return_batch(store, code, now=now, actor=SENIOR)
    assert kinds(store, now) == []
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    (anew,) = needs(store, now)
    assert anew.cause != first.cause


def test_a_draft_of_the_schedule_waits_to_be_proposed(sqlite_store: Store, now: datetime) -> None:
    takedown.add_confirmed(sqlite_store, now, "a")
    code = takedown.drafted(sqlite_store, now)
    with sqlite_store.write(now) as unit:
        unit.conn.execute(sa.update(batch).where(batch.c.code == code).values(drafted_by=SCHEDULER))
    assert kinds(sqlite_store, now) == [NeedKind.DRAFT]


def test_items_are_overdue_after_the_days_of_their_channel(store: Store, now: datetime, tmp_path: Path) -> None:
    takedown.add_confirmed(store, now, "a", "b", "c")
    code = takedown.sent(store, now, tmp_path)
    days = CHANNELS[takedown.CHANNEL].spec.sla_days
    assert days is not None
    assert kinds(store, now + timedelta(days=days, seconds=-1)) == []
    (found,) = needs(store, now + timedelta(days=days))
    assert (found.kind, found.values["items"], found.values["batch"]) == (NeedKind.OVERDUE, 3, code)
    with store.write(now) as unit:
        first = sa.select(sa.func.min(submission.c.id)).scalar_subquery()
        unit.conn.execute(sa.update(submission).where(submission.c.id == first).values(state="need_more"))
    later = needs(store, now + timedelta(days=days))
    assert {need.kind: need.values["items"] for need in later} == {NeedKind.OVERDUE: 2, NeedKind.NEED_MORE: 1}


def test_an_authorisation_is_told_of_before_its_end_and_anew_after_it(sqlite_store: Store, now: datetime) -> None:
    def told(until: date) -> list[str]:
        found = needs(sqlite_store, now, [Authorisation(source="notes", valid_until=until)])
        return [need.cause for need in found]

    assert told(date(2026, 12, 3)) == []
    assert told(date(2026, 12, 2)) == ["source:notes:authorisation:2026-12-02:ending"]
    assert told(date(2026, 11, 18)) == ["source:notes:authorisation:2026-11-18:ending"]
    assert told(date(2026, 11, 17)) == ["source:notes:authorisation:2026-11-17:over"]
