"""The desk that takes packages: signatures, keys, and a memory of what it took."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from demo.simulation.desk import MOODS, SECRET_VARIABLE, Desk, Mood
from reporting.channel import load_channels
from reporting.transports.webhook import PostTarget, post_signed
from storage.errors import PermanentSendError, RetryableSendError, UnknownResultError
from tests.simulation.worlds import calm_world, later, offer_of

if TYPE_CHECKING:
    from pathlib import Path

    from demo.simulation.world import World


def package(world: World, *items: str) -> bytes:
    address = offer_of(world)
    rows = [json.dumps({"item": item, "native_id": f"http://127.0.0.1:9{address}"}) for item in items]
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("clues.jsonl", "".join(f"{row}\n" for row in rows))
    return data.getvalue()


def batch_in(world: World, mood: Mood) -> str:
    """Return a batch whose first delivery meets this mood."""
    names = (f"2026-W{number}-partner_desk" for number in range(500))
    weights = tuple(MOODS.values())
    return next(
        name for name in names if world.plan.dice("desk", name, 0).choices(tuple(MOODS), weights)[0] is mood
    )


def post(desk: Desk, batch: str, body: bytes, *, secret: str | None = None) -> str:
    target = PostTarget(url=desk.url, secret=(secret or desk.secret).encode(), private=True, timeout_seconds=10)
    headers = {"X-Qingyuan-Batch": batch}
    return post_signed(target, body, key=f"{batch}-1", now=later(1), headers=headers).words


def test_a_key_is_taken_once() -> None:
    world = calm_world()
    batch = batch_in(world, Mood.TAKES)
    with Desk(world) as desk:
        for _ in range(3):
            assert batch in post(desk, batch, package(world, "item-1"))
        assert desk.has(batch)
    assert [one.item for one in world.received] == ["item-1"]


def test_another_key_shows_as_a_double() -> None:
    world = calm_world()
    desk = Desk(world)
    batch = batch_in(world, Mood.TAKES)
    desk.take("one", batch, package(world, "item-1"))
    while sum(one.taken for one in desk.deliveries) < 2:
        desk.take(f"key-{len(desk.deliveries)}", batch, package(world, "item-1"))
    assert [one.duplicate for one in world.received] == [False, True]


@pytest.mark.parametrize(
    ("mood", "error", "taken"),
    [
        (Mood.BUSY, RetryableSendError, False),
        (Mood.TAKES_SILENTLY, UnknownResultError, True),
        (Mood.LOSES, UnknownResultError, False),
    ],
)
def test_a_bad_day_is_what_the_transport_calls_it(mood: Mood, error: type[Exception], *, taken: bool) -> None:
    world = calm_world()
    batch = batch_in(world, mood)
    with Desk(world) as desk:
        with pytest.raises(error):
            post(desk, batch, package(world, "item-1"))
        assert desk.has(batch) is taken
    assert bool(world.received) is taken


def test_a_wrong_signature_is_refused() -> None:
    world = calm_world()
    with Desk(world) as desk:
        with pytest.raises(PermanentSendError):
            post(desk, "b", package(world, "item-1"), secret="somebody else's secret")
        assert desk.refused == 1
    assert world.received == []


def test_its_channel_can_be_used(tmp_path: Path) -> None:
    with Desk(calm_world()) as desk:
        desk.write_channel(tmp_path)
        spec = load_channels([tmp_path])["partner_desk"].spec
    assert spec.transport is not None
    assert (spec.transport.kind, spec.transport.dry_run) == ("webhook", False)
    assert getattr(spec.transport, "secret_env", None) == SECRET_VARIABLE
