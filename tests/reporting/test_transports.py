"""Transports against real servers: what arrived, and for each kind of failure whether it may have arrived."""

from __future__ import annotations

import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from reporting.files import file_hash
from reporting.transports.addresses import is_public
from reporting.transports.folder import drop_file
from reporting.transports.mail import MailServer, send_mail
from reporting.transports.webhook import PostTarget, post_signed
from storage.errors import PermanentSendError, RetryableSendError, SendError, UnknownResultError
from tests.support.certificates import Certificates, make_certificates
from tests.support.http_inbox import SECRET, Receiver
from tests.support.mailbox import PASSWORD, USER, Mailbox

if TYPE_CHECKING:
    from pathlib import Path

ZIP = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


def letter(*to: str) -> EmailMessage:
    message = EmailMessage()
    message["To"] = ", ".join(to or ("desk@platform.example",))
    message["Subject"] = "关于处置招揽信息的函"
    message["Message-ID"] = "<own-id-1@bank.example>"
    message.set_content("附件为报送材料。\n.一行以点开头\n..两点\n", cte="8bit")
    message.add_attachment(ZIP, maintype="application", subtype="zip", filename="2026-W47-partner_desk.zip")
    return message


def server(box: Mailbox, **wanted: Any) -> MailServer:
    values: dict[str, Any] = {"timeout_seconds": 2.0, "deadline_seconds": 10.0, "security": box.security}
    if box.certificates is not None:
        values |= {"ca_file": box.certificates.authority, "user": USER, "password": PASSWORD}
    return MailServer(
        **{"host": "localhost", "port": box.port, "sender": "takedown@bank.example"} | values | wanted
    )


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_arrives_whole_over_verified_tls_after_signing_in(security: str, certificates: Certificates) -> None:
    with Mailbox(certificates=certificates, security=security, sign_in=security == "starttls") as box:
        user = USER if security == "starttls" else ""
        receipt = send_mail(server(box, user=user), letter("a@platform.example", "b@platform.example"))
    (raw,) = box.taken
    found = message_from_bytes(raw)
    assert (found["Message-ID"], receipt.message_id) == ("<own-id-1@bank.example>",) * 2
    assert receipt.words == "250 2.0.0 kept as 4711"
    assert box.recipients == [["a@platform.example", "b@platform.example"]]
    text, attached = found.get_payload()
    assert text.get_payload(decode=True).decode().splitlines()[1:] == [".一行以点开头", "..两点"]
    assert (attached.get_filename(), attached.get_payload(decode=True)) == ("2026-W47-partner_desk.zip", ZIP)


def test_blind_copies_arrive_and_are_not_named() -> None:
    message = letter()
    message["Bcc"] = "boss@bank.example"
    with Mailbox() as box:
        send_mail(server(box), message)
    assert box.recipients == [["desk@platform.example", "boss@bank.example"]]
    assert b"boss@bank.example" not in box.taken[0]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_a_stranger_or_another_host_is_refused(
    security: str, certificates: Certificates, tmp_path: Path
) -> None:
    stranger = make_certificates(tmp_path / "stranger")
    other = make_certificates(tmp_path / "other", host="mail.elsewhere.example")
    with Mailbox(certificates=stranger, security=security) as box:
        for ca_file in (certificates.authority, None):
            with pytest.raises(PermanentSendError, match="certificate verify failed"):
                send_mail(server(box, ca_file=ca_file), letter())
    with (
        Mailbox(certificates=other, security=security) as elsewhere,
        pytest.raises(PermanentSendError, match="certificate"),
    ):
        send_mail(server(elsewhere), letter())
    assert box.taken + elsewhere.taken == []


def test_a_server_without_starttls_gets_nothing() -> None:
    with Mailbox() as box, pytest.raises(PermanentSendError, match="STARTTLS"):
        send_mail(server(box, security="starttls"), letter())
    assert box.taken == []


def test_a_wrong_password_is_for_good_and_shown_nowhere(certificates: Certificates) -> None:
    with Mailbox(certificates=certificates, security="starttls", sign_in=True) as box:
        wrong = server(box, password="not-this-one")
        with pytest.raises(PermanentSendError) as raised:
            send_mail(wrong, letter())
    assert "not-this-one" not in repr(wrong) + str(raised.value)


@pytest.mark.parametrize(
    ("plan", "error", "taken"),
    [
        ("greylist", RetryableSendError, 0),
        ("no_such_box", PermanentSendError, 0),
        ("full", RetryableSendError, 0),
        ("refuse", PermanentSendError, 0),
        ("reset_early", RetryableSendError, 0),
        ("reset_late", UnknownResultError, 1),
        ("slow", UnknownResultError, 1),
    ],
)
def test_each_failure_of_mail_says_whether_it_may_have_arrived(
    plan: str, error: type[SendError], taken: int
) -> None:
    with Mailbox(plans=[plan]) as box:
        with pytest.raises(SendError) as raised:
            send_mail(server(box, timeout_seconds=0.7), letter())
        assert type(raised.value) is error
        assert len(box.taken) == taken


def test_one_refused_recipient_refuses_all() -> None:
    with Mailbox(plans=["no_such_box"]) as box:
        with pytest.raises(PermanentSendError, match="550"):
            send_mail(server(box), letter("gone@platform.example", "there@platform.example"))
        assert box.taken == []


def test_a_message_over_the_server_s_limit_never_begins() -> None:
    with Mailbox(size_limit=5_000) as box, pytest.raises(PermanentSendError, match="at most 5000 bytes"):
        send_mail(server(box), letter())


def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    for host, port in (("localhost", free_port()), ("no-such-host.invalid.", 25)):
        target = MailServer(host=host, port=port, security="none", sender="a@b.example", timeout_seconds=1)
        if host == "localhost":
            with pytest.raises(RetryableSendError):
                send_mail(target, letter())


def test_a_server_that_drips_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()
        threading.Thread(target=drip, args=(listening, b"220-", over), daemon=True).start()
        port = listening.getsockname()[1]
        target = MailServer(
            host="localhost", port=port, security="none", sender="a@b.example", deadline_seconds=0.5
        )
        with pytest.raises(RetryableSendError):
            send_mail(target, letter())
        over.set()


def target(receiver: Receiver, path: str = "/in", **wanted: Any) -> PostTarget:
    values = {"url": receiver.url(path), "secret": SECRET.encode(), "private": True, "timeout_seconds": 0.7}
    return PostTarget(**values | wanted)


def test_a_post_is_signed_and_names_its_key(now: datetime, tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    path.write_bytes(ZIP * 20)
    with Receiver() as receiver:
        answer = post_signed(target(receiver), path, key="k-1", now=now, headers={"X-Qingyuan-Batch": "b"})
        post_signed(target(receiver), b"", key="k-2", now=now)
    assert [(one.key, one.body) for one in receiver.taken] == [("k-1", ZIP * 20), ("k-2", b"")]
    assert (answer.status, answer.words) == (200, '200 OK {"receipt": "R-77"}')
    assert receiver.headers[0]["X-Qingyuan-Timestamp"] == str(int(now.timestamp()))


@pytest.mark.parametrize(
    ("plan", "error", "taken", "wait"),
    [
        ("reset_early", (RetryableSendError, UnknownResultError), 0, None),
        ("reset_late", (UnknownResultError,), 1, None),
        ("hang", (UnknownResultError,), 1, None),
        ("garbage", (UnknownResultError,), 1, None),
        ("drip", (UnknownResultError,), 1, None),
        ("busy", (RetryableSendError,), 0, 120.0),
        ("slow_down", (RetryableSendError,), 0, 120.0),
        ("unavailable", (UnknownResultError,), 0, None),
        ("broken", (UnknownResultError,), 1, None),
        ("bad_request", (PermanentSendError,), 0, None),
        ("redirect", (PermanentSendError,), 0, None),
    ],
)
def test_each_failure_of_http_says_whether_it_may_have_arrived(
    plan: str, error: tuple[type[SendError], ...], taken: int, wait: float | None, now: datetime
) -> None:
    with Receiver() as receiver:
        receiver.plan("/in", plan)
        with pytest.raises(SendError) as raised:
            post_signed(target(receiver, deadline_seconds=1.5), ZIP, key="k", now=now)
        assert type(raised.value) in error
        assert getattr(raised.value, "retry_after_seconds", None) == wait
        assert (len(receiver.taken), len(receiver.seen)) == (taken, 1)


def test_https_needs_a_certificate_of_the_authority_named(certificates: Certificates, now: datetime) -> None:
    with Receiver(tls=certificates.server_context()) as receiver:
        for host in ("localhost", "127.0.0.1"):
            good = target(receiver, url=receiver.url(host=host), ca_file=certificates.authority)
            assert post_signed(good, ZIP, key=host, now=now).status == 200
        with pytest.raises(PermanentSendError, match="certificate"):
            post_signed(target(receiver, url=receiver.url(host="localhost")), ZIP, key="k", now=now)
    assert [one.key for one in receiver.taken] == ["localhost", "127.0.0.1"]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "https://[::1]:{port}/", "https://0.0.0.0:{port}/",
     "https://[::ffff:127.0.0.1]:{port}/",
     "https://10.1.2.3/", "https://169.254.169.254/", "https://192.168.0.1/", "http://8.8.8.8/", "ftp://8.8.8.8/",
     "https://user:pass@8.8.8.8/", "https://8.8.8.8/#x", "https://8.8.8.8:0/", "https:///x", "file:///x"],
)  # fmt: skip
def test_an_address_inside_is_not_reached_unless_allowed(url: str, now: datetime) -> None:
    with Receiver() as receiver:
        port = receiver.url().rsplit(":", 1)[1].split("/")[0]
        plain = PostTarget(url=url.format(port=port), secret=None, timeout_seconds=0.3)
        with pytest.raises(PermanentSendError):
            post_signed(plain, b"x", key="k", now=now)
        assert receiver.seen == []


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("2001:4860:4860::8888", True), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
     ("fe80::1%eth0", False), ("224.0.0.1", False), ("100.64.0.1", False), ("::", False)],
)  # fmt: skip
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90.0), ("99999999999", 604_800.0), ("soon", None), ("-5", None), ("١٢", None)],
)
def test_retry_after_is_read_with_care(text: str, seconds: float | None, now: datetime) -> None:
    from reporting.transports.webhook import _wait_seconds  # noqa: PLC0415

    assert _wait_seconds(text, now) == seconds
    date = (now + timedelta(minutes=3)).astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert _wait_seconds(date, now) == 180.0


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "stored.zip"
    path.write_bytes(ZIP)
    return path


def test_a_file_appears_whole_once_and_never_over_another(package: Path, tmp_path: Path) -> None:
    share = tmp_path / "share"
    with pytest.raises(RetryableSendError, match="mounted"):
        drop_file(share, "b.zip", package, sha256=file_hash(package))
    share.mkdir()
    drop_file(share, "b.zip", package, sha256=file_hash(package))
    again = drop_file(share, "b.zip", package, sha256=file_hash(package))
    assert again.words.endswith("was there already")
    assert [(path.name, path.read_bytes()) for path in share.iterdir()] == [("b.zip", ZIP)]
    (share / "b.zip").write_bytes(b"another")
    with pytest.raises(PermanentSendError, match="nothing was overwritten"):
        drop_file(share, "b.zip", package, sha256=file_hash(package))
    assert [(path.name, path.read_bytes()) for path in share.iterdir()] == [("b.zip", b"another")]


def test_a_file_that_changed_on_the_way_does_not_appear(package: Path, tmp_path: Path) -> None:
    with pytest.raises(PermanentSendError, match="not what was to be sent"):
        drop_file(tmp_path, "b.zip", package, sha256="0" * 64)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stored.zip"]


def test_a_share_without_hard_links_works_too(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **wanted: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    share = tmp_path / "share"
    share.mkdir()
    for _ in range(2):
        drop_file(share, "b.zip", package, sha256=file_hash(package))
    assert [path.read_bytes() for path in share.iterdir()] == [ZIP]


def drip(listening: socket.socket, piece: bytes, over: threading.Event) -> None:
    talking, _ = listening.accept()
    with talking:
        try:
            while not over.wait(0.05):
                talking.sendall(piece)
        except OSError:
            return


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
