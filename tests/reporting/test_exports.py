"""Exporting: a last look at the targets, strikes, evidence that must hold, the package handed out as stored."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from reporting.batches import approve_batch, propose_batch, return_batch, show_batch
from reporting.exports import export_batch
from reporting.outcomes import list_outcomes
from reporting.packages import stored_path
from reporting.signing import make_package_key
from storage.errors import (
    EmptyBatchError,
    EvidenceError,
    ForbiddenError,
    InputError,
    NotFoundError,
    TransitionError,
)
from storage.evidence import add_capture, evidence_path, put_bytes
from storage.records import CaptureFacts
from storage.tables import crawl_run, post_revision
from tests.support.takedown import (
    CHANNELS,
    CHECKER,
    SENIOR,
    add_confirmed,
    approved,
    drafted,
    exported,
    observe,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from storage.engine import Store

HOUR = timedelta(hours=1)


def ready(store: Store, now: datetime, *native_ids: str) -> tuple[str, list[int]]:
    make_package_key(store.keys_root, now=now)
    ids = add_confirmed(store, now, *native_ids)
    return approved(store, now), ids


def export(store: Store, now: datetime, folder: Path, code: str, **wanted: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"settings": settings(folder), "now": now, "actor": CHECKER}
    return export_batch(store, CHANNELS, code, **{**values, **wanted})


def seen_live(answer: dict[str, Any]) -> dict[str, str]:
    with zipfile.ZipFile(answer["file"]) as archive:
        rows = [json.loads(line) for line in archive.read("clues.jsonl").decode().splitlines()]
    return {row["item"]: row["last_seen_live"] for row in rows}


def test_only_targets_not_seen_lately_are_probed_and_gone_ones_struck(
    store: Store, now: datetime, tmp_path: Path
) -> None:
    code, (fresh, stale, gone, unreachable) = ready(store, now, "fresh", "stale", "gone", "unreachable")
    observe(store, fresh, now - 2 * HOUR, "live")
    observe(store, stale, now - 30 * HOUR, "live")
    asked: list[int] = []

    def probe(clue_ids: Sequence[int]) -> None:
        asked.extend(clue_ids)
        observe(store, stale, now, "live")
        observe(store, gone, now, "content_removed")
        observe(store, unreachable, now, "probe_blocked")

    answer = export(store, now, tmp_path, code, probe=probe)
    assert asked == [stale, gone, unreachable]
    assert answer["struck"] == [{"clue": "c3", "why": "gone since 2026-11-18T02:30:00+00:00: content_removed"}]
    assert seen_live(answer) == {
        "i1": "2026-11-18T08:30:00+08:00",
        "i2": "2026-11-18T10:30:00+08:00",
        "i4": "unprobed",
    }
    with store.read() as conn:
        states = [item["state"] for item in show_batch(conn, code)["contents"]]
        causes = {line["clue"]: line["cause"] for line in list_outcomes(conn)}
    assert states == ["exported", "exported", "withdrawn", "exported"]
    assert causes["c3"] == "before_us"


@pytest.mark.parametrize(("access", "shown"), [("open", "2026-11-18T09:30:00+08:00"), ("import", "unprobed")])
def test_page_that_a_crawl_read_counts_as_seen_and_a_file_does_not(
    sqlite_store: Store, now: datetime, tmp_path: Path, access: str, shown: str
) -> None:
    make_package_key(sqlite_store.keys_root, now=now)
    add_confirmed(sqlite_store, now - HOUR, "a")
    with sqlite_store.write(now) as unit:
        values = {"source": "test", "platform": "web", "access": access, "state": "finished", "started_at": now}
        values |= {"software": "x", "pages": {}, "posts": {}, "problems": []}
        key = unit.conn.execute(sa.insert(crawl_run).values(values)).inserted_primary_key
        assert key is not None
        unit.conn.execute(sa.update(post_revision).values(run_id=key[0]))
    assert seen_live(export(sqlite_store, now, tmp_path, approved(sqlite_store, now))) == {"i1": shown}


def test_batch_whose_targets_are_all_gone_is_not_exported(store: Store, now: datetime, tmp_path: Path) -> None:
    code, ids = ready(store, now, "a")
    observe(store, ids[0], now, "content_removed")
    with pytest.raises(EmptyBatchError, match="every target is gone"):
        export(store, now, tmp_path, code)
    with store.read() as conn:
        found = show_batch(conn, code)
    assert (found["state"], found["items"], found["package"]) == ("approved", 0, None)


def test_exported_batch_is_handed_out_as_stored(store: Store, now: datetime, tmp_path: Path) -> None:
    code, _ = ready(store, now, "a")
    first = export(store, now, tmp_path, code)
    elsewhere = tmp_path / "out" / "mine.zip"
    again = export(store, now + 50 * HOUR, tmp_path, code, out=elsewhere)
    assert again == {**first, "file": str(elsewhere)}
    assert elsewhere.read_bytes() == Path(first["file"]).read_bytes()
    assert Path(first["file"]) == tmp_path / "packages" / f"{code}.zip"
    stored_path(tmp_path / "packages", first["sha256"]).write_bytes(b"changed")
    with pytest.raises(EvidenceError):
        export(store, now, tmp_path, code)


def test_changed_evidence_blocks_the_export(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    make_package_key(sqlite_store.keys_root, now=now)
    add_confirmed(sqlite_store, now, "a")
    page = b"the page"
    sha256 = put_bytes(sqlite_store.evidence_root, page)
    with sqlite_store.write(now) as unit:
        facts = CaptureFacts(url="https://forum.test/a", at=now, method="http", sha256=sha256, size=len(page))
        unit.conn.execute(sa.update(post_revision).values(capture_id=add_capture(unit, facts)))
    code = approved(sqlite_store, now)
    evidence_path(sqlite_store.evidence_root, sha256).write_bytes(b"the Page")
    with pytest.raises(EvidenceError, match=sha256):
        export(sqlite_store, now, tmp_path, code)
    with sqlite_store.read() as conn:
        assert show_batch(conn, code)["state"] == "approved"
    assert not list((tmp_path / "packages").glob("*.zip")) if (tmp_path / "packages").exists() else True


def test_words_are_those_that_the_approver_saw(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    code, _ = ready(sqlite_store, now, "a")
    with sqlite_store.write(now) as unit:
        unit.conn.execute(sa.update(post_revision).values(text="something else by now"))
    answer = export(sqlite_store, now, tmp_path, code)
    with zipfile.ZipFile(answer["file"]) as archive:
        assert "停息挂账" in archive.read("clues.jsonl").decode()


def test_only_an_approved_batch_is_exported(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    make_package_key(sqlite_store.keys_root, now=now)
    add_confirmed(sqlite_store, now, "a")
    code = drafted(sqlite_store, now)
    with pytest.raises(TransitionError):
        export(sqlite_store, now, tmp_path, code)
    propose_batch(sqlite_store, CHANNELS, code, now=now, actor=CHECKER)
    with pytest.raises(TransitionError):
        export(sqlite_store, now, tmp_path, code)
    approve_batch(sqlite_store, code, now=now, actor=SENIOR)
    with pytest.raises(ForbiddenError):
        export(sqlite_store, now, tmp_path, code, actor=SENIOR)
    export(sqlite_store, now, tmp_path, code)
    with pytest.raises(ForbiddenError):
        export(sqlite_store, now, tmp_path, code, actor=SENIOR)
    with pytest.raises(NotFoundError):
        export(sqlite_store, now, tmp_path, "nothing")
    with pytest.raises(TransitionError):
        return_batch(sqlite_store, code, now=now, actor=SENIOR)


def test_workspace_without_a_key_says_so(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(sqlite_store, now, "a")
    code = approved(sqlite_store, now)
    with pytest.raises(InputError, match="init makes it"):
        export(sqlite_store, now, tmp_path, code)


def test_export_leaves_nothing_but_the_packages(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    add_confirmed(sqlite_store, now, "a")
    answer = exported(sqlite_store, now, tmp_path)
    found = sorted(str(path.relative_to(tmp_path / "packages")) for path in (tmp_path / "packages").rglob("*"))
    assert found == [f"{answer['batch']}.zip", "sha256", f"sha256/{answer['sha256']}.zip"]
