"""The desk's numbers in Prometheus' text format, made anew for each reading in a registry of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from storage.records import BatchState, ClueState, OutcomeKind, RunState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from storage.figures import Figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics_text(found: Figures, *, now: datetime) -> bytes:
    """Return the numbers; every known state is there, also with 0, so that an alarm on it can be written."""
    registry = CollectorRegistry(auto_describe=False)
    _one(registry, "posts", "Stored posts.", found.posts)
    age = (now - found.oldest_open_clue).total_seconds() if found.oldest_open_clue else 0
    _one(registry, "queue_oldest_seconds", "Age of the oldest clue that waits for a person.", age)
    _by_state(registry, "clues", "Clues by state.", {"state": found.clues}, ClueState)
    _by_state(registry, "crawl_runs", "Crawl runs by state.", {"state": found.crawl_runs}, RunState)
    _by_state(registry, "batches", "Batches by state.", {"state": found.batches}, BatchState)
    _by_state(registry, "deliveries", "Tries to send a batch by itself, by state.", {"state": found.deliveries})
    _by_state(registry, "outcomes", "Targets by what is true of them now.", {"kind": found.outcomes}, OutcomeKind)
    _by_pair(registry, "notices", "Notices to people.", found.notices, ("transport", "state"))
    _by_pair(registry, "jobs", "Periods of scheduled jobs.", found.jobs, ("job", "state"))
    good, done = {"source": found.good_runs}, {"job": found.jobs_done}
    _ages(registry, "source_good_run_age_seconds", "Since its last good run.", good, now)
    _ages(registry, "job_done_age_seconds", "Since its last period was done.", done, now)
    return generate_latest(registry)


def _one(registry: CollectorRegistry, name: str, words: str, value: float) -> None:
    Gauge(f"qingyuan_{name}", words, registry=registry).set(value)


def _by_state(
    registry: CollectorRegistry,
    name: str,
    words: str,
    counted: Mapping[str, Mapping[str, int]],
    known: Iterable[str] = (),
) -> None:
    """Add counts by one label, whose name is the key of ``counted``."""
    ((label, counts),) = counted.items()
    gauge = Gauge(f"qingyuan_{name}", words, [label], registry=registry)
    for state, many in ({str(one): 0 for one in known} | dict(counts)).items():
        gauge.labels(state).set(many)


def _by_pair(
    registry: CollectorRegistry,
    name: str,
    words: str,
    counts: Mapping[tuple[str, str], int],
    labels: tuple[str, str],
) -> None:
    gauge = Gauge(f"qingyuan_{name}", words, labels, registry=registry)
    for pair, many in counts.items():
        gauge.labels(*pair).set(many)


def _ages(
    registry: CollectorRegistry, name: str, words: str, found: Mapping[str, Mapping[str, datetime]], now: datetime
) -> None:
    """Add seconds since some times by one label, whose name is the key of ``found``."""
    ((label, times),) = found.items()
    gauge = Gauge(f"qingyuan_{name}", words, [label], registry=registry)
    for which, at in times.items():
        gauge.labels(which).set((now - at).total_seconds())
