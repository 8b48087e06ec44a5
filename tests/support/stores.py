"""Workspaces' databases for tests: migrated once per session, copied per test."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from storage.engine import Store, make_engine
from storage.migrate import upgrade
from storage.sealing import make_contact_key

if TYPE_CHECKING:
    from pathlib import Path


def prepare(url: str) -> None:
    """Bring an empty database to the newest schema and close it."""
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


def open_store(url: str, folder: Path) -> Store:
    """Return a store on a migrated database with its folders and keys below ``folder``."""
    evidence, keys = folder / "evidence", folder / "keys"
    evidence.mkdir(exist_ok=True)
    keys.mkdir(mode=0o700, exist_ok=True)
    make_contact_key(keys)
    return Store(make_engine(url), evidence_root=evidence, keys_root=keys)


def copy_sqlite(template: Path, target: Path) -> str:
    """Copy the migrated template file and return the copy's URL."""
    if not template.exists():
        fresh = template.with_suffix(".making")
        prepare(f"sqlite:///{fresh}")
        fresh.replace(template)
    shutil.copyfile(template, target)
    return f"sqlite:///{target}"
