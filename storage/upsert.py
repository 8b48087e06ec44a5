"""Inserting a row unless its key is there, the same way on both databases."""

from __future__ import annotations

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
    if conn.dialect.name == "postgresql":
        found = conn.execute(
            postgres_insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id)
        ).scalar()
    else:
        found = conn.execute(
            sqlite_insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id)
        ).scalar()
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
    statement: Any = postgres_insert(table) if conn.dialect.name == "postgresql" else sqlite_insert(table)
    done = conn.execute(statement.on_conflict_do_nothing().returning(*columns), [dict(row) for row in rows])
    return list(done)
