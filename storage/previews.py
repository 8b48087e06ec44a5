"""What a list shows of each clue besides its row: the target's own texts as they were judged, and its cluster.

Four statements whatever the number of clues.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.records import TargetKind
from storage.tables import cluster_member, contact_use, post, post_revision, verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection, RowMapping

    from storage.clues import ClueRow
    from storage.records import Json

LONGEST_PREVIEW = 20_000
"""Characters of a text that a list reads at the most."""

_TEXTS = ("title", "text", "author_name", "author_bio")
_FIELDS = dict(zip(("title", "text", "author.name", "author.bio"), _TEXTS, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The target of one clue: its fields by their names in a verdict, what was found there, and its cluster's size.

    ``private`` are the spans of contacts, ``found`` those of findings with a positive weight, both by field.
    """

    fields: dict[str, str]
    private: dict[str, list[tuple[int, int]]]
    found: dict[str, list[tuple[int, int]]]
    cluster_size: int


def previews(conn: Connection, clues: Sequence[ClueRow]) -> dict[int, Preview]:
    """Return the preview of each clue by its id."""
    verdicts = _verdicts(conn, {row.verdict_id for row in clues})
    places = {row.id: _place(row, verdicts[row.verdict_id]) for row in clues}
    wanted = {verdicts[row.verdict_id]["comments"][index] for row in clues if (index := places[row.id]) is not None}
    comments = _revisions(conn, wanted)
    uses = _uses(conn, verdicts)
    sizes = _cluster_sizes(conn, {row.cluster_id for row in clues if row.cluster_id is not None})
    found = {}
    for row in clues:
        judged, index = verdicts[row.verdict_id], places[row.id]
        texts = judged if index is None else comments[judged["comments"][index]]
        prefix = "" if index is None else f"comments[{index}]."
        spans = [finding for finding in judged["findings"] if finding["weight"] > 0]
        found[row.id] = Preview(
            fields={name: texts[column] for name, column in _FIELDS.items()},
            private=_own_spans(uses.get(row.verdict_id, ()), prefix),
            found=_own_spans(spans, prefix),
            cluster_size=sizes.get(row.cluster_id or 0, 0),
        )
    return found


def _place(row: ClueRow, judged: RowMapping) -> int | None:
    """Return the index of the comment that a clue points to; None where the judged row itself is the target."""
    index = (judged["target"] or {}).get("comment")
    inside = row.target_kind is TargetKind.COMMENT and judged["native_id"] != row.target_native_id
    return int(index) if inside and index is not None and index < len(judged["comments"]) else None


def _own_spans(found: Sequence[Any], prefix: str) -> dict[str, list[tuple[int, int]]]:
    """Return the spans in the target's own fields, under the names these have when judged alone."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for one in found:
        field = _own_field(one["field"], prefix)
        if field is not None:
            spans.setdefault(field, []).append((one["start"], one["end"]))
    return spans


def _own_field(field: str, prefix: str) -> str | None:
    if not prefix:
        return field if field in _FIELDS else None
    inside = field.removeprefix(prefix) if field.startswith(prefix) else None
    return "author.name" if inside == "author" else inside


def _verdicts(conn: Connection, verdict_ids: Collection[int]) -> dict[int, RowMapping]:
    query = (
        sa.select(verdict.c.id, verdict.c.findings, verdict.c.target, verdict.c.comments, post.c.native_id)
        .add_columns(*_text_columns())
        .join_from(verdict, post_revision, post_revision.c.id == verdict.c.revision_id)
        .join(post, post.c.id == post_revision.c.post_id)
        .where(verdict.c.id.in_(verdict_ids))
    )
    return {row["id"]: row for row in conn.execute(query).mappings()}


def _revisions(conn: Connection, revision_ids: Collection[int]) -> dict[int, RowMapping]:
    query = sa.select(post_revision.c.id, *_text_columns()).where(post_revision.c.id.in_(revision_ids))
    return {row["id"]: row for row in conn.execute(query).mappings()}


def _text_columns() -> list[sa.Label[str]]:
    return [sa.func.substr(post_revision.c[name], 1, LONGEST_PREVIEW).label(name) for name in _TEXTS]


def _uses(conn: Connection, verdict_ids: Collection[int]) -> dict[int, list[Json]]:
    columns = (contact_use.c.verdict_id, contact_use.c.field, contact_use.c.start, contact_use.c.end)
    found: dict[int, list[Json]] = {}
    for use in conn.execute(sa.select(*columns).where(contact_use.c.verdict_id.in_(verdict_ids))).mappings():
        found.setdefault(use["verdict_id"], []).append(dict(use))
    return found


def _cluster_sizes(conn: Connection, cluster_ids: Collection[int]) -> dict[int, int]:
    query = (
        sa.select(cluster_member.c.cluster_id, sa.func.count())
        .where(cluster_member.c.cluster_id.in_(cluster_ids))
        .group_by(cluster_member.c.cluster_id)
    )
    return {number: size for number, size in conn.execute(query)}  # noqa: C416 - rows are no pairs to the checker
