from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import audit
from storage.cluster_updates import follow_groups
from storage.clusters import (
    cluster_details,
    cluster_line,
    confirm_cluster,
    count_clusters,
    get_cluster,
    judge,
    list_clusters,
    split_cluster,
    suggestions_of,
)
from storage.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from storage.linking import load_links
from storage.tables import cluster, cluster_member, judgement, suggestion
from tests.support.clues import ANALYST, AUDITOR, SENIOR, add_clue

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store


NAMES = itertools.count()


def clues(store: Store, now: datetime, number: int) -> list[int]:
    with store.write(now) as unit:
        return [add_clue(unit, f"t{i}") for i in range(number)]


def follow(store: Store, now: datetime, *groups: list[int]) -> int:
    return follow_groups(store, [(group, ["contact"]) for group in groups], now=now)


def stored(store: Store) -> dict[int, list[int]]:
    """Return the members of all clusters by id."""
    with store.read() as conn:
        return {row.id: list(row.members) for row in list_clusters(conn, limit=0)}


def test_groups_become_clusters_and_stay_the_same_ones(store: Store, now: datetime) -> None:
    ids = clues(store, now, 6)
    assert follow(store, now, ids[:3], ids[3:5]) == 2
    before = stored(store)
    assert sorted(before.values()) == [ids[:3], ids[3:5]]
    assert follow(store, now, ids[3:5], ids[:3]) == 0
    assert follow(store, now, ids[:2], ids[3:]) == 2
    (first, _), (second, _) = sorted(before.items(), key=lambda one: one[1])
    assert stored(store) == {first: ids[:2], second: ids[3:]}
    with store.read() as conn:
        line = cluster_line(get_cluster(conn, second))
        assert count_clusters(conn) == (2, 5)
    assert line == {"cluster": f"g{second}", "basis": ["contact"], "members": 3, "confirmed": False}


def test_clusters_that_grow_together_keep_the_one_with_most_members(store: Store, now: datetime) -> None:
    ids = clues(store, now, 5)
    follow(store, now, ids[:2], ids[2:])
    great = next(number for number, members in stored(store).items() if len(members) == 3)
    follow(store, now, ids)
    assert stored(store) == {great: ids}
    assert follow(store, now) == 1
    assert stored(store) == {}
    with pytest.raises(NotFoundError), store.read() as conn:
        get_cluster(conn, great)


def test_the_list_is_newest_first_and_paged(store: Store, now: datetime) -> None:
    ids = clues(store, now, 6)
    follow(store, now, ids[:2], ids[2:4], ids[4:])
    with store.read() as conn:
        first = list_clusters(conn, limit=2)
        rest = list_clusters(conn, limit=2, after=first[-1].id)
    assert [row.id for row in (*first, *rest)] == sorted(stored(store), reverse=True)


def test_a_confirmed_cluster_is_left_to_people(store: Store, now: datetime) -> None:
    ids = clues(store, now, 6)
    follow(store, now, ids[:3])
    (number,) = stored(store)
    with store.write(now) as unit:
        row = confirm_cluster(unit, number, actor=ANALYST, version=1)
    assert (row.confirmed, row.version) == (True, 2)
    assert follow(store, now, ids[:2], ids[2:]) == 1
    assert stored(store)[number] == ids[:3]
    assert sorted(stored(store).values()) == [ids[:3], ids[3:]]
    with store.read() as conn:
        assert load_links(conn).same == {(ids[0], ids[1]), (ids[0], ids[2])}
        (entry,) = audit.history(conn, "cluster", row.key)
    assert entry["action"] == "cluster.confirm"


def test_a_stale_version_of_a_cluster_is_a_conflict(store: Store, now: datetime) -> None:
    ids = clues(store, now, 3)
    follow(store, now, ids)
    (number,) = stored(store)
    with pytest.raises(ConflictError), store.write(now) as unit:
        confirm_cluster(unit, number, actor=ANALYST, version=7)


def test_only_reviewers_judge_confirm_and_split(store: Store, now: datetime) -> None:
    ids = clues(store, now, 3)
    follow(store, now, ids)
    (number,) = stored(store)
    with pytest.raises(ForbiddenError), store.write(now) as unit:
        confirm_cluster(unit, number, actor=AUDITOR)
    with pytest.raises(ForbiddenError), store.write(now) as unit:
        split_cluster(unit, number, ids[:1], actor=AUDITOR)
    with pytest.raises(ForbiddenError), store.write(now) as unit:
        judge(unit, ids[0], ids[1], "same", AUDITOR)


def test_a_split_keeps_its_sides_apart(store: Store, now: datetime) -> None:
    ids = clues(store, now, 5)
    follow(store, now, ids)
    (number,) = stored(store)
    with store.write(now) as unit:
        staying, leaving = split_cluster(unit, number, ids[3:], actor=SENIOR)
    assert (staying.id, staying.members, leaving.members) == (number, tuple(ids[:3]), tuple(ids[3:]))
    with store.read() as conn:
        assert len(load_links(conn).different) == 6
    for wrong in ([], ids[:3], [999]):
        with pytest.raises(InputError), store.write(now) as unit:
            split_cluster(unit, number, wrong, actor=SENIOR)
    with store.write(now) as unit:
        assert [row.members for row in split_cluster(unit, number, ids[:1], actor=SENIOR)] == [tuple(ids[1:3])]
    with store.write(now) as unit:
        assert split_cluster(unit, number, [ids[1]], actor=SENIOR) == []


def test_same_joins_and_different_parts(store: Store, now: datetime) -> None:
    ids = clues(store, now, 6)
    follow(store, now, ids[:2], ids[2:4])
    with store.write(now) as unit:
        judge(unit, ids[1], ids[2], "same", ANALYST)
    assert list(stored(store).values()) == [ids[:4]]
    with store.write(now) as unit:
        judge(unit, ids[0], ids[3], "different", ANALYST)
        judge(unit, ids[5], ids[4], "same", ANALYST)
        judge(unit, ids[4], ids[5], "unsure", ANALYST)
    assert sorted(stored(store).values()) == [ids[:3], ids[4:]]
    with store.read() as conn:
        judged = conn.execute(sa.select(judgement).order_by(judgement.c.id)).all()
        assert load_links(conn).same == {(ids[1], ids[2])}
    assert [row.superseded_at for row in judged] == [None, None, now, None]
    with pytest.raises(InputError), store.write(now) as unit:
        judge(unit, ids[0], ids[0], "same", ANALYST)
    with pytest.raises(NotFoundError), store.write(now) as unit:
        judge(unit, ids[0], 999, "same", ANALYST)


def test_only_the_judged_clue_joins_a_confirmed_cluster(store: Store, now: datetime) -> None:
    ids = clues(store, now, 5)
    follow(store, now, ids[:2], ids[2:])
    mine = next(number for number, members in stored(store).items() if ids[0] in members)
    with store.write(now) as unit:
        confirm_cluster(unit, mine, actor=ANALYST)
        judge(unit, ids[0], ids[2], "same", ANALYST)
    assert stored(store)[mine] == ids[:3]
    assert sorted(stored(store).values()) == [ids[:3], ids[3:]]


def test_details_show_links_and_judgements_among_the_members(store: Store, now: datetime) -> None:
    ids = clues(store, now, 4)
    follow(store, now, ids[:3])
    (number,) = stored(store)
    rows = [
        {"clue_a": ids[0], "clue_b": other, "basis": "text", "score": score, "evidence": {}, "at": now}
        for other, score in ((ids[1], 0.6), (ids[2], 0.8), (ids[3], 0.4))
    ]
    with store.write(now) as unit:
        unit.conn.execute(sa.insert(suggestion), rows)
        judge(unit, ids[0], ids[1], "same", ANALYST)
        judge(unit, ids[0], ids[3], "different", ANALYST)
    with store.read() as conn:
        details = cluster_details(conn, number)
        suggested = suggestions_of(conn, ids[0])
    assert [line["clue"] for line in details["clues"]] == [f"c{one}" for one in ids[:3]]
    assert [(link["a"], link["b"], link["score"]) for link in details["links"]] == [
        (f"c{ids[0]}", f"c{ids[1]}", 0.6),
        (f"c{ids[0]}", f"c{ids[2]}", 0.8),
    ]
    assert [(one["judgement"], one["by"]) for one in details["judgements"]] == [("same", "ana")]
    assert [(one["clue"], one["score"]) for one in suggested] == [(f"c{ids[2]}", 0.8), (f"c{ids[1]}", 0.6)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seeds=st.lists(st.integers(0, 10**6), min_size=1, max_size=4), confirm=st.booleans())
def test_whatever_groups_come_clusters_end_as_those_groups(
    sqlite_store: Store, now: datetime, seeds: list[int], confirm: bool
) -> None:
    with sqlite_store.write(now) as unit:
        for table in (cluster_member, cluster, judgement):
            unit.conn.execute(sa.delete(table))
        ids = [add_clue(unit, f"p{next(NAMES)}") for _ in range(9)]
    kept: list[int] = []
    for seed in seeds:
        groups = partition(ids, seed)
        follow(sqlite_store, now, *groups)
        expected = [[one for one in group if one not in kept] for group in groups]
        expected = sorted([*([kept] if kept else []), *(group for group in expected if len(group) > 1)])
        assert sorted(stored(sqlite_store).values()) == expected
        if confirm and not kept and expected:
            number, kept = min(stored(sqlite_store).items(), key=lambda one: one[1])
            with sqlite_store.write(now) as unit:
                confirm_cluster(unit, number, actor=ANALYST)


def partition(ids: list[int], seed: int) -> list[list[int]]:
    chance = random.Random(seed)
    parts: dict[int, list[int]] = {}
    for one in ids:
        parts.setdefault(chance.randrange(5), []).append(one)
    return [part for part in parts.values() if len(part) > 1]
