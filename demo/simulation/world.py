"""The simulated platform over time: what is there, what is not, by whom, and what it does about reports."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from demo.simulation.making import (
    FIRST_REPOST,
    lognormal,
    look_of,
    make_repost,
    make_threads,
    make_weather,
    natural_end,
    spells_of,
)
from demo.simulation.rates import Treatment
from demo.simulation.records import By, Change, Received, Status

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from demo.simulation.making import Plan
    from demo.simulation.rates import Trick, Weather
    from demo.simulation.records import Comment, Spell, Thread

WORDS = {
    Treatment.REMOVED: "已下架",
    Treatment.REAPPEARS: "已下架",
    Treatment.RESTRICTED: "已限流",
    Treatment.REFUSED: "未违规",
    Treatment.IGNORED: "核实中",
    Treatment.NOT_FOUND: "内容不存在",
}
"""The platform's words for what it did."""

_INNOCENT_REMOVED = 0.03


class World:
    """Everything on the platform and everything that happens to it.

    ``now`` is the time at which its pages are shown; the driver moves it. Targets are named by their address: a
    post by its path, a comment by path and element id.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.now = plan.start
        self.threads: dict[str, Thread] = {}
        self.comments: dict[str, Comment] = {}
        self.weather = make_weather(plan)
        self.received: list[Received] = []
        self._changes: defaultdict[str, list[Change]] = defaultdict(list)
        self._spells: dict[str, tuple[Spell, ...]] = {}
        self._followed: set[str] = set()
        self._reposts = 0
        for thread in make_threads(plan):
            self._add(thread)

    @property
    def targets(self) -> list[str]:
        """The address of every solicitation: what ought to become a clue."""
        posts = [thread.address for thread in self.threads.values() if thread.text.category]
        return posts + [comment.address for comment in self.comments.values() if comment.category]

    def category(self, address: str) -> str | None:
        """Return what a target solicits for, None for an innocent one or one that does not exist."""
        if address in self.comments:
            return self.comments[address].category
        return self.threads[address].text.category if address in self.threads else None

    def published_at(self, address: str) -> datetime:
        """Return when a target was written."""
        return (self.comments.get(address) or self.threads[address]).published_at

    def status(self, address: str, at: datetime) -> Status:
        """Return the truth about a target at a moment; a comment is gone with its post."""
        own = self._own_status(address, at)
        path = address.partition("#")[0]
        if path == address:
            return own
        above = self._own_status(path, at)
        if above.there:
            return own
        return above if own.there or above.since < own.since else own

    def spells(self, address: str) -> tuple[Spell, ...]:
        """Return the times in which a target is hidden or changed."""
        return self._spells[address]

    def trick(self, address: str, at: datetime) -> set[Trick]:
        """Return what hides or changes a target at a moment."""
        return {spell.what for spell in self._spells[address] if spell.covers(at)}  # type: ignore[misc] # tricks here

    def site_weather(self, at: datetime) -> Weather | None:
        """Return what befalls the whole site at a moment."""
        return next((spell.what for spell in self.weather if spell.covers(at)), None)  # type: ignore[return-value] # weather here

    def edited_at(self, address: str, at: datetime) -> datetime | None:
        """Return when a post was edited, None where it was not yet."""
        found = [spell.start for spell in self._spells[address] if spell.what == "edited" and spell.start <= at]
        return max(found, default=None)

    def change(self, address: str, change: Change) -> None:
        """Let something become of a target."""
        self._changes[address].append(change)

    def advance(self, now: datetime) -> None:
        """Move the world's clock; operators whose posts are gone since then write them anew."""
        self.now = now
        for thread in tuple(self.threads.values()):
            if thread.contact is None or thread.address in self._followed or thread.published_at > now:
                continue
            state = self.status(thread.address, now)
            if state.there or state.by is By.AUTHOR:
                continue
            self._followed.add(thread.address)
            again = make_repost(self.plan, thread, gone_at=state.since, number=FIRST_REPOST + self._reposts)
            if again is not None:
                self._reposts += 1
                self._add(again)

    def receive(self, items: Iterable[tuple[str, str]], *, at: datetime) -> list[Received]:
        """Take reported items (id, address or URL) and decide about each; return what was decided."""
        return [self._receive(item, address_of(where), at) for item, where in items]

    def answers(self, *, after: datetime, until: datetime) -> list[Received]:
        """Return what the platform answers in a time, in the order of the items."""
        return [
            one
            for one in self.received
            if one.words is not None and one.answered_at is not None and after < one.answered_at <= until
        ]

    def _add(self, thread: Thread) -> None:
        self.threads[thread.address] = thread
        everything: tuple[Thread | Comment, ...] = (thread, *thread.comments)
        for one in everything:
            self._spells[one.address] = spells_of(self.plan, one.address, one.published_at)
            offer = self._solicits(one)
            end = natural_end(self.plan, one.address, one.published_at, offer=offer)
            if end is not None:
                self.change(one.address, end)
        self.comments |= {comment.address: comment for comment in thread.comments}

    @staticmethod
    def _solicits(one: Thread | Comment) -> bool:
        return bool(getattr(one, "category", None) or getattr(one, "contact", None))

    def _own_status(self, address: str, at: datetime) -> Status:
        state = Status(there=True, since=self.published_at(address))
        for change in sorted(self._changes[address], key=lambda one: one.at):
            if change.at > at:
                break
            if change.there != state.there:
                state = Status(there=change.there, since=change.at, by=change.by, look=change.look)
        return state

    def _receive(self, item: str, address: str, at: datetime) -> Received:
        earlier = [one for one in self.received if one.address == address]
        dice = self.plan.dice("report", address, len(earlier))
        treatment = self._treatment(address, at, dice)
        wait = timedelta(days=min(max(lognormal(dice, self._median, self.plan.rates.removal_spread), 0.05), 60))
        acts = treatment in {Treatment.REMOVED, Treatment.REAPPEARS}
        if acts:
            self._remove(address, at + wait, treatment, dice)
        told = dice.random() < self.plan.rates.answered and treatment is not Treatment.IGNORED
        answered = at + (wait if acts else timedelta()) + timedelta(days=dice.uniform(0.5, 5))
        received = Received(
            item=item,
            address=address,
            at=at,
            treatment=treatment,
            effective_at=at + wait if acts else at if treatment is Treatment.RESTRICTED else None,
            words=WORDS[treatment] if told else None,
            answered_at=answered if told else None,
            duplicate=any(self._still_stands(one, at) for one in earlier),
        )
        self.received.append(received)
        return received

    @property
    def _median(self) -> float:
        return self.plan.rates.removal_median

    def _treatment(self, address: str, at: datetime, dice: random.Random) -> Treatment:
        if not self.status(address, at).there:
            return Treatment.NOT_FOUND
        if self.category(address) is None:
            return Treatment.REMOVED if dice.random() < _INNOCENT_REMOVED else Treatment.REFUSED
        weights = self.plan.rates.treatments
        return dice.choices(tuple(weights), tuple(weights.values()))[0]

    def _remove(self, address: str, at: datetime, treatment: Treatment, dice: random.Random) -> None:
        look = look_of(dice, address, by=By.REPORT, rates=self.plan.rates)
        self.change(address, Change(at=at, there=False, by=By.REPORT, look=look))
        if treatment is Treatment.REAPPEARS:
            back = at + timedelta(days=dice.uniform(3, 20))
            self.change(address, Change(at=back, there=True, by=By.REPORT))

    def _still_stands(self, earlier: Received, at: datetime) -> bool:
        """Tell whether an earlier report of a target was under way or had worked, so that another is a double."""
        if earlier.treatment is Treatment.REFUSED:
            return False
        if earlier.treatment in {Treatment.RESTRICTED, Treatment.IGNORED}:
            return True
        under_way = earlier.effective_at is not None and earlier.effective_at > at
        return under_way or not self.status(earlier.address, at).there


def address_of(where: str) -> str:
    """Return the address of a target by its URL or native id."""
    parts = urlsplit(where)
    return f"{parts.path}#{parts.fragment}" if parts.fragment else parts.path
