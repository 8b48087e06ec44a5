"""Kills, timeouts and resets while batches are sent: nothing arrives twice, nothing that may have is forgotten.

The receiver keeps a history of what it acted on and never hides a repeat behind the key. Kills are SIGKILL of a
process that runs the sending function, at random instants and at the worst ones: when the receiver has everything,
when it has acted, and when it has answered.
"""

from __future__ import annotations

import queue
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from reporting.batches import mark_sent
from reporting.deliveries import find_lost
from storage import audit
from storage.tables import batch, delivery, submission
from tests.support.http_inbox import Receiver
from tests.support.sending import Running, copies_of, posting_to, press_send, senders
from tests.support.takedown import CHECKER, add_confirmed, exported

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store
    from tests.support.sending import Senders

BEHAVIOURS = ("ok", "reset_early", "reset_late", "hang", "late", "busy", "slow_down", "broken", "garbage")
KILLS = ("any time", "before it acts", "after it acted", "after it answered")
TRIES = 3
RECEIPT = '200 OK {"receipt": "R-77"}'


@dataclass(slots=True)
class Trial:
    """One batch's way: what was ordered, and how each try ended."""

    code: str
    path: str
    kinds: list[str] = field(default_factory=list)


def one_try(
    trial: Trial, receiver: Receiver, sending: Senders, chance: random.Random, now: datetime
) -> tuple[int, str]:
    """Press send once with a random fault; return the signal that ended the sender and the state answered."""
    receiver.plans.pop(trial.path, None)
    kind = chance.choice(BEHAVIOURS + KILLS * 2)
    trial.kinds.append(kind)
    victim: queue.SimpleQueue[Running] = queue.SimpleQueue()
    orders: dict[str, dict[str, Any]] = {
        "before it acts": {"does": "ok", "meanwhile": lambda: victim.get(timeout=30).kill()},
        "after it acted": {"does": "ok", "afterwards": lambda: victim.get(timeout=30).kill()},
        "late": {"does": "late", "seconds": 0.2},
    }
    receiver.plan(trial.path, **orders.get(kind, {"does": kind if kind in BEHAVIOURS else "ok"}))
    running = sending.start(trial.code, trial.path, now)
    victim.put(running)
    if kind == "any time":
        time.sleep(chance.uniform(0, 0.3))
        running.kill()
    if kind == "after it answered":
        wait_until_taken(receiver, trial.path, running)
        time.sleep(chance.uniform(0, 0.02))
        running.kill()
    killed, answer = sending.end()
    return killed, str((answer or {}).get("state") or (answer or {}).get("error"))


def wait_until_taken(receiver: Receiver, path: str, running: Running) -> None:
    """Wait until the receiver acted, or the sender found that it may not send."""
    ends = time.monotonic() + 60
    while not running.ended and not any(one.path == path for one in receiver.taken):
        assert time.monotonic() < ends, "the receiver took nothing"
        time.sleep(0.001)


def rounds_of_faults(store: Store, now: datetime, folder: Path, *, rounds: int, seed: int) -> Counter[str]:
    """Send that many batches under faults, up to three presses each, and check the receiver's history."""
    chance = random.Random(seed)
    add_confirmed(store, now, "a", "b")
    first = str(exported(store, now, folder)["batch"])
    easy, *codes = copies_of(store, first, rounds + 1, now=now)
    trials = [Trial(code, f"/{code}") for code in codes]
    counts: Counter[str] = Counter()
    with Receiver(keep_bodies=False) as receiver:
        base = receiver.url("")
        with senders(folder, base) as sending:
            sending.start(easy, "/easy", now)
            assert sending.end() == (0, {"batch": easy, "state": "sent", "attempt": 1, "receipt": RECEIPT})
            receiver.taken.clear()
            for trial in trials:
                for _ in range(TRIES):
                    killed, state = one_try(trial, receiver, sending, chance, now)
                    if killed == signal.SIGKILL:
                        counts.update(["kills", f"killed {trial.kinds[-1]}"])
                    counts[f"ordered {trial.kinds[-1]}"] += 1
                    if state in {"sent", "reconcile", "bad_state"}:
                        break
        find_lost(store, now=now)
        check_history(store, receiver, trials, counts)
        settle_by_hand(store, receiver, trials, folder, now)
        check_all_arrived_once(store, receiver, trials)
    return counts


def check_history(store: Store, receiver: Receiver, trials: list[Trial], counts: Counter[str]) -> None:
    """No batch was acted on twice, and everything is sent, to be reconciled, or surely not there."""
    acted = Counter(one.batch for one in receiver.taken)
    assert [code for code, times in acted.items() if times > 1] == []
    assert max(Counter(one.key for one in receiver.taken).values(), default=0) <= 1
    states = batch_states(store)
    for trial in trials:
        state, tried, items = states[trial.code]
        counts[f"state {state}"] += 1
        if state == "sent":
            assert (tried, items) == ("delivered", {"sent"})
            assert acted[trial.code] == 1
        elif state == "reconcile":
            assert (tried, items) == ("unknown", {"reconcile"})
        else:
            assert state == "exported"
            assert tried in {None, "intent", "failed_retryable", "failed_permanent"}, trial
            assert items <= {"exported", "send_failed"}
            assert acted[trial.code] == 0, f"arrived, and nobody would know: {trial}"
    with store.read() as conn:
        assert audit.verify(conn)["valid"]


def settle_by_hand(store: Store, receiver: Receiver, trials: list[Trial], folder: Path, now: datetime) -> None:
    """Do what a person does: ask the receiver, say that it arrived or let it be sent again."""
    arrived = {one.batch for one in receiver.taken}
    for trial in trials:
        state, tried, _ = batch_states(store, trial.code)[trial.code]
        if state == "sent":
            continue
        if trial.code in arrived:
            mark_sent(store, trial.code, at=now, receipt="told by phone", now=now, actor=CHECKER)
            continue
        receiver.plans.pop(trial.path, None)
        again = tried in {"unknown", "failed_permanent"}
        done = press_send(store, posting_to(receiver.url(trial.path)), trial.code, folder, now=now, again=again)
        assert done["state"] == "sent", done


def check_all_arrived_once(store: Store, receiver: Receiver, trials: list[Trial]) -> None:
    assert Counter(one.batch for one in receiver.taken) == Counter(trial.code for trial in trials)
    assert {states[0] for code, states in batch_states(store).items() if code in {one.code for one in trials}} == {
        "sent"
    }


def batch_states(store: Store, code: str | None = None) -> dict[str, tuple[str, str | None, set[str]]]:
    """Return per batch its state, the state of its newest delivery, and the states of its items."""
    found: dict[str, tuple[str, str | None, set[str]]] = {}
    query = sa.select(batch.c.code, batch.c.state, submission.c.state.label("item")).join(submission)
    with store.read() as conn:
        for row in conn.execute(query if code is None else query.where(batch.c.code == code)):
            found.setdefault(row.code, (row.state, None, set()))[2].add(row.item)
        tried = sa.select(batch.c.code, delivery.c.state).join(delivery).order_by(delivery.c.attempt)
        for row in conn.execute(tried):
            if row.code in found:
                found[row.code] = (found[row.code][0], row.state, found[row.code][2])
    return found


def test_nothing_arrives_twice_under_kills_timeouts_and_resets(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    counts = rounds_of_faults(sqlite_store, now, tmp_path, rounds=25, seed=20)
    assert counts["kills"] >= 5


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nothing_arrives_twice_in_five_hundred_rounds(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    counts = rounds_of_faults(sqlite_store, now, tmp_path, rounds=500, seed=7)
    assert counts["kills"] >= 150
    assert all(counts[f"killed {kind}"] >= 20 for kind in KILLS)
    assert counts["state reconcile"] >= 100
    sys.stdout.write(f"{sorted(counts.items())}\n")
