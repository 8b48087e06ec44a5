"""The clustering stage: from clues to suggestions, clusters and the queue, again and again."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from classifiers.run import cluster_clues, screen_posts
from storage.clues import list_clues
from storage.clusters import confirm_cluster, judge, list_clusters
from storage.decisions import clue_history, decide_clue
from storage.linking import MAX_BLOCK, add_bands, own_contacts
from storage.tables import contact, suggestion, text_band
from tests.support.clues import ANALYST, add_clue
from tests.support.screening import PITCH, PLEA, clues_by_target, post_facts, put, shipped

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

DAY = timedelta(days=1)
FIRST = "专业代办停息挂账，协商个性化分期60期，无前期费用，不成功不收费，逾期的朋友抓紧来咨询"
SECOND = "信用卡网贷还不上别慌，我们团队帮你停催，律师一对一处理，先办事后付款，全国可做"
PHONE = "，电话 13812345678"


def copies(body: str, name: str, number: int, *, phones: int = 0) -> list[Any]:
    """Return copies of a body with five random hanzi each, the first of them with a phone number."""
    chance = random.Random(name)
    hanzi = [chr(code) for code in range(0x4E00, 0x9FA5)]
    tails = ["".join(chance.choices(hanzi, k=5)) for _ in range(number)]
    return [
        post_facts(f"{name}{index}", body + tail + (PHONE if index < phones else ""), account=f"{name}-{index % 2}")
        for index, tail in enumerate(tails)
    ]


def stages(store: Store, now: datetime, **wanted: Any) -> dict[str, Any]:
    screen_posts(store, shipped(), now=now)
    return cluster_clues(store, now=now, **wanted)


def clusters(store: Store) -> list[list[str]]:
    """Return the native ids of each cluster's members, sorted."""
    with store.read() as conn:
        names = {row.id: row.target_native_id for row in list_clues(conn, limit=0)}
        return sorted(sorted(names[one] for one in row.members) for row in list_clusters(conn, limit=0))


def names(name: str, number: int) -> list[str]:
    return [f"{name}{index}" for index in range(number)]


def everything(store: Store) -> list[tuple[Any, ...]]:
    tables = ("clue", "cluster", "cluster_member", "suggestion", "text_band", "audit_entry", "decision")
    with store.read() as conn:
        return [tuple(row) for table in tables for row in conn.execute(sa.text(f"SELECT * FROM {table}"))]  # noqa: S608


def test_two_bodies_and_one_phone_are_one_cluster_and_a_second_run_changes_nothing(
    store: Store, now: datetime
) -> None:
    put(store, now, *copies(FIRST, "a", 5, phones=2), *copies(SECOND, "b", 5, phones=2))
    assert stages(store, now) == {"clusters": 1, "members": 10, "queued": 10}
    before = everything(store)
    assert stages(store, now + DAY) == {"clusters": 1, "members": 10, "queued": 0}
    assert everything(store) == before


def test_without_the_phone_the_bodies_stay_apart(store: Store, now: datetime) -> None:
    put(store, now, *copies(FIRST, "a", 3), *copies(SECOND, "b", 3))
    stages(store, now)
    assert clusters(store) == [names("a", 3), names("b", 3)]


def test_clusters_grow_without_losing_their_number(store: Store, now: datetime) -> None:
    first, second = copies(FIRST, "a", 6), copies(SECOND, "b", 3)
    put(store, now, *first[:3], *second)
    stages(store, now)
    with store.read() as conn:
        before = {row.id for row in list_clusters(conn)}
    put(store, now + DAY, *first[3:])
    assert stages(store, now + DAY)["queued"] == 3
    assert clusters(store) == [names("a", 6), names("b", 3)]
    with store.read() as conn:
        assert {row.id for row in list_clusters(conn)} == before


def test_the_contacts_of_a_victim_or_of_others_link_nobody(store: Store, now: datetime) -> None:
    plea = PLEA + "我的微信 aaabbb111 求帮助"
    below = [("c1", PITCH, "s"), ("c2", "可以代办停息挂账，加微信 kkk99887，不成功不收费", "t")]
    put(store, now, post_facts("1", plea, comments=below), post_facts("2", FIRST + "微信 aaabbb111"))
    screen_posts(store, shipped(), now=now)
    found = clues_by_target(store)
    with store.read() as conn:
        own = own_contacts(conn)
        masked = dict(conn.execute(sa.select(contact.c.id, contact.c.masked)).all())
    shown = {key: {masked[one] for one in own.get(row["id"], ())} for key, row in found.items()}
    assert shown == {"comment:c1": {"z*******8"}, "comment:c2": {"k******7"}, "post:2": {"a*******1"}}


def test_the_authors_own_comment_counts_as_the_authors_words(store: Store, now: datetime) -> None:
    pinned = [("c1", "微信 zhaiwu888", "seller"), ("c2", "我的微信 bbbccc222", "other")]
    put(store, now, post_facts("1", FIRST, account="seller", comments=pinned), post_facts("2", PITCH))
    stages(store, now)
    assert any({"1", "2"} <= set(members) for members in clusters(store))


def test_own_accounts_are_suppressed_even_when_listed_later(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PITCH, account="ours"), post_facts("2", FIRST, account="theirs"))
    assert stages(store, now, allow_list=["forum:ours"])["queued"] == 1
    assert {key: row["state"] for key, row in clues_by_target(store).items()} == {
        "post:1": "suppressed",
        "post:2": "queued",
    }
    stages(store, now, allow_list=["forum:ours", "forum:theirs"])
    found = clues_by_target(store)
    assert {row["state"] for row in found.values()} == {"suppressed"}
    with store.read() as conn:
        (entry,) = clue_history(conn, found["post:2"]["id"])
    assert (entry.actor, entry.reason) == ("system", "the account is on the allow-list")


def test_rejected_clues_and_rejected_pairs_are_not_suggested_again(store: Store, now: datetime) -> None:
    put(store, now, *copies(FIRST, "a", 4, phones=4))
    stages(store, now)
    found = clues_by_target(store)
    with store.write(now) as unit:
        decide_clue(unit, found["post:a0"]["id"], "rejected", actor=ANALYST)
        judge(unit, found["post:a1"]["id"], found["post:a2"]["id"], "different", ANALYST)
    for _ in range(2):
        stages(store, now + DAY)
        assert clusters(store) == [["a1", "a3"]]


def test_confirmed_clusters_are_left_alone_and_newcomers_only_suggested(store: Store, now: datetime) -> None:
    posts = copies(FIRST, "a", 4)
    put(store, now, *posts[:2])
    stages(store, now)
    with store.write(now) as unit:
        (row,) = list_clusters(unit.conn)
        confirm_cluster(unit, row.id, actor=ANALYST)
    put(store, now + DAY, posts[2])
    assert stages(store, now + DAY) == {"clusters": 1, "members": 2, "queued": 1}
    put(store, now + DAY, posts[3])
    stages(store, now + DAY)
    assert clusters(store) == [["a0", "a1"], ["a2", "a3"]]
    with store.read() as conn:
        pairs = conn.execute(sa.select(sa.func.count()).select_from(suggestion)).scalar_one()
    assert pairs == 6


def test_an_edited_text_is_compared_again(store: Store, now: datetime) -> None:
    posts = copies(FIRST, "a", 3)
    put(store, now, *posts)
    stages(store, now)
    put(store, now + DAY, post_facts("a2", SECOND, account="a-0"))
    stages(store, now + DAY)
    assert clusters(store) == [["a0", "a1"]]
    put(store, now + 2 * DAY, posts[2])
    stages(store, now + 2 * DAY)
    assert clusters(store) == [["a0", "a1", "a2"]]


def test_blocks_of_equal_texts_stay_capped_and_still_are_one_cluster(sqlite_store: Store, now: datetime) -> None:
    put(sqlite_store, now, *copies(FIRST, "a", 3 * MAX_BLOCK))
    done = stages(sqlite_store, now)
    assert done == {"clusters": 1, "members": 3 * MAX_BLOCK, "queued": 3 * MAX_BLOCK}
    with sqlite_store.read() as conn:
        sizes = sa.select(sa.func.count()).where(text_band.c.band >= 0).group_by(text_band.c.band, text_band.c.key)
        links = conn.execute(sa.select(sa.func.count()).select_from(suggestion)).scalar_one()
        assert max(conn.execute(sizes).scalars()) <= MAX_BLOCK
    assert links <= 3 * MAX_BLOCK * 16


def test_bands_of_a_killed_run_are_compared_by_the_next_one(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        ids = [add_clue(unit, f"t{i}", text=FIRST) for i in range(3)]
        add_bands(unit, {ids[0]: [1] * 64, ids[1]: [2] * 64})  # committed, the pairs never were
    assert cluster_clues(store, now=now)["members"] == 3


def test_the_order_in_which_clues_come_does_not_change_the_clusters(sqlite_store: Store, now: datetime) -> None:
    posts = [*copies(FIRST, "a", 6, phones=1), *copies(SECOND, "b", 6, phones=1), *copies(PITCH, "c", 4)]
    put(sqlite_store, now, *posts)
    stages(sqlite_store, now, chunk=200)
    together = clusters(sqlite_store)
    with sqlite_store.write(now) as unit:
        unit.conn.execute(sa.text("PRAGMA defer_foreign_keys=ON"))
        for table in ("cluster_member", "cluster", "suggestion", "text_band", "contact_use", "clue", "verdict"):
            unit.conn.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - names of tables
        for table in ("post_revision", "post"):
            unit.conn.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - names of tables
    random.Random(3).shuffle(posts)
    for number in range(0, len(posts), 5):
        put(sqlite_store, now, *posts[number : number + 5])
        stages(sqlite_store, now, chunk=3)
    assert clusters(sqlite_store) == together
