"""What links clues: bands of their texts, suggested pairs, and the evidence from which groups are made.

A clue's text is the target's own: title and text of a post or comment, the bio of an account. Blocks of equal band
keys stop growing at :data:`MAX_BLOCK`: later copies are compared with the members of a full block but do not join
it, so that ten thousand copies of one template cost ten thousand times a constant.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.records import ClueState, TargetKind
from storage.tables import clue, contact_use, judgement, post, post_revision, suggestion, text_band, verdict
from storage.upsert import insert_missing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit

    Pair = tuple[int, int]

MAX_BLOCK = 50
"""Clues that one band key keeps."""

LINKABLE = (
    ClueState.NEW,
    ClueState.QUEUED,
    ClueState.CONFIRMED,
    ClueState.UNSURE,
    ClueState.DUPLICATE,
    ClueState.EXPIRED,
)
"""States in which a clue can belong to an operator; what was rejected or suppressed links nobody."""

_DONE = -1  # the band number of the row that says which revision's text was compared
_LINKING_LOCK = 0x51_59_4C_4B  # "QYLK": one process at a time links clues on PostgreSQL
_COMMENT = re.compile(r"comments\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClueText:
    """The text of a clue's target, and the revision that it stands in."""

    clue_id: int
    revision_id: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Everything that groups are made from; pairs are (smaller, greater) clue ids."""

    clues: frozenset[int]
    contacts: Mapping[int, frozenset[int]]
    texts: Mapping[Pair, float]
    same: frozenset[Pair]
    different: frozenset[Pair]


def pending_texts(conn: Connection, *, after: int, limit: int) -> list[ClueText]:
    """Return the next clues, by id, whose present text was not compared yet."""
    query, revision_id = _texts()
    compared = sa.select(sa.literal(1)).where(
        text_band.c.clue_id == clue.c.id, text_band.c.band == _DONE, text_band.c.key == revision_id
    )
    found = conn.execute(
        query.where(clue.c.id > after, clue.c.state.in_(LINKABLE), ~sa.exists(compared.correlate_except(text_band)))
        .order_by(clue.c.id)
        .limit(limit)
    )
    return [_clue_text(row) for row in found]


def texts_of(conn: Connection, clue_ids: Collection[int]) -> dict[int, str]:
    """Return the present texts of clues."""
    query, _ = _texts()
    return {row.clue_id: _clue_text(row).text for row in conn.execute(query.where(clue.c.id.in_(clue_ids)))}


def add_bands(unit: Unit, keys: Mapping[int, Sequence[int]]) -> dict[int, Counter[int]]:
    """Store the band keys of clues; return for each the clues that share bands with it and how many.

    What was stored for an earlier text of these clues is replaced, its suggested pairs are dropped.
    """
    lock_linking(unit.conn)
    _forget(unit, keys)
    blocks: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in unit.conn.execute(_blocks(keys)):
        blocks[row.band, row.key].append(row.clue_id)
    shared: dict[int, Counter[int]] = {clue_id: Counter() for clue_id in keys}
    rows = []
    for clue_id in sorted(keys):
        for place in enumerate(keys[clue_id]):
            block = blocks[place]
            shared[clue_id].update(block)
            if len(block) < MAX_BLOCK:
                block.append(clue_id)
                rows.append({"band": place[0], "key": place[1], "clue_id": clue_id})
    if rows:
        unit.conn.execute(sa.insert(text_band), rows)
    return shared


def finish_texts(unit: Unit, compared: Sequence[ClueText], pairs: Mapping[Pair, float]) -> None:
    """Store the linked pairs of some texts, and that these texts were compared."""
    rows = [
        {
            "clue_a": one,
            "clue_b": other,
            "basis": "text",
            "score": round(score, 3),
            "evidence": {"jaccard": round(score, 3)},
            "at": unit.now,
        }
        for (one, other), score in sorted(pairs.items())
    ]
    insert_missing(unit.conn, suggestion, rows)
    done = [{"band": _DONE, "key": text.revision_id, "clue_id": text.clue_id} for text in compared]
    insert_missing(unit.conn, text_band, done)


def load_links(conn: Connection) -> Links:
    """Return all that groups are made from, in a constant number of statements."""
    clues = frozenset(conn.execute(sa.select(clue.c.id).where(clue.c.state.in_(LINKABLE))).scalars())
    pairs = conn.execute(
        sa.select(suggestion.c.clue_a, suggestion.c.clue_b, suggestion.c.score).where(suggestion.c.basis == "text")
    )
    judged = conn.execute(
        sa.select(judgement.c.clue_a, judgement.c.clue_b, judgement.c.judgement).where(
            judgement.c.superseded_at.is_(None)
        )
    ).all()
    return Links(
        clues=clues,
        contacts={
            clue_id: frozenset(contacts) for clue_id, contacts in own_contacts(conn).items() if clue_id in clues
        },
        texts={(row.clue_a, row.clue_b): row.score for row in pairs},
        same=frozenset((row.clue_a, row.clue_b) for row in judged if row.judgement == "same"),
        different=frozenset((row.clue_a, row.clue_b) for row in judged if row.judgement == "different"),
    )


def own_contacts(conn: Connection) -> dict[int, set[int]]:
    """Return per clue the contacts that its provider gives, those in other people's words left out.

    The provider's words are the judged row's own fields, or the one comment that the verdict names, and what the
    author of the judged post wrote below it.
    """
    own = _own_comments(conn)
    found: dict[int, set[int]] = defaultdict(set)
    rows = conn.execute(
        sa.select(
            clue.c.id,
            contact_use.c.contact_id,
            contact_use.c.field,
            verdict.c.target,
            verdict.c.comments,
        )
        .join_from(clue, verdict, verdict.c.id == clue.c.verdict_id)
        .join(contact_use, contact_use.c.verdict_id == verdict.c.id)
        .where(clue.c.state.in_(LINKABLE))
    )
    for row in rows:
        comment = _COMMENT.match(row.field)
        index = int(comment[1]) if comment else None
        named = (row.target or {}).get("comment")
        if index is None:
            own_words = named is None and row.field != "parent"
        else:
            own_words = index == named or row.comments[index] in own.get(row.id, ())
        if own_words:
            found[row.id].add(row.contact_id)
    return found


def sync_contact_pairs(unit: Unit, wanted: Mapping[Pair, Sequence[int]], obsolete: Collection[Pair]) -> None:
    """Store suggested pairs by contact with the contacts they share, and drop those that no longer hold."""
    rows = [
        {
            "clue_a": one,
            "clue_b": other,
            "basis": "contact",
            "score": 1.0,
            "evidence": {"contacts": list(contacts)},
            "at": unit.now,
        }
        for (one, other), contacts in sorted(wanted.items())
    ]
    insert_missing(unit.conn, suggestion, rows)
    if obsolete:
        pair = sa.tuple_(suggestion.c.clue_a, suggestion.c.clue_b)
        unit.conn.execute(sa.delete(suggestion).where(suggestion.c.basis == "contact", pair.in_(sorted(obsolete))))


def contact_pairs(conn: Connection) -> set[Pair]:
    """Return the pairs that are suggested by contact."""
    query = sa.select(suggestion.c.clue_a, suggestion.c.clue_b).where(suggestion.c.basis == "contact")
    return {(row.clue_a, row.clue_b) for row in conn.execute(query)}


def lock_linking(conn: Connection) -> None:
    """Let one transaction at a time link clues: two at once would not see each other's bands and clusters."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LINKING_LOCK)))


def _texts() -> tuple[sa.Select[tuple[object, ...]], sa.ColumnElement[int]]:
    """Return the query of clues with their own texts, and the revision of those as an expression."""
    target, own = post.alias("target"), post_revision.alias("own")
    revision_id = sa.func.coalesce(target.c.current_revision_id, verdict.c.revision_id)
    query = (
        sa.select(
            clue.c.id.label("clue_id"), clue.c.target_kind, own.c.id, own.c.title, own.c.text, own.c.author_bio
        )
        .join_from(clue, verdict, verdict.c.id == clue.c.verdict_id)
        .outerjoin(
            target,
            sa.and_(
                target.c.platform == clue.c.platform,
                target.c.native_id == clue.c.target_native_id,
                clue.c.target_kind != TargetKind.ACCOUNT.value,
            ),
        )
        .join(own, own.c.id == revision_id)
    )
    return query, revision_id


def _clue_text(row: Row[Any]) -> ClueText:
    text = row.author_bio if row.target_kind == TargetKind.ACCOUNT else f"{row.title}\n{row.text}"
    return ClueText(clue_id=row.clue_id, revision_id=row.id, text=text)


def _blocks(keys: Mapping[int, Sequence[int]]) -> sa.Select[tuple[int, int, int]]:
    """Select the blocks of these keys; the few that another band happens to share are told apart by the caller."""
    wanted = sorted({key for own in keys.values() for key in own})
    return (
        sa.select(text_band.c.band, text_band.c.key, text_band.c.clue_id)
        .where(text_band.c.key.in_(wanted), text_band.c.band != _DONE)
        .order_by(text_band.c.clue_id)
    )


def _forget(unit: Unit, clue_ids: Collection[int]) -> None:
    known = unit.conn.execute(
        sa.select(text_band.c.clue_id).where(text_band.c.clue_id.in_(clue_ids)).distinct()
    ).scalars()
    again = list(known)
    if not again:
        return
    unit.conn.execute(sa.delete(text_band).where(text_band.c.clue_id.in_(again)))
    for side in (suggestion.c.clue_a, suggestion.c.clue_b):
        unit.conn.execute(sa.delete(suggestion).where(suggestion.c.basis == "text", side.in_(again)))


def _own_comments(conn: Connection) -> dict[int, set[int]]:
    """Return per clue the revisions of comments that the author of the judged post wrote below it."""
    above, below = post.alias("above"), post.alias("below")
    rows = conn.execute(
        sa.select(clue.c.id, post_revision.c.id.label("revision_id"))
        .join_from(clue, above, above.c.id == clue.c.post_id)
        .join(below, sa.and_(below.c.parent_post_id == above.c.id, below.c.account_id == above.c.account_id))
        .join(post_revision, post_revision.c.post_id == below.c.id)
        .where(clue.c.target_kind != TargetKind.COMMENT.value)
    )
    found: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        found[row.id].add(row.revision_id)
    return found
