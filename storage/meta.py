"""Small facts of a workspace kept in its database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.tables import workspace_meta

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def get_meta(conn: Connection, key: str) -> Any:  # noqa: ANN401 - a JSON value
    """Return the stored value, or None."""
    return conn.execute(sa.select(workspace_meta.c.value).where(workspace_meta.c.key == key)).scalar()


def put_meta(conn: Connection, key: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
    """Store a value, replacing the earlier one."""
    done = conn.execute(sa.update(workspace_meta).where(workspace_meta.c.key == key).values(value=value))
    if not done.rowcount:
        conn.execute(sa.insert(workspace_meta).values(key=key, value=value))
