"""Clues as people see them: rows, lines, filtered pages by keyset, counts.

Queue pages read partial indexes over the open rows and never skip rows by OFFSET (measured on a million rows:
OFFSET 50,000 costs 46 times a keyset page). Text search is LIKE over the base table: SQLite's trigram index
answers two-character Chinese terms such as 逾期 with nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection  # noqa: TC003 - read by TypedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import sqlalchemy as sa

from storage.errors import InputError, NotFoundError
from storage.records import OPEN_CLUE_STATES, Band, ClueState, TargetKind, public_id
from storage.tables import account, clue, cluster_member, post, post_revision

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.records import Json

Order = Literal["newest", "score"]
"""How a page of clues is ordered: by id or by score, highest first."""

_OPEN = sa.text(
    "clue.state IN ('new', 'queued')"
)  # in the words of the partial indexes, so that both databases use them


@dataclass(frozen=True, slots=True, kw_only=True)
class ClueRow:
    """One clue as stored.

    ``score`` is 0 to 100; ``category`` is a person's choice, ``categories`` are the machine's. ``post_id`` is the
    row that the shown verdict judged; ``post_key`` the post it belongs to, also when that row is a comment.
    """

    id: int
    platform: str
    target_kind: TargetKind
    target_native_id: str
    url: str | None
    state: ClueState
    version: int
    score: float
    band: Band
    severity: int
    categories: tuple[str, ...]
    category: str | None
    post_id: int
    post_key: str
    verdict_id: int
    account_id: int | None
    cluster_id: int | None
    claimed_by: str | None
    claim_until: datetime | None
    screenshot_sha256: str | None
    screenshot_capture_id: int | None
    decided_by: str | None
    decided_at: datetime | None
    created_at: datetime
    updated_at: datetime
    simulated: bool

    @property
    def key(self) -> str:
        """The public id, such as ``c12``."""
        return public_id("clue", self.id)

    def holder(self, now: datetime) -> str | None:
        """Return who holds the claim at ``now``; None when nobody does or the lease is over."""
        return self.claimed_by if self.claim_until is not None and self.claim_until > now else None


class ClueFilter(TypedDict, total=False):
    """Which clues are wanted; absent, empty and None mean all.

    ``search`` is any text of the post, its author or the target, two characters of Chinese included.
    """

    states: Collection[ClueState]
    platform: str | None
    category: str | None
    band: Band | None
    search: str | None


def clue_line(row: ClueRow, *, now: datetime | None = None) -> Json:
    """Return the ``clues list`` line of the contracts; with ``now``, a claim that has run out is not shown."""
    return {
        "clue": row.key,
        "state": row.state.value,
        "version": row.version,
        "target": {
            "kind": row.target_kind.value,
            "platform": row.platform,
            "native_id": row.target_native_id,
            "url": row.url,
        },
        "score": row.score,
        "band": row.band.value,
        "categories": list(row.categories),
        "cluster": public_id("cluster", row.cluster_id) if row.cluster_id is not None else None,
        "post": row.post_key,
        "claimed_by": row.claimed_by if now is None else row.holder(now),
    }


def get_clue(conn: Connection, clue_id: int, *, lock: bool = False) -> ClueRow:
    """Return one clue; ``lock`` holds its row until the end of the transaction.

    Raises:
        NotFoundError: there is no such clue.
    """
    query = select_clues().where(clue.c.id == clue_id)
    if lock:
        query = query.with_for_update(of=clue)
    found = conn.execute(query).first()
    if found is None:
        raise NotFoundError("clue", public_id("clue", clue_id))
    return clue_row(found)


def get_clues(conn: Connection, clue_ids: Collection[int]) -> list[ClueRow]:
    """Return the clues of these ids that exist, in the order of their ids."""
    found = conn.execute(select_clues().where(clue.c.id.in_(clue_ids)).order_by(clue.c.id))
    return [clue_row(row) for row in found]


def list_clues(
    conn: Connection,
    *,
    order: Order = "newest",
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
    **wanted: Unpack[ClueFilter],
) -> list[ClueRow]:
    """Return one page of clues.

    ``after`` is the :func:`page_cursor` of the last row of the page before, ``before`` that of the first row of the
    page after (then the rows just above it are returned, in the same order); ``limit`` 0 means all.
    """
    back = before is not None
    query = select_clues().where(*clue_conditions(wanted))
    if (place := before if back else after) is not None:
        query = query.where(_beyond(place, order, back=back))
    columns = (clue.c.score, clue.c.id) if order == "score" else (clue.c.id,)
    query = query.order_by(*(column.asc() if back else column.desc() for column in columns))
    if limit:
        query = query.limit(limit)
    if _only_open(wanted):
        query = query.with_hint(clue, f"INDEXED BY {_open_index(order, wanted)}", "sqlite")
    rows = [clue_row(row) for row in conn.execute(query)]
    return rows[::-1] if back else rows


def _beyond(place: str, order: Order, *, back: bool) -> sa.ColumnElement[bool]:
    """Match what comes after a place of a list, or with ``back`` before it."""
    score, last = parse_cursor(place)
    if order == "newest":
        return clue.c.id > last if back else clue.c.id < last
    key = sa.tuple_(clue.c.score, clue.c.id)
    return key > (score, last) if back else key < (score, last)


def page_cursor(row: ClueRow) -> str:
    """Return the place of a row in both orders, as text for an address."""
    return f"{row.score!r}_{row.id}"


def parse_cursor(text: str) -> tuple[float, int]:
    """Return (score, id) of a cursor; raise InputError when it is none."""
    found = re.fullmatch(r"(-?[0-9]{1,15}(?:\.[0-9]{1,20})?(?:e[-+][0-9]{1,3})?)_([0-9]{1,18})", text, re.ASCII)
    if found is None:
        raise InputError("bad_field", f"{text!r} is not a place in a list", field="after")
    return float(found[1]), int(found[2])


def count_clues(conn: Connection, **wanted: Unpack[ClueFilter]) -> int:
    """Return how many clues there are of this kind."""
    query = sa.select(sa.func.count()).select_from(clue).where(*clue_conditions(wanted))
    return conn.execute(query).scalar_one()


def count_by_state(conn: Connection) -> dict[str, int]:
    """Return the number of clues per state, states without clues left out."""
    found = conn.execute(sa.select(clue.c.state, sa.func.count()).group_by(clue.c.state).order_by(clue.c.state))
    return {state: number for state, number in found}  # noqa: C416 - rows are not pairs to the type checker


def count_open(conn: Connection) -> dict[Band, int]:
    """Return the number of clues that wait for a person, per band."""
    query = sa.select(clue.c.band, sa.func.count()).where(_OPEN).group_by(clue.c.band)
    counted = {band: number for band, number in conn.execute(query)}  # noqa: C416 - as above
    return {band: counted.get(band.value, 0) for band in (Band.FLAGGED, Band.UNSURE)}


def open_clues_of(conn: Connection, accounts: Collection[str], *, limit: int) -> list[int]:
    """Return open clues on or of these accounts (``platform:native_id``), by id."""
    known = account.c.platform + ":" + account.c.native_id
    found = conn.execute(
        sa.select(clue.c.id)
        .join(account, account.c.id == clue.c.account_id)
        .where(_OPEN, known.in_(accounts))
        .order_by(clue.c.id)
        .limit(limit)
    )
    return list(found.scalars())


def select_clues() -> sa.Select[tuple[object, ...]]:
    """Return the query behind every :class:`ClueRow`, to be narrowed and ordered."""
    above = post.alias("above")
    return (
        sa.select(
            clue,
            post.c.platform.label("post_platform"),
            sa.func.coalesce(above.c.native_id, post.c.native_id).label("post_native_id"),
            cluster_member.c.cluster_id,
        )
        .join_from(clue, post, post.c.id == clue.c.post_id)
        .outerjoin(above, above.c.id == post.c.parent_post_id)
        .outerjoin(cluster_member, cluster_member.c.clue_id == clue.c.id)
    )


def clue_conditions(wanted: ClueFilter) -> list[sa.ColumnElement[bool] | sa.TextClause]:
    """Return a filter as conditions for :func:`select_clues`."""
    conditions: list[sa.ColumnElement[bool] | sa.TextClause] = []
    states = {ClueState(state) for state in wanted.get("states") or ()}
    if _only_open(wanted):
        conditions.append(_OPEN)
    if states and states != set(OPEN_CLUE_STATES):
        conditions.append(clue.c.state.in_(sorted(states)))
    if platform := wanted.get("platform"):
        conditions.append(clue.c.platform == platform)
    if band := wanted.get("band"):
        conditions.append(clue.c.band == band)
    if category := wanted.get("category"):
        conditions.append(_in_category(category))
    if search := wanted.get("search"):
        conditions.append(_mentions(search))
    return conditions


def _only_open(wanted: ClueFilter) -> bool:
    states = wanted.get("states")
    return bool(states) and set(states or ()) <= set(OPEN_CLUE_STATES)


def _open_index(order: Order, wanted: ClueFilter) -> str:
    """Return the partial index in the page's order; SQLite by itself splits IN and sorts (3.40)."""
    if order == "newest":
        return "ix_clue_open_newest"
    return "ix_clue_open" if wanted.get("band") else "ix_clue_open_score"


def _in_category(category: str) -> sa.ColumnElement[bool]:
    """Match the person's category, else one of the machine's (keys stand in JSON as ``"key"``)."""
    by_machine = sa.cast(clue.c.categories, sa.Text).contains(f'"{category}"', autoescape=True)
    return sa.func.coalesce(clue.c.category == category, by_machine)


def _mentions(text: str) -> sa.ColumnElement[bool]:
    """Match clues whose post, or target of their own row, holds the text in its current revision."""
    seen = sa.alias(post, "seen")
    current = post_revision
    fields = (current.c.title, current.c.text, current.c.author_name, current.c.author_bio)
    own_row = sa.and_(seen.c.platform == clue.c.platform, seen.c.native_id == clue.c.target_native_id)
    return sa.exists(
        sa.select(sa.literal(1))
        .select_from(seen.join(current, current.c.id == seen.c.current_revision_id))
        .where(
            sa.or_(seen.c.id == clue.c.post_id, own_row),
            sa.or_(*(field.contains(text, autoescape=True) for field in fields)),
        )
        .correlate(clue)
    )


def clue_row(found: Row[tuple[object, ...]]) -> ClueRow:
    """Return a row of :func:`select_clues` as its record."""
    values = dict(found._mapping)  # noqa: SLF001 - SQLAlchemy's public row mapping
    native_id, platform = values.pop("post_native_id"), values.pop("post_platform")
    for name in ("screenshot_tried_at", "seen_at"):
        values.pop(name)
    values.update(
        state=ClueState(values["state"]),
        band=Band(values["band"]),
        target_kind=TargetKind(values["target_kind"]),
        categories=tuple(values["categories"]),
        post_key=f"{platform}:{native_id}",
    )
    return ClueRow(**values)
