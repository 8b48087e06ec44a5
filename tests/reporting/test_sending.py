"""Pressing send: what each result does to batch, items and outbox, and who leads on from there."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from reporting.batches import list_batches, mark_sent, show_batch
from reporting.deliveries import Result, find_lost, record_end
from reporting.files import file_hash
from reporting.packages import stored_path
from reporting.signing import load_keyring
from reporting.transports.mail import MailServer
from reporting.verify import verify_package
from storage import audit, outbox
from storage.errors import (
    BeingSentError,
    EvidenceError,
    ForbiddenError,
    InputError,
    NotFoundError,
    SameStateError,
    SettingsError,
    TransitionError,
)
from storage.records import Actor, Role
from storage.tables import delivery
from storage.transitions.delivery import DeliveryEvent
from tests.support import stores
from tests.support.http_inbox import Receiver
from tests.support.mailbox import Mailbox
from tests.support.sending import posting_to, press_send, sending_by
from tests.support.takedown import CHANNELS, CHECKER, add_confirmed, approved, exported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reporting.channel import Channel
    from reporting.transports.conversation import Receipt
    from storage.engine import Store
    from storage.records import Json

NOW = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
OTHER = Actor(name="zhou", role=Role.COMPLIANCE, via="cli")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def code(store: Store, now: datetime, tmp_path: Path) -> str:
    add_confirmed(store, now, "a", "b")
    return str(exported(store, now, tmp_path)["batch"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a workspace folder with an exported batch, and the batch; not to be changed."""
    folder = tmp_path_factory.mktemp("exported")
    store = stores.open_store(stores.copy_sqlite(folder / "template.db", folder / "qingyuan.db"), folder)
    add_confirmed(store, NOW, "a", "b")
    code = str(exported(store, NOW, folder)["batch"])
    store.close()
    return folder, code


@pytest.fixture
def sqlite_code(made: tuple[Path, str], sqlite_store: Store, tmp_path: Path) -> str:
    """Return the exported batch of a copy of the workspace; the store has not been opened yet."""
    folder, code = made
    for name in ("evidence", "packages", "keys"):
        shutil.copytree(folder / name, tmp_path / name, dirs_exist_ok=True)
    shutil.copyfile(folder / "qingyuan.db", tmp_path / "qingyuan.db")
    return code


def show(store: Store, code: str) -> Json:
    with store.read() as conn:
        return show_batch(conn, code)


def states(store: Store, code: str) -> tuple[str, list[str], set[str]]:
    """Return the state of the batch, of its deliveries, of its items."""
    found = show(store, code)
    return (
        found["state"],
        [one["state"] for one in found["deliveries"]],
        {one["state"] for one in found["contents"]},
    )


def stored_hash(folder: Path, store: Store, code: str) -> str:
    return file_hash(stored_path(folder / "packages", show(store, code)["package"]))


def test_a_delivered_batch_is_sent_with_receipt_and_trail(
    store: Store, code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    answer = press_send(store, posting_to(receiver.url()), code, tmp_path, now=now)
    assert answer == {"batch": code, "state": "sent", "attempt": 1, "receipt": '200 OK {"receipt": "R-77"}'}
    assert states(store, code) == ("sent", ["delivered"], {"sent"})
    (taken,) = receiver.taken
    assert taken.key == show(store, code)["deliveries"][0]["key"]
    with store.read() as conn:
        actions = [entry["action"] for entry in audit.history(conn, "batch", code)]
        assert list_batches(conn)[0]["delivery"] == {"attempt": 1, "state": "delivered"}
        assert outbox.open_deliveries(conn) == []
    assert actions[-2:] == ["batch.begin_send", "batch.send"]
    with pytest.raises(SameStateError):
        press_send(store, posting_to(receiver.url()), code, tmp_path, now=now)
    assert len(receiver.taken) == 1


@pytest.mark.parametrize("kind", ["mail", "folder", "webhook"])
def test_every_transport_delivers_the_complete_package_and_survives_a_second_press(
    kind: str, *, sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    share = tmp_path / "share"
    share.mkdir()
    with Mailbox() as box:
        server = MailServer(host="localhost", port=box.port, security="none", sender="out@bank.example")
        channels = {
            "mail": sending_by(kind="mail", to=["desk@platform.example"], cc=["copy@platform.example"]),
            "folder": sending_by(kind="folder", path=str(share)),
            "webhook": posting_to(receiver.url()),
        }[kind]
        for press in range(2):
            if press == 0:
                done = press_send(sqlite_store, channels, sqlite_code, tmp_path, now=now, mail=server)
                assert done["state"] == "sent"
            else:
                with pytest.raises(SameStateError):
                    press_send(sqlite_store, channels, sqlite_code, tmp_path, now=now, mail=server)
        arrived = [attachment(raw) for raw in box.taken] + [one.body for one in receiver.taken]
    arrived += [path.read_bytes() for path in share.iterdir()]
    (package,) = arrived
    path = tmp_path / "arrived.zip"
    path.write_bytes(package)
    assert file_hash(path) == stored_hash(tmp_path, sqlite_store, sqlite_code)
    assert verify_package(path, public_keys=load_keyring(sqlite_store.keys_root))["valid"]


def attachment(raw: bytes) -> bytes:
    message = message_from_bytes(raw)
    _, attached = message.get_payload()
    assert attached.get_filename() == "2026-W47-partner_desk.zip"
    found = attached.get_payload(decode=True)
    assert isinstance(found, bytes)
    return found


def test_a_mail_says_what_it_brings_and_its_own_id_is_the_key(
    sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path
) -> None:
    with Mailbox() as box:
        server = MailServer(host="localhost", port=box.port, security="none", sender="out@bank.example")
        channels = sending_by(kind="mail", to=["desk@platform.example"])
        press_send(sqlite_store, channels, sqlite_code, tmp_path, now=now, mail=server)
    message = message_from_bytes(box.taken[0])
    (sent,) = show(sqlite_store, sqlite_code)["deliveries"]
    assert (message["Message-ID"], message["X-Qingyuan-Key"]) == (sent["message_id"], sent["key"])
    assert message["Message-ID"].endswith("@bank.example>")
    text = message.get_payload()[0].get_payload(decode=True).decode()
    assert all(word in text for word in (sqlite_code, "某某消费金融公司", "共 2 条", sent["key"][-32:]))


def test_what_surely_did_not_arrive_is_tried_again_with_the_same_key(
    sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.plan("/in", "busy")
    channels = posting_to(receiver.url())
    answer = press_send(sqlite_store, channels, sqlite_code, tmp_path, now=now)
    assert (answer["state"], answer["attempt"], len(answer["problems"])) == ("exported", 1, 1)
    assert answer["try_after"] == (now + timedelta(seconds=120)).isoformat()
    assert states(sqlite_store, sqlite_code) == ("exported", ["failed_retryable"], {"send_failed"})
    assert press_send(sqlite_store, channels, sqlite_code, tmp_path, now=now, actor=OTHER)["state"] == "sent"
    assert [key for _, key in receiver.seen] == [receiver.taken[0].key] * 2
    assert show(sqlite_store, sqlite_code)["deliveries"][0]["tries"] == 2


def test_an_unknown_result_is_reconciled_by_a_person_who_found_it_there(
    sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.plan("/in", "reset_late")
    channels = posting_to(receiver.url())
    answer = press_send(sqlite_store, channels, sqlite_code, tmp_path, now=now)
    assert (answer["state"], answer["problems"][0]["code"]) == ("reconcile", "failed")
    assert states(sqlite_store, sqlite_code) == ("reconcile", ["unknown"], {"reconcile"})
    with pytest.raises(TransitionError, match="find out whether it arrived"):
        press_send(sqlite_store, channels, sqlite_code, tmp_path, now=now)
    mark_sent(sqlite_store, sqlite_code, at=now, receipt="by phone", now=now, actor=OTHER)
    assert states(sqlite_store, sqlite_code) == ("sent", ["settled"], {"sent"})
    assert show(sqlite_store, sqlite_code)["deliveries"][0]["note"] == "zhou: sent, by phone"
    assert len(receiver.taken) == 1


def test_an_unknown_result_is_sent_again_only_by_a_person_with_a_new_key(
    store: Store, code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.plan("/in", "unavailable")
    channels = posting_to(receiver.url())
    press_send(store, channels, code, tmp_path, now=now)
    answer = press_send(store, channels, code, tmp_path, now=now, again=True, actor=OTHER)
    assert (answer["state"], answer["attempt"]) == ("sent", 2)
    assert states(store, code) == ("sent", ["settled", "delivered"], {"sent"})
    assert len({key for _, key in receiver.seen}) == 2
    assert [note["note"] for note in show(store, code)["notes"]] == ["zhou found out that it did not arrive"]


def test_a_refusal_waits_for_a_corrected_channel_or_a_sending_by_hand(
    sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.plan("/wrong", "bad_request")
    answer = press_send(sqlite_store, posting_to(receiver.url("/wrong")), sqlite_code, tmp_path, now=now)
    assert (answer["state"], answer["attempt"]) == ("exported", 1)
    assert states(sqlite_store, sqlite_code) == ("exported", ["failed_permanent"], {"send_failed"})
    with pytest.raises(TransitionError, match="batch send --again"):
        press_send(sqlite_store, posting_to(receiver.url("/right")), sqlite_code, tmp_path, now=now)
    answer = press_send(
        sqlite_store, posting_to(receiver.url("/right")), sqlite_code, tmp_path, now=now, again=True
    )
    assert (answer["state"], answer["attempt"]) == ("sent", 2)
    assert [one["receiver"] for one in show(sqlite_store, sqlite_code)["deliveries"]] == [
        receiver.url("/wrong"),
        receiver.url("/right"),
    ]


def test_a_refused_batch_may_be_sent_by_hand(
    sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.plan("/in", "bad_request")
    press_send(sqlite_store, posting_to(receiver.url()), sqlite_code, tmp_path, now=now)
    mark_sent(sqlite_store, sqlite_code, at=now, receipt="portal 9", now=now, actor=CHECKER)
    assert states(sqlite_store, sqlite_code) == ("sent", ["settled"], {"sent"})


def test_two_people_press_at_once_and_one_sends(
    store: Store, code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    under_way, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        under_way.set()
        go_on.wait(20)

    receiver.plan("/in", "ok", meanwhile=wait)
    channels = posting_to(receiver.url(), timeout_seconds=30)
    first: list[Json] = []
    pressing = threading.Thread(
        target=lambda: first.append(press_send(store, channels, code, tmp_path, now=now)), daemon=True
    )
    pressing.start()
    assert under_way.wait(20)
    for press in (
        lambda: press_send(store, channels, code, tmp_path, now=now, actor=OTHER),
        lambda: press_send(store, channels, code, tmp_path, now=now, again=True, actor=OTHER),
        lambda: mark_sent(store, code, at=now, receipt="x", now=now, actor=OTHER),
    ):
        with pytest.raises(BeingSentError, match="by chen"):
            press()
    assert find_lost(store, now=now) == []
    go_on.set()
    pressing.join(20)
    assert [one["state"] for one in first] == ["sent"]
    assert len(receiver.seen) == 1


def test_many_presses_at_the_same_instant_send_once(
    store: Store, code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    channels = posting_to(receiver.url(), timeout_seconds=30)
    together = threading.Barrier(6)
    ends: list[str] = []

    def press() -> None:
        together.wait()
        try:
            ends.append(press_send(store, channels, code, tmp_path, now=now)["state"])
        except (BeingSentError, TransitionError) as error:
            ends.append(error.code)

    threads = [threading.Thread(target=press, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ends).count("sent") == 1
    assert set(ends) <= {"sent", "conflict", "bad_state"}
    assert len(receiver.taken) == 1


def lose(store: Store, **values: Any) -> None:
    """Turn the try under way into one of another process."""
    with store.engine.begin() as conn:
        conn.execute(sa.update(delivery).values(state="sending", **values))


def held_by_us(store: Store, code: str, now: datetime, tmp_path: Path, receiver: Receiver) -> outbox.Delivery:
    """Leave a delivery in sending, as its sender sees it."""
    receiver.plan("/in", "busy")
    press_send(store, posting_to(receiver.url()), code, tmp_path, now=now)
    with store.write(now) as unit:
        (found,) = [one for name, one in outbox.open_deliveries(unit.conn) if name == code]
        return outbox.begin_try(
            unit, found, lease=timedelta(minutes=1), transport="webhook", receiver="r", message_id=None
        )


def test_a_sender_of_another_machine_is_given_up_after_its_lease_and_may_still_tell(
    store: Store, code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    held = held_by_us(store, code, now, tmp_path, receiver)
    lose(store, lease_owner="elsewhere/7/7")
    later = now + timedelta(minutes=2)
    assert find_lost(store, now=now) == []
    assert find_lost(store, now=later) == [code]
    assert states(store, code) == ("reconcile", ["unknown"], {"reconcile"})
    result = Result(event=DeliveryEvent.DELIVER, values={"receipt": "late"}, words="late")
    assert record_end(store, code, held, result, now=later, actor=CHECKER) == "sent"
    assert states(store, code) == ("sent", ["delivered"], {"sent"})


def test_a_late_result_does_not_undo_what_a_person_settled(
    sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    held = held_by_us(sqlite_store, sqlite_code, now, tmp_path, receiver)
    lose(sqlite_store, lease_owner="elsewhere/7/7", lease_until=now)
    find_lost(sqlite_store, now=now)
    assert (
        press_send(sqlite_store, posting_to(receiver.url()), sqlite_code, tmp_path, now=now, again=True)["attempt"]
        == 2
    )
    before = states(sqlite_store, sqlite_code)
    result = Result(event=DeliveryEvent.FAIL_PERMANENT, values={"error": "x"}, words="x")
    assert record_end(sqlite_store, sqlite_code, held, result, now=now, actor=CHECKER) == "sent"
    assert states(sqlite_store, sqlite_code) == before
    with sqlite_store.read() as conn:
        assert [entry["action"] for entry in audit.history(conn, "batch", sqlite_code)][-1] == "batch.late_result"


def test_a_late_failure_opens_the_batch_again(
    sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    held = held_by_us(sqlite_store, sqlite_code, now, tmp_path, receiver)
    lose(sqlite_store, lease_owner="elsewhere/7/7", lease_until=now)
    find_lost(sqlite_store, now=now)
    result = Result(event=DeliveryEvent.FAIL_RETRYABLE, values={"error": "x"}, words="x")
    record_end(sqlite_store, sqlite_code, held, result, now=now, actor=CHECKER)
    assert states(sqlite_store, sqlite_code) == ("exported", ["failed_retryable"], {"send_failed"})


class Interrupted:
    """A way out in the middle of which somebody presses Ctrl-C."""

    receiver = "the line"

    def message_id(self, key: str) -> str | None:
        return None

    def send(self, key: str, *, now: datetime) -> Receipt:
        raise KeyboardInterrupt

    def rehearse(self, key: str, folder: Path, *, now: datetime) -> Path:
        raise AssertionError("the channel is switched on")


def test_an_interrupted_sending_is_a_doubt_at_once(
    sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path
) -> None:
    channels = sending_by(kind="folder", path="/nowhere")
    with pytest.raises(KeyboardInterrupt):
        press_send(
            sqlite_store,
            channels,
            sqlite_code,
            tmp_path,
            now=now,
            carriers=lambda *section, **wanted: Interrupted(),
        )
    assert states(sqlite_store, sqlite_code) == ("reconcile", ["unknown"], {"reconcile"})


def test_a_dry_run_writes_what_would_leave_and_changes_nothing(
    sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    before = show(sqlite_store, sqlite_code)
    server = MailServer(host="localhost", port=9, security="starttls", sender="out@bank.example")
    dry: list[dict[str, Channel]] = [
        sending_by(kind="mail", to=["desk@platform.example"], dry_run=True),
        posting_to(receiver.url(), dry_run=True),
        sending_by(kind="folder", path=str(tmp_path / "nowhere"), dry_run=True),
    ]
    for channels in dry:
        answer = press_send(sqlite_store, channels, sqlite_code, tmp_path, now=now, mail=server)
        assert (answer["state"], answer["dry_run"]) == ("exported", True)
        assert (tmp_path / "outbox").joinpath(answer["file"]).is_file()
    mail = (tmp_path / "outbox" / f"{sqlite_code}.eml").read_bytes()
    package = stored_path(tmp_path / "packages", before["package"])
    assert attachment(mail) == package.read_bytes()
    assert receiver.seen == []
    assert not (tmp_path / "nowhere").exists()
    assert show(sqlite_store, sqlite_code) == before


def test_a_transport_is_a_dry_run_until_it_is_switched_on() -> None:
    channel = sending_by(kind="folder", path="/share")["partner_desk"]
    spec = channel.spec.model_dump(mode="json")
    del spec["transport"]["dry_run"]
    assert type(channel.spec).model_validate(spec).transport.dry_run  # type: ignore[union-attr]  # it has one


def test_nothing_is_sent_that_is_not_the_stored_package(
    sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    path = stored_path(tmp_path / "packages", show(sqlite_store, sqlite_code)["package"])
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(EvidenceError):
        press_send(sqlite_store, posting_to(receiver.url()), sqlite_code, tmp_path, now=now)
    assert states(sqlite_store, sqlite_code) == ("exported", [], {"exported"})
    assert receiver.seen == []


@pytest.mark.parametrize(
    ("transport", "field"),
    [
        (None, "transport"),
        ({"kind": "mail", "to": ["a@b.example"]}, "mail.host"),
        ({"kind": "webhook", "url": "https://a.example/", "secret_env": "NOT_SET"}, "transport.secret_env"),
        ({"kind": "folder", "path": "/x", "limits": {"package_bytes": 10}}, "transport.limits.package_bytes"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_written(
    transport: Json | None, field: str, *, sqlite_store: Store, sqlite_code: str, now: datetime, tmp_path: Path
) -> None:
    channels = CHANNELS if transport is None else sending_by(**transport)
    with pytest.raises(SettingsError) as raised:
        press_send(sqlite_store, channels, sqlite_code, tmp_path, now=now)
    assert raised.value.field == field
    assert states(sqlite_store, sqlite_code) == ("exported", [], {"exported"})


def test_only_compliance_sends_and_only_what_was_exported(
    sqlite_store: Store, now: datetime, tmp_path: Path, receiver: Receiver
) -> None:
    add_confirmed(sqlite_store, now, "a")
    code = approved(sqlite_store, now)
    channels = posting_to(receiver.url())
    for role in Role:
        if role is not Role.COMPLIANCE:
            with pytest.raises(ForbiddenError):
                press_send(sqlite_store, channels, code, tmp_path, now=now, actor=Actor(name="x", role=role))
    with pytest.raises(TransitionError):
        press_send(sqlite_store, channels, code, tmp_path, now=now)
    with pytest.raises(NotFoundError):
        press_send(sqlite_store, channels, "2026-W01-none", tmp_path, now=now)
    assert receiver.seen == []


def test_sending_counts_from_the_export_and_is_never_ahead(
    sqlite_store: Store, sqlite_code: str, now: datetime
) -> None:
    later = now + timedelta(hours=2, seconds=30)
    with sqlite_store.engine.begin() as conn:
        conn.execute(sa.text("UPDATE batch SET exported_at = :at"), {"at": str(later.replace(tzinfo=None))})
    with pytest.raises(InputError) as raised:
        mark_sent(sqlite_store, sqlite_code, at=later + timedelta(minutes=1), receipt="x", now=later, actor=CHECKER)
    assert (raised.value.code, raised.value.field) == ("bad_field", "at")
    mark_sent(sqlite_store, sqlite_code, at=now, receipt="x", now=later, actor=CHECKER)
    assert show(sqlite_store, sqlite_code)["sent_at"] == later.isoformat()
