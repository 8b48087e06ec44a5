"""A figure once shown is shown again, to the byte, whatever is entered later and for whenever it is meant."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from reporting.batches import mark_sent
from reporting.outcomes import fold_outcomes
from reporting.replies import import_replies
from reporting.statistics import statistics
from reporting.weekly import weekly_summary
from storage.decisions import decide_clue, undo_clue
from storage.errors import QingyuanError
from storage.observations import record_observation
from storage.records import Actor, Role
from storage.submissions import submissions_of_batch
from storage.tables import clue, post
from tests.support.clues import add_clue
from tests.support.takedown import CHANNEL, CHANNELS, CHECKER, exported

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

DAY = timedelta(days=1)
ANA = Actor(name="ana", role=Role.ANALYST, via="cli")
KINDS = ("live", "live", "content_removed", "content_removed", "author_deleted", "login_wall", "unknown")
WORDS = ("已下架", "已限流", "未违规", "已封号")


def text_of(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, sort_keys=False)


def figures(store: Store, now: datetime, as_of: datetime | None = None) -> str:
    with store.read() as conn:
        return text_of(statistics(conn, as_of=as_of, now=now))


class History:
    """A workspace to which something happens at every step, much of it entered later than it was."""

    def __init__(self, store: Store, folder: Path, seed: int) -> None:
        self.store, self.folder, self.chance = store, folder, random.Random(seed)
        self.clues: list[int] = []
        self.unsent: list[str] = []
        self.steps = 0

    def go_on(self, now: datetime) -> None:
        self.steps += 1
        deeds = (
            self.find,
            self.find,
            self.decide,
            self.send,
            self.look,
            self.look,
            self.look,
            self.answer,
            self.move,
        )
        for deed in self.chance.sample(deeds, 5):
            deed(now)
        fold_outcomes(self.store, now=now)

    def find(self, now: datetime) -> None:
        seen_at = now - self.chance.random() * 5 * DAY
        with self.store.write(now) as unit:
            number = add_clue(unit, f"s{self.steps}c{len(self.clues)}", text="停息挂账", seen_at=seen_at)
            self.clues.append(number)
            if self.chance.random() < 0.8:
                decide_clue(unit, number, "confirmed", actor=ANA)

    def decide(self, now: datetime) -> None:
        for number in self.chance.sample(self.clues, min(len(self.clues), 2)):
            try:
                with self.store.write(now) as unit:
                    undo_clue(unit, number, actor=ANA)
            except QingyuanError:
                continue

    def send(self, now: datetime) -> None:
        """Send what was exported earlier, some days ago as the sender says, and export what is confirmed now."""
        for code in self.unsent:
            at = now - self.chance.random() * DAY
            mark_sent(self.store, code, at=at, receipt="R", now=now, actor=CHECKER)
        self.unsent = []
        try:
            self.unsent = [str(exported(self.store, now, self.folder)["batch"])]
        except (QingyuanError, AssertionError):
            return

    def look(self, now: datetime) -> None:
        for number in self.chance.sample(self.clues, min(len(self.clues), 3)):
            kind, at = self.chance.choice(KINDS), now - self.chance.random() * 6 * DAY
            with self.store.write(now) as unit:
                record_observation(
                    unit,
                    clue_id=number,
                    key=f"{self.steps}:{self.chance.random()}",
                    at=at,
                    kind=kind,
                    method="probe",
                    marker="m",
                    control_ok=self.chance.random() < 0.9,
                    actor="probe",
                )

    def answer(self, now: datetime) -> None:
        with self.store.read() as conn:
            items = [item for number in range(1, 9) for item in submissions_of_batch(conn, number)]
        sent = [item.item for item in items if item.sent_at is not None]
        rows = [f"{item},{self.chance.choice(WORDS)}" for item in self.chance.sample(sent, min(len(sent), 2))]
        file = self.folder / f"r{self.steps}.csv"
        file.write_text("\n".join(["item,result", *rows, ""]), "utf-8")
        import_replies(self.store, file, CHANNELS[CHANNEL], now=now, actor=CHECKER)

    def move(self, now: datetime) -> None:
        """Read an older file, which shows that a post had been there earlier."""
        with self.store.write(now) as unit:
            number = self.chance.choice(self.clues) if self.clues else 0
            of = sa.select(clue.c.post_id).where(clue.c.id == number).scalar_subquery()
            unit.conn.execute(sa.update(post).where(post.c.id == of).values(first_seen=now - 90 * DAY))


def play(store: Store, folder: Path, now: datetime, *, seed: int, steps: int) -> None:
    history = History(store, folder, seed)
    shown: dict[datetime, str] = {}
    moment = now
    for _ in range(steps):
        history.go_on(moment)
        shown[moment + DAY / 24] = figures(store, moment + DAY / 24)
        moment += history.chance.choice((1, 2, 4)) * DAY
    assert len(set(shown.values())) > steps / 2, "the figures did not change: nothing was tried"
    for at, text in shown.items():
        assert figures(store, moment, as_of=at) == text, f"seed {seed}, step {list(shown).index(at)}"


@pytest.mark.parametrize("seed", [1, 2])
def test_every_past_figure_is_reproduced(sqlite_store: Store, now: datetime, tmp_path: Path, seed: int) -> None:
    play(sqlite_store, tmp_path, now, seed=seed, steps=12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 40))
def test_every_past_figure_is_reproduced_for_long(store: Store, now: datetime, tmp_path: Path, seed: int) -> None:
    play(store, tmp_path, now, seed=seed, steps=30)


def test_past_weeks_keep_their_summary(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    """What counts targets and items; posts are counted as stored, and an older file may add to a past week."""
    history = History(sqlite_store, tmp_path, 5)
    for number in range(8):
        history.go_on(now + number * DAY)
    monday = now + 12 * DAY
    kept = ("action_rate", "open_items", "waiting", "natural", "apart")

    def shown(at: datetime) -> list[object]:
        with sqlite_store.read() as conn:
            found = weekly_summary(conn, week="2026-W48", now=at)
        return [found[name] for name in kept] + found["funnel"][1:]

    before = shown(monday)
    for number in range(12, 20):
        history.go_on(now + number * DAY)
    assert text_of(shown(now + 30 * DAY)) == text_of(before)
