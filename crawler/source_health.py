"""How a source does: its right to be read, its last run, and what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.watch import SHANGHAI, Access, basis_problems
from storage.holds import get_hold
from storage.records import RunState
from storage.runs import last_good_run, last_run

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from crawler.watch import SourceConfig
    from storage.holds import HeldSource
    from storage.records import Json
    from storage.runs import RunRow

IMPORTED, STOPPED, NO_BASIS, NEVER_RUN, OK = "import", "stopped", "no_basis", "never_run", "ok"
"""Values of ``health``, beside the states ``blocked``, ``format_changed`` and ``failed`` of the last run."""

_ILL = (RunState.BLOCKED, RunState.FORMAT_CHANGED, RunState.FAILED)
_CODES = {RunState.BLOCKED: "blocked", RunState.FORMAT_CHANGED: "format_changed", RunState.FAILED: "failed"}


def source_line(conn: Connection, source: SourceConfig, *, now: datetime) -> Json:
    """Return the line of ``sources check`` (contracts §1).

    ``robots`` is what robots.txt said in the last run, by host: ``allowed``, ``disallowed`` or ``unreachable``;
    None where no run has asked. ``last_run`` and ``last_ok`` are when the last run and the last good one began.
    """
    missing = basis_problems(source, today=now.astimezone(SHANGHAI).date())
    last, good, hold = last_run(conn, source.name), last_good_run(conn, source.name), get_hold(conn, source.name)
    return {
        "source": source.name,
        "platform": source.platform,
        "access": source.access.value,
        "basis_ok": not missing,
        "robots": _robots(last),
        "last_run": last.started_at.isoformat() if last else None,
        "last_ok": good.started_at.isoformat() if good else None,
        "health": _health(source, missing, hold, last),
        "problems": _problems(source, missing, hold, last),
    }


def _health(source: SourceConfig, missing: tuple[str, ...], hold: HeldSource | None, last: RunRow | None) -> str:
    if source.access is Access.IMPORT:
        return IMPORTED
    if missing:
        return NO_BASIS
    if hold is not None:
        return STOPPED
    if last is None:
        return NEVER_RUN
    return last.state.value if last.state in _ILL else OK


def _problems(
    source: SourceConfig, missing: tuple[str, ...], hold: HeldSource | None, last: RunRow | None
) -> list[Json]:
    if source.access is Access.IMPORT:
        return []
    found = [{"code": "blocked", "id": source.name, "message": message} for message in missing]
    if hold is not None:
        message = f"{hold.reason} (since {hold.since.isoformat()})"
        return [*found, {"code": "blocked", "id": source.name, "message": message}]
    if last is not None and last.state in _ILL:
        message = last.reason or f"the last run ended {last.state.value}"
        found.append({"code": _CODES[last.state], "id": source.name, "message": message})
    return found


def _robots(last: RunRow | None) -> Json | None:
    if last is None or not last.robots:
        return None
    return {host: _verdict(said) for host, said in last.robots.items()}


def _verdict(said: Json) -> str:
    if said.get("rule") == "unreachable":
        return "unreachable"
    return "disallowed" if said.get("start") and not all(said["start"].values()) else "allowed"
