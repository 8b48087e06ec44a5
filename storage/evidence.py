"""Evidence: bytes kept under their SHA-256, and the captures that say when, where and how they were seen.

A file is complete or absent: it is written beside its place, synced, renamed, and its folder is synced. Only then
may a row of the database name it, and only then may anything be parsed.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING
from uuid import uuid4

import sqlalchemy as sa

from storage.errors import EvidenceError
from storage.tables import capture, evidence
from storage.upsert import insert_missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from sqlalchemy.engine import Connection

    from storage.engine import Unit
    from storage.records import CaptureFacts, Json

SECRET_HEADERS = frozenset(
    {"authorization", "cookie", "cookie2", "proxy-authorization", "set-cookie", "set-cookie2", "www-authenticate"}
)
"""Headers that are dropped before a capture is stored."""

_CHUNK_BYTES = 1 << 20


@cache
def software_name() -> str:
    """Return the name and version that captures and runs carry."""
    try:
        return f"qingyuan/{metadata.version('qingyuan')}"
    except metadata.PackageNotFoundError:
        return "qingyuan/source"


def evidence_path(root: Path, sha256: str) -> Path:
    """Return where the bytes of a hash lie: in one of 256 folders, by its first two digits."""
    return root / sha256[:2] / sha256


def put_bytes(root: Path, data: bytes) -> str:
    """Store bytes durably and return their SHA-256 (64 hex digits); bytes already there stay as they are."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = evidence_path(root, sha256)
    if path.exists() and path.stat().st_size == len(data):
        return sha256
    _make_folder(path.parent)
    beside = path.with_name(f".{uuid4().hex}.part")
    try:
        _write_synced(beside, data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return sha256


def put_stream(root: Path, source: BinaryIO) -> tuple[str, int]:
    """Store all bytes of a stream as :func:`put_bytes` does, with flat memory; return their SHA-256 and size."""
    root.mkdir(parents=True, exist_ok=True)
    beside = root / f".{uuid4().hex}.part"
    digest, size = hashlib.sha256(), 0
    try:
        with beside.open("xb") as target:
            while block := source.read(_CHUNK_BYTES):
                digest.update(block)
                size += len(block)
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
        path = evidence_path(root, digest.hexdigest())
        _make_folder(path.parent)
        beside.replace(path)
        _sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)
    return digest.hexdigest(), size


def put_file(root: Path, source: Path) -> tuple[str, int]:
    """Store a file's bytes durably without reading it whole; return their SHA-256 and size."""
    with source.open("rb") as given:
        return put_stream(root, given)


def read_bytes(root: Path, sha256: str) -> bytes:
    """Return stored bytes.

    Raises:
        EvidenceError: the file is missing or its content has another hash.
    """
    try:
        data = evidence_path(root, sha256).read_bytes()
    except FileNotFoundError:
        raise EvidenceError(sha256, "the file is missing") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise EvidenceError(sha256, "the bytes do not match their hash")
    return data


def add_evidence(unit: Unit, sha256: str, size: int, *, media_type: str | None = None) -> None:
    """Record bytes that :func:`put_bytes` has stored; a second call changes nothing."""
    row = {"sha256": sha256, "size": size, "media_type": media_type, "stored_at": unit.now}
    insert_missing(unit.conn, evidence, [row])


def add_capture(unit: Unit, facts: CaptureFacts, *, media_type: str | None = None) -> int:
    """Record one capture and the evidence it refers to; return the capture's id."""
    headers = clean_headers(facts.headers)
    if facts.sha256 is not None:
        content_type = headers.get("content-type", "").partition(";")[0].strip() or None
        add_evidence(unit, facts.sha256, facts.size, media_type=media_type or content_type)
    made = unit.conn.execute(
        sa.insert(capture).values(
            run_id=facts.run_id,
            kind=facts.kind,
            url=facts.url,
            at=facts.at,
            method=facts.method,
            status=facts.status,
            headers=headers,
            sha256=facts.sha256,
            size=facts.size,
            software=software_name(),
            why_none=facts.why_none,
        )
    )
    key = made.inserted_primary_key
    assert key is not None  # noqa: S101 - a single-row insert always has one
    return int(key[0])


def clean_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with lower-case names and without those that carry secrets."""
    return {name.lower(): value for name, value in headers.items() if name.lower() not in SECRET_HEADERS}


def find_capture(conn: Connection, *, kind: str, sha256: str) -> int | None:
    """Return the first capture of a kind that has these bytes, or None."""
    found = conn.execute(
        sa.select(sa.func.min(capture.c.id)).where(capture.c.kind == kind, capture.c.sha256 == sha256)
    ).scalar()
    return None if found is None else int(found)


def get_capture(conn: Connection, capture_id: int) -> Json | None:
    """Return one capture's row (id, run_id, kind, url, at, method, status, headers, sha256, size, …), or None."""
    row = conn.execute(sa.select(capture).where(capture.c.id == capture_id)).mappings().first()
    return None if row is None else dict(row)


def verify_all(conn: Connection, root: Path) -> Json:
    """Hash every stored file again; return ``{files, verified, bad}``, bad being the hashes that do not hold."""
    files = verified = 0
    bad: list[str] = []
    for sha256 in _known(conn):
        files += 1
        if _file_hash(evidence_path(root, sha256)) == sha256:
            verified += 1
        else:
            bad.append(sha256)
    return {"files": files, "verified": verified, "bad": bad}


def _known(conn: Connection) -> Iterator[str]:
    after = ""
    while True:
        rows = conn.execute(
            sa.select(evidence.c.sha256).where(evidence.c.sha256 > after).order_by(evidence.c.sha256).limit(1000)
        ).all()
        if not rows:
            return
        yield from (row.sha256 for row in rows)
        after = rows[-1].sha256


def _file_hash(path: Path) -> str | None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_CHUNK_BYTES):
                digest.update(block)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _make_folder(path: Path) -> None:
    """Make a folder durably; one that is there costs nothing."""
    if not path.exists():
        path.mkdir(parents=True, exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
