"""The simulated platform: made by its seed alone, and its truth never contradicts itself."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from demo.simulation.making import make_repost, make_threads, make_weather, natural_end, spells_of
from demo.simulation.rates import Rates, Treatment
from demo.simulation.records import By
from demo.simulation.world import World
from tests.simulation.worlds import START, calm_world, later, offer_of, plan_of

FULL = plan_of(rates=Rates(), weeks=4)


def told(world: World) -> list[object]:
    """Return everything that is decided when a world is made."""
    spells = [world.spells(address) for address in (*world.threads, *world.comments)]
    ends = [world.status(address, world.plan.end) for address in (*world.threads, *world.comments)]
    return [world.threads, world.comments, world.weather, spells, ends]


def test_the_seed_makes_the_world() -> None:
    assert told(World(FULL)) == told(World(FULL))
    assert told(World(FULL)) != told(World(plan_of(seed=2, rates=Rates(), weeks=4)))


def test_what_befalls_one_target_does_not_depend_on_others() -> None:
    longer = World(plan_of(rates=Rates(), weeks=5))
    threads = {thread.address: thread for thread in make_threads(FULL)}
    for address, thread in list(threads.items())[:50]:
        offer = thread.contact is not None
        short = natural_end(FULL, address, thread.published_at, offer=offer)
        assert short is None or short == natural_end(longer.plan, address, thread.published_at, offer=offer)
        assert spells_of(FULL, address, thread.published_at) == spells_of(longer.plan, address, thread.published_at)


def test_spells_of_weather_do_not_overlap() -> None:
    spells = make_weather(plan_of(rates=Rates(), weeks=200))
    assert len(spells) > 50
    assert all(one.end <= other.start for one, other in pairwise(spells))
    assert all(one.start < one.end for one in spells)


WORLD = World(FULL)
WORLD.receive([(f"item-{place}", address) for place, address in enumerate(WORLD.targets)], at=later(10))
ADDRESSES = st.sampled_from([*WORLD.threads, *WORLD.comments])
DAYS = st.floats(min_value=-20, max_value=80)


@settings(deadline=None)
@given(address=ADDRESSES, days=DAYS)
def test_a_state_began_before_it_is_seen_and_names_who_did_it(address: str, days: float) -> None:
    at = max(later(days), WORLD.published_at(address))
    state = WORLD.status(address, at)
    assert state.since <= at
    assert state.there or (state.by is not None and state.look is not None)
    assert WORLD.status(address, state.since) == state


@settings(deadline=None)
@given(address=st.sampled_from(list(WORLD.comments)), days=DAYS)
def test_a_comment_is_gone_with_its_post(address: str, days: float) -> None:
    at = max(later(days), WORLD.published_at(address))
    post = WORLD.status(address.partition("#")[0], at)
    assert post.there or not WORLD.status(address, at).there


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.floats(min_value=0, max_value=4), min_size=1, max_size=12))
def test_reposts_follow_what_is_gone(steps: list[float]) -> None:
    world = World(plan_of(rates=Rates(moderated_early=0.8, reposted=1.0, ordinary=4), weeks=2))
    now = START
    for step in steps:
        now += timedelta(days=step)
        world.advance(now)
    for thread in world.threads.values():
        if thread.repost_of is not None:
            gone = world.status(thread.repost_of, thread.published_at)
            assert not gone.there
            assert gone.by is By.MODERATOR
            assert thread.published_at - gone.since >= timedelta(days=1)
            assert world.threads[thread.repost_of].author != thread.author


def test_nobody_reposts_what_is_no_offer() -> None:
    innocent = next(one for one in WORLD.threads.values() if one.contact is None)
    assert make_repost(FULL, innocent, gone_at=later(3), number=50_001) is None


def test_a_second_report_of_what_worked_is_a_double() -> None:
    world = calm_world()
    address = offer_of(world)
    first, second, third = (world.receive([("item-1", address)], at=later(day))[0] for day in (0, 0.01, 70))
    assert [one.duplicate for one in (first, second, third)] == [False, True, True]
    assert third.treatment is Treatment.NOT_FOUND


def test_a_report_after_a_refusal_or_a_return_is_no_double() -> None:
    refusing = calm_world({Treatment.REFUSED: 1})
    address = offer_of(refusing)
    assert not any(refusing.receive([("item-1", address)], at=later(day))[0].duplicate for day in (0, 7, 14))
    returning = calm_world({Treatment.REAPPEARS: 1}, weeks=20)
    address = offer_of(returning)
    returning.receive([("item-1", address)], at=later(0))
    assert returning.status(address, later(90)).there
    assert not returning.receive([("item-2", address)], at=later(90))[0].duplicate


def test_what_was_restricted_or_not_answered_may_not_be_sent_again() -> None:
    for treatment in (Treatment.RESTRICTED, Treatment.IGNORED):
        world = calm_world({treatment: 1})
        address = offer_of(world)
        assert [world.receive([("item-1", address)], at=later(day))[0].duplicate for day in (0, 30)] == [
            False,
            True,
        ]


def test_answers_come_once() -> None:
    world = calm_world({Treatment.REFUSED: 1})
    world.receive([(f"item-{place}", address) for place, address in enumerate(world.targets)], at=later(1))
    days = [later(day) for day in range(40)]
    answers = [one.item for start, end in pairwise(days) for one in world.answers(after=start, until=end)]
    assert len(answers) == len(set(answers))
    assert 0.6 < len(answers) / len(world.targets) < 1
