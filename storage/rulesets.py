"""Kept rulesets: every file of each version that ever judged stored posts, so that old verdicts stay explained."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.errors import EvidenceError, NotFoundError
from storage.evidence import software_name
from storage.tables import rule_file, ruleset, verdict
from storage.upsert import insert_missing, insert_new

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Store, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRuleset:
    """One kept version; ``files`` are names below the overlay folder to the hashes of their content."""

    version: str
    files: Mapping[str, str]
    software: str
    kept_at: datetime


def keep_file(unit: Unit, content: bytes) -> str:
    """Store the content of a rule file unless it is there; return its SHA-256."""
    sha256 = hashlib.sha256(content).hexdigest()
    insert_missing(unit.conn, rule_file, [{"sha256": sha256, "content": content, "kept_at": unit.now}])
    return sha256


def keep_ruleset(unit: Unit, version: str, files: Mapping[str, bytes]) -> None:
    """Store all files of a version unless it is kept already."""
    if has_ruleset(unit.conn, version):
        return
    hashes = {name: keep_file(unit, content) for name, content in sorted(files.items())}
    insert_new(
        unit.conn,
        ruleset,
        {"version": version, "files": hashes, "software": software_name(), "kept_at": unit.now},
    )


def ensure_ruleset(store: Store, version: str, files: Mapping[str, bytes], *, now: datetime) -> None:
    """Keep a version, writing only when it is not kept yet."""
    with store.read() as conn:
        known = has_ruleset(conn, version)
    if not known:
        with store.write(now) as unit:
            keep_ruleset(unit, version, files)


def has_ruleset(conn: Connection, version: str) -> bool:
    """Tell whether a version is kept."""
    return conn.execute(sa.select(ruleset.c.id).where(ruleset.c.version == version)).first() is not None


def get_ruleset(conn: Connection, version: str) -> KeptRuleset:
    """Return one kept version; raise NotFoundError."""
    found = conn.execute(sa.select(ruleset).where(ruleset.c.version == version)).first()
    if found is None:
        raise NotFoundError("ruleset", version)
    return _kept(found)


def list_rulesets(conn: Connection, *, limit: int = 50) -> list[KeptRuleset]:
    """Return kept versions, the newest first; ``limit`` 0 means all."""
    query = sa.select(ruleset).order_by(ruleset.c.id.desc())
    return [_kept(row) for row in conn.execute(query.limit(limit) if limit else query)]


def ruleset_files(conn: Connection, version: str) -> dict[str, bytes]:
    """Return the files of a kept version by name.

    Raises:
        NotFoundError: the version is not kept.
        EvidenceError: a file is missing or its bytes do not match their hash.
    """
    kept = get_ruleset(conn, version)
    return {name: file_content(conn, sha256) for name, sha256 in kept.files.items()}


def file_content(conn: Connection, sha256: str) -> bytes:
    """Return a kept file by its hash.

    Raises:
        EvidenceError: it is not there, or its bytes do not match.
    """
    found = conn.execute(sa.select(rule_file.c.content).where(rule_file.c.sha256 == sha256)).scalar()
    if found is None:
        raise EvidenceError(sha256, "the rule file is missing")
    if hashlib.sha256(found).hexdigest() != sha256:
        raise EvidenceError(sha256, "the rule file does not match its hash")
    return bytes(found)


def count_verdicts_of(conn: Connection, version: str) -> int:
    """Return how many stored verdicts are of a version."""
    return conn.execute(
        sa.select(sa.func.count()).select_from(verdict).where(verdict.c.ruleset == version)
    ).scalar_one()


def _kept(row: Row[Any]) -> KeptRuleset:
    return KeptRuleset(version=row.version, files=row.files, software=row.software, kept_at=row.kept_at)
