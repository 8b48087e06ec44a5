"""Posts of a small forum, and rulesets that differ in how much they let through, for tests of the stages."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from classifiers.engine import load_ruleset
from storage.posts import store_post
from storage.records import AccountFacts, CommentFacts, PostFacts
from storage.tables import clue, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from classifiers.engine import Ruleset
    from storage.engine import Store

PITCH = "专业代办停息挂账，协商个性化分期60期，无前期费用，加微信 zhaiwu888 咨询"
OTHER_PITCH = "征信修复，逾期记录铲除，不成功不收费，联系电话 13812345678"
PLEA = "我网贷逾期三个月了，天天被催收，怎么办啊？"
CHAT = "今天天气真好，周末去爬山。"
BIO_PITCH = "专业代办停息挂账 不成功不收费 加微信 zhaiwu888"


@cache
def shipped() -> Ruleset:
    """Return the packaged ruleset."""
    return load_ruleset([])


def lets_all_through(version: str = "nothing") -> Ruleset:
    """Return a ruleset under which everything is clear."""
    return with_thresholds(version, 1e9, 1e9)


def doubts_all(version: str = "doubts") -> Ruleset:
    """Return a ruleset under which nothing is flagged but much is unsure."""
    return with_thresholds(version, 1e9, -1e9)


def with_thresholds(version: str, flagged_from: float, unsure_from: float) -> Ruleset:
    """Return the packaged ruleset under another name with other thresholds."""
    ruleset = shipped()
    weights = replace(ruleset.weights, flagged_from=flagged_from, unsure_from=unsure_from)
    return replace(ruleset, version=version, weights=weights)


def post_facts(native_id: str, text: str, **wanted: Any) -> PostFacts:
    """Return a forum post by account ``a<id>``; ``comments`` are (id, text, account id)."""
    platform = wanted.pop("platform", "forum")
    account = wanted.pop("account", f"a{native_id}")
    author = AccountFacts(native_id=account, name=f"用户{account}", bio=wanted.pop("bio", ""))
    comments = tuple(
        CommentFacts(native_id=number, text=said, author=AccountFacts(native_id=by, name=f"用户{by}"))
        for number, said, by in wanted.pop("comments", ())
    )
    values = {"kind": "post", "url": f"https://forum.test/{native_id}"} | wanted
    return PostFacts(platform=platform, native_id=native_id, author=author, text=text, comments=comments, **values)


def put(store: Store, now: datetime, *posts: PostFacts) -> None:
    """Store readings of posts."""
    with store.write(now) as unit:
        for facts in posts:
            store_post(unit, facts, source="test")


def clues_by_target(store: Store) -> dict[str, dict[str, Any]]:
    """Return all clues as ``kind:native id`` to their columns."""
    with store.read() as conn:
        rows = conn.execute(sa.select(clue).order_by(clue.c.id)).all()
    return {f"{row.target_kind}:{row.target_native_id}": dict(row._mapping) for row in rows}


def end_state(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return what screening must end in, however it got there: verdicts, contact uses and clues by natural keys."""
    texts = {
        "verdicts": "SELECT p.native_id, r.content_hash, v.ruleset, v.band, v.score FROM verdict v "
        "JOIN post_revision r ON r.id = v.revision_id JOIN post p ON p.id = r.post_id",
        "uses": "SELECT p.native_id, k.kind, k.key, k.masked, u.field, u.start FROM contact_use u "
        "JOIN contact k ON k.id = u.contact_id JOIN post_revision r ON r.id = u.revision_id "
        "JOIN post p ON p.id = r.post_id",
        "clues": "SELECT c.target_kind, c.target_native_id, c.state, c.band, c.score, p.native_id FROM clue c "
        "JOIN post p ON p.id = c.post_id",
    }
    with store.read() as conn:
        return {name: sorted(_rows(conn.execute(sa.text(text)))) for name, text in texts.items()}


def count_verdicts(store: Store) -> int:
    """Return the number of verdicts."""
    with store.read() as conn:
        return conn.execute(sa.select(sa.func.count()).select_from(verdict)).scalar_one()


def _rows(found: Iterable[Any]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in found]
