"""`demo`: what it refuses before it plays; the play itself is tried from the wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from tests.support.cli import call

if TYPE_CHECKING:
    from pathlib import Path


def test_a_database_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'real.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        conn.execute(sa.text("CREATE TABLE somebodys (id INTEGER)"))
    words = ("demo", "--no-serve", "--json", "--data", tmp_path / "demo")
    done = call(*words, env={"QINGYUAN_DATABASE_URL": url})
    assert (done.code, done.problem["field"]) == (2, "QINGYUAN_DATABASE_URL")
    assert sa.inspect(engine).get_table_names() == ["somebodys"]
    engine.dispose()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", "utf-8")
    done = call("demo", "--no-serve", "--json", "--data", tmp_path)
    assert (done.code, done.problem["field"]) == (2, "--data")
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
