"""A whole simulation: weeks played one after the other, then the figures."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from demo.simulation.driver import play_week
from demo.simulation.figures import Ending, figures_of, missed_aims
from demo.simulation.history import verdict_of

if TYPE_CHECKING:
    from datetime import datetime

    from demo.simulation.driver import Calendar, Run

LEDGER = "simulation-targets.jsonl"
"""File of the workspace with a line for each target that was sent."""

_AFTER = timedelta(hours=13)


def play(run: Run, calendar: Calendar | None = None) -> dict[str, Any]:
    """Play all weeks, each by the calendar, and return the object of ``simulate``."""
    plan = run.world.plan
    for week in range(plan.weeks):
        began = time.monotonic()
        play_week(run, week, calendar)
        run.seconds.append(time.monotonic() - began)
        run.say(week + 1)
    return _summary(run)


def _summary(run: Run) -> dict[str, Any]:
    plan = run.world.plan
    at = plan.end - timedelta(days=1) + _AFTER
    ending, lines = _ending(run)
    figures = figures_of(run.world, run.history, ending)
    write_ledger(run, ending)
    audit = run.type_command("audit", "verify", at=at)
    answer = {
        "weeks": plan.weeks,
        "seed": plan.seed,
        "posts": run.type_command("posts", "count", at=at)["posts"],
        "clues": lines,
        "confirmed": len(ending.confirmed),
        "items_sent": len(run.world.received),
        "drafts": {"batches": len(run.drafts), "weeks": len(set(run.drafts.values()))},
        **figures,
        "deliveries": {
            "requests": len(run.desk.deliveries),
            "taken": sum(one.taken for one in run.desk.deliveries),
            "settled_by_people": run.settled,
            "unsent": len(run.unsent),
        },
        "kills": {"tried": run.kills.tried, "counted": run.kills.counted, "commands": sorted(run.kills.commands)},
        "audit_valid": audit["valid"],
        "seconds_per_week": round(sum(run.seconds) / max(len(run.seconds), 1), 1),
    }
    problems = missed_aims(figures)
    if not audit["valid"]:
        problems.append({"code": "tampered", "message": "the audit chain does not hold"})
    return {**answer, "problems": problems} if problems else answer


def write_ledger(run: Run, ending: Ending) -> None:
    """Write a line for each target that was sent: what the product says at the end, what is true, what hid it."""
    lines = [json.dumps(_entry(run, address, ending), ensure_ascii=False) for address in run.history.sent]
    (run.root / LEDGER).write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _entry(run: Run, address: str, ending: Ending) -> dict[str, Any]:
    world, history = run.world, run.history
    verdict, truth = ending.verdicts.get(address), world.status(address, ending.at)
    return {
        "address": address,
        "sent_at": history.sent[address].isoformat(),
        "says": f"{verdict.kind}/{verdict.state}/{verdict.cause}" if verdict else None,
        "there": truth.there,
        "since": truth.since.isoformat(),
        "by": truth.by,
        "look": truth.look,
        "tricks": [[spell.what, spell.start.isoformat(), spell.end.isoformat()] for spell in world.spells(address)],
        "treatments": [one.treatment for one in world.received if one.address == address],
        "known": {str(days): known.get(address) for days, known in history.known.items()},
        "unknown_why": history.unknown_why.get(address),
        "falsely_gone": _moment(history.falsely_gone.get(address)),
        "falsely_live": _moment(history.falsely_live.get(address)),
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _ending(run: Run) -> tuple[Ending, int]:
    at = run.world.plan.end - timedelta(days=1) + _AFTER
    run.world.advance(at)
    clues = run.clues(at)
    lines = run.type_command.lines("outcomes", "list", at=at)
    verdicts = {run.where[line["clue"]]: verdict_of(line, run.where[line["clue"]]) for line in lines}
    ending = Ending(
        at=at,
        stats=run.type_command("stats", at=at),
        verdicts=verdicts,
        clues=frozenset(run.where.values()),
        confirmed=frozenset(run.where[clue["clue"]] for clue in clues if clue["state"] == "confirmed"),
    )
    return ending, len(clues)
