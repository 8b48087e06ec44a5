"""Bringing a database to the schema of this version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def upgrade(engine: Engine) -> None:
    """Create or upgrade all tables."""
    metadata.create_all(engine)
