"""Drafting and exporting are killed at random instants and end as if they had not been."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from reporting.drafts import draft_batch
from reporting.exports import export_batch
from reporting.files import file_hash
from reporting.signing import load_keyring, make_package_key
from reporting.verify import verify_package
from storage import audit
from storage.engine import Store, make_engine
from storage.tables import submission, submission_event
from tests.support.kills import Command, kill_in_rounds, kill_until_done, reading
from tests.support.takedown import CHANNEL, CHANNELS, CHECKER, add_confirmed, approved, settings

if TYPE_CHECKING:
    from datetime import datetime

ROOT = Path(__file__).parents[2]
CLUES = 240
OPEN = """
import sys
from datetime import datetime
from pathlib import Path
from tests.support.takedown import CHANNELS, CHECKER, settings
from reporting.drafts import draft_batch
from reporting.exports import export_batch
from storage.engine import Store, make_engine
folder, now = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
engine = make_engine(f"sqlite:///{folder}/qingyuan.db")
store = Store(engine, evidence_root=folder / "evidence", keys_root=folder / "keys")
"""
DRAFT = f"""{OPEN}
draft_batch(store, CHANNELS["{CHANNEL}"], now=now, actor=CHECKER, chunk=int(sys.argv[3]))
"""
EXPORT = f"""{OPEN}
export_batch(store, CHANNELS, sys.argv[3], settings=settings(folder), now=now, actor=CHECKER)
"""
PROGRESS = (
    "SELECT (SELECT count(*) FROM submission), (SELECT count(*) FROM submission WHERE state = 'exported'), "
    "(SELECT group_concat(state || version || length(coalesce(frozen, ''))) FROM batch)"
)


def open_folder(folder: Path) -> Store:
    engine = make_engine(f"sqlite:///{folder}/qingyuan.db")
    return Store(engine, evidence_root=folder / "evidence", keys_root=folder / "keys")


def command(folder: Path, script: str, now: datetime, *arguments: str, spread: float) -> Command:
    engine = make_engine(f"sqlite:///{folder}/qingyuan.db")
    argv: list[str | Path] = [sys.executable, "-c", script, folder, now.isoformat(), *arguments]
    return Command(argv=argv, committed=reading(engine, PROGRESS), spread_seconds=spread, cwd=ROOT)


def items(store: Store) -> list[tuple[Any, ...]]:
    columns = [submission.c[name] for name in ("clue_id", "channel", "attempt", "batch_id", "state", "version")]
    with store.read() as conn:
        return [tuple(row) for row in conn.execute(sa.select(*columns).order_by(submission.c.clue_id))]


def events(store: Store) -> list[tuple[Any, ...]]:
    columns = [submission_event.c[name] for name in ("submission_id", "event", "state_to")]
    with store.read() as conn:
        return sorted(tuple(row) for row in conn.execute(sa.select(*columns)))


def assert_same(killed: Store, whole: Store) -> None:
    assert items(killed) == items(whole)
    assert events(killed) == events(whole)
    with killed.read() as conn:
        assert audit.verify(conn)["valid"]


def draft_under_kills(folder: Path, now: datetime, kills: int, *, clues: int, chunk: int) -> None:
    store = open_folder(folder)
    add_confirmed(store, now, *(f"p{number}" for number in range(clues)))
    store.close()
    whole = copied(folder, "whole")
    draft_batch(whole, CHANNELS[CHANNEL], now=now, actor=CHECKER)
    done = kill_until_done(command(folder, DRAFT, now, str(chunk), spread=0.05), kills=kills, seed=11)
    assert (done.returncode, done.counted) == (0, kills), done.stderr
    assert_same(store, whole)


def export_under_kills(folder: Path, now: datetime, kills: int) -> None:
    store = open_folder(folder)
    make_package_key(store.keys_root, now=now)
    add_confirmed(store, now, *(f"p{number}" for number in range(CLUES)))
    code = approved(store, now)
    store.close()
    answer = export_batch(
        whole := copied(folder, "whole"), CHANNELS, code, settings=settings(folder), now=now, actor=CHECKER
    )
    rounds: list[Path] = []

    def make(number: int) -> Command:
        copied(folder, f"round{number}").close()
        rounds.append(folder.parent / f"round{number}")
        return command(rounds[-1], EXPORT, now, code, spread=0.5)

    assert kill_in_rounds(make, kills=kills, seed=5, rounds=3 * kills) == kills
    for place in rounds:
        packages = sorted((place / "packages").rglob("*.zip"))
        assert [file_hash(path) for path in packages] == [answer["sha256"]] * 2
        killed = open_folder(place)
        assert verify_package(packages[0], public_keys=load_keyring(killed.keys_root))["valid"]
        assert_same(killed, whole)
        killed.close()


def copied(folder: Path, name: str) -> Store:
    shutil.copytree(folder, folder.parent / name, ignore=shutil.ignore_patterns("packages"))
    return open_folder(folder.parent / name)


@pytest.fixture
def folder(tmp_path: Path, sqlite_store: Store) -> Path:
    """Return the store's folder, one level down so that copies can stand beside it."""
    sqlite_store.close()
    (tmp_path / "work").mkdir()
    for name in ("qingyuan.db", "evidence", "keys"):
        (tmp_path / name).rename(tmp_path / "work" / name)
    return tmp_path / "work"


def test_draft_survives_three_kills(folder: Path, now: datetime) -> None:
    draft_under_kills(folder, now, 3, clues=CLUES, chunk=4)


def test_export_survives_three_kills(folder: Path, now: datetime) -> None:
    export_under_kills(folder, now, 3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_draft_survives_many_kills(folder: Path, now: datetime) -> None:
    draft_under_kills(folder, now, 40, clues=480, chunk=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_export_survives_many_kills(folder: Path, now: datetime) -> None:
    export_under_kills(folder, now, 30)
