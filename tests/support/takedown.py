"""People, channels and batches for tests of the takedown loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reporting.batches import approve_batch, mark_sent, propose_batch
from reporting.channel import load_channels
from reporting.drafts import draft_batch
from reporting.exports import PackageSettings, export_batch
from reporting.signing import make_package_key
from storage.observations import record_observation
from storage.records import Actor, Role
from tests.support.clues import add_account, add_clue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

CHECKER = Actor(name="chen", role=Role.COMPLIANCE, via="cli")
SENIOR = Actor(name="sun", role=Role.SENIOR, via="cli")
ANALYST = "ana"
CHANNEL = "partner_desk"
CHANNELS = load_channels()

OFFER = "专业停息挂账，协商分期五年，不成功不收费，加薇xx"


def add_confirmed(store: Store, now: datetime, *native_ids: str, **wanted: Any) -> list[int]:
    """Add confirmed clues with a post of their own each and return their ids."""
    found = []
    with store.write(now) as unit:
        for native_id in native_ids:
            text = wanted.pop("text", OFFER)
            values = {"state": "confirmed", "decided_by": ANALYST, "decided_at": now, "category": "anti_collection"}
            found.append(add_clue(unit, native_id, text=text, **{**values, **wanted}))
    return found


def add_offender(store: Store, now: datetime, native_id: str, **wanted: Any) -> int:
    """Add an account and return its id."""
    with store.write(now) as unit:
        return add_account(unit, native_id, **wanted)


def observe(store: Store, clue_id: int, at: datetime, kind: str, **wanted: Any) -> bool:
    """Record what a probe with a working control saw; the key is its time."""
    values = {"method": "probe", "control_ok": True, "actor": "probe", "key": f"probe:{at.isoformat()}"}
    marker = "http-410" if kind not in {"live", "unknown", "login_wall", "probe_blocked"} else None
    with store.write(at) as unit:
        return record_observation(unit, clue_id=clue_id, at=at, kind=kind, **{**values, "marker": marker, **wanted})


def drafted(store: Store, now: datetime, channel: str = CHANNEL) -> str:
    """Draft the present week's batch and return its id."""
    return str(draft_batch(store, CHANNELS[channel], now=now, actor=CHECKER)["batch"])


def approved(store: Store, now: datetime, channel: str = CHANNEL) -> str:
    """Draft, propose and approve a batch of everything confirmed and return its id."""
    code = drafted(store, now, channel)
    propose_batch(store, CHANNELS, code, now=now, actor=CHECKER)
    approve_batch(store, code, now=now, actor=SENIOR)
    return code


def settings(folder: Path) -> PackageSettings:
    """Return settings that keep packages below a folder, without the letter's PDF, which takes most of the time."""
    return PackageSettings(
        packages_root=folder / "packages", institution="某某消费金融公司", contact="合规部", pdf=False
    )


def exported(store: Store, now: datetime, folder: Path, channel: str = CHANNEL) -> dict[str, Any]:
    """Take everything confirmed to an exported batch and return the answer of the export."""
    make_package_key(store.keys_root, now=now)
    code = approved(store, now, channel)
    return export_batch(store, CHANNELS, code, settings=settings(folder), now=now, actor=CHECKER)


def sent(store: Store, now: datetime, folder: Path, channel: str = CHANNEL) -> str:
    """Take everything confirmed to a sent batch and return its id."""
    code = str(exported(store, now, folder, channel)["batch"])
    mark_sent(store, code, at=now, receipt="R-1", now=now, actor=CHECKER)
    return code


def clue_names(ids: Sequence[int]) -> list[str]:
    """Return the public ids of clues."""
    return [f"c{number}" for number in ids]
