"""The child's side of `qingyuan schedule`: a command that the schedule started follows the schedule's life.

The schedule holds the run in the ledger for it, names it in QINGYUAN_RUN, and writes a byte to its standard input
whenever it has renewed the lease. The command begins with the first byte. When the schedule is gone, or silent for
so long that somebody else may soon take the run over, the command ends before that can happen: first as if a
person had pressed Ctrl-C, then by force with all its own processes.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from time import monotonic, sleep
from typing import TYPE_CHECKING

from storage.leases import LEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.engine import Unit

RUN_VARIABLE = "QINGYUAN_RUN"
"""Set by the schedule for its children alone: number and attempt of the run in the ledger."""

SILENT_SECONDS = LEASE.total_seconds() - 25
"""A schedule that was not heard of for so long counts as gone."""

LAST_SECONDS = LEASE.total_seconds() - 5
"""So long after the last byte nothing of the command is left."""

_EXIT_INTERRUPTED = 130


def follow() -> None:
    """Wait for the schedule's first byte and keep listening, if the schedule started this process at all."""
    if RUN_VARIABLE not in os.environ:
        return
    if not os.read(0, 1):
        os._exit(_EXIT_INTERRUPTED)  # the schedule died before the run began
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
    threading.Thread(target=_listen, daemon=True).start()


def scheduled_draft(week: str | None) -> Callable[[Unit], None] | None:
    """Return what keeps a scheduled draft from committing once its run is taken over; None when a person drafts.

    The variable alone opens nothing: the ledger must say that this run is a draft of this week, and is under way.

    Raises:
        LeaseLostError: the ledger says otherwise.
    """
    if RUN_VARIABLE not in os.environ:
        return None
    from commands.context import context
    from commands.jobs import DRAFT
    from storage.errors import LeaseLostError
    from storage.ledger import check_run, held_run

    number, _, attempt = os.environ[RUN_VARIABLE].partition(".")
    is_run = number.isdecimal() and attempt.isdecimal()
    with context.store.read() as conn:
        held = held_run(conn, int(number), int(attempt)) if is_run else None
    if held is None or held.period != week or not held.job.startswith(DRAFT):
        raise LeaseLostError("run", f"{DRAFT}… {week}", "the schedule")
    return lambda unit: check_run(unit, held)


def _listen() -> None:
    heard = monotonic()
    while monotonic() - heard < SILENT_SECONDS:
        if select.select([0], [], [], 1)[0]:
            if not os.read(0, 64):
                break
            heard = monotonic()
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    sleep(max(0.0, heard + LAST_SECONDS - monotonic()))
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(_EXIT_INTERRUPTED)
