"""Each cause is told once in its time through each way, whatever the receiver does and whoever is killed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from reporting.needs import Need, NeedKind
from reporting.notice_bots import BotKind
from reporting.notice_outlets import Webhook, mail_outlet, webhook_outlet
from reporting.notice_texts import load_texts
from reporting.notices import Outlet, Wording, tell
from reporting.transports.mail import MailServer
from reporting.transports.webhook import PostTarget, signature
from storage.errors import PermanentSendError, RetryableSendError, SendError, UnknownResultError
from storage.notices import NoticeState as State
from storage.notices import begin_notice, last_notices, settle_notice
from storage.tables import notice
from tests.support.receivers import http_receiver, mail_receiver

if TYPE_CHECKING:
    from storage.engine import Store
    from storage.records import Json

TEXTS = load_texts()
AGAIN = timedelta(hours=24)


def need(name: str) -> Need:
    return Need(kind=NeedKind.RUN_FAILED, cause=f"source:{name}", values={"source": name, "since": "now"})


def told(store: Store, needs: list[Need], outlets: list[Outlet], at: datetime) -> Json:
    return tell(
        store, needs, outlets, wording=Wording(texts=TEXTS, language="en"), again_after=AGAIN, clock=lambda: at
    )


@dataclass
class Way:
    """An outlet that keeps what it is given and fails as told."""

    error: type[SendError] | None = None
    most: int = 10
    given: list[tuple[str, int, str]] = field(default_factory=list)

    def outlet(self) -> Outlet:
        def send(message: Any, message_id: str) -> None:
            self.given.append((message.cause, message.number, message_id))
            if self.error:
                raise self.error("receiver", "says so")

        return Outlet(transport="webhook", send=send, domain="x", most=self.most)


def test_a_cause_is_told_once_and_again_when_it_still_stands(store: Store, now: datetime) -> None:
    way = Way()
    first = told(store, [need("a"), need("b")], [way.outlet()], now)
    assert [(one["cause"], one["number"], one["state"]) for one in first["notices"]] == [
        ("source:a", 1, "sent"),
        ("source:b", 1, "sent"),
    ]
    assert told(store, [need("a"), need("b")], [way.outlet()], now + timedelta(hours=23))["notices"] == []
    again = told(store, [need("a")], [way.outlet()], now + AGAIN)
    assert [(one["cause"], one["number"]) for one in again["notices"]] == [("source:a", 2)]
    assert len({message_id for _, _, message_id in way.given}) == 3


def test_what_was_surely_not_accepted_is_tried_again_with_the_same_id(store: Store, now: datetime) -> None:
    way = Way(error=RetryableSendError)
    answer = told(store, [need("a"), need("b")], [way.outlet()], now)
    assert [one["state"] for one in answer["notices"]] == ["retry"]
    assert answer["waiting"] == 1  # one that says "later" is left alone
    assert answer["problems"][0]["id"] == "source:a"
    way.error = None
    answer = told(store, [need("a"), need("b")], [way.outlet()], now + timedelta(minutes=1))
    assert [(one["number"], one["state"]) for one in answer["notices"]] == [(1, "sent"), (1, "sent")]
    assert way.given[0][2] == way.given[1][2] != way.given[2][2]


@pytest.mark.parametrize(("error", "state"), [(UnknownResultError, "unknown"), (PermanentSendError, "refused")])
def test_what_may_have_arrived_or_was_refused_waits_its_time(
    store: Store, now: datetime, error: type[SendError], state: str
) -> None:
    way = Way(error=error)
    answer = told(store, [need("a")], [way.outlet()], now)
    assert [one["state"] for one in answer["notices"]] == [state]
    assert len(answer["problems"]) == 1
    way.error = None
    assert told(store, [need("a")], [way.outlet()], now + timedelta(hours=23))["notices"] == []
    assert told(store, [need("a")], [way.outlet()], now + AGAIN)["notices"][0]["number"] == 2


def test_a_sender_that_died_leaves_an_unknown_that_is_named_and_not_repeated(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        left = begin_notice(
            unit, cause="source:a", kind="run_failed", transport="webhook", number=1, message_id="<1@x>"
        )
        unit.conn.execute(sa.update(notice).values(lease_owner="elsewhere/1/1"))
    assert left is not None
    way = Way()
    soon = told(store, [need("a")], [way.outlet()], now + timedelta(minutes=1))
    assert (soon["notices"], soon["problems"], way.given) == ([], [], [])  # it may still be at it
    later = told(store, [need("a")], [way.outlet()], now + timedelta(minutes=6))
    assert later["notices"] == []
    assert "interrupted" in later["problems"][0]["message"]
    with store.write(now) as unit:  # the dead one turns out to live: its result does not count any more
        assert settle_notice(unit, left, State.SENT).state is State.UNKNOWN
    with store.read() as conn:
        assert last_notices(conn, "webhook", ["source:a"])["source:a"].state is State.UNKNOWN
    assert told(store, [need("a")], [way.outlet()], now + AGAIN)["notices"][0]["number"] == 2


def test_two_at_once_tell_it_once(store: Store, now: datetime) -> None:
    """The second call comes while the first one is sending."""
    inner = Way()

    def send(_message: Any, _message_id: str) -> None:
        answer = told(store, [need("a")], [inner.outlet()], now)
        assert (answer["notices"], answer["waiting"]) == ([], 0)

    outer = Outlet(transport="webhook", send=send, domain="x", most=10)
    assert [one["state"] for one in told(store, [need("a")], [outer], now)["notices"]] == ["sent"]
    assert inner.given == []


def test_an_outlet_takes_only_so_many_at_once(sqlite_store: Store, now: datetime) -> None:
    way = Way(most=3)
    needs = [need(str(number)) for number in range(8)]
    waiting = [told(sqlite_store, needs, [way.outlet()], now)["waiting"] for _ in range(4)]
    assert waiting == [5, 2, 0, 0]
    assert Counter(cause for cause, _, _ in way.given) == Counter(f"source:{number}" for number in range(8))


def test_each_way_is_told_by_itself(sqlite_store: Store, now: datetime) -> None:
    def broken(_message: Any, _message_id: str) -> None:
        raise RetryableSendError("mail", "down")

    way = Way()
    outlets = [Outlet(transport="mail", send=broken, domain="x", most=9), way.outlet()]
    answer = told(sqlite_store, [need("a")], outlets, now)
    assert {one["transport"]: one["state"] for one in answer["notices"]} == {"mail": "retry", "webhook": "sent"}


def test_a_notice_arrives_by_mail_with_its_id(sqlite_store: Store, now: datetime) -> None:
    with mail_receiver() as mails:
        server = MailServer(host="127.0.0.1", port=mails.port, security="none", sender="qy@example.com")
        outlets = [mail_outlet(server, ["a@example.com", "b@example.com"], TEXTS)]
        mails.answer = "451 later"
        assert told(sqlite_store, [need("forum")], outlets, now)["notices"][0]["state"] == "retry"
        mails.answer = "250 taken"
        assert told(sqlite_store, [need("forum")], outlets, now)["notices"][0]["state"] == "sent"
        assert told(sqlite_store, [need("forum")], outlets, now)["notices"] == []
    ((to, raw),) = mails.found
    assert to == ["a@example.com", "b@example.com"]
    with sqlite_store.read() as conn:
        stored = last_notices(conn, "mail", ["source:forum"])["source:forum"]
    assert f"Message-ID: {stored.message_id}".encode() in raw
    assert stored.attempts == 2


def hooked(kind: BotKind, url: str, now: datetime) -> Outlet:
    target = PostTarget(url=url, secret=None, private=True, timeout_seconds=5)
    return webhook_outlet(Webhook(kind=kind, target=target, secret="s3cret"), TEXTS, clock=lambda: now)


@pytest.mark.parametrize("kind", BotKind)
def test_a_notice_arrives_at_each_kind_of_webhook(sqlite_store: Store, now: datetime, kind: BotKind) -> None:
    with http_receiver() as posts:
        answer = told(sqlite_store, [need("forum")], [hooked(kind, f"{posts.url}/robot?key=k1", now)], now)
    assert answer["problems"] == []
    ((path, headers, body),) = posts.found
    assert path.startswith("/robot?key=k1")
    assert ("sign=" in path) == (kind is BotKind.DINGTALK)
    assert ("sign" in json.loads(body)) == (kind is BotKind.FEISHU)
    assert "forum" in json.dumps(json.loads(body), ensure_ascii=False)
    given = headers.get("X-Qingyuan-Signature")
    if kind is BotKind.PLAIN:
        assert given == signature(b"s3cret", headers["X-Qingyuan-Timestamp"], body)
    else:
        assert given is None
    assert b"s3cret" not in body + path.encode()


@pytest.mark.parametrize(
    ("status", "answer", "state"),
    [
        (200, b'{"errcode":0}', "sent"),
        (200, b'{"errcode":93000}', "refused"),
        (200, b'{"errcode":45009}', "retry"),
        (200, b"hello", "unknown"),
        (429, b"", "retry"),
        (404, b"", "refused"),
        (302, b"", "refused"),
        (502, b"", "unknown"),
        (0, b"", "unknown"),
    ],
)
def test_every_answer_of_a_webhook_has_one_meaning(
    sqlite_store: Store, now: datetime, status: int, answer: bytes, state: str
) -> None:
    with http_receiver() as posts:
        posts.status, posts.answer = status, answer
        found = told(sqlite_store, [need("forum")], [hooked(BotKind.WECOM, posts.url, now)], now)
    assert [one["state"] for one in found["notices"]] == [state]
    assert len(posts.found) == 1


def test_a_webhook_that_is_not_there_is_tried_again(sqlite_store: Store, now: datetime) -> None:
    with http_receiver() as posts:
        url = posts.url
    assert told(sqlite_store, [need("a")], [hooked(BotKind.WECOM, url, now)], now)["notices"][0]["state"] == "retry"
