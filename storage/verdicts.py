"""What the screening stage reads and writes: current revisions that lack a verdict, and their verdicts.

A revision has at most one verdict of a ruleset, whoever computes it first: the unique key makes a second worker,
or a run repeated after a kill, store nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.quarantine import is_given_up
from storage.tables import account, post, post_revision, verdict
from storage.upsert import insert_returning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection, RowMapping

    from storage.contacts import SealedContact
    from storage.engine import Store, Unit
    from storage.records import Json

MAX_COMMENTS = 200
"""Comments judged together with their post, oldest first; every comment is also judged as a row of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingComment:
    """A comment below a pending post: its own row and its current texts."""

    post_id: int
    revision_id: int
    native_id: str
    url: str | None
    account_id: int | None
    text: str
    author_name: str
    author_bio: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPost:
    """A current revision without a verdict, with everything that is judged; ``parent`` is the text it answers."""

    post_id: int
    revision_id: int
    platform: str
    native_id: str
    kind: str
    url: str | None
    title: str
    text: str
    author_name: str
    author_bio: str
    verified: bool
    verified_as: str
    parent: str
    account_id: int | None
    account_native_id: str | None
    account_url: str | None
    comments: tuple[PendingComment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictFacts:
    """A verdict before it is stored.

    ``target`` has ``kind`` and, where they are known, ``comment`` (index) and ``native_id``; ``comments`` are the
    revision ids of the comments judged with the post, by their index. ``severity`` orders the queue and is kept
    with the clue, not with the verdict.
    """

    revision_id: int
    band: str
    label: str
    score: float
    bias: float
    categories: Sequence[str]
    target: Json | None
    findings: Sequence[Json]
    comments: Sequence[int]
    contacts: Sequence[SealedContact] = ()
    severity: int = 0


def count_pending(conn: Connection, ruleset: str, *, new_only: bool = False) -> int:
    """Return how many current revisions lack a verdict of the ruleset; ``new_only``: have none at all."""
    wanted = _never_judged(ruleset) if new_only else _lacks_verdict(ruleset)
    return conn.execute(sa.select(sa.func.count()).select_from(post).where(wanted)).scalar_one()


def pending_posts(conn: Connection, ruleset: str, *, after: int, limit: int) -> list[PendingPost]:
    """Return the next posts and comments whose current revision lacks a verdict of the ruleset, by row id.

    Two statements whatever the number: one for the rows, one for all comments below them.
    """
    return _load(conn, _posts(_lacks_verdict(ruleset), post.c.id > after).order_by(post.c.id).limit(limit))


def pending_chunks(
    store: Store, ruleset: str, *, chunk: int, new_only: bool = False
) -> Iterator[list[PendingPost]]:
    """Yield all that lacks a verdict of the ruleset, in portions: first what was never judged, then history.

    History comes newest first, and whatever is stored meanwhile comes before its next portion, so that a live post
    never waits for old ones. Each portion is read when it is asked for, and nothing is remembered from one run to
    the next: what has its verdict is no longer pending. ``new_only`` leaves history out.
    """
    after = 0
    while True:
        with store.read() as conn:
            top = conn.execute(sa.select(sa.func.coalesce(sa.func.max(post.c.id), 0))).scalar_one()
            posts = _load(conn, _posts(_never_judged(ruleset), post.c.id > after).order_by(post.c.id).limit(chunk))
        if not posts:
            break
        yield posts
        after = posts[-1].post_id
    if not new_only:
        yield from _history_chunks(store, ruleset, chunk, top)


def _history_chunks(store: Store, ruleset: str, chunk: int, top: int) -> Iterator[list[PendingPost]]:
    """Yield what was judged by other rulesets, newest first, and before each portion rows above ``top``."""
    below = top + 1
    history = sa.and_(_lacks_verdict(ruleset), sa.not_(_never_judged(ruleset)))
    while True:
        with store.read() as conn:
            fresh = pending_posts(conn, ruleset, after=top, limit=chunk)
            older = _posts(history, post.c.id < below).order_by(post.c.id.desc())
            posts = fresh or _load(conn, older.limit(chunk))
        if not posts:
            return
        yield posts
        top, below = (posts[-1].post_id, below) if fresh else (top, posts[-1].post_id)


def current_posts(conn: Connection, *, below: int | None, limit: int) -> list[PendingPost]:
    """Return current revisions whether judged or not, the newest first; ``below`` is the row id to go on under."""
    wanted = [post.c.current_revision_id.is_not(None), *([] if below is None else [post.c.id < below])]
    return _load(conn, _posts(*wanted).order_by(post.c.id.desc()).limit(limit))


def _load(conn: Connection, query: sa.Select[tuple[object, ...]]) -> list[PendingPost]:
    rows = conn.execute(query).mappings().all()
    comments = _comments(conn, [row["post_id"] for row in rows])
    return [_pending_post(row, tuple(comments.get(row["post_id"], ()))) for row in rows]


def add_verdicts(unit: Unit, ruleset: str, judged: Sequence[VerdictFacts]) -> dict[int, int]:
    """Store verdicts; return verdict ids by revision id, of those that were new and judge a current revision.

    A revision that stopped being current while it was judged gets none: should it ever be current again, it is
    pending again.
    """
    wanted = {facts.revision_id: facts for facts in judged}
    current = unit.conn.execute(
        sa.select(post.c.current_revision_id).where(post.c.current_revision_id.in_(wanted))
    ).scalars()
    rows = [_verdict_row(unit, ruleset, wanted[revision_id]) for revision_id in sorted(current)]
    made = insert_returning(unit.conn, verdict, rows, [verdict.c.revision_id, verdict.c.id])
    return {row.revision_id: row.id for row in made}


def get_verdict(conn: Connection, verdict_id: int) -> Json:
    """Return one stored verdict as its columns."""
    row = conn.execute(sa.select(verdict).where(verdict.c.id == verdict_id)).one()
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public row mapping


def _lacks_verdict(ruleset: str) -> sa.ColumnElement[bool]:
    found = sa.select(sa.literal(1)).where(
        verdict.c.revision_id == post.c.current_revision_id, verdict.c.ruleset == ruleset
    )
    return _can_be_judged(ruleset, sa.exists(found.correlate(post)))


def _never_judged(ruleset: str) -> sa.ColumnElement[bool]:
    found = sa.select(sa.literal(1)).where(verdict.c.revision_id == post.c.current_revision_id)
    return _can_be_judged(ruleset, sa.exists(found.correlate(post)))


def _can_be_judged(ruleset: str, judged: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.and_(post.c.current_revision_id.is_not(None), sa.not_(judged), sa.not_(is_given_up(ruleset)))


def _posts(*wanted: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
    above, text_above = post.alias("above"), post_revision.alias("text_above")
    revision = post_revision.c
    return (
        sa.select(
            post.c.id.label("post_id"),
            revision.id.label("revision_id"),
            *(post.c[name] for name in ("platform", "native_id", "kind", "url", "account_id")),
            *(revision[name] for name in ("title", "text", "author_name", "author_bio", "verified", "verified_as")),
            revision.parent,
            text_above.c.title.label("title_above"),
            text_above.c.text.label("text_above"),
            account.c.native_id.label("account_native_id"),
            account.c.url.label("account_url"),
        )
        .select_from(post)
        .join(post_revision, revision.id == post.c.current_revision_id)
        .outerjoin(account, account.c.id == post.c.account_id)
        .outerjoin(above, above.c.id == post.c.parent_post_id)
        .outerjoin(text_above, text_above.c.id == above.c.current_revision_id)
        .where(*wanted)
    )


def _comments(conn: Connection, post_ids: Sequence[int]) -> dict[int, list[PendingComment]]:
    """Return the first :data:`MAX_COMMENTS` comments below each post, in the order of their rows."""
    if not post_ids:
        return {}
    number = sa.func.row_number().over(partition_by=post.c.parent_post_id, order_by=post.c.id).label("number")
    first = sa.select(post, number).where(post.c.parent_post_id.in_(post_ids), post.c.kind == "comment").subquery()
    rows = conn.execute(
        sa.select(
            first.c.parent_post_id,
            first.c.id.label("post_id"),
            first.c.native_id,
            first.c.url,
            first.c.account_id,
            post_revision.c.id.label("revision_id"),
            post_revision.c.text,
            post_revision.c.author_name,
            post_revision.c.author_bio,
        )
        .join_from(first, post_revision, post_revision.c.id == first.c.current_revision_id)
        .where(first.c.number <= MAX_COMMENTS)
        .order_by(first.c.id)
    ).mappings()
    found: dict[int, list[PendingComment]] = {}
    for row in rows:
        values = dict(row)
        found.setdefault(values.pop("parent_post_id"), []).append(PendingComment(**values))
    return found


def _pending_post(row: RowMapping, comments: tuple[PendingComment, ...]) -> PendingPost:
    values = dict(row)
    above = "\n".join(text for text in (values.pop("title_above"), values.pop("text_above")) if text)
    values["parent"] = values["parent"] or above
    values["verified"] = bool(values["verified"])
    values["verified_as"] = values["verified_as"] or ""
    return PendingPost(**values, comments=comments)


def _verdict_row(unit: Unit, ruleset: str, facts: VerdictFacts) -> Json:
    return {
        "revision_id": facts.revision_id,
        "ruleset": ruleset,
        "band": facts.band,
        "label": facts.label,
        "score": facts.score,
        "bias": facts.bias,
        "categories": list(facts.categories),
        "target": facts.target,
        "findings": list(facts.findings),
        "comments": list(facts.comments),
        "created_at": unit.now,
    }
