"""The severity of a clue follows the verdict that the clue shows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from classifiers.run import screen_posts
from tests.support.screening import PITCH, clues_by_target, post_facts, put, shipped

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

FORGED = "专做假病历、假流水、贫困证明，带章带抬头，八十一份，当天发图，加微信 yunmo_zm7"


def test_a_clue_has_the_severity_of_its_verdict(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PITCH), post_facts("2", FORGED))
    screen_posts(store, shipped(), now=now)
    found = clues_by_target(store)
    assert 0 < found["post:1"]["severity"] < found["post:2"]["severity"] <= 100


def test_a_changed_text_changes_the_severity(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", PITCH))
    screen_posts(store, shipped(), now=now)
    before = clues_by_target(store)["post:1"]["severity"]
    later = now + timedelta(days=1)
    put(store, later, post_facts("1", FORGED))
    screen_posts(store, shipped(), now=later)
    assert clues_by_target(store)["post:1"]["severity"] > before
