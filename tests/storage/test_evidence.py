"""Evidence is complete or absent, named by its hash, and its captures hold no secrets."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from storage.errors import EvidenceError
from storage.evidence import add_capture, evidence_path, get_capture, put_bytes, read_bytes, verify_all
from storage.records import CaptureFacts

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store


def capture(store: Store, now: datetime, data: bytes, **headers: str) -> int:
    sha256 = put_bytes(store.evidence_root, data)
    facts = CaptureFacts(
        url="https://a.example/", at=now, method="http", sha256=sha256, size=len(data), status=200, headers=headers
    )
    with store.write(now) as unit:
        return add_capture(unit, facts)


def test_bytes_lie_under_their_hash_and_come_back(tmp_path: Path) -> None:
    sha256 = put_bytes(tmp_path, b"page")
    assert sha256 == hashlib.sha256(b"page").hexdigest()
    assert read_bytes(tmp_path, sha256) == b"page"
    assert put_bytes(tmp_path, b"page") == sha256
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [sha256]


def test_half_written_file_of_an_earlier_system_is_replaced(tmp_path: Path) -> None:
    sha256 = put_bytes(tmp_path, b"page")
    evidence_path(tmp_path, sha256).write_bytes(b"pa")
    put_bytes(tmp_path, b"page")
    assert read_bytes(tmp_path, sha256) == b"page"


def test_changed_and_missing_bytes_are_errors(tmp_path: Path) -> None:
    sha256 = put_bytes(tmp_path, b"page")
    evidence_path(tmp_path, sha256).write_bytes(b"pagE")
    with pytest.raises(EvidenceError, match="do not match"):
        read_bytes(tmp_path, sha256)
    with pytest.raises(EvidenceError, match="missing"):
        read_bytes(tmp_path, "0" * 64)


def test_captures_share_bytes_and_drop_secret_headers(store: Store, now: datetime) -> None:
    headers = {"Content-Type": "text/html; charset=x", "Set-Cookie": "canary", "Authorization": "canary"}
    first = capture(store, now, b"page", **headers)
    second = capture(store, now, b"page", ETag='"1"')
    with store.read() as conn:
        found = get_capture(conn, first)
        assert found is not None
        assert found["headers"] == {"content-type": "text/html; charset=x"}
        assert found["software"].startswith("qingyuan/")
        assert first != second
        assert get_capture(conn, second + 1) is None
        assert verify_all(conn, store.evidence_root) == {"files": 1, "verified": 1, "bad": []}


def test_verify_names_what_does_not_hold(sqlite_store: Store, now: datetime) -> None:
    for text in (b"a", b"b", b"c"):
        capture(sqlite_store, now, text)
    bad = hashlib.sha256(b"b").hexdigest()
    evidence_path(sqlite_store.evidence_root, bad).write_bytes(b"x")
    with sqlite_store.read() as conn:
        assert verify_all(conn, sqlite_store.evidence_root) == {"files": 3, "verified": 2, "bad": [bad]}
