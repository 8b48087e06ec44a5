"""Observations are added once, read back as they were, and refuse what nobody can have seen."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.observations import count_by_kind, last_observation_id, observations_of, record_observation
from storage.records import Actor, ObservationMethod, OutcomeKind
from tests.support.takedown import add_confirmed, observe

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store


def test_observation_of_one_key_is_added_once(store: Store, now: datetime) -> None:
    first, second = add_confirmed(store, now, "a", "b")
    assert observe(store, first, now, "live", key="visit-1")
    assert not observe(store, first, now, "content_removed", key="visit-1")
    assert observe(store, second, now, "live", key="visit-1")
    with store.read() as conn:
        found = observations_of(conn, [first, second])
    assert [one.kind for one in found[first]] == [OutcomeKind.LIVE]


def test_observations_come_back_oldest_first_with_everything(store: Store, now: datetime) -> None:
    (clue,) = add_confirmed(store, now, "a")
    later = now + timedelta(days=1)
    observe(store, clue, later, "content_removed")
    observe(store, clue, now, "live", control_ok=False)
    with store.read() as conn:
        found = observations_of(conn, [clue])[clue]
        early = observations_of(conn, [clue], until=now)[clue]
    assert [(one.at, one.kind.value, one.control_ok, one.marker) for one in found] == [
        (now, "live", False, None),
        (later, "content_removed", True, "http-410"),
    ]
    assert len(early) == 1


def test_clue_without_observations_is_absent(store: Store, now: datetime) -> None:
    (clue,) = add_confirmed(store, now, "a")
    with store.read() as conn:
        assert observations_of(conn, [clue]) == {}
        assert last_observation_id(conn) == 0


@pytest.mark.parametrize(
    ("kind", "marker"),
    [("content_removed", None), ("account_banned", ""), ("content_restricted", "m"), ("nonsense", "m")],
)
def test_probe_cannot_say_what_it_cannot_have_seen(
    sqlite_store: Store, now: datetime, kind: str, marker: str | None
) -> None:
    (clue,) = add_confirmed(sqlite_store, now, "a")
    with pytest.raises(ValueError, match=r"marker|probe|valid"):
        observe(sqlite_store, clue, now, kind, marker=marker)
    with sqlite_store.read() as conn:
        assert observations_of(conn, [clue]) == {}


def test_probes_are_counted_by_kind_since_an_id(store: Store, now: datetime) -> None:
    one, two = add_confirmed(store, now, "a", "b")
    observe(store, one, now, "live")
    with store.read() as conn:
        mark = last_observation_id(conn)
    observe(store, two, now, "content_removed")
    observe(store, one, now + timedelta(hours=1), "live")
    with store.write(now) as unit:
        record_observation(
            unit,
            clue_id=one,
            key="reply",
            at=now,
            kind=OutcomeKind.CONTENT_RESTRICTED,
            method=ObservationMethod.REPLY,
            actor=Actor(name="chen"),
        )
    with store.read() as conn:
        assert count_by_kind(conn, since_id=mark) == {"content_removed": 1, "live": 1}
