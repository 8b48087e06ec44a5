"""Posts with verdicts and clues put straight into the tables, for tests of what comes after screening."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.records import Actor, Role
from storage.tables import account, clue, post, post_revision, verdict

if TYPE_CHECKING:
    from storage.engine import Store, Unit

ANALYST = Actor(name="ana", role=Role.ANALYST, via="desk")
SENIOR = Actor(name="sen", role=Role.SENIOR, via="desk")
AUDITOR = Actor(name="aud", role=Role.AUDITOR, via="desk")


def add_post(unit: Unit, native_id: str, **wanted: Any) -> int:
    """Add a post with one revision and return its id; ``wanted`` are columns of either table."""
    values = {"platform": "forum", "native_id": native_id, "kind": "post", "source": "test", "metrics": {}}
    values |= {"url": f"https://forum.test/{native_id}", "first_seen": unit.now, "last_seen": unit.now}
    values |= {name: wanted.pop(name) for name in list(wanted) if name in post.c}
    number = unit.conn.execute(sa.insert(post).values(values)).inserted_primary_key[0]
    add_revision(unit, number, **wanted)
    return int(number)


def add_revision(unit: Unit, post_id: int, **wanted: Any) -> int:
    """Add a revision to a post, make it the current one and return its id."""
    values = {"post_id": post_id, "title": "", "text": "", "author_name": "", "author_bio": "", "images": []}
    values |= {"own_comments": [], "is_full": True, "seen_at": unit.now, **wanted}
    values.setdefault("content_hash", str(abs(hash((values["title"], values["text"], values["author_name"])))))
    number = unit.conn.execute(sa.insert(post_revision).values(values)).inserted_primary_key[0]
    unit.conn.execute(sa.update(post).where(post.c.id == post_id).values(current_revision_id=number))
    return int(number)


def add_account(unit: Unit, native_id: str, platform: str = "forum", **wanted: Any) -> int:
    """Add an account and return its id."""
    values = {"platform": platform, "native_id": native_id, "first_seen": unit.now, "last_seen": unit.now}
    return int(unit.conn.execute(sa.insert(account).values(values | wanted)).inserted_primary_key[0])


def add_verdict(unit: Unit, revision_id: int, **wanted: Any) -> int:
    """Add a flagged verdict on a revision and return its id."""
    values = {"revision_id": revision_id, "ruleset": "r1", "band": "flagged", "label": "clue", "score": 80.0}
    values |= {"bias": -3.0, "categories": ["anti_collection"], "target": {"kind": "post"}, "findings": []}
    values |= {"comments": [], "created_at": unit.now, **wanted}
    return int(unit.conn.execute(sa.insert(verdict).values(values)).inserted_primary_key[0])


def add_clue(unit: Unit, native_id: str, *, text: str = "", **wanted: Any) -> int:
    """Add a post, a verdict on it and the clue that points to it; ``wanted`` are columns of the clue."""
    platform = wanted.setdefault("platform", "forum")
    post_id = add_post(unit, native_id, text=text, platform=platform)
    revision_id = unit.conn.execute(sa.select(post.c.current_revision_id).where(post.c.id == post_id)).scalar_one()
    values = {"target_kind": "post", "target_native_id": native_id, "url": f"https://forum.test/{native_id}"}
    values |= {"state": "new", "score": 80.0, "band": "flagged", "categories": ["anti_collection"]}
    values |= {"post_id": post_id, "created_at": unit.now, "updated_at": unit.now, **wanted}
    values["verdict_id"] = add_verdict(unit, revision_id, score=values["score"], band=values["band"])
    return int(unit.conn.execute(sa.insert(clue).values(values)).inserted_primary_key[0])


def stored_clue(store: Store, clue_id: int) -> dict[str, Any]:
    """Return a clue's row as a dictionary."""
    with store.read() as conn:
        return dict(conn.execute(sa.select(clue).where(clue.c.id == clue_id)).one()._mapping)
