"""Making the rechecks that were asked for: one crawl process per source, one control page each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from crawler.launch import make_spec, refusal, run_child
from storage.frontier import counts, give_up_rechecks, sources_with_rechecks
from storage.holds import held_sources
from storage.records import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from crawler.launch import Progress
    from crawler.watch import SourceConfig
    from storage.engine import Store
    from storage.records import Json


_CUT_SHORT = frozenset({"blocked", "failed"})


def probe_due(  # noqa: PLR0913 - one keyword per setting
    store: Store,
    sources: Sequence[SourceConfig],
    *,
    now: datetime,
    contact: str = "",
    overlays: Path | None = None,
    chromium: str | None = None,
    no_sandbox: bool = False,
    progress: Progress | None = None,
    log_file: Path | None = None,
) -> Json:
    """Look at all targets whose recheck is due; return ``{probed, observations: {kind: n}, unknown, problems}``.

    ``unknown`` counts looks that told nothing of the target (unknown, login wall, probe blocked) and those that
    cannot be made: their source is gone from the watch list, is read from files, or may not be read.
    """
    by_name = {source.name: source for source in sources}
    with store.read() as conn:
        waiting = sources_with_rechecks(conn, now=now)
    seen: Counter[str] = Counter()
    problems: list[Json] = []
    unreachable = 0
    with store.read() as conn:
        held = {hold.source: hold for hold in held_sources(conn)}
    for name in waiting:
        source = by_name.get(name)
        if source is not None and name in held:
            problems += [{"code": "blocked", "id": name, "message": held[name].reason}]
            problems += _still_queued(store, name, now)
            continue
        if source is None or refusal(source, now) is not None:
            with store.write(now) as unit:
                unreachable += give_up_rechecks(unit, name)
            continue
        spec = make_spec(
            store,
            source,
            now=now,
            contact=contact,
            overlays=overlays,
            rechecks=True,
            chromium=chromium,
            no_sandbox=no_sandbox,
        )
        answer = run_child(spec, progress=progress, log_file=log_file)
        seen.update(answer.get("observations", {}))
        problems += answer["problems"]
        if answer["state"] in _CUT_SHORT:
            problems += _still_queued(store, name, now)
    told_nothing = (OutcomeKind.UNKNOWN, OutcomeKind.LOGIN_WALL, OutcomeKind.PROBE_BLOCKED)
    return {
        "probed": sum(seen.values()),
        "observations": dict(sorted(seen.items())),
        "unknown": unreachable + sum(seen[kind] for kind in told_nothing),
        "problems": problems,
    }


def _still_queued(store: Store, name: str, now: datetime) -> list[Json]:
    """Return the problem that looks of a source were not made, if so: a later call makes them."""
    with store.read() as conn:
        left = counts(conn, name, now=now, rechecks=True)
    if not left.ready:
        return []
    message = f"{left.ready} looks at targets of {name} were not made and stay queued: the next recheck makes them"
    return [{"code": "blocked", "id": name, "message": message}]
