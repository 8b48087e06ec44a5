"""Bringing a database to the schema of this version; each run is one transaction, so a kill leaves old or new."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from storage.errors import SettingsError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

_MIGRATION_LOCK = 0x51_59_4D_47  # "QYMG", the advisory lock of migrations on PostgreSQL


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Create the tables or bring them up to a revision (the newest unless named)."""
    with _migrating(engine) as conn, conn.begin():
        _lock(conn)
        command.upgrade(_config(conn), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema back to an earlier revision; ``base`` drops every table."""
    with _migrating(engine) as conn, conn.begin():
        _lock(conn)
        command.downgrade(_config(conn), revision)


@functools.cache
def revisions() -> tuple[str, ...]:
    """Return all revisions, oldest first."""
    scripts = ScriptDirectory.from_config(_config(None)).walk_revisions()
    return tuple(script.revision for script in scripts)[::-1]


def check_schema(engine: Engine) -> None:
    """Upgrade a database that is behind; refuse one that a newer version made.

    Raises:
        SettingsError: the database's revision is unknown to this version.
    """
    with engine.connect() as conn:
        current = MigrationContext.configure(conn).get_current_revision()
    known = revisions()
    if current == known[-1]:
        return
    if current is not None and current not in known:
        message = f"the database is at revision {current}, which this version does not know: install the newer one"
        raise SettingsError("bad_field", message, field="database")
    upgrade(engine)


def _migrating(engine: Engine) -> Connection:
    return engine.connect().execution_options(qingyuan_begin="IMMEDIATE")


def _lock(conn: Connection) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


def _config(conn: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = conn
    return config
