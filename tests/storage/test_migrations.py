"""Every revision goes up and down with data in it, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from storage.engine import make_engine
from storage.errors import SettingsError
from storage.migrate import check_schema, downgrade, revisions, upgrade
from storage.tables import metadata

MOMENT = datetime(2026, 11, 18, tzinfo=UTC)


def _value(column: sa.Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, sa.JSON) or isinstance(getattr(kind, "impl", None), sa.JSON):
        return {"k": "停息"}
    kind = getattr(kind, "impl", kind)
    for python, value in ((sa.DateTime, MOMENT), (sa.Boolean, True), (sa.LargeBinary, b"x"), (sa.Float, 1.5)):
        if isinstance(kind, python):
            return value
    return 1 if isinstance(kind, sa.Integer) else "a" * 64


def _fill(conn: sa.Connection, tables: list[sa.Table]) -> None:
    """Put one row into each table, as far as it has its columns yet; every reference points at row 1."""
    for table in tables:
        present = {column["name"] for column in sa.inspect(conn).get_columns(table.name)}
        values = {column.name: _value(column) for column in table.columns if column.name in present}
        conn.execute(sa.insert(table).values(**values))


@pytest.fixture
def engine(any_url: str) -> Any:
    made = make_engine(any_url)
    yield made
    made.dispose()


def test_the_newest_revision_is_what_the_tables_say(engine: sa.Engine) -> None:
    upgrade(engine)
    with engine.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


@pytest.mark.parametrize("index", range(len(revisions())))
def test_each_revision_goes_up_down_and_up_again_around_data(engine: sa.Engine, index: int) -> None:
    names = revisions()
    before = names[index - 1] if index else "base"
    if index:
        upgrade(engine, before)
    tables = _present(engine)
    with engine.begin() as conn:
        _fill(conn, tables)
    for step in (names[index], before, names[index]):
        (downgrade if step == before else upgrade)(engine, step)
    with engine.connect() as conn:
        assert [conn.execute(sa.select(sa.func.count()).select_from(table)).scalar() for table in tables] == [
            1
        ] * len(tables)


def test_going_down_to_base_drops_every_table(engine: sa.Engine) -> None:
    upgrade(engine)
    with engine.begin() as conn:
        _fill(conn, list(metadata.sorted_tables))
    downgrade(engine, "base")
    assert _present(engine) == []


def test_a_database_of_a_newer_version_is_refused(engine: sa.Engine) -> None:
    upgrade(engine)
    with engine.begin() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="9999"):
        check_schema(engine)


def test_a_database_that_is_behind_is_brought_up(engine: sa.Engine) -> None:
    upgrade(engine, revisions()[0])
    check_schema(engine)
    assert len(_present(engine)) == len(metadata.tables)


def _present(engine: sa.Engine) -> list[sa.Table]:
    with engine.connect() as conn:
        names = set(sa.inspect(conn).get_table_names())
    return [table for table in metadata.sorted_tables if table.name in names]
