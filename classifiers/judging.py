"""Judging posts that may be made to break the judge: each has a limit, and one that fails stops nobody else.

The limit is one of processor time, so a busy machine fails no post. It is kept by a signal that ends the work where
it is: the interpreter looks for signals between its steps, and the regular expressions do so inside theirs. The
automata and array look-ups do not, but their work is linear in the text; a worker process has a second limit, which
ends it, for whatever may still stand still (docs/decisions/0014-poison-posts.md).
"""

from __future__ import annotations

import contextlib
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from classifiers.engine import screen_posts
from classifiers.windows import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from classifiers.engine import Ruleset
    from classifiers.records import PostText, Verdict

    Limit = Callable[[float], AbstractContextManager[None]]

LEAST_SECONDS = 2.0
"""Processor time that any post may take: a thousand times what an ordinary one does."""

SECONDS_PER_CHARACTER = 0.0002
"""What each character may take: several times what the worst texts of benchmarks/adversarial.py take."""

PATIENCE = 20
"""After so many times the limit by the clock on the wall a worker process is ended, whatever it is doing."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no verdict on a post."""

    why: str


class BudgetError(Exception):
    """The time for a piece of work is over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"judging took more than {seconds:.1f} seconds of processor time")


def budget_seconds(characters: int) -> float:
    """Return how much processor time texts of so many characters together may take."""
    return max(LEAST_SECONDS, SECONDS_PER_CHARACTER * characters)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise BudgetError in the block once it has used so much processor time.

    Only the main thread can be interrupted; elsewhere there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(_number: int, _frame: object) -> NoReturn:
        raise BudgetError(seconds)

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def lethal_limit(seconds: float) -> Iterator[None]:
    """Limit the block as :func:`time_limit` does, and let the system end this process where that does not help."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds)
    try:
        with time_limit(seconds):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def is_long(post: PostText) -> bool:
    """Say whether the texts of a post are longer than one window of :mod:`classifiers.windows`."""
    return sum(len(text) for _, text in post.fields()) > WINDOW


def judge_each(
    posts: Sequence[PostText], ruleset: Ruleset, *, limit: Limit = time_limit
) -> list[Verdict | Failure]:
    """Return the verdict on each post or why there is none; all in one go, and one by one when that fails."""
    if not posts:
        return []
    judged = judge_all(posts, ruleset, limit=limit)
    if isinstance(judged, Failure) and len(posts) > 1:
        return [each for post in posts for each in judge_each([post], ruleset, limit=limit)]
    return [judged] if isinstance(judged, Failure) else [*judged]


def judge_all(posts: Sequence[PostText], ruleset: Ruleset, *, limit: Limit = time_limit) -> list[Verdict] | Failure:
    """Return the verdicts on some posts, or why there are none: their time was over or the engine failed."""
    seconds = budget_seconds(sum(len(text) for post in posts for _, text in post.fields()))
    try:
        with limit(seconds):
            return screen_posts(posts, ruleset)
    except BudgetError as error:
        return Failure(str(error))
    except Exception as error:  # noqa: BLE001 - one hostile post must not end the work on the others; it is recorded
        return Failure(f"{type(error).__name__}: {error}"[:300])
