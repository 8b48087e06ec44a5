"""Making the simulated world: who posts what when, and what becomes of it by itself. Pure functions of a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import exp, log
from typing import TYPE_CHECKING

from demo.simulation.rates import GONE_LOOKS, Look, Trick, Weather
from demo.simulation.records import By, Change, Comment, Spell, Thread
from demo.simulation.writing import (
    boards,
    categories,
    make_contact,
    make_name,
    sorts,
    write_edit,
    write_offer,
    write_ordinary,
    write_pitch,
    write_remark,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.simulation.rates import Rates

FIRST_NUMBER = 10_001
FIRST_REPOST = 50_001
_SORTS = (3, 2, 2, 6, 1)
_MAY_COMMENT = 4
_LONG_AGO = timedelta(days=20)
_HOURS_OF_FIRST_COMMENT = 20
_EVER_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a world is made from: the seed, the Monday morning it starts, how many weeks people post in it."""

    seed: int
    start: datetime
    weeks: int
    rates: Rates

    @property
    def end(self) -> datetime:
        """When the last week is over."""
        return self.start + timedelta(weeks=self.weeks)

    def dice(self, *words: object) -> random.Random:
        """Return dice of their own for one thing, so that no throw depends on the order of others."""
        return random.Random("/".join(map(str, (self.seed, *words))))


def make_threads(plan: Plan) -> list[Thread]:
    """Return all posts that are written by themselves, oldest first; reposts come later."""
    drafts = [*_offers(plan), *_ordinary(plan)]
    drafts.sort(key=lambda thread: (thread.published_at, thread.address))
    numbered = [
        _with_number(thread, FIRST_NUMBER + place, thread.published_at) for place, thread in enumerate(drafts)
    ]
    return _with_comments(plan, numbered)


def make_repost(plan: Plan, thread: Thread, *, gone_at: datetime, number: int) -> Thread | None:
    """Return the post with which an operator follows one that is gone, None where nobody does."""
    dice = plan.dice("repost", thread.address)
    wait = max(lognormal(dice, plan.rates.repost_median, 0.7), 1.0)
    keeps = dice.random() < plan.rates.keeps_contact
    if thread.contact is None or dice.random() >= plan.rates.reposted:
        return None
    contact = thread.contact if keeps else make_contact(dice)
    text = write_offer(dice, thread.text.category or categories()[0], contact)
    return Thread(
        address=_address(number),
        board=thread.board,
        author=make_name(dice, offers=True),
        text=text,
        published_at=gone_at + timedelta(days=wait),
        contact=contact,
        operator=thread.operator,
        repost_of=thread.address,
    )


def natural_end(plan: Plan, address: str, published_at: datetime, *, offer: bool) -> Change | None:
    """Return how a target would disappear if nobody reported it, None where it would stay."""
    dice = plan.dice("end", address)
    rates = plan.rates
    early = offer and dice.random() < rates.moderated_early
    moderator = dice.uniform(0.3, 6) if early else dice.expovariate(1 / rates.moderator_mean)
    author = dice.expovariate(1 / rates.author_mean)
    first, by = min((moderator, By.MODERATOR), (author, By.AUTHOR))
    at = published_at + timedelta(days=min(first, _EVER_DAYS))
    if at > plan.end or (not offer and by is By.MODERATOR):
        return None
    return Change(at=at, there=False, by=by, look=look_of(dice, address, by=by, rates=rates))


def look_of(dice: random.Random, address: str, *, by: By, rates: Rates) -> Look:
    """Return how it shows that a target is gone."""
    if "#" in address:
        return Look.ABSENT
    if by is By.AUTHOR:
        return Look.AUTHOR_NOTICE if dice.random() < rates.author_says_so else Look.HTTP_404
    return dice.choices(tuple(GONE_LOOKS), tuple(GONE_LOOKS.values()))[0]


def spells_of(plan: Plan, address: str, published_at: datetime) -> tuple[Spell, ...]:
    """Return the times in which a target is there but hidden or changed."""
    return tuple(_spells(plan, address, published_at))


def make_weather(plan: Plan) -> tuple[Spell, ...]:
    """Return the spells of the whole site, in order; they do not overlap and spare the first day."""
    dice = plan.dice("weather")
    spells: list[Spell] = []
    free_from = plan.start + timedelta(days=1)
    for day in range((plan.end - plan.start).days + 1):
        for what, window in plan.rates.weather.items():
            begins = plan.start + timedelta(days=day + dice.random())
            length = timedelta(days=dice.uniform(window.shortest, window.longest))
            if dice.random() < window.share and begins >= free_from:
                spells.append(Spell(what=Weather(what), start=begins, end=begins + length))
                free_from = begins + length
    return tuple(spells)


def lognormal(dice: random.Random, median: float, spread: float) -> float:
    """Return a log-normal number with this median."""
    return exp(dice.gauss(log(median), spread))


def _spells(plan: Plan, address: str, published_at: datetime) -> Iterator[Spell]:
    dice = plan.dice("tricks", address)
    comment = "#" in address
    for trick, window in plan.rates.tricks.items():
        happens = dice.random() < window.share
        begins = published_at + timedelta(days=dice.uniform(1, 30))
        ends = begins + timedelta(days=dice.uniform(window.shortest, window.longest))
        if happens and comment == (trick is Trick.FOLDED):
            yield Spell(what=trick, start=begins, end=ends)


def _offers(plan: Plan) -> Iterator[Thread]:
    rates = plan.rates
    rings = [
        (f"ring-{number}", make_contact(plan.dice("ring", number)), plan.dice("trade", number).choice(categories()))
        for number in range(rates.operators)
    ]
    for number in range(rates.offers * plan.weeks):
        dice = plan.dice("offer", number)
        operator, contact, category = dice.choice(rings)
        yield Thread(
            address=f"offer-{number}",
            board="debt",
            author=make_name(dice, offers=True),
            text=write_offer(dice, category, contact),
            published_at=_moment(plan, dice, number // rates.offers),
            contact=contact,
            operator=operator,
            edit=write_edit(dice),
        )


def _ordinary(plan: Plan) -> Iterator[Thread]:
    for number in range(plan.rates.ordinary * plan.weeks):
        dice = plan.dice("ordinary", number)
        sort = dice.choices(sorts(), _SORTS)[0]
        yield Thread(
            address=f"ordinary-{number}",
            board=dice.choice(tuple(boards())),
            author=make_name(dice, offers=False),
            text=write_ordinary(dice, sort),
            published_at=_moment(plan, dice, number // plan.rates.ordinary),
        )


def _moment(plan: Plan, dice: random.Random, week: int) -> datetime:
    """Return a moment in a week; half of the first week's posts have stood there for some time."""
    moment = plan.start + timedelta(days=7 * week + dice.uniform(0, 7))
    return moment - _LONG_AGO if week == 0 and dice.random() < 0.5 else moment  # noqa: PLR2004 - half of them


def _with_number(thread: Thread, number: int, published_at: datetime) -> Thread:
    return replace(thread, address=_address(number), published_at=published_at.replace(microsecond=0))


def _with_comments(plan: Plan, threads: list[Thread]) -> list[Thread]:
    """Let people comment; pitches stand under the posts of people in debt and others, in their week."""
    innocent = [place for place, thread in enumerate(threads) if thread.contact is None]
    pitches: dict[int, list[int]] = {}
    for number in range(plan.rates.pitches * plan.weeks):
        place = plan.dice("pitch", number).choice(innocent)
        pitches.setdefault(place, []).append(number)
    return [_commented(plan, thread, pitches.get(place, [])) for place, thread in enumerate(threads)]


def _commented(plan: Plan, thread: Thread, pitches: list[int]) -> Thread:
    dice = plan.dice("comments", thread.address)
    talk: list[tuple[datetime, str, str, str | None]] = [
        (_soon(thread, dice), make_name(dice, offers=False), write_remark(dice), None)
        for _ in range(dice.randrange(_MAY_COMMENT))
    ]
    for number in pitches:
        own = plan.dice("pitch-text", number)
        text, category = write_pitch(own, make_contact(own))
        talk.append((_soon(thread, own), make_name(own, offers=True), text, category))
    comments = tuple(
        Comment(
            address=f"{thread.address}#c{place}",
            author=author,
            text=text,
            published_at=at.replace(microsecond=0),
            category=category,
        )
        for place, (at, author, text, category) in enumerate(sorted(talk, key=lambda one: one[0]), 1)
    )
    return replace(thread, comments=comments)


def _soon(thread: Thread, dice: random.Random) -> datetime:
    return thread.published_at + timedelta(hours=dice.uniform(0.2, _HOURS_OF_FIRST_COMMENT))


def _address(number: int) -> str:
    return f"/t/{number}.html"
