"""Clusters (团伙): suggested by the machine, confirmed, split and merged by people.

Judgements about pairs are a ledger: a newer one supersedes an older one, none is edited. A confirmed cluster is
people's: the machine neither adds to it nor takes from it. An unconfirmed one follows the machine's suggestions.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from storage.clues import clue_line, get_clue, get_clues
from storage.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from storage.linking import lock_linking
from storage.post_reads import iso
from storage.records import AuditFacts, public_id
from storage.tables import cluster, cluster_member, judgement, suggestion
from storage.transitions.clue import REVIEWERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit
    from storage.records import Actor, Json

    Pair = tuple[int, int]

OPEN, MERGED = "open", "merged"

_LEAST = 2  # members of a cluster
_SLICE = 1000  # pairs in one statement

Judgement = Literal["same", "different", "unsure"]
"""What a person says of a pair of clues: one operator's, not one operator's, cannot say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRow:
    """One cluster; ``basis`` is what suggested it, ``members`` are clue ids."""

    id: int
    basis: tuple[str, ...]
    confirmed: bool
    version: int
    members: tuple[int, ...]
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> str:
        """The public id, such as ``g3``."""
        return public_id("cluster", self.id)


def cluster_line(row: ClusterRow) -> Json:
    """Return the ``clusters list`` line of the contracts; ``members`` is their number."""
    return {
        "cluster": row.key,
        "basis": list(row.basis),
        "members": len(row.members),
        "confirmed": row.confirmed,
    }


def list_clusters(conn: Connection, *, limit: int = 50, after: int | None = None) -> list[ClusterRow]:
    """Return clusters, newest first; ``limit`` 0 means all, ``after`` is the id of the last one before the page."""
    query = sa.select(cluster).where(cluster.c.state == OPEN).order_by(cluster.c.id.desc())
    if after is not None:
        query = query.where(cluster.c.id < after)
    rows = conn.execute(query.limit(limit) if limit else query).all()
    return _rows(conn, rows)


def get_cluster(conn: Connection, cluster_id: int) -> ClusterRow:
    """Return one cluster; raise NotFoundError when there is none, or when it was merged into another."""
    rows = conn.execute(sa.select(cluster).where(cluster.c.id == cluster_id, cluster.c.state == OPEN)).all()
    if not rows:
        raise NotFoundError("cluster", public_id("cluster", cluster_id))
    return _rows(conn, rows)[0]


def count_clusters(conn: Connection) -> tuple[int, int]:
    """Return the number of clusters and of the clues in them."""
    clusters = sa.select(sa.func.count()).select_from(cluster).where(cluster.c.state == OPEN)
    members = sa.select(sa.func.count()).select_from(cluster_member)
    return conn.execute(clusters).scalar_one(), conn.execute(members).scalar_one()


def cluster_details(conn: Connection, cluster_id: int, *, now: datetime | None = None) -> Json:
    """Return the cluster's line with its clues' lines, the suggested links and the judgements among them."""
    row = get_cluster(conn, cluster_id)
    links = conn.execute(_among(suggestion, row.members).order_by(suggestion.c.id))
    judged = conn.execute(
        _among(judgement, row.members).where(judgement.c.superseded_at.is_(None)).order_by(judgement.c.id)
    )
    return {
        **cluster_line(row),
        "version": row.version,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
        "clues": [clue_line(one, now=now) for one in get_clues(conn, row.members)],
        "links": [_pair_line(one) | {"basis": one.basis, "score": one.score} for one in links],
        "judgements": [
            _pair_line(one) | {"judgement": one.judgement, "by": one.actor, "at": iso(one.at)} for one in judged
        ],
    }


def suggestions_of(conn: Connection, clue_id: int) -> list[Json]:
    """Return the suggested pairs of one clue that nobody called different, the likeliest first."""
    rejected = sa.exists(
        sa.select(sa.literal(1)).where(
            judgement.c.clue_a == suggestion.c.clue_a,
            judgement.c.clue_b == suggestion.c.clue_b,
            judgement.c.judgement == "different",
            judgement.c.superseded_at.is_(None),
        )
    )
    found = conn.execute(
        sa.select(suggestion)
        .where(sa.or_(suggestion.c.clue_a == clue_id, suggestion.c.clue_b == clue_id), ~rejected)
        .order_by(suggestion.c.score.desc(), suggestion.c.id)
    )
    return [
        {"clue": public_id("clue", one.clue_b if one.clue_a == clue_id else one.clue_a)}
        | {"basis": one.basis, "score": one.score, "evidence": one.evidence}
        for one in found
    ]


def judge(unit: Unit, a: int, b: int, judgement: Judgement, actor: Actor) -> None:
    """Record what a person says of two clues and follow it at once.

    ``same`` joins their clusters (a new one if neither has one) and confirms the result if one of them was
    confirmed; ``different`` takes ``b`` out of a cluster that holds both.

    Raises:
        NotFoundError: there is no such clue.
        InputError: both are the same clue.
        ForbiddenError: the actor's role does not review.
    """
    _check_reviewer(actor, "judge a pair of clues")
    if a == b:
        raise InputError("bad_field", f"{public_id('clue', a)} cannot be compared with itself", field="clue")
    lock_linking(unit.conn)
    for number in (a, b):
        get_clue(unit.conn, number)
    _record(unit, [(a, b)], judgement, actor)
    homes = _homes(unit.conn, [a, b])
    if judgement == "same":
        _join(unit, homes, a, b)
    elif judgement == "different" and homes.get(a) is not None and homes.get(a) == homes.get(b):
        _take_out(unit, homes[a], [b])
    details = {"clues": [public_id("clue", a), public_id("clue", b)], "judgement": judgement}
    _audit(unit, actor, "judge", f"{public_id('clue', a)}-{public_id('clue', b)}", details)


def confirm_cluster(unit: Unit, cluster_id: int, *, actor: Actor, version: int | None = None) -> ClusterRow:
    """Confirm a cluster as it stands: every member is one operator's.

    Raises:
        NotFoundError, ForbiddenError: as :func:`judge`.
        ConflictError: ``version`` is given and the cluster has changed since.
    """
    _check_reviewer(actor, "confirm a cluster")
    row = _read_for_change(unit, cluster_id, version)
    _record(unit, [(row.members[0], other) for other in row.members[1:]], "same", actor)
    touch_clusters(unit, [row.id], confirmed=True)
    _audit(unit, actor, "confirm", row.key, {"clues": [public_id("clue", one) for one in row.members]})
    return get_cluster(unit.conn, row.id)


def split_cluster(
    unit: Unit, cluster_id: int, clue_ids: Collection[int], *, actor: Actor, version: int | None = None
) -> list[ClusterRow]:
    """Take clues out of a cluster as another operator's; return what is left as clusters.

    Each of them is recorded as different from each that stays, so that no later suggestion brings them together;
    two and more become a cluster of their own.

    Raises:
        InputError: the clues are no part of the cluster, or all of it.
        NotFoundError, ForbiddenError, ConflictError: as :func:`confirm_cluster`.
    """
    _check_reviewer(actor, "split a cluster")
    row = _read_for_change(unit, cluster_id, version)
    leaving = sorted(set(clue_ids))
    staying = [one for one in row.members if one not in leaving]
    if not leaving or not staying or not set(leaving) <= set(row.members):
        raise InputError("bad_field", f"name some, not all, of the clues of {row.key}", field="clues")
    _record(unit, list(product(staying, leaving)), "different", actor)
    _take_out(unit, row.id, leaving)
    made = [] if len(leaving) == 1 else [add_cluster(unit, leaving, row.basis)]
    details = {"leaving": [public_id("clue", one) for one in leaving]}
    _audit(unit, actor, "split", row.key, details)
    left = [row.id] if len(staying) > 1 else []
    return [get_cluster(unit.conn, number) for number in (*left, *made)]


def add_cluster(unit: Unit, members: Sequence[int], basis: Iterable[str]) -> int:
    """Make an unconfirmed cluster of clues that have none and return its id."""
    values = {"state": OPEN, "basis": list(basis), "confirmed": False, "version": 1}
    values |= {"created_at": unit.now, "updated_at": unit.now}
    made = unit.conn.execute(sa.insert(cluster).values(values)).inserted_primary_key
    number = int(made[0]) if made else 0
    set_members(unit, number, members)
    return number


def set_members(unit: Unit, cluster_id: int, members: Sequence[int]) -> None:
    """Make clues members of a cluster, out of whichever they were in."""
    unit.conn.execute(sa.delete(cluster_member).where(cluster_member.c.clue_id.in_(members)))
    unit.conn.execute(
        sa.insert(cluster_member), [{"cluster_id": cluster_id, "clue_id": number} for number in members]
    )


def touch_clusters(unit: Unit, cluster_ids: Collection[int], **values: object) -> None:
    """Set columns of clusters and raise their versions."""
    changed = {"version": cluster.c.version + 1, "updated_at": unit.now, **values}
    unit.conn.execute(sa.update(cluster).where(cluster.c.id.in_(cluster_ids)).values(changed))


def close_empty(unit: Unit, cluster_ids: Collection[int]) -> None:
    """Close those of the clusters that have fewer than two members left; their rows stay as history."""
    counted = sa.select(sa.func.count()).where(cluster_member.c.cluster_id == cluster.c.id).scalar_subquery()
    small = list(
        unit.conn.execute(sa.select(cluster.c.id).where(cluster.c.id.in_(cluster_ids), counted < _LEAST)).scalars()
    )
    if not small:
        return
    unit.conn.execute(sa.delete(cluster_member).where(cluster_member.c.cluster_id.in_(small)))
    unit.conn.execute(sa.update(cluster).where(cluster.c.id.in_(small)).values(state=MERGED, updated_at=unit.now))


def all_members(conn: Connection) -> list[ClusterRow]:
    """Return every open cluster with its members, oldest first."""
    return _rows(conn, conn.execute(sa.select(cluster).where(cluster.c.state == OPEN).order_by(cluster.c.id)).all())


def _rows(conn: Connection, rows: Sequence[Row[Any]]) -> list[ClusterRow]:
    found = conn.execute(
        sa.select(cluster_member.c.cluster_id, cluster_member.c.clue_id)
        .where(cluster_member.c.cluster_id.in_([row.id for row in rows]))
        .order_by(cluster_member.c.clue_id)
    )
    members: dict[int, list[int]] = {row.id: [] for row in rows}
    for one in found:
        members[one.cluster_id].append(one.clue_id)
    return [
        ClusterRow(
            id=row.id,
            basis=tuple(row.basis),
            confirmed=row.confirmed,
            version=row.version,
            members=tuple(members[row.id]),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


def _read_for_change(unit: Unit, cluster_id: int, version: int | None) -> ClusterRow:
    lock_linking(unit.conn)
    row = get_cluster(unit.conn, cluster_id)
    if version is not None and version != row.version:
        raise ConflictError("cluster", row.key, expected=version, found=row.version)
    return row


def _record(unit: Unit, pairs: Sequence[Pair], said: Judgement, actor: Actor) -> None:
    """Append judgements; those they supersede are marked, not changed."""
    ordered = sorted({(min(pair), max(pair)) for pair in pairs})
    pair = sa.tuple_(judgement.c.clue_a, judgement.c.clue_b)
    shared = {"judgement": said, "actor": actor.name, "at": unit.now}
    for start in range(0, len(ordered), _SLICE):
        part = ordered[start : start + _SLICE]
        unit.conn.execute(
            sa.update(judgement)
            .where(pair.in_(part), judgement.c.superseded_at.is_(None))
            .values(superseded_at=unit.now)
        )
        rows = [{"clue_a": one, "clue_b": other, **shared} for one, other in part]
        unit.conn.execute(sa.insert(judgement), rows)


def _homes(conn: Connection, clue_ids: Collection[int]) -> dict[int, int]:
    found = conn.execute(sa.select(cluster_member).where(cluster_member.c.clue_id.in_(clue_ids)))
    return {row.clue_id: row.cluster_id for row in found}


def _join(unit: Unit, homes: dict[int, int], a: int, b: int) -> None:
    """Bring two clues into one cluster, the older of theirs.

    Once a confirmed cluster is among them the result is confirmed too, so of unconfirmed ones only the clue itself
    comes along: the others are the machine's guess.
    """
    rows = [get_cluster(unit.conn, number) for number in sorted(set(homes.values()))]
    if not rows:
        add_cluster(unit, sorted((a, b)), [])
        return
    confirmed = [row for row in rows if row.confirmed]
    whole = confirmed or rows
    kept = whole[0]
    joining = {a, b}.union(*(row.members for row in whole)) - set(kept.members)
    if not joining:
        return
    set_members(unit, kept.id, sorted(joining))
    touch_clusters(unit, [row.id for row in rows])
    close_empty(unit, [row.id for row in rows])


def _take_out(unit: Unit, cluster_id: int, clue_ids: Collection[int]) -> None:
    unit.conn.execute(sa.delete(cluster_member).where(cluster_member.c.clue_id.in_(clue_ids)))
    touch_clusters(unit, [cluster_id])
    close_empty(unit, [cluster_id])


def _among(table: sa.Table, members: Sequence[int]) -> sa.Select[tuple[object, ...]]:
    return sa.select(table).where(table.c.clue_a.in_(members), table.c.clue_b.in_(members))


def _pair_line(row: Row[Any]) -> Json:
    return {"a": public_id("clue", row.clue_a), "b": public_id("clue", row.clue_b)}


def _check_reviewer(actor: Actor, action: str) -> None:
    if actor.role not in REVIEWERS:
        raise ForbiddenError(actor.name, action, needs=REVIEWERS)


def _audit(unit: Unit, actor: Actor, action: str, object_id: str, details: Json) -> None:
    unit.audit(
        AuditFacts(
            actor=actor, action=f"cluster.{action}", object_type="cluster", object_id=object_id, details=details
        )
    )
