"""Posts, revisions, comments and accounts on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.accounts import account_history, get_account
from storage.posts import count_posts, get_post, list_posts, post_details, store_post
from storage.records import AccountFacts, CommentFacts, PostFacts

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

SELLER = AccountFacts(native_id="u1", name="上岸助手", bio="专业停息挂账")
READER = AccountFacts(native_id="u2", name="路人")


def facts(**changes: object) -> PostFacts:
    base = PostFacts(
        platform="web", native_id="https://a.example/1", kind="article", url="https://a.example/1", author=SELLER
    )
    return replace(base, **{"title": "标题", "text": "正文", **changes})  # type: ignore[arg-type]  # test short hand


def comment(number: int, author: AccountFacts, text: str) -> CommentFacts:
    return CommentFacts(native_id=f"https://a.example/1#{number}", author=author, text=text)


def put(store: Store, now: datetime, post: PostFacts, **rest: object) -> str:
    with store.write(now) as unit:
        return store_post(unit, post, source="s", **rest)  # type: ignore[arg-type]  # test short hand


def shown(store: Store, key: str = "web:https://a.example/1") -> dict[str, object]:
    with store.read() as conn:
        found = post_details(conn, key)
    assert found is not None
    return found


def test_new_then_seen_then_changed(store: Store, now: datetime) -> None:
    later = now + timedelta(days=1)
    assert put(store, now, facts()) == "new"
    assert put(store, later, facts()) == "seen"
    assert put(store, later, facts(text="改过")) == "changed"
    found = shown(store)
    assert (found["text"], found["revisions"]) == ("改过", 2)
    assert (found["first_seen"], found["last_seen"]) == (now.isoformat(), later.isoformat())


def test_text_that_comes_back_is_current_again_without_a_third_revision(store: Store, now: datetime) -> None:
    put(store, now, facts())
    put(store, now, facts(text="改过"))
    assert put(store, now, facts()) == "changed"
    assert (shown(store)["text"], shown(store)["revisions"]) == ("正文", 2)


def test_other_peoples_comments_are_rows_and_no_edit(store: Store, now: datetime) -> None:
    put(store, now, facts())
    assert put(store, now, facts(comments=(comment(1, READER, "怎么联系"),))) == "seen"
    assert [entry["text"] for entry in shown(store)["comments"]] == ["怎么联系"]  # type: ignore[attr-defined]
    with store.read() as conn:
        assert count_posts(conn)["posts"] == 1
        found = get_post(conn, "web:https://a.example/1#1")
    assert found is not None
    assert (found["kind"], found["author"]["name"]) == ("comment", "路人")


def test_authors_own_comment_is_an_edit_whatever_the_order(store: Store, now: datetime) -> None:
    own = (comment(1, SELLER, "加微"), comment(2, SELLER, "看主页"))
    put(store, now, facts())
    assert put(store, now, facts(comments=own)) == "changed"
    assert put(store, now, facts(comments=own[::-1])) == "seen"


def test_comment_knows_what_it_answers(store: Store, now: datetime) -> None:
    answer = replace(comment(2, SELLER, "私信我"), parent="https://a.example/1#1")
    put(store, now, facts(comments=(comment(1, READER, "逾期怎么办"), answer)))
    assert shown(store, "web:https://a.example/1#1")["parent"] == "标题\n正文"
    assert shown(store, "web:https://a.example/1#2")["parent"] == "逾期怎么办"


def test_comment_id_taken_by_another_post_is_qualified(store: Store, now: datetime) -> None:
    one = facts(comments=(replace(comment(1, READER, "一"), native_id="1"),))
    two = facts(native_id="p2", comments=(replace(comment(1, READER, "二"), native_id="1"),))
    for post in (one, two, one, two):
        put(store, now, post)
    assert shown(store, "web:1")["text"] == "一"
    assert shown(store, "web:p2#1")["text"] == "二"


def test_fuller_reading_replaces_a_list_entry_without_counting_as_an_edit(store: Store, now: datetime) -> None:
    assert put(store, now, facts(text="正", full=False)) == "new"
    assert put(store, now, facts()) == "seen"
    assert put(store, now, facts(text="正", full=False)) == "seen"
    assert (shown(store)["text"], shown(store)["revisions"]) == ("正文", 1)


def test_older_reading_never_becomes_current(store: Store, now: datetime) -> None:
    put(store, now, facts())
    older = now - timedelta(days=30)
    assert put(store, now, facts(text="旧的"), seen_at=older) == "seen"
    found = shown(store)
    assert (found["text"], found["first_seen"], found["last_seen"]) == ("正文", older.isoformat(), now.isoformat())


def test_hostile_text_is_stored_one_for_one(store: Store, now: datetime) -> None:
    put(store, now, facts(text="a\x00b\ud800c🀄", title="=1+1"))
    assert shown(store)["text"] == "a\ufffdb\ufffdc🀄"
    assert put(store, now, facts(text="a\x00b\ud800c🀄", title="=1+1")) == "seen"


def test_account_keeps_every_state_it_was_seen_in(store: Store, now: datetime) -> None:
    put(store, now, facts())
    put(store, now, facts(author=replace(SELLER, bio="换了")))
    put(store, now, facts(author=replace(SELLER, bio="")))
    with store.read() as conn:
        found = get_account(conn, "web", "u1")
        assert found is not None
        assert found["bio"] == "换了"
        assert [state["facts"]["bio"] for state in account_history(conn, found["id"])] == ["专业停息挂账", "换了"]


def test_lists_page_from_the_newest_row(store: Store, now: datetime) -> None:
    for number in range(5):
        put(store, now, facts(native_id=f"p{number}", comments=(comment(number, READER, "x"),)))
    with store.read() as conn:
        lines = list(list_posts(conn, limit=2))
        assert [line["native_id"] for line in lines] == ["p4", "p3"]
        assert len(list(list_posts(conn, limit=0))) == 5
        assert count_posts(conn) == {"posts": 5, "revisions": 5, "by_platform": {"web": 5}}


@pytest.mark.parametrize("key", ["web:https://a.example/nothing", "web", ""])
def test_unknown_post_is_none(store: Store, key: str) -> None:
    with store.read() as conn:
        assert post_details(conn, key) is None
