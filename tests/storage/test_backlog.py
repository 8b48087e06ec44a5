"""In which order stored posts are judged: what is new before history, history newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.verdicts import VerdictFacts, add_verdicts, count_pending, current_posts, pending_chunks, pending_posts
from tests.support.screening import CHAT, PLEA, post_facts, put

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from storage.engine import Store
    from storage.verdicts import PendingPost


def judge(store: Store, now: datetime, posts: Sequence[PendingPost], ruleset: str) -> None:
    values = {"band": "clear", "label": "unrelated", "score": 4.7, "bias": -3.0, "categories": [], "target": None}
    with store.write(now) as unit:
        found = [VerdictFacts(revision_id=one.revision_id, findings=[], comments=[], **values) for one in posts]
        add_verdicts(unit, ruleset, found)


def judge_all(store: Store, now: datetime, ruleset: str) -> None:
    with store.read() as conn:
        posts = pending_posts(conn, ruleset, after=0, limit=1000)
    judge(store, now, posts, ruleset)


def names(posts: Sequence[PendingPost]) -> list[str]:
    return [one.native_id for one in posts]


def test_new_posts_come_before_history_and_history_newest_first(store: Store, now: datetime) -> None:
    put(store, now, *(post_facts(f"old{i}", CHAT) for i in range(5)))
    judge_all(store, now, "r1")
    put(store, now, *(post_facts(f"new{i}", CHAT) for i in range(3)))
    seen = []
    for posts in pending_chunks(store, "r2", chunk=2):
        seen.append(names(posts))
        judge(store, now, posts, "r2")
    assert seen == [["new0", "new1"], ["new2"], ["old4", "old3"], ["old2", "old1"], ["old0"]]


def test_what_arrives_during_history_comes_next(store: Store, now: datetime) -> None:
    put(store, now, *(post_facts(f"old{i}", CHAT) for i in range(6)))
    judge_all(store, now, "r1")
    seen = []
    for posts in pending_chunks(store, "r2", chunk=2):
        judge(store, now, posts, "r2")
        seen.append(names(posts))
        if len(seen) in (1, 2):
            put(store, now, post_facts(f"live{len(seen)}", PLEA))
    assert seen == [["old5", "old4"], ["live1"], ["live2"], ["old3", "old2"], ["old1", "old0"]]


def test_history_can_be_left_to_another_run(store: Store, now: datetime) -> None:
    put(store, now, post_facts("old", CHAT))
    judge_all(store, now, "r1")
    put(store, now, post_facts("new", CHAT))
    assert [names(posts) for posts in pending_chunks(store, "r2", chunk=9, new_only=True)] == [["new"]]
    with store.read() as conn:
        assert (count_pending(conn, "r2"), count_pending(conn, "r2", new_only=True)) == (2, 1)


def test_an_edited_post_is_new_again(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", CHAT), post_facts("2", CHAT))
    judge_all(store, now, "r1")
    put(store, now, post_facts("1", PLEA))
    assert [names(posts) for posts in pending_chunks(store, "r2", chunk=9)] == [["1"], ["2"]]


def test_portions_that_get_no_verdict_do_not_come_for_ever(store: Store, now: datetime) -> None:
    """Each phase goes through its rows once, so an item that nobody can judge holds nothing up."""
    put(store, now, *(post_facts(str(i), CHAT) for i in range(5)))
    seen = [name for posts in pending_chunks(store, "r1", chunk=2) for name in names(posts)]
    assert seen == ["0", "1", "2", "3", "4"]
    judge_all(store, now, "r1")
    seen = [name for posts in pending_chunks(store, "r2", chunk=2) for name in names(posts)]
    assert seen == ["4", "3", "2", "1", "0"]


def test_current_posts_bring_judged_ones_too(store: Store, now: datetime) -> None:
    put(store, now, *(post_facts(str(i), CHAT) for i in range(5)))
    judge_all(store, now, "r1")
    seen, below = [], None
    with store.read() as conn:
        while posts := current_posts(conn, below=below, limit=2):
            seen += names(posts)
            below = posts[-1].post_id
    assert seen == ["4", "3", "2", "1", "0"]
