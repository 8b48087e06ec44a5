"""The demo's story in steps: each types real commands; killed between steps it goes on where it was.

The platforms run in this process over loopback, the product reads them in its own child processes. Nothing in
the product knows that it is a demo but for the clock, which only a workspace made here may move.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from demo.people import Person, steps_of
from demo.signing import sign_in
from demo.truth import truth_lines
from demo.world import SentItem, World, write_answers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from demo.calls import CommandLine
    from demo.server import DemoPlatforms

CHANNEL = "partner_desk"
RECHECK_DAYS = (2, 6, 14)
"""Days after the batch was sent on which somebody has the due targets visited.

What is taken down at once is missed on the second, most of what is taken down late on the sixth, and both are
confirmed by the seven days until the fourteenth; what comes back is seen again on one of the last two.
"""

ANSWERED_DAY = 4
STORY_DAYS = 4 + RECHECK_DAYS[-1]
"""From the Monday of the crawl to the last visit."""

_STATE_FILE = "demo-state.json"


@dataclass
class Play:
    """One play: where it runs, who plays, and how far it has come."""

    root: Path
    type_command: CommandLine
    platforms: DemoPlatforms
    people: list[Person]
    say: Callable[[str], None]
    done: list[str]
    batch: str | None = None

    @property
    def world(self) -> World:
        """The platforms over time."""
        return self.platforms.world

    @property
    def start(self) -> datetime:
        """Monday morning of the story."""
        return self.world.corpus.start.astimezone(UTC)

    def at(self, days: float = 0, *, hours: float = 0) -> datetime:
        """Move the world's clock to a moment of the story and return it."""
        moment = self.start + timedelta(days=days, hours=hours)
        self.world.now = moment
        return moment

    def save(self) -> None:
        """Write down how far the play has come; the file is replaced as a whole."""
        state = {
            "done": self.done,
            "batch": self.batch,
            "world": self.world.dump(),
            "ports": [urlsplit(base).port for base in self.platforms.bases],
            "users": [[person.name, person.role, person.password] for person in self.people],
        }
        temporary = self.root / f".{_STATE_FILE}"
        temporary.write_text(json.dumps(state, ensure_ascii=False), "utf-8")
        temporary.chmod(0o600)
        temporary.replace(self.root / _STATE_FILE)

    def truth(self) -> list[dict[str, Any]]:
        """Return the answer key with the addresses of this play."""
        return [dict(line) for line in truth_lines(self.platforms.forum_base, self.platforms.feed_base)]

    def planted(self) -> dict[tuple[str, str], str]:
        """Return the category of each planted target by (platform, native id)."""
        return {(line["platform"], line["native_id"]): line["category"] for line in self.truth() if line["planted"]}


def saved_state(root: Path) -> dict[str, Any] | None:
    """Return what an earlier play wrote down, None when there was none."""
    try:
        state: dict[str, Any] = json.loads((root / _STATE_FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return state


def perform(play: Play) -> None:
    """Play every step that has not been played yet."""
    for step in STEPS:
        name = step.__name__.lstrip("_")
        if name in play.done:
            continue
        play.say((step.__doc__ or name).partition("\n")[0].rstrip("."))
        step(play)
        play.done.append(name)
        play.save()


def _prepare(play: Play) -> None:
    """Monday, before work: an operator signs in to the note platform."""
    play.at()
    sign_in(play.root, play.platforms.notes.sign_in_url)


def _collect(play: Play) -> None:
    """Monday: crawl the platforms, screen, cluster, take screenshots."""
    play.type_command("run", at=play.at())


def _review(play: Play) -> None:
    """Tuesday: an analyst decides the queue, with some mistakes and undos."""
    moment = play.at(1)
    waiting = play.type_command.lines("clues", "list", "--state", "queued", at=moment)
    for number, words in enumerate(steps_of(waiting, play.planted())):
        play.type_command(*words, at=moment + timedelta(seconds=20 * number), by="analyst")


def _disappear(play: Play) -> None:
    """Wednesday: two authors delete their own posts before anything is sent."""
    moment = play.at(2)
    confirmed = play.type_command.lines("clues", "list", "--state", "confirmed", at=moment)
    items = [_item(clue["clue"], clue["target"]) for clue in confirmed]
    play.world.delete_by_authors(items, now=moment, rng=random.Random("authors"))


def _send(play: Play) -> None:
    """Friday evening: draft, propose, approve by a second person, export, send."""
    moment = play.at(4, hours=9.5)
    drafted = play.type_command("batch", "draft", "--channel", CHANNEL, at=moment, by="compliance")
    batch = play.batch = str(drafted["batch"])
    state = play.type_command("batch", "show", batch, at=moment)["state"]
    words = {
        "drafted": (["propose", batch], "compliance"),
        "proposed": (["approve", batch], "senior"),
        "approved": (["export", batch], "compliance"),
        "exported": (["sent", batch, "--at", moment.isoformat(), "--receipt", "PD-0001"], "compliance"),
    }
    while state in words:
        typed, person = words[state]
        play.type_command("batch", *typed, at=moment, by=person)
        state = play.type_command("batch", "show", batch, at=moment)["state"]


def _act(play: Play) -> None:
    """Weekend: the platforms look at the batch and act on about four fifths of it."""
    moment = play.at(4, hours=10)
    sent = play.type_command("batch", "show", str(play.batch), at=moment)["contents"]
    items = [_item(line["item"], line["target"]) for line in sent if line["state"] == "sent"]
    actions = play.world.act(items, now=moment, rng=random.Random("platforms"))
    write_answers(actions, play.root / "answers.xlsx")


def _follow(play: Play) -> None:
    """Two weeks: visit the targets when they are due, read the platforms' answers."""
    answers = str(play.root / "answers.xlsx")
    for day in sorted({*RECHECK_DAYS, ANSWERED_DAY}):
        moment = play.at(4 + day, hours=10)
        if day == ANSWERED_DAY:
            play.type_command("replies", "import", answers, "--channel", CHANNEL, at=moment, by="compliance")
        else:
            play.type_command("recheck", "--due", at=moment)


def _item(key: str, target: dict[str, Any]) -> SentItem:
    return SentItem(
        item=key,
        platform=target["platform"],
        native_id=target["native_id"],
        url=target["url"] or "",
        kind=target["kind"],
    )


STEPS = (_prepare, _collect, _review, _disappear, _send, _act, _follow)
