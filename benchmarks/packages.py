"""Exports of 120 and 1,205 clues with evidence: time, peak memory, the same bytes again, everything verified.

Each clue has a page of 20 kB and a picture of 60 kB. The export runs in a process of its own, whose peak memory is
measured with its children.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reporting.exports import export_batch
from reporting.packages import store_package
from reporting.signing import load_keyring, make_package_key
from reporting.verify import verify_package
from storage.evidence import add_capture, put_bytes
from storage.records import CaptureFacts
from storage.screenshots import set_screenshot, shot_headers
from storage.tables import clue, post_revision
from tests.support.clues import add_account, add_clue
from tests.support.stores import open_store, prepare
from tests.support.takedown import CHANNELS, CHECKER, approved, settings

if TYPE_CHECKING:
    from storage.engine import Store, Unit

SIZES = (120, 1_205)
NOW = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
PAGE_BYTES, PICTURE_BYTES = 20_000, 60_000
TEXT = "专业停息挂账，协商分期五年，不成功不收费，加薇 kefu8888，客户王女士 13812345678 已上岸。" * 8


def main() -> None:
    """Build, export and measure; print one line per size."""
    print(f"{'clues':>6} {'seconds':>8} {'peak MB':>8} {'package MB':>10}  same bytes  verified")
    for size in SIZES:
        found = measure(size)
        print(
            f"{size:>6} {found['seconds']:>8.1f} {found['peak_mb']:>8.0f} {found['package_mb']:>10.1f}"
            f"  {found['same']!s:>10}  {found['verified']!s:>8}"
        )


def measure(size: int, *, pdf: bool = True) -> dict[str, Any]:
    """Return what one export of this many clues took."""
    with tempfile.TemporaryDirectory() as folder:
        code = prepare_batch(Path(folder), size)
        command = [sys.executable, "-m", "benchmarks.packages", folder, code, "pdf" if pdf else "docx"]
        answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        answer |= _check(Path(folder), code, answer["sha256"])
        return answer


def prepare_batch(root: Path, size: int) -> str:
    """Make a workspace with an approved batch of this many clues and return the batch's id."""
    url = f"sqlite:///{root / 'qingyuan.db'}"
    prepare(url)
    store = open_store(url, root)
    make_package_key(store.keys_root, now=NOW)
    chance = random.Random(size)
    for number in range(size):
        page, picture = (
            put_bytes(store.evidence_root, chance.randbytes(length)) for length in (PAGE_BYTES, PICTURE_BYTES)
        )
        with store.write(NOW) as unit:
            _add(unit, number, page, picture)
    spec = CHANNELS["partner_desk"].spec
    limits = spec.limits.model_copy(update={"items_per_batch": max(size, spec.limits.items_per_batch)})
    wide = replace(CHANNELS["partner_desk"], spec=spec.model_copy(update={"limits": limits}))
    CHANNELS["partner_desk"] = wide
    code = approved(store, NOW)
    store.close()
    return code


def _add(unit: Unit, number: int, page: str, picture: str) -> None:
    account_id = add_account(unit, f"u{number}", handle=f"h{number}", name=f"顾问{number}")
    values = {"state": "confirmed", "decided_by": "ana", "decided_at": NOW, "category": "anti_collection"}
    clue_id = add_clue(unit, f"n{number}", text=f"{number} {TEXT}", account_id=account_id, **values)
    facts = CaptureFacts(url=f"https://forum.test/{number}", at=NOW, method="http", sha256=page, size=PAGE_BYTES)
    capture_id = add_capture(unit, facts)
    post_id = unit.conn.execute(sa.select(clue.c.post_id).where(clue.c.id == clue_id)).scalar_one()
    own = post_revision.c.post_id == post_id
    unit.conn.execute(
        sa.update(post_revision).where(own).values(capture_id=capture_id, author_name=f"顾问{number}")
    )
    shown = replace(facts, method="browser", kind="screenshot", sha256=picture, size=PICTURE_BYTES)
    shot = add_capture(unit, replace(shown, headers=shot_headers(picture)))
    set_screenshot(unit, clue_id, sha256=picture, capture_id=shot)


def _check(root: Path, code: str, sha256: str) -> dict[str, Any]:
    store = open_store(f"sqlite:///{root / 'qingyuan.db'}", root)
    again, _ = store_package(store, code, root / "elsewhere")
    store.close()
    path = root / "packages" / f"{code}.zip"
    found = verify_package(path, public_keys=load_keyring(store.keys_root))
    verified = found["valid"] and found["trusted"] and not found["problems"]
    return {"same": again == sha256, "verified": verified, "members": found["files"]}


def _export(store: Store, root: Path, code: str, *, pdf: bool) -> dict[str, Any]:
    """Export in this process and return what it took; memory is that of the process and its children."""
    begun = time.perf_counter()
    chosen = replace(settings(root), pdf=pdf)
    answer = export_batch(store, CHANNELS, code, settings=chosen, now=NOW, actor=CHECKER)
    seconds = time.perf_counter() - begun
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024
    return {
        "sha256": answer["sha256"],
        "seconds": seconds,
        "peak_mb": peak,
        "package_mb": answer["size"] / 1e6,
    }


if __name__ == "__main__":
    workspace, batch_code, form = sys.argv[1:]
    opened = open_store(f"sqlite:///{Path(workspace) / 'qingyuan.db'}", Path(workspace))
    print(json.dumps(_export(opened, Path(workspace), batch_code, pdf=form == "pdf")))
