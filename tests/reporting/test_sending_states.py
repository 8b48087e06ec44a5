"""Random ways of sending: delivery, batch and items agree, and nothing arrives twice without a person's word.

A model written by hand says what may have arrived; every rule drives the real functions on a real database.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from reporting.batches import approve_batch, mark_sent, propose_batch, return_batch, show_batch
from reporting.deliveries import find_lost
from reporting.transports.conversation import Receipt
from storage import audit
from storage.errors import (
    BeingSentError,
    PermanentSendError,
    QingyuanError,
    RetryableSendError,
    UnknownResultError,
)
from storage.tables import delivery
from tests.support import stores
from tests.support.sending import copies_of, press_send, sending_by
from tests.support.takedown import CHANNELS, CHECKER, SENIOR, add_confirmed, exported

if TYPE_CHECKING:
    from storage.engine import Store

NOW = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
CHANNELS_ON = sending_by(kind="folder", path="/nowhere")
AGREED = {
    "exported": {None, "intent", "sending", "failed_retryable", "failed_permanent"},
    "reconcile": {"unknown"},
    "sent": {None, "delivered", "settled"},
}
ITEMS = {"exported": {"exported", "send_failed"}, "reconcile": {"reconcile"}, "sent": {"sent"}}
OPEN = {"intent", "sending", "unknown", "failed_retryable", "failed_permanent"}


class DiedError(BaseException):
    """The process ended while it was sending: nothing after this line ran."""


class Line:
    """A way out that does what it is told and remembers whether the parcel arrived."""

    receiver = "the line"

    def __init__(self) -> None:
        self.does = "arrive"
        self.arrived: list[str] = []

    def message_id(self, key: str) -> str | None:
        return None

    def send(self, key: str, *, now: datetime) -> Receipt:
        if self.does in {"arrive", "arrive, no answer", "arrive, die"}:
            self.arrived.append(key)
        match self.does:
            case "arrive":
                return Receipt(words="taken")
            case "not now":
                raise RetryableSendError(self.receiver, "not now")
            case "never":
                raise PermanentSendError(self.receiver, "never")
            case "die" | "arrive, die":
                raise DiedError
        raise UnknownResultError(self.receiver, "no answer")

    def rehearse(self, key: str, folder: Path, *, now: datetime) -> Path:
        raise AssertionError("the channel is switched on")


class Sending(RuleBasedStateMachine):
    """One exported batch and the people around it."""

    template: Path
    codes: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=self.template.parent))
        shutil.copyfile(self.template / "qingyuan.db", self.folder / "qingyuan.db")
        shutil.copytree(self.template / "packages", self.folder / "packages")
        self.store: Store = stores.open_store(f"sqlite:///{self.folder / 'qingyuan.db'}", self.folder)
        self.code = self.codes[0]
        self.line = Line()
        self.words_given = 0
        self.now = NOW

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(
        does=st.sampled_from(
            ["arrive", "not now", "never", "no answer", "arrive, no answer", "die", "arrive, die"]
        ),
        again=st.booleans(),
    )
    def press(self, does: str, again: bool) -> None:
        """Somebody presses send, with or without --again."""
        self.line.does = does
        attempts = len(self.deliveries())
        before = self.line.arrived.copy()
        with contextlib.suppress(QingyuanError, DiedError):
            press_send(
                self.store,
                CHANNELS_ON,
                self.code,
                self.folder,
                now=self.now,
                again=again,
                carriers=lambda *section, **wanted: self.line,
            )
        if len(self.deliveries()) > max(attempts, 1):
            assert again, "a new attempt without a person's word"
            self.words_given += 1
        if self.shown()["state"] in {"reconcile", "exported"} and self.line.arrived != before:
            assert "no answer" in does or "die" in does

    @rule()
    def find_the_dead(self) -> None:
        """Anybody lists batches when the lease of a dead sender is over."""
        self.now += timedelta(minutes=30)
        find_lost(self.store, now=self.now)
        assert "sending" not in [one["state"] for one in self.deliveries()]

    @rule()
    def say_sent(self) -> None:
        """A person says that it was sent."""
        sending_now = [one["state"] for one in self.deliveries()][-1:] == ["sending"]
        try:
            mark_sent(self.store, self.code, at=self.now, receipt="R", now=self.now, actor=CHECKER)
        except BeingSentError:
            assert sending_now
        except QingyuanError:
            assert self.shown()["state"] == "sent"

    @rule(step=st.sampled_from(["propose", "approve", "return"]))
    def go_back(self, step: str) -> None:
        """Nobody takes back what was exported."""
        before = self.shown()
        steps: dict[str, Any] = {
            "propose": lambda: propose_batch(self.store, CHANNELS, self.code, now=self.now, actor=CHECKER),
            "approve": lambda: approve_batch(self.store, self.code, now=self.now, actor=SENIOR),
            "return": lambda: return_batch(self.store, self.code, now=self.now, actor=SENIOR),
        }
        with pytest.raises(QingyuanError):
            steps[step]()
        assert self.shown() == before

    @invariant()
    def delivery_batch_and_items_agree(self) -> None:
        found = self.shown()
        states = [one["state"] for one in found["deliveries"]]
        assert (states[-1] if states else None) in AGREED[found["state"]]
        assert {one["state"] for one in found["contents"]} <= ITEMS[found["state"]]
        assert sum(state in OPEN for state in states) <= 1
        assert [one["attempt"] for one in found["deliveries"]] == list(range(1, len(states) + 1))

    @invariant()
    def nothing_arrives_twice_without_a_person_s_word(self) -> None:
        assert len(self.line.arrived) <= 1 + self.words_given
        assert len(set(self.line.arrived)) == len(self.line.arrived)

    @invariant()
    def what_arrived_is_never_taken_for_missing(self) -> None:
        """Unless a person said so, an arrived parcel is sent, being sent, or to be reconciled."""
        last = self.deliveries()[-1:]
        if last and last[0]["key"] in self.line.arrived:
            assert last[0]["state"] in {"sending", "unknown", "delivered", "settled"}

    @invariant()
    def the_trail_holds(self) -> None:
        with self.store.read() as conn:
            assert audit.verify(conn)["valid"]

    def shown(self) -> dict[str, Any]:
        with self.store.read() as conn:
            return show_batch(conn, self.code)

    def deliveries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.shown()["deliveries"]
        return found


def walk(folder: Path, *, examples: int) -> None:
    """Walk through random ways; a sender that died is one of another process, as its lease says."""
    store = stores.open_store(stores.copy_sqlite(folder / "template.db", folder / "qingyuan.db"), folder)
    add_confirmed(store, NOW, "a", "b")
    Sending.template, Sending.codes = folder, [str(exported(store, NOW, folder)["batch"])]
    assert copies_of(store, Sending.codes[0], 1, now=NOW)
    with store.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(delivery)).scalar_one() == 0
    store.close()
    quick = settings(
        max_examples=examples, stateful_step_count=12, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Sending, settings=quick)  # type: ignore[no-untyped-call]  # hypothesis's own


def test_no_way_of_sending_breaks_the_rules(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    walk(tmp_path / "made", examples=8)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_long_way_of_sending_breaks_the_rules(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    walk(tmp_path / "made", examples=300)
