"""The screening stage: from stored posts to verdicts, contacts and clues, again and again."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from classifiers.run import screen_posts
from storage.clue_details import clue_details
from storage.contacts import contacts_of, open_contacts
from storage.decisions import claim_clue, clue_history, decide_clue, undo_clue
from storage.records import AccountFacts
from storage.sealing import load_sealer
from storage.tables import clue, contact, post, verdict
from tests.support.clues import ANALYST
from tests.support.screening import (
    BIO_PITCH,
    CHAT,
    OTHER_PITCH,
    PITCH,
    PLEA,
    clues_by_target,
    count_verdicts,
    doubts_all,
    end_state,
    lets_all_through,
    post_facts,
    put,
    shipped,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from storage.engine import Store

DAY = timedelta(days=1)
TEXTS = (PITCH, PLEA, OTHER_PITCH, CHAT)
PITCH_BELOW = (("c1", "我也是", "b1"), ("c2", PITCH, "b2"))


def test_posts_become_verdicts_and_flagged_ones_clues(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PITCH), post_facts("2", PLEA), post_facts("3", CHAT))
    done = screen_posts(store, shipped(), now=now)
    assert done == {
        "screened": 3,
        "flagged": 1,
        "unsure": 0,
        "clear": 2,
        "clues": {"new": 1, "updated": 0},
        "ruleset": shipped().version,
    }
    found = clues_by_target(store)["post:1"]
    assert (found["state"], found["band"], found["url"]) == ("new", "flagged", "https://forum.test/1")
    again = screen_posts(store, shipped(), now=now + DAY)
    assert again["screened"] == 0
    assert again["clues"] == {"new": 0, "updated": 0}
    assert clues_by_target(store)["post:1"] == found


def test_a_pitch_below_a_plea_is_a_clue_on_the_comment(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PLEA, comments=PITCH_BELOW))
    assert screen_posts(store, shipped(), now=now)["screened"] == 3
    found = clues_by_target(store)
    assert list(found) == ["comment:c2"]
    with store.read() as conn:
        target = conn.execute(sa.select(verdict.c.target).where(verdict.c.target.is_not(None))).scalars().first()
        details = clue_details(conn, found["comment:c2"]["id"])
    assert target == {"kind": "comment", "comment": 1, "native_id": "c2"}
    assert details["post"] == "forum:1"
    assert details["content"]["text"] == PITCH
    assert details["above"]["text"] == PLEA


def test_an_offer_in_the_profile_is_one_clue_on_the_account(store: Store, now: datetime) -> None:
    put(store, now, *(post_facts(str(i), CHAT, account="seller", bio=BIO_PITCH) for i in range(3)))
    screen_posts(store, shipped(), now=now)
    found = clues_by_target(store)
    assert list(found) == ["account:seller"]
    assert found["account:seller"]["account_id"] is not None


def test_a_web_account_keeps_the_verdict_but_makes_no_clue(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", CHAT, platform="web", bio=BIO_PITCH))
    done = screen_posts(store, shipped(), now=now)
    assert done["flagged"] == 1
    assert clues_by_target(store) == {}


def test_the_same_target_by_another_address_is_the_same_clue(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PITCH, url="https://forum.test/1?from=search"))
    screen_posts(store, shipped(), now=now)
    put(store, now + DAY, post_facts("1", PITCH + "，长期有效", url="https://forum.test/1"))
    done = screen_posts(store, shipped(), now=now + DAY)
    assert done["clues"] == {"new": 0, "updated": 1}
    assert len(clues_by_target(store)) == 1


def test_contacts_of_clues_are_sealed_and_those_of_clear_posts_not_kept(store: Store, now: datetime) -> None:
    put(
        store,
        now,
        post_facts("1", PITCH),
        post_facts("2", PITCH + "。"),
        post_facts("3", "饭在锅里，爸的号码13812345678"),
    )
    screen_posts(store, shipped(), now=now)
    with store.read() as conn:
        revision = conn.execute(sa.select(post.c.current_revision_id).where(post.c.native_id == "1")).scalar_one()
        (use,) = contacts_of(conn, [revision])[revision]
        (stored,) = conn.execute(sa.select(contact)).all()
        assert PITCH[use.start : use.end] == "zhaiwu888"
        assert open_contacts(conn, [stored.id], load_sealer(store.keys_root)) == {stored.id: "zhaiwu888"}
    assert b"zhaiwu" not in stored.sealed
    assert "zhaiwu" not in stored.masked + stored.key


def test_a_new_ruleset_updates_clues_and_keeps_decisions(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PITCH), post_facts("2", OTHER_PITCH))
    screen_posts(store, shipped(), now=now)
    first = clues_by_target(store)
    with store.write(now) as unit:
        decide_clue(unit, first["post:1"]["id"], "confirmed", actor=ANALYST)
    done = screen_posts(store, doubts_all(), now=now + DAY)
    assert done["unsure"] == 2
    assert done["clues"] == {"new": 0, "updated": 2}
    after = clues_by_target(store)
    assert [(row["state"], row["band"]) for row in after.values()] == [("confirmed", "unsure"), ("new", "unsure")]
    assert after["post:1"]["decided_by"] == "ana"
    assert after["post:1"]["verdict_id"] != first["post:1"]["verdict_id"]


def test_what_the_machine_dropped_is_suppressed_and_comes_back_when_flagged_again(
    store: Store, now: datetime
) -> None:
    put(store, now, *(post_facts(str(i), PITCH) for i in range(3)))
    screen_posts(store, shipped(), now=now)
    found = clues_by_target(store)
    with store.write(now) as unit:
        decide_clue(unit, found["post:0"]["id"], "confirmed", actor=ANALYST)
        decide_clue(unit, found["post:1"]["id"], "rejected", actor=ANALYST)
        claim_clue(unit, found["post:2"]["id"], actor=ANALYST)
    screen_posts(store, lets_all_through(), now=now + DAY)
    cleared = clues_by_target(store)
    assert [row["state"] for row in cleared.values()] == ["confirmed", "rejected", "suppressed"]
    assert {row["band"] for row in cleared.values()} == {"clear"}
    assert cleared["post:2"]["claimed_by"] is None
    screen_posts(store, shipped(), now=now + 2 * DAY)
    back = clues_by_target(store)
    assert [row["state"] for row in back.values()] == ["confirmed", "rejected", "queued"]
    assert {row["band"] for row in back.values()} == {"flagged"}
    with store.read() as conn:
        ledger = clue_history(conn, found["post:2"]["id"])
    assert [(entry.event, entry.actor) for entry in ledger] == [("suppress", "system"), ("reopen", "system")]


@pytest.mark.parametrize(
    ("conclusion", "text", "end"),
    [
        ("confirmed", OTHER_PITCH, ("queued", "flagged")),
        ("rejected", OTHER_PITCH, ("queued", "flagged")),
        ("confirmed", CHAT, ("queued", "unsure")),
        ("rejected", CHAT, ("rejected", "clear")),
    ],
    ids=["confirmed-pitch", "rejected-pitch", "confirmed-chat", "rejected-chat"],
)
def test_changed_content_reopens_review(
    store: Store, now: datetime, conclusion: str, text: str, end: tuple[str, str]
) -> None:
    put(store, now, post_facts("1", PITCH))
    screen_posts(store, shipped(), now=now)
    clue_id = clues_by_target(store)["post:1"]["id"]
    with store.write(now) as unit:
        decided = decide_clue(unit, clue_id, conclusion, actor=ANALYST)
    put(store, now + DAY, post_facts("1", text))
    screen_posts(store, shipped(), now=now + DAY)
    found = clues_by_target(store)["post:1"]
    assert (found["state"], found["band"]) == end
    assert found["version"] == decided.version + 1
    if end[0] == "queued":
        assert found["decided_by"] is None
        with store.read() as conn:
            last = clue_history(conn, clue_id)[-1]
        assert (last.event, last.actor, last.reason) == (
            "reopen",
            "system",
            "the content changed after the decision",
        )


def test_what_was_confirmed_and_rewritten_waits_for_a_person(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PITCH))
    screen_posts(store, shipped(), now=now)
    with store.write(now) as unit:
        decide_clue(unit, clues_by_target(store)["post:1"]["id"], "confirmed", actor=ANALYST)
    put(store, now + DAY, post_facts("1", CHAT))
    for day, ruleset in enumerate((shipped(), lets_all_through())):
        screen_posts(store, ruleset, now=now + (1 + day) * DAY)
        found = clues_by_target(store)["post:1"]
        assert (found["state"], found["band"]) == ("queued", "unsure")


def test_changed_content_waits_while_the_clue_is_on_its_way(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PITCH))
    screen_posts(store, shipped(), now=now)
    before = clues_by_target(store)["post:1"]
    with store.write(now) as unit:
        decide_clue(unit, before["id"], "confirmed", actor=ANALYST)
        submit(unit.conn, before["id"], "sent", now)
    put(store, now + DAY, post_facts("1", OTHER_PITCH))
    assert screen_posts(store, shipped(), now=now + DAY)["clues"] == {"new": 0, "updated": 0}
    frozen = clues_by_target(store)["post:1"]
    assert (frozen["state"], frozen["verdict_id"]) == ("confirmed", before["verdict_id"])
    with store.write(now) as unit:
        unit.conn.execute(sa.text("UPDATE submission SET state = 'closed'"))
    assert screen_posts(store, shipped(), now=now + 2 * DAY)["clues"] == {"new": 0, "updated": 1}
    assert clues_by_target(store)["post:1"]["state"] == "queued"


def submit(conn: sa.Connection, clue_id: int, state: str, now: datetime) -> None:
    values = {"code": "b", "channel": "desk", "channel_version": "1", "week": "2026-W47", "state": "sent"}
    values |= {"number": 1, "drafted_by": "com", "drafted_at": now}
    metadata = clue.metadata.tables
    number = conn.execute(sa.insert(metadata["batch"]).values(values)).inserted_primary_key[0]
    item = {"clue_id": clue_id, "channel": "desk", "attempt": 1, "batch_id": number, "platform": "forum"}
    item |= {"target_kind": "post", "target_native_id": "1", "decided_by": "ana", "state": state}
    conn.execute(sa.insert(metadata["submission"]).values(item))


def test_content_that_returns_to_an_earlier_state_is_followed(store: Store, now: datetime) -> None:
    for day, text in enumerate((PITCH, CHAT, PITCH)):
        put(store, now + day * DAY, post_facts("1", text))
        screen_posts(store, shipped(), now=now + day * DAY)
    found = clues_by_target(store)["post:1"]
    assert (found["state"], found["band"], count_verdicts(store)) == ("queued", "flagged", 2)


def test_a_fuller_reading_of_a_list_entry_is_no_edit(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PITCH, full=False))
    screen_posts(store, shipped(), now=now)
    clue_id = clues_by_target(store)["post:1"]["id"]
    with store.write(now) as unit:
        decide_clue(unit, clue_id, "rejected", actor=ANALYST)
    put(store, now + DAY, post_facts("1", PITCH + "，名额有限"))
    screen_posts(store, shipped(), now=now + DAY)
    assert clues_by_target(store)["post:1"]["state"] == "rejected"


def test_an_edited_comment_counts_more_than_the_older_verdict_on_the_post(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PLEA, comments=PITCH_BELOW))
    screen_posts(store, shipped(), now=now)
    put(store, now + DAY, post_facts("1", PLEA, comments=(PITCH_BELOW[0], ("c2", CHAT, "b2"))))
    screen_posts(store, shipped(), now=now + DAY + DAY)
    assert clues_by_target(store)["comment:c2"]["state"] == "suppressed"


def test_an_edit_of_the_post_above_does_not_reopen_its_comment(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PLEA, comments=PITCH_BELOW))
    screen_posts(store, shipped(), now=now)
    clue_id = clues_by_target(store)["comment:c2"]["id"]
    with store.write(now) as unit:
        decide_clue(unit, clue_id, "confirmed", actor=ANALYST)
    put(store, now + DAY, post_facts("1", PLEA + "急！", comments=PITCH_BELOW))
    screen_posts(store, shipped(), now=now + DAY)
    assert clues_by_target(store)["comment:c2"]["state"] == "confirmed"


def test_a_new_nickname_reopens_a_decided_account(store: Store, now: datetime) -> None:
    facts = post_facts("1", CHAT, account="seller", bio=BIO_PITCH)
    put(store, now, facts)
    screen_posts(store, shipped(), now=now)
    clue_id = clues_by_target(store)["account:seller"]["id"]
    with store.write(now) as unit:
        decide_clue(unit, clue_id, "rejected", actor=ANALYST)
    put(store, now + DAY, post_facts("2", CHAT, account="seller", bio=BIO_PITCH))  # the same profile elsewhere
    screen_posts(store, shipped(), now=now + DAY)
    assert clues_by_target(store)["account:seller"]["state"] == "rejected"
    renamed = AccountFacts(native_id="seller", name="上岸老师", bio=BIO_PITCH)
    put(store, now + 2 * DAY, replace(facts, author=renamed))
    screen_posts(store, shipped(), now=now + 2 * DAY)
    assert clues_by_target(store)["account:seller"]["state"] == "queued"


def test_an_undone_decision_is_open_to_the_machine_again(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PITCH))
    screen_posts(store, shipped(), now=now)
    clue_id = clues_by_target(store)["post:1"]["id"]
    with store.write(now) as unit:
        decide_clue(unit, clue_id, "confirmed", actor=ANALYST)
        undo_clue(unit, clue_id, actor=ANALYST)
    put(store, now + DAY, post_facts("1", CHAT))
    screen_posts(store, shipped(), now=now + DAY)
    assert clues_by_target(store)["post:1"]["state"] == "suppressed"


def test_hostile_text_is_judged_like_any_other(store: Store, now: datetime) -> None:
    put(store, now, post_facts("\x001\ud800", PITCH + "\x00\ud800𠮷"), post_facts("\udfff", "\x00"))
    done = screen_posts(store, shipped(), now=now)
    assert (done["screened"], done["clues"]["new"]) == (2, 1)


def test_statements_per_chunk_do_not_grow_with_its_posts(store: Store, now: datetime) -> None:
    counted = []
    for number in (2, 40):
        posts = [
            post_facts(f"{number}-{i}", TEXTS[i % 4], comments=[(f"{number}.{i}", PITCH, "b")])
            for i in range(number)
        ]
        put(store, now, *posts)
        with statements_of(store) as statements:
            screen_posts(store, shipped(), now=now)
        counted.append(len(statements))
    assert counted[1] <= counted[0] + 5  # the second run also meets the clues of the first


@contextmanager
def statements_of(store: Store) -> Iterator[list[str]]:
    """Collect the statements that a block sends to the database."""
    statements: list[str] = []

    def record(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", record)
    yield statements
    sa.event.remove(store.engine, "before_cursor_execute", record)


def test_two_workers_at_once_end_as_one_would(store: Store, now: datetime) -> None:
    posts = [post_facts(str(i), TEXTS[i % 4], account=f"a{i % 3}") for i in range(40)]
    posts += [post_facts(f"p{i}", PLEA, comments=[(f"c{i}", PITCH, "b")]) for i in range(10)]
    put(store, now, *posts)
    done = []
    workers = [
        threading.Thread(target=lambda: done.append(screen_posts(store, shipped(), now=now, chunk=7)))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(one["screened"] for one in done) == 60
    both = end_state(store)
    with store.write(now) as unit:
        for table in ("contact_use", "clue", "verdict"):
            unit.conn.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - names of tables
    screen_posts(store, shipped(), now=now)
    assert both == end_state(store)
