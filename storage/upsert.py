"""Inserting a row unless its key is there, the same way on both databases."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection, Row


def insert_new(conn: Connection, table: sa.Table, values: Mapping[str, Any]) -> int | None:
    """Insert one row and return its ``id``; None when a row with one of its unique keys is there already.

    A concurrent insert of the same key is waited for, so that the row can be read afterwards.
    """
    found = conn.execute(_insert(conn.dialect.name, table, (table.c.id,)), dict(values)).scalar()
    return None if found is None else int(found)


def insert_missing(conn: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose unique keys are not there yet; return how many were inserted.

    The inserted keys are counted: for many rows at once psycopg names no number of rows.
    """
    return len(insert_returning(conn, table, rows, list(table.primary_key.columns)))


def insert_returning(
    conn: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], columns: Sequence[sa.Column[Any]]
) -> list[Row[Any]]:
    """Insert the rows whose unique keys are not there yet; return these columns of the inserted ones."""
    if not rows:
        return []
    done = conn.execute(_insert(conn.dialect.name, table, tuple(columns)), [dict(row) for row in rows])
    return list(done)


@cache
def _insert(dialect: str, table: sa.Table, columns: tuple[sa.Column[Any], ...]) -> Any:  # noqa: ANN401 - of two dialects
    """Return the statement, made once: building it takes longer than running it."""
    insert: Any = postgres_insert(table) if dialect == "postgresql" else sqlite_insert(table)
    return insert.on_conflict_do_nothing().returning(*columns)
