"""The chat services that notices go to: how each is signed, and what its answers mean.

Facts, all seen 2026-11:

- WeCom (developer.work.weixin.qq.com, «群机器人配置说明», path/91770): the key stands in the address, an answer is
  ``{"errcode": 0}``, 20 messages a minute.
- DingTalk (open.dingtalk.com, «自定义机器人安全设置»): ``timestamp`` in milliseconds and ``sign`` = URL-quoted
  Base64 of HMAC-SHA256 with the secret as key over timestamp + LF + secret, both added to the address; more than 20
  messages a minute stop the robot for ten minutes.
- Feishu (open.feishu.cn, «自定义机器人使用指南»): ``timestamp`` in seconds and ``sign`` = Base64 of HMAC-SHA256
  with timestamp + LF + secret as key over nothing, both in the body; an answer is ``{"code": 0}``, of older ones
  ``{"StatusCode": 0}``.

DingTalk and Feishu refuse timestamps that are more than an hour off.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from storage.errors import PermanentSendError, RetryableSendError, UnknownResultError

if TYPE_CHECKING:
    from datetime import datetime


class BotKind(StrEnum):
    """Whose form a webhook has; ``plain`` is our own, signed as batches are."""

    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    PLAIN = "plain"


MOST_AT_ONCE = 15
"""Messages to one robot in one call: WeCom and DingTalk take 20 a minute."""

_TOO_MANY = frozenset({45009, 45033, 130101, 90030, 11232, -1})
"""Codes that say «later»: WeCom's two limits, DingTalk's two, Feishu's, and «system busy» (-1)."""


def signed_url(kind: BotKind, url: str, secret: str, *, at: datetime) -> str:
    """Return the address to post to: DingTalk's is signed for this moment, those of others stay."""
    if kind is not BotKind.DINGTALK or not secret:
        return url
    timestamp = str(round(at.timestamp() * 1000))
    sign = _base64_hmac(secret.encode(), f"{timestamp}\n{secret}".encode())
    return f"{url}{'&' if '?' in url else '?'}timestamp={timestamp}&sign={quote_plus(sign)}"


def body_sign(kind: BotKind, secret: str, *, at: datetime) -> tuple[str, str]:
    """Return timestamp and signature for the body; both empty unless it is Feishu's and a secret is set."""
    if kind is not BotKind.FEISHU or not secret:
        return "", ""
    timestamp = str(int(at.timestamp()))
    return timestamp, _base64_hmac(f"{timestamp}\n{secret}".encode(), b"")


def check_answer(kind: BotKind, body: bytes) -> None:
    """Look into the body of an answer with a good status: these services refuse with status 200.

    Raises:
        RetryableSendError: the service asks to come later.
        PermanentSendError: it refused, as for a wrong key or signature.
        UnknownResultError: the answer holds no code.
    """
    if kind is BotKind.PLAIN:
        return
    code = _code_in(body)
    if code is None:
        raise UnknownResultError(kind, "the answer holds no code")
    if code in _TOO_MANY:
        raise RetryableSendError(kind, f"asks to come later (code {code})")
    if code:
        raise PermanentSendError(kind, f"refused (code {code})")


def _code_in(body: bytes) -> int | None:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    found = next((answer[name] for name in ("errcode", "code", "StatusCode") if name in answer), None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _base64_hmac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode("ascii")
