"""The ways that notices take: mail to some addresses, one webhook."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reporting.notice_bots import MOST_AT_ONCE, BotKind, body_sign, check_answer, signed_url
from reporting.notice_texts import json_body, mail_of
from reporting.notices import Outlet
from reporting.transports.mail import send_mail
from reporting.transports.webhook import PostTarget, post_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from reporting.notice_texts import Message, NoticeTexts
    from reporting.transports.mail import MailServer

MAIL, WEBHOOK = "mail", "webhook"

_MOST_MAILS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One robot or receiver; ``target`` holds its address, ``secret`` is empty where it has none."""

    kind: BotKind
    target: PostTarget
    secret: str


def mail_outlet(server: MailServer, to: Sequence[str], texts: NoticeTexts) -> Outlet:
    """Return the outlet that mails each notice to all addresses."""

    def send(message: Message, message_id: str) -> None:
        send_mail(server, mail_of(texts, message, sender=server.sender, to=to, message_id=message_id))

    return Outlet(transport=MAIL, send=send, domain=server.sender.rpartition("@")[2], most=_MOST_MAILS)


def webhook_outlet(hook: Webhook, texts: NoticeTexts, *, clock: Callable[[], datetime]) -> Outlet:
    """Return the outlet that posts each notice in the form of the webhook's kind, signed as that kind is."""

    def send(message: Message, message_id: str) -> None:
        at = clock()
        timestamp, sign = body_sign(hook.kind, hook.secret, at=at)
        body = json_body(texts, message, name=hook.kind, timestamp=timestamp, sign=sign)
        ours = hook.secret.encode() if hook.kind is BotKind.PLAIN and hook.secret else None
        url = signed_url(hook.kind, hook.target.url, hook.secret, at=at)
        answer = post_signed(replace(hook.target, url=url, secret=ours), body, key=message_id.strip("<>"), now=at)
        check_answer(hook.kind, answer.body)

    return Outlet(transport=WEBHOOK, send=send, domain="qingyuan", most=MOST_AT_ONCE)
