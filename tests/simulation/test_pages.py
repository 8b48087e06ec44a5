"""What the simulated forum shows, against what is true; and its texts are what they claim to be."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from classifiers.engine import load_ruleset
from classifiers.judging import judge_each
from classifiers.records import PostText
from demo.simulation.pages import SITEMAP, answer
from demo.simulation.rates import Look, Rates, Trick, Weather, Window
from demo.simulation.records import By, Change, Spell
from demo.simulation.world import World
from demo.simulation.writing import categories, sorts, write_offer, write_ordinary
from tests.simulation.worlds import calm_world, later, offer_of, plan_of

if TYPE_CHECKING:
    from datetime import datetime

    from classifiers.records import Verdict

BASE = "http://127.0.0.1:1"


def shown(world: World, path: str, *, days: float = 10) -> tuple[int, str]:
    found = answer(world, path, at=later(days), base=BASE)
    return found.status, found.body


@pytest.mark.parametrize("look", [look for look in Look if look is not Look.ABSENT])
def test_what_is_gone_shows_nothing_of_its_text(look: Look) -> None:
    world = calm_world()
    address = offer_of(world)
    contact = world.threads[address].contact
    assert str(contact) in shown(world, address)[1]
    world.change(address, Change(at=later(5), there=False, by=By.MODERATOR, look=look))
    status, body = shown(world, address)
    assert str(contact) not in body
    assert (status == 200) == (look in {Look.KNOWN_NOTICE, Look.UNKNOWN_NOTICE, Look.SOFT_404, Look.EMPTY})
    assert address not in shown(world, SITEMAP)[1]


@pytest.mark.parametrize("trick", [trick for trick in Trick if trick not in {Trick.FOLDED, Trick.EDITED}])
def test_what_is_hidden_is_still_there(trick: Trick) -> None:
    rates = Rates(tricks={trick: Window(share=1.0, shortest=500, longest=501)}, weather={}, author_mean=10**9)
    world = World(plan_of(rates=rates))
    address = offer_of(world)
    at = days_after(world, address)
    assert world.status(address, at).there
    found = answer(world, address, at=at, base=BASE)
    assert str(world.threads[address].contact) not in found.body
    if trick is Trick.MOVED:
        assert found.location is not None
        assert str(world.threads[address].contact) in answer(world, found.location, at=at, base=BASE).body


def days_after(world: World, address: str) -> datetime:
    return world.spells(address)[0].start + timedelta(hours=1)


def test_a_folded_comment_is_counted_but_not_shown() -> None:
    rates = Rates(
        tricks={Trick.FOLDED: Window(share=1.0, shortest=500, longest=501)}, weather={}, author_mean=10**9
    )
    world = World(plan_of(rates=rates))
    comment = next(iter(world.comments.values()))
    at = world.spells(comment.address)[0].start + timedelta(hours=1)
    body = answer(world, comment.address.partition("#")[0], at=at, base=BASE).body
    assert comment.element_id not in body
    assert "评论已被折叠" in body


@pytest.mark.parametrize("what", list(Weather))
def test_in_bad_weather_no_page_tells_of_its_post(what: Weather) -> None:
    world = calm_world()
    world.weather = (Spell(what=what, start=later(1), end=later(20)),)
    address = offer_of(world)
    body = shown(world, address)[1]
    hidden = str(world.threads[address].contact) not in body
    assert hidden == (what is not Weather.CONTROL_DOWN)
    assert "<loc>" not in shown(world, SITEMAP)[1]


def judged(texts: list[PostText]) -> list[Verdict]:
    return list(judge_each(texts, load_ruleset()))  # type: ignore[arg-type] # none of these fails


def test_offers_are_offers_and_the_others_are_not() -> None:
    """A world whose texts the shipped rules misread would measure the rules, not the loop."""
    dice = random.Random(5)
    offers = [write_offer(dice, category, "qysim_abcde12") for category in categories() for _ in range(12)]
    others = [write_ordinary(dice, sort) for sort in sorts() for _ in range(12)]
    texts = [
        PostText(id=str(number), title=one.title, text="\n".join(one.paragraphs))
        for number, one in enumerate([*offers, *others])
    ]
    bands = [verdict.band for verdict in judged(texts)]
    assert sum(band == "flagged" for band in bands[: len(offers)]) >= 0.95 * len(offers)
    assert sum(band == "flagged" for band in bands[len(offers) :]) <= 0.05 * len(others)
