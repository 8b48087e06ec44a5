"""Who may see what on the note platform: sessions, tokens of notes and accounts, challenges on demand."""

from __future__ import annotations

import base64
import hmac
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.world import World

COOKIE = "web_session"
TOKEN_DAYS = 60
"""Tokens older than this are stale; what the real platform does is not known."""


class Challenge(StrEnum):
    """How the platform asks a visitor to prove to be a person."""

    STATUS_461 = "461"
    STATUS_471 = "471"
    BARE_461 = "bare"  # without the Verifytype and Verifyuuid headers
    PAGE = "page"  # documents become the challenge page, calls are answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call's answer in place of the data: one of the platform's codes with its words."""

    code: int
    message: str


NETWORK_REFUSED = Refusal(code=300012, message="网络连接异常，请检查网络设置或重启试试")
ACCOUNT_REFUSED = Refusal(code=300011, message="检测到帐号异常，请稍后重启试试")


class Gate:
    """The keeper of one platform; a test switches challenges on and off while visitors come and go.

    Sessions and tokens follow from the world's seed, so a browser profile stays signed in when the demo is
    started again. ``name`` is part of both: a session of one platform means nothing to its twin.
    """

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._secret = f"{world.corpus.seed}/{name}"
        self._sessions = 0
        self._tokens = 0
        self._lock = threading.Lock()
        self._left: int | None = None
        self._kind = Challenge.STATUS_461
        self._refusal: Refusal | None = None

    @property
    def session(self) -> str:
        """Return the value of the cookie of somebody who signed in."""
        return f"040069{self._sign(f'session/{self._sessions}').hex()[:32]}"

    def signed_in(self, cookie: str | None) -> bool:
        """Say whether this value of the cookie is a session that is still good."""
        return cookie is not None and hmac.compare_digest(cookie, self.session)

    def expire_sessions(self) -> None:
        """Sign everybody out; the next sign-in gets a new session."""
        self._sessions += 1

    def token(self, kind: str, key: str) -> str:
        """Return a fresh token of a note or an account; each moment of the world gives another one."""
        made_at = int(self._world.now.timestamp()).to_bytes(4, "big")
        raw = made_at + self._sign(f"{kind}/{key}/{made_at.hex()}/{self._tokens}")[:28]
        return "AB" + base64.urlsafe_b64encode(raw).decode()

    def accepts(self, kind: str, key: str, token: str | None) -> bool:
        """Say whether a token belongs to this note or account and is not stale."""
        try:
            raw = base64.urlsafe_b64decode((token or "")[2:].encode("ascii", "replace"))
        except ValueError:
            return False
        made_at = datetime.fromtimestamp(int.from_bytes(raw[:4], "big"), UTC)
        right = self._sign(f"{kind}/{key}/{raw[:4].hex()}/{self._tokens}")[:28]
        return hmac.compare_digest(raw[4:], right) and self._world.now - made_at <= timedelta(days=TOKEN_DAYS)

    def expire_tokens(self) -> None:
        """Make every token handed out so far stale."""
        self._tokens += 1

    def challenge_after(self, requests: int, *, kind: str = Challenge.STATUS_461) -> None:
        """Answer so many calls and documents more, then challenge every visitor until ``lift``."""
        with self._lock:
            self._left, self._kind, self._refusal = requests, Challenge(kind), None

    def refuse_after(self, requests: int, refusal: Refusal = NETWORK_REFUSED) -> None:
        """Answer so many calls more, then refuse every call with a code until ``lift``."""
        with self._lock:
            self._left, self._refusal = requests, refusal

    def lift(self) -> None:
        """End challenge or refusal."""
        with self._lock:
            self._left = self._refusal = None

    def check(self, *, document: bool) -> Challenge | Refusal | None:
        """Count one request and return what stands in its way, if anything."""
        with self._lock:
            if self._left is None:
                return None
            if self._left > 0:
                self._left -= 1
                return None
            if self._refusal:
                return None if document else self._refusal
            return None if self._kind is Challenge.PAGE and not document else self._kind

    def _sign(self, text: str) -> bytes:
        return hmac.new(self._secret.encode(), text.encode(), sha256).digest()
