"""Unconfirmed clusters follow the groups that the machine finds; their ids stay as long as their members do.

A group keeps the cluster with which it shares most members. A run that finds what is stored writes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.clusters import add_cluster, all_members, close_empty, set_members, touch_clusters
from storage.engine import CHUNK_ROWS
from storage.linking import lock_linking
from storage.tables import cluster, cluster_member

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from storage.clusters import ClusterRow
    from storage.engine import Store, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of one cluster (None = a new one): who joins, who leaves, on what basis it stands.

    ``closes`` when no group keeps it.
    """

    cluster_id: int | None
    joining: tuple[int, ...]
    leaving: tuple[int, ...]
    basis: tuple[str, ...]
    closes: bool = False


def follow_groups(store: Store, groups: Iterable[tuple[Collection[int], Sequence[str]]], *, now: datetime) -> int:
    """Bring the unconfirmed clusters in line with groups (members, basis); return how many clusters changed.

    Members of confirmed clusters are left where they are. Each transaction writes about a chunk of rows; what a
    killed call leaves, the next one completes.
    """
    with store.read() as conn:
        rows = all_members(conn)
    changes = _plan(rows, groups)
    for batch in _batches(changes):
        with store.write(now) as unit:
            lock_linking(unit.conn)
            for change in batch:
                _apply(unit, change)
    return len(changes)


def _plan(rows: Sequence[ClusterRow], groups: Iterable[tuple[Collection[int], Sequence[str]]]) -> list[Change]:
    """Return the changes, a pure function of what is stored and what was found."""
    settled = {number for row in rows if row.confirmed for number in row.members}
    wanted = [(frozenset(members) - settled, tuple(basis)) for members, basis in groups]
    wanted = sorted(
        ((members, basis) for members, basis in wanted if len(members) > 1), key=lambda one: min(one[0])
    )
    known = {row.id: row for row in rows if not row.confirmed}
    keeps = _match(known.values(), [members for members, _ in wanted])
    changes = []
    for index, (members, basis) in enumerate(wanted):
        row = known.pop(keeps[index]) if index in keeps else None
        before = frozenset(row.members) if row else frozenset()
        if row is None or before != members or row.basis != basis:
            changes.append(
                Change(
                    cluster_id=row.id if row else None,
                    joining=tuple(sorted(members - before)),
                    leaving=tuple(sorted(before - members)),
                    basis=basis,
                )
            )
    gone = [
        Change(cluster_id=row.id, joining=(), leaving=row.members, basis=row.basis, closes=True)
        for row in known.values()
    ]
    return [*gone, *changes]


def _match(rows: Iterable[ClusterRow], groups: Sequence[frozenset[int]]) -> dict[int, int]:
    """Return group index -> cluster id, the greatest overlaps first, then the older cluster."""
    home = {number: row.id for row in rows for number in row.members}
    overlaps = []
    for index, members in enumerate(groups):
        counted = Counter(home[number] for number in members if number in home)
        overlaps += [(-shared, cluster_id, index) for cluster_id, shared in counted.items()]
    keeps: dict[int, int] = {}
    taken: set[int] = set()
    for _, cluster_id, index in sorted(overlaps):
        if cluster_id not in taken and index not in keeps:
            keeps[index] = cluster_id
            taken.add(cluster_id)
    return keeps


def _batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Yield changes in lots of at most a chunk of rows; one that is greater comes alone."""
    batch: list[Change] = []
    rows = 0
    for change in changes:
        size = len(change.joining) + len(change.leaving) + 1
        if batch and rows + size > CHUNK_ROWS:
            yield batch
            batch, rows = [], 0
        batch.append(change)
        rows += size
    if batch:
        yield batch


def _apply(unit: Unit, change: Change) -> None:
    """Do one change unless people have confirmed something of it meanwhile; the next run sees what they did."""
    moving = (*change.joining, *change.leaving)
    home = sa.select(cluster_member.c.cluster_id).where(cluster_member.c.clue_id.in_(moving))
    confirmed = sa.select(cluster.c.id).where(
        sa.or_(cluster.c.id.in_(home), cluster.c.id == change.cluster_id), cluster.c.confirmed
    )
    if unit.conn.execute(confirmed).first() is not None:
        return
    if change.leaving:
        unit.conn.execute(
            sa.delete(cluster_member).where(
                cluster_member.c.cluster_id == change.cluster_id, cluster_member.c.clue_id.in_(change.leaving)
            )
        )
    if change.cluster_id is None:
        add_cluster(unit, change.joining, change.basis)
    elif change.closes:
        close_empty(unit, [change.cluster_id])
    else:
        if change.joining:
            set_members(unit, change.cluster_id, change.joining)
        touch_clusters(unit, [change.cluster_id], basis=list(change.basis))
