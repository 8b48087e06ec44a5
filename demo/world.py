"""What happens on the demo platforms after reports reach them: removals, restrictions, refusals, answers.

The world knows pages and spreadsheets only. It holds a clock that the player moves and a list of dated changes
per target; the server shows every page as it stands at the world's time. The platforms act as ``SHARES`` says:
about four of five reported targets end acted upon, some of them late, some only in the answer (traffic
restriction cannot be seen from outside), and one in 25 comes back after a while.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import xlsxwriter

from demo.corpus import START, load_corpus
from demo.records import FEED, FORUM, NOTES, Corpus

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

SITES = {"web": FORUM, "feed": FEED, "xiaohongshu": NOTES}
ANSWER_HEADER = ("item", "url", "result", "note")


class State(StrEnum):
    """How a target shows itself; what of it applies depends on the target's kind."""

    LIVE = "live"
    GONE = "gone"  # 410
    MISSING = "missing"  # 404
    NOTICE = "notice"  # 200 with the moderators' notice, as old forum software does it
    AUTHOR_DELETED = "author_deleted"  # 404 with a page that says so
    BANNED = "banned"  # an account; its posts answer 410
    VANISHED = "vanished"  # a comment that is no longer on its page


class Treatment(StrEnum):
    """What a platform does about one reported item."""

    REMOVED = "removed"
    REMOVED_LATE = "removed_late"
    REAPPEARS = "reappears"
    BANNED = "banned"
    RESTRICTED = "restricted"
    REFUSED = "refused"
    PENDING = "pending"


SHARES: Mapping[Treatment, float] = {
    Treatment.REMOVED: 0.56,
    Treatment.REMOVED_LATE: 0.08,
    Treatment.REAPPEARS: 0.04,
    Treatment.BANNED: 0.06,
    Treatment.RESTRICTED: 0.10,
    Treatment.REFUSED: 0.10,
    Treatment.PENDING: 0.06,
}
# The platforms' own words; a late removal is still being looked into when the answer is written.
WORDS: Mapping[Treatment, str] = {
    Treatment.REMOVED: "已下架",
    Treatment.REMOVED_LATE: "核实中",
    Treatment.REAPPEARS: "已下架",
    Treatment.BANNED: "已封号",
    Treatment.RESTRICTED: "已限流",
    Treatment.REFUSED: "未违规",
    Treatment.PENDING: "核实中",
}
REMARKS: Mapping[Treatment, Sequence[str]] = {
    Treatment.REMOVED: ("", "", "违反交易导流规范", "已通知发布者"),
    Treatment.REMOVED_LATE: ("转二线审核",),
    Treatment.REAPPEARS: ("",),
    Treatment.BANNED: ("多次违规", "关联账号一并处理"),
    Treatment.RESTRICTED: ("不进入推荐与搜索",),
    Treatment.REFUSED: ("未发现明确违规内容", "请补充证据"),
    Treatment.PENDING: ("",),
}
WAYS_OF_REMOVAL = (State.GONE,) * 6 + (State.MISSING,) * 3 + (State.NOTICE,)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentItem:
    """One reported item, as a platform finds it in a package: ``kind`` is post, comment or account."""

    item: str
    platform: str
    native_id: str
    url: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What was done about one item; ``result`` is None where the platform never answers."""

    item: SentItem
    treatment: Treatment
    effective_at: datetime
    result: str | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From ``at`` on a target is in this state."""

    at: datetime
    state: State


class UnknownTargetError(LookupError):
    """A reported item does not exist on the demo platforms."""

    def __init__(self, native_id: str) -> None:
        super().__init__(f"nothing on the demo platforms has the id {native_id!r}")


class World:
    """The platforms over time: the corpus, the clock, and what became of each target.

    Targets are named by platform and address, e.g. ``forum/thread/20107.html#reply-20107-2``. What stands on the
    note platform is reported by its id alone.
    """

    def __init__(self, corpus: Corpus | None = None, *, now: datetime | None = None) -> None:
        self.corpus = corpus or load_corpus()
        self._changes: dict[str, tuple[Change, ...]] = {}
        self._targets = _targets(self.corpus)
        self._notes = {_own_id(target): target for target in self._targets if target.startswith(f"{NOTES}/")}
        self._now = self.corpus.start
        self.now = now or self.corpus.start

    @property
    def now(self) -> datetime:
        """Return the simulated time at which the pages are shown."""
        return self._now

    @now.setter
    def now(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError("the world's clock takes aware datetimes only")
        self._now = moment

    def state(self, target: str) -> State:
        """Return the state of a target at the world's time."""
        change = self.last_change(target)
        return change.state if change else State.LIVE

    def last_change(self, target: str) -> Change | None:
        """Return the latest change of a target that has happened by the world's time."""
        past = [change for change in self._changes.get(target, ()) if change.at <= self._now]
        return past[-1] if past else None

    def locate(self, platform: str, native_id: str) -> str:
        """Return the name of the target with this native id; raises UnknownTargetError."""
        if SITES.get(platform) == NOTES:
            return self._note_target(native_id)
        parts = urlsplit(native_id)
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        target = f"{SITES.get(platform, platform)}{parts.path}{fragment}"
        if target not in self._targets:
            raise UnknownTargetError(native_id)
        return target

    def _note_target(self, native_id: str) -> str:
        if native_id not in self._notes:
            raise UnknownTargetError(native_id)
        return self._notes[native_id]

    def act(self, items: Iterable[SentItem], *, now: datetime, rng: random.Random) -> list[Action]:
        """Decide about reported items and let the pages follow from ``now`` on; the order of items is kept."""
        listed = list(items)
        treatments = _dealt(len(listed), rng)
        return [self._treat(item, wanted, now, rng) for item, wanted in zip(listed, treatments, strict=True)]

    def delete_by_authors(
        self, items: Iterable[SentItem], *, now: datetime, rng: random.Random, count: int = 2
    ) -> list[SentItem]:
        """Let authors take down up to ``count`` of these posts and comments themselves; return the chosen."""
        eligible = [item for item in items if item.kind != "account"]
        chosen = rng.sample(eligible, min(count, len(eligible)))
        for item in chosen:
            state = State.VANISHED if item.kind == "comment" else State.AUTHOR_DELETED
            self._change(self.locate(item.platform, item.native_id), now, state)
        return chosen

    def dump(self) -> dict[str, object]:
        """Return what ``restore`` needs to go on in another process, ready for JSON."""
        changes = {
            target: [[change.at.isoformat(), change.state.value] for change in listed]
            for target, listed in sorted(self._changes.items())
        }
        return {
            "seed": self.corpus.seed,
            "start": self.corpus.start.isoformat(),
            "now": self._now.isoformat(),
            "changes": changes,
        }

    @classmethod
    def restore(cls, dumped: Mapping[str, object]) -> World:
        """Return the world of an earlier ``dump``."""
        start = datetime.fromisoformat(str(dumped["start"]))
        world = cls(load_corpus(seed=int(str(dumped["seed"])), start=start))
        world.now = datetime.fromisoformat(str(dumped["now"]))
        changes = dumped["changes"]
        if not isinstance(changes, dict):
            raise TypeError("changes must be a mapping of targets")
        for target, listed in changes.items():
            for at, state in listed:
                world._change(target, datetime.fromisoformat(at), State(state))
        return world

    def _treat(self, item: SentItem, wanted: Treatment, now: datetime, rng: random.Random) -> Action:
        target = self.locate(item.platform, item.native_id)
        treatment = _possible(wanted, item.kind)
        effective_at = now + timedelta(minutes=rng.randint(90, 2400))
        if treatment is Treatment.REMOVED_LATE:
            effective_at = now + timedelta(days=rng.randint(3, 6), minutes=rng.randint(0, 600))
        for change in _changes(treatment, item.kind, effective_at, rng):
            self._change(self._owner(target) if change.state is State.BANNED else target, change.at, change.state)
        silent = treatment is Treatment.PENDING and rng.choice((True, False))
        return Action(
            item=item,
            treatment=treatment,
            effective_at=effective_at,
            result=None if silent else WORDS[treatment],
            note=rng.choice(REMARKS[treatment]),
        )

    def _owner(self, target: str) -> str:
        return self._targets[target]

    def _change(self, target: str, at: datetime, state: State) -> None:
        known = self._changes.get(target, ())
        self._changes[target] = tuple(sorted((*known, Change(at=at, state=state)), key=lambda change: change.at))


def write_answers(actions: Sequence[Action], path: Path) -> None:
    """Write the platforms' answer sheet as XLSX or CSV by the file's ending; unanswered items are left out."""
    rows = [
        (action.item.item, action.item.url, action.result, action.note)
        for action in actions
        if action.result is not None
    ]
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([ANSWER_HEADER, *rows])
        return
    with xlsxwriter.Workbook(str(path), {"strings_to_urls": False, "strings_to_formulas": False}) as book:
        book.set_properties({"created": START.replace(tzinfo=None)})
        sheet = book.add_worksheet("处理结果")
        for number, row in enumerate((ANSWER_HEADER, *rows)):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value)


def _targets(corpus: Corpus) -> dict[str, str]:
    """Return every target with the account that owns it; an account owns itself."""
    owners: dict[str, str] = {}
    for article in corpus.articles:
        owners[f"{article.site}{article.path}"] = f"{article.site}{article.author.path}"
        for comment in article.comments:
            address = f"{article.site}{article.path}#{comment.element_id}"
            owners[address] = f"{article.site}{comment.author.path}"
    return owners | {owner: owner for owner in owners.values()}


def _own_id(target: str) -> str:
    """Return the last part of an address: the id of a note, a comment or an account."""
    return target.replace("#", "/").rpartition("/")[2]


def _dealt(count: int, rng: random.Random) -> list[Treatment]:
    """Deal treatments to ``count`` items in the shares of the table, as near as whole items allow."""
    exact = {treatment: share * count for treatment, share in SHARES.items()}
    dealt = {treatment: int(part) for treatment, part in exact.items()}
    by_remainder = sorted(SHARES, key=lambda treatment: dealt[treatment] - exact[treatment])
    for treatment in by_remainder[: count - sum(dealt.values())]:
        dealt[treatment] += 1
    deck = list(chain.from_iterable([treatment] * number for treatment, number in dealt.items()))
    rng.shuffle(deck)
    return deck


def _possible(wanted: Treatment, kind: str) -> Treatment:
    """Return what can be done to this kind: comments are taken down alone, accounts are banned or left."""
    if kind == "comment" and wanted is Treatment.BANNED:
        return Treatment.REMOVED
    if kind == "account" and wanted in {
        Treatment.REMOVED,
        Treatment.REMOVED_LATE,
        Treatment.REAPPEARS,
    }:
        return Treatment.BANNED
    return wanted


def _changes(treatment: Treatment, kind: str, at: datetime, rng: random.Random) -> list[Change]:
    if treatment is Treatment.BANNED:
        return [Change(at=at, state=State.BANNED)]
    if treatment not in {Treatment.REMOVED, Treatment.REMOVED_LATE, Treatment.REAPPEARS}:
        return []
    down = Change(at=at, state=State.VANISHED if kind == "comment" else rng.choice(WAYS_OF_REMOVAL))
    if treatment is not Treatment.REAPPEARS:
        return [down]
    return [down, Change(at=at + timedelta(days=rng.randint(3, 5)), state=State.LIVE)]
