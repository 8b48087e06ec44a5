"""What machines ask the desk: does it work, what are its numbers; and the desk behind a reverse proxy."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from review.app import DeskSettings
from storage.figures import STATEMENTS, read_figures
from storage.records import RunState
from storage.runs import end_run, start_run
from tests.support import desk as support

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

LOOPBACK = DeskSettings(metrics="loopback")
TOKEN = DeskSettings(metrics="token", metrics_token="t0k-en")


def numbers(text: str) -> dict[tuple[str, str], float]:
    """Return each number by its name and its labels' values."""
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_health_says_ok_to_anybody_and_nothing_more(store: Store, now: datetime) -> None:
    with support.opened_desk(store, now) as desk:
        answer = desk.client().get("/healthz")
    assert (answer.status, answer.body) == (200, b"ok\n")


def test_health_fails_without_the_evidence_folder(sqlite_store: Store, now: datetime) -> None:
    with support.opened_desk(sqlite_store, now) as desk:
        shutil.rmtree(sqlite_store.evidence_root)
        answer = desk.client().get("/healthz")
    assert (answer.status, answer.body) == (503, b"failing\n")


def test_health_fails_without_the_database(sqlite_store: Store, now: datetime) -> None:
    with support.opened_desk(sqlite_store, now) as desk:
        with sqlite_store.engine.begin() as conn:
            conn.execute(sa.text("DROP TABLE workspace_meta"))
        answer = desk.client().get("/healthz")
    assert (answer.status, answer.body) == (503, b"failing\n")


def test_numbers_are_off_unless_set(sqlite_store: Store, now: datetime) -> None:
    with support.opened_desk(sqlite_store, now) as desk:
        assert desk.client().get("/metrics").status == desk.client().get("/nothing-here").status == 404


def test_this_machine_may_read_numbers_but_nobody_through_a_proxy(sqlite_store: Store, now: datetime) -> None:
    with support.opened_desk(sqlite_store, now, LOOPBACK) as desk:
        client = desk.client()
        assert client.get("/metrics").status == 200
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            assert client.get("/metrics", **{header: "127.0.0.1"}).status == 404


def test_a_proxy_that_is_trusted_names_who_asks(sqlite_store: Store, now: datetime) -> None:
    settings = DeskSettings(metrics="loopback", trusted_proxies=("127.0.0.0/8",))
    with support.opened_desk(sqlite_store, now, settings) as desk:
        assert desk.client().get("/metrics").status == 200
        assert desk.client().get("/metrics", **{"X-Forwarded-For": "203.0.113.9"}).status == 404


@pytest.mark.parametrize(
    ("given", "status"), [("Bearer t0k-en", 200), ("Bearer x", 404), ("t0k-en", 404), ("", 404)]
)
def test_numbers_by_token(sqlite_store: Store, now: datetime, given: str, status: int) -> None:
    with support.opened_desk(sqlite_store, now, TOKEN) as desk:
        assert desk.client().get("/metrics", Authorization=given).status == status


def test_a_missing_token_opens_nothing(sqlite_store: Store, now: datetime) -> None:
    with support.opened_desk(sqlite_store, now, DeskSettings(metrics="token")) as desk:
        assert desk.client().get("/metrics", Authorization="Bearer ").status == 404


def test_the_numbers_are_those_of_the_tables(store: Store, now: datetime) -> None:
    with support.opened_desk(store, now, LOOPBACK) as desk:
        support.add_clues(store, now, [support.pitch(1), support.pitch(2)])
        with store.write(now) as unit:
            run = start_run(unit, source="forum", platform="web", access="visitor")
            end_run(unit, run.id, RunState.FINISHED)
        desk.clock.move(hours=2)
        answer = desk.client().get("/metrics")
    found = numbers(answer.text)
    assert found["qingyuan_posts", ""] == 2
    assert found["qingyuan_clues", "new"] == 2
    assert found["qingyuan_clues", "rejected"] == 0
    assert found["qingyuan_queue_oldest_seconds", ""] == 7200
    assert found["qingyuan_crawl_runs", "finished"] == 1
    assert found["qingyuan_source_good_run_age_seconds", "forum"] == 7200
    assert found["qingyuan_batches", "reconcile"] == 0
    assert found["qingyuan_outcomes", "unknown"] == 0
    assert "zhaiwu" not in answer.text
    assert "0.1.0" not in answer.text


def test_one_reading_takes_a_fixed_number_of_statements(store: Store, now: datetime) -> None:
    counted: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *given: counted.append(given[2]))
    for size in (0, 3):
        with store.write(now) as unit:
            for number in range(size):
                run = start_run(unit, source=f"s{number}", platform="web", access="visitor")
                end_run(unit, run.id, RunState.FINISHED)
        counted.clear()
        with store.read() as conn:
            read_figures(conn)
        assert len([text for text in counted if text.startswith("SELECT")]) == STATEMENTS


def test_failed_sign_ins_are_counted_by_the_address_that_the_proxy_names(
    sqlite_store: Store, now: datetime
) -> None:
    with support.opened_desk(sqlite_store, now, DeskSettings(trusted_proxies=("127.0.0.1",))) as desk:
        client = desk.client()
        token = client.csrf("/sign-in")
        form: dict[str, object] = {"csrf": token, "name": "ana", "password": "wrong", "then": "/"}
        client.post("/sign-in", form, **{"X-Forwarded-For": "203.0.113.9"})
    with sqlite_store.read() as conn:
        assert conn.execute(sa.text("SELECT address FROM sign_in_attempt")).scalars().all() == ["203.0.113.9"]
