"""The simulated weeks: the product's own commands in the order of a bank's week, on a moved clock.

Nothing of the product is replaced. The forum runs in this process over loopback, crawls and rechecks are child
processes as ever, and what the people type is typed into the real command line.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from demo.simulation.desk import CHANNEL
from demo.simulation.history import History, verdict_of
from demo.simulation.killing import Kills, start_and_kill
from demo.simulation.learning import learn_markers
from demo.simulation.people import conclusions, struck_by_compliance, struck_by_senior
from demo.simulation.world import address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from demo.calls import CommandLine
    from demo.simulation.desk import Desk
    from demo.simulation.world import World

KILLS_A_WEEK = 2
_UNKNOWN_ITEM = "item-999999"
_NAMELESS, _GARBLED = 0.1, 0.02
_TRIES = 6
_OFF_ON_FRIDAY, _LATE_HOURS = 0.15, 18.0
"""How often the machine is off when the week closes, and how much later it comes back."""


Calendar: TypeAlias = "tuple[tuple[int, float, Callable[[Run, datetime], None]], ...]"
"""Steps of a week: the day, hours after 09:00 in Shanghai, and what happens then."""


@dataclass(slots=True)
class Run:
    """One simulation on its way: the workspace, the world, the command line, what was noted so far."""

    root: Path
    world: World
    desk: Desk
    type_command: CommandLine
    base: str
    say: Callable[[int], None]
    history: History = field(default_factory=History)
    kills: Kills = field(default_factory=Kills)
    where: dict[str, str] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)
    unsent: list[str] = field(default_factory=list)
    settled: int = 0
    read: bool = True
    answered_until: datetime | None = None
    seconds: list[float] = field(default_factory=list)
    doomed: set[int] = field(default_factory=set)
    typed: int = 0

    @property
    def start(self) -> datetime:
        """Monday morning of the first week, 09:00 in Shanghai."""
        return self.world.plan.start

    def command(self, *words: str, at: datetime, by: str | None = None) -> dict[str, Any]:
        """Type one command of the week; where dice say so it is killed first and then typed again."""
        self.world.advance(at)
        self.typed += 1
        if self.typed in self.doomed:
            person = ["--as", by] if by else []
            dice = self.world.plan.dice("kill", at)
            start_and_kill(self.root, [*words, *person], at=at, dice=dice, kills=self.kills)
        return self.type_command(*words, at=at, by=by)

    def clues(self, at: datetime) -> list[dict[str, Any]]:
        """Return all clues, and remember where their targets stand."""
        lines = self.type_command.lines("clues", "list", at=at)
        self.where |= {line["clue"]: address_of(line["target"]["native_id"]) for line in lines}
        return lines


def play_week(run: Run, week: int, calendar: Calendar | None = None) -> None:
    """Play one week, from Monday's crawl to Sunday's figures, or what another calendar says."""
    if week == run.world.plan.rates.learnt_week:
        learn_markers(run.root / "overlays" / "sources")
    dice = run.world.plan.dice("kills", week)
    run.doomed = {run.typed + dice.randint(1, _COMMANDS_A_WEEK) for _ in range(KILLS_A_WEEK)}
    late = _LATE_HOURS if dice.random() < _OFF_ON_FRIDAY else 0.0
    moved = [
        (days * 24 + hours + (late if step is send else 0.0), step) for days, hours, step in calendar or CALENDAR
    ]
    for hours, step in sorted(moved, key=lambda one: one[0]):
        at = run.start + timedelta(weeks=week, hours=hours)
        run.world.advance(at)
        step(run, at)


def collect(run: Run, at: datetime) -> None:
    """Read the forum, judge what is new, suggest clusters."""
    answer = run.command("crawl", at=at)
    run.read = all(one["state"] == "finished" for one in answer["runs"])
    run.command("screen-posts", at=at + timedelta(minutes=10))
    run.command("cluster", at=at + timedelta(minutes=20))


def collect_again(run: Run, at: datetime) -> None:
    """Read the next day what could not be read."""
    if not run.read:
        collect(run, at)


def decide(run: Run, at: datetime) -> None:
    """Let the analyst decide everything that waits."""
    waiting = [clue for clue in run.clues(at) if clue["state"] == "queued"]
    for number, words in enumerate(conclusions(run.world, waiting, run.where)):
        run.type_command(*words, at=at + timedelta(seconds=15 * number), by="analyst")


def send(run: Run, at: datetime) -> None:
    """Friday evening: the schedule drafts; people propose, approve, export and send what it drafted."""
    run.command("schedule", "--once", at=at)
    for batch in _drafts(run, at):
        if _approved(run, batch, at):
            run.command("batch", "export", batch, at=at + timedelta(minutes=30), by="compliance")
            run.unsent.append(batch)
    _deliver(run, at + timedelta(minutes=40))


def keep_calendar(run: Run, at: datetime) -> None:
    """Let the schedule do what is due."""
    run.command("schedule", "--once", at=at)


def _drafts(run: Run, at: datetime) -> list[str]:
    """Return the batches that wait to be proposed, and remember all that were ever drafted."""
    lines = [line for line in run.type_command.lines("batch", "list", at=at) if line["channel"] == CHANNEL]
    run.drafts = {line["batch"]: line["week"] for line in lines}
    return [line["batch"] for line in lines if line["state"] == "drafted"]


def _deliver(run: Run, at: datetime) -> None:
    """Send what is exported and settle what nobody knows about; what still fails waits for the next week."""
    for number in range(_TRIES):
        moment = at + number * timedelta(minutes=5)
        for batch in tuple(run.unsent):
            state = run.type_command("batch", "show", batch, at=moment)["state"]
            if state == "exported":
                run.command("batch", "send", batch, at=moment, by="compliance")
            elif state == "reconcile":
                _settle(run, batch, moment)
            else:
                run.unsent.remove(batch)
    for one in run.world.received:
        run.history.sent.setdefault(one.address, one.at)


def _settle(run: Run, batch: str, at: datetime) -> None:
    """Call the platform about a batch whose fate is unknown, then say that it arrived or send it again."""
    run.settled += 1
    if run.desk.has(batch):
        words = ["batch", "sent", batch, "--at", at.isoformat(), "--receipt", "confirmed by telephone"]
    else:
        words = ["batch", "send", batch, "--again"]
    run.command(*words, at=at, by="compliance")


def _approved(run: Run, batch: str, at: datetime) -> bool:
    """Propose and approve a batch without what people take out; False where nothing is left of it."""
    items = _items(run, batch, at)
    strike = struck_by_compliance(run.world, items, run.where)
    if len(strike) == len(items):
        return False
    proposal = ["batch", "propose", batch, *_strikes(strike)]
    run.command(*proposal, at=at + timedelta(minutes=10), by="compliance")
    left = _items(run, batch, at + timedelta(minutes=15))
    wrong = struck_by_senior(run.world, left, run.where)
    if len(wrong) == len(left):
        return False
    run.command("batch", "approve", batch, *_strikes(wrong), at=at + timedelta(minutes=20), by="senior")
    return True


def _strikes(clues: Sequence[str]) -> list[str]:
    return [word for clue in clues for word in ("--strike", clue)]


def _items(run: Run, batch: str, at: datetime) -> list[dict[str, Any]]:
    shown = run.type_command("batch", "show", batch, at=at)
    return [item for item in shown["contents"] if item["state"] != "withdrawn"]


def read_answers(run: Run, at: datetime) -> None:
    """Wednesday: the platform's sheet of what it answered since the last one, with the faults of such sheets."""
    after = run.answered_until or run.start
    rows = list(_sheet(run, after, at))
    run.answered_until = at
    if not rows:
        return
    path = run.root / f"answers-{at:%Y%m%d}.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([("item", "url", "result", "note"), *rows])
    run.command("replies", "import", str(path), "--channel", CHANNEL, at=at, by="compliance")


def _sheet(run: Run, after: datetime, until: datetime) -> Iterator[tuple[str, str, str, str]]:
    for one in run.world.answers(after=after, until=until):
        dice = run.world.plan.dice("row", one.item, one.address)
        item = "" if dice.random() < _NAMELESS else one.item
        words = "详见系统消息" if dice.random() < _GARBLED else one.words or ""
        yield (item, run.base + one.address, words, "")
    if until.day % 2:
        yield (_UNKNOWN_ITEM, run.base + "/t/1.html", "已下架", "")


def visit(run: Run, at: datetime) -> None:
    """Look at the targets that are due and hold what is said of all against the truth."""
    run.command("recheck", "--due", at=at)
    _note(run, at + timedelta(minutes=30))


def _note(run: Run, at: datetime) -> None:
    lines = run.type_command.lines("outcomes", "list", at=at)
    if any(line["clue"] not in run.where for line in lines):
        run.clues(at)
    verdicts = [verdict_of(line, run.where[line["clue"]]) for line in lines]
    run.history.note(run.world, verdicts, now=at)


def sum_up(run: Run, at: datetime) -> None:
    """Ask for the figures of the week."""
    run.command("stats", at=at)


CALENDAR: Calendar = (
    (0, 0, collect),
    (0, 1, keep_calendar),
    (0, 11, visit),
    (1, 0, collect_again),
    (1, 5, decide),
    (2, 2, read_answers),
    (2, 11, visit),
    (3, 0, collect),
    (3, 1, keep_calendar),
    (4, 0, collect_again),
    (4, 1, decide),
    (4, 9.02, send),
    (4, 11, visit),
    (5, 11, visit),
    (6, 11, visit),
    (6, 12.5, sum_up),
)
"""The week of a bank; looks fall due on the evenings named."""

_COMMANDS_A_WEEK = 20
"""About how many commands of a week may be killed: all but what only reads or decides one clue."""
