from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from storage.tables import verdict
from storage.verdicts import MAX_COMMENTS, VerdictFacts, add_verdicts, count_pending, get_verdict, pending_posts
from tests.support.clues import add_account, add_post, add_revision
from tests.support.screening import CHAT, PITCH, PLEA, post_facts, put

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store


def facts(revision_id: int, **wanted: Any) -> VerdictFacts:
    values: dict[str, Any] = {"band": "clear", "label": "unrelated", "score": 4.7, "bias": -3.0, "categories": []}
    values |= {"target": None, "findings": [], "comments": [], **wanted}
    return VerdictFacts(revision_id=revision_id, **values)


def test_pending_posts_bring_all_that_is_judged(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PLEA, bio="普通人", comments=[("c1", PITCH, "s"), ("c2", CHAT, "t")]))
    with store.read() as conn:
        posts = pending_posts(conn, "r1", after=0, limit=10)
        assert count_pending(conn, "r1") == 3
    above, pitch, _ = posts
    assert (above.text, above.author_bio, above.account_native_id) == (PLEA, "普通人", "a1")
    assert [(one.native_id, one.text) for one in above.comments] == [("c1", PITCH), ("c2", CHAT)]
    assert (pitch.kind, pitch.text, pitch.parent, pitch.comments) == ("comment", PITCH, PLEA, ())


def test_pending_posts_come_in_pages_by_row(store: Store, now: datetime) -> None:
    put(store, now, *(post_facts(str(i), CHAT) for i in range(7)))
    seen: list[str] = []
    after = 0
    with store.read() as conn:
        while page := pending_posts(conn, "r1", after=after, limit=3):
            seen += [one.native_id for one in page]
            after = page[-1].post_id
    assert seen == [str(i) for i in range(7)]


def test_a_comment_without_parent_text_gets_the_post_it_stands_under(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        account_id = add_account(unit, "b")
        above = add_post(unit, "1", title="标题", text="正文")
        add_post(unit, "c", kind="comment", parent_post_id=above, account_id=account_id, text="评论")
    with store.read() as conn:
        comment = pending_posts(conn, "r1", after=above, limit=9)[0]
    assert comment.parent == "标题\n正文"


def test_a_post_is_judged_with_its_first_comments_only(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PLEA, comments=[(f"c{i}", CHAT, "b") for i in range(MAX_COMMENTS + 5)]))
    with store.read() as conn:
        (above, *_) = pending_posts(conn, "r1", after=0, limit=1)
    assert [one.native_id for one in above.comments] == [f"c{i}" for i in range(MAX_COMMENTS)]


@pytest.mark.parametrize("number", [1, 30])
def test_two_statements_bring_any_number_of_posts(sqlite_store: Store, now: datetime, number: int) -> None:
    put(sqlite_store, now, *(post_facts(str(i), PLEA, comments=[(f"c{i}", CHAT, "b")]) for i in range(number)))
    statements: list[str] = []
    sa.event.listen(
        sqlite_store.engine, "before_cursor_execute", lambda _c, _u, statement, *_: statements.append(statement)
    )
    with sqlite_store.read() as conn:
        assert len(pending_posts(conn, "r1", after=0, limit=200)) == 2 * number
    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 2


def test_a_revision_has_one_verdict_of_a_ruleset(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", CHAT))
    with store.read() as conn:
        (pending,) = pending_posts(conn, "r1", after=0, limit=9)
    with store.write(now) as unit:
        first = add_verdicts(unit, "r1", [facts(pending.revision_id, comments=[3, 4])])
    with store.write(now) as unit:
        assert add_verdicts(unit, "r1", [facts(pending.revision_id, score=99.0)]) == {}
        assert add_verdicts(unit, "r1", []) == {}
        other = add_verdicts(unit, "r2", [facts(pending.revision_id)])
    with store.read() as conn:
        assert get_verdict(conn, first[pending.revision_id])["score"] == 4.7
        assert get_verdict(conn, first[pending.revision_id])["comments"] == [3, 4]
        assert conn.execute(sa.select(sa.func.count()).select_from(verdict)).scalar_one() == 2
        assert count_pending(conn, "r1") == 0
    assert set(other) == {pending.revision_id}


def test_what_stopped_being_current_gets_no_verdict(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        post_id = add_post(unit, "1", text="早")
        old = pending_posts(unit.conn, "r1", after=0, limit=1)[0].revision_id
        add_revision(unit, post_id, text="晚", seen_at=now + timedelta(hours=1))
    with store.write(now) as unit:
        assert add_verdicts(unit, "r1", [facts(old)]) == {}
        assert [one.text for one in pending_posts(unit.conn, "r1", after=0, limit=9)] == ["晚"]
