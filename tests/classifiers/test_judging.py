"""A post that breaks the judge loses its own verdict and nothing else."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from classifiers.cues import Cue, CueSet, Voice
from classifiers.judging import (
    LEAST_SECONDS,
    BudgetError,
    Failure,
    budget_seconds,
    judge_each,
    time_limit,
)
from classifiers.records import PostText, Role, Verdict
from classifiers.run import screen_posts
from storage.quarantine import MOST_TRIES, begin_try, given_up
from storage.tables import quarantine
from tests.support.screening import PITCH, count_verdicts, post_facts, put, shipped

if TYPE_CHECKING:
    from datetime import datetime

    from classifiers.engine import Ruleset
    from storage.engine import Store

# Every way to cut a row of one character into rows is tried: forty of them outlast everybody.
ENDLESS = re.compile("(?:停{1,40}){1,40}账户")
POISON = "信用卡逾期，账户" + "停" * 40 + "息"


@cache
def poisoned() -> Ruleset:
    """Return rules of which one pattern never comes to an end on the poison."""
    cue = Cue(id="offer.slow", role=Role.OFFER, speaks=Voice.NONE, choices=(ENDLESS,), hits=(), misses=())
    return replace(shipped(), cues=CueSet([*shipped().cues.cues, cue]), version="poisoned")


def test_an_endless_pattern_ends_with_its_budget() -> None:
    with pytest.raises(BudgetError, match=r"0\.2 seconds"), time_limit(0.2):
        ENDLESS.search(POISON)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGPROF) is signal.SIG_DFL


def test_what_ends_in_time_is_left_alone() -> None:
    with time_limit(5):
        assert ENDLESS.search("停停账户")
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_other_threads_have_no_limit() -> None:
    found: list[bool] = []

    def work() -> None:
        with time_limit(0.001):
            found.append(sum(range(1_000_000)) > 0)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]


def test_the_budget_grows_with_the_text() -> None:
    assert budget_seconds(100) == budget_seconds(5_000) == LEAST_SECONDS
    assert budget_seconds(2_000_000) == pytest.approx(200 * LEAST_SECONDS)


LETHAL = """
from classifiers.judging import lethal_limit
with lethal_limit(0.02):
    sum(range(10 ** 14))  # never looks for signals
"""


def test_what_heeds_no_signal_is_ended_by_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", LETHAL], check=False, timeout=120)
    assert done.returncode == -signal.SIGALRM


def test_only_the_post_at_fault_has_no_verdict() -> None:
    posts = [PostText(id=str(number), text=text) for number, text in enumerate([PITCH, POISON, PITCH])]
    first, failed, last = judge_each(posts, poisoned())
    assert isinstance(failed, Failure)
    assert "processor time" in failed.why
    assert isinstance(first, Verdict)
    assert first.flagged
    assert first == last
    assert judge_each([], poisoned()) == []


def test_a_poison_post_is_put_away_and_reported_once(sqlite_store: Store, now: datetime) -> None:
    store = sqlite_store
    put(store, now, post_facts("1", PITCH), post_facts("2", POISON), post_facts("3", PITCH))
    done = screen_posts(store, poisoned(), now=now)
    assert (done["screened"], done["quarantined"]) == (2, 1)
    (problem,) = done["problems"]
    assert (problem["code"], problem["id"].partition(":")[2]) == ("failed", "2")
    with store.read() as conn:
        (put_away,) = given_up(conn, "poisoned")
    assert put_away == {"post": problem["id"], "why": problem["message"], "at": now}

    again = screen_posts(store, poisoned(), now=now)
    assert (again["screened"], again["quarantined"]) == (0, 1)
    assert "problems" not in again

    other = screen_posts(store, shipped(), now=now)
    assert (other["screened"], "quarantined" in other) == (3, False)


LONG = PITCH + "今天去公园散步，天气很好。" * 2_000


def test_a_long_post_is_tried_and_the_try_forgotten(store: Store, now: datetime) -> None:
    put(store, now, post_facts("1", LONG), post_facts("2", PITCH))
    done = screen_posts(store, shipped(), now=now)
    assert (done["screened"], done["flagged"]) == (2, 2)
    with store.read() as conn:
        assert conn.execute(quarantine.select()).all() == []


@pytest.mark.parametrize(("deaths", "is_judged"), [(MOST_TRIES - 1, True), (MOST_TRIES, False)])
def test_a_post_that_ended_several_processes_is_given_up(
    store: Store, now: datetime, deaths: int, is_judged: bool
) -> None:
    put(store, now, post_facts("1", LONG))
    for _ in range(deaths):
        with store.write(now) as unit:
            begin_try(unit, 1, shipped().version)
    done = screen_posts(store, shipped(), now=now)
    assert (count_verdicts(store), "problems" in done) == ((1, False) if is_judged else (0, True))
    assert done.get("quarantined", 0) == (0 if is_judged else 1)
