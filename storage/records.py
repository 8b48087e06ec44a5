"""The records that cross floors: frozen, without behaviour beyond their own fields.

Times are aware UTC. Integer ids are the database's; :func:`public_id` makes the form that people and files see.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from storage.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Json = dict[str, Any]
"""A JSON object as stored."""

ID_PREFIXES = {"clue": "c", "cluster": "g", "item": "i", "run": "r", "decision": "d", "capture": "e", "change": "x"}
"""Kind of object to the letter before its number in public ids."""


def public_id(kind: str, number: int) -> str:
    """Return the id that people and files see, such as ``c12`` for clue 12."""
    return f"{ID_PREFIXES[kind]}{number}"


def parse_id(kind: str, text: str) -> int:
    """Return the number inside a public id; raise NotFoundError when it is not one of this kind."""
    found = re.fullmatch(rf"{ID_PREFIXES[kind]}([1-9][0-9]{{0,17}})", text.strip(), re.ASCII)
    if not found:
        raise NotFoundError(kind, text)
    return int(found[1])


class Role(StrEnum):
    """What a person may do; one role per person (contracts §1)."""

    OPERATOR = "operator"
    ANALYST = "analyst"
    SENIOR = "senior"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"
    PRIVACY = "privacy"
    ADMIN = "admin"


class RunState(StrEnum):
    """How a crawl run stands or ended."""

    RUNNING = "running"
    FINISHED = "finished"
    BUDGET = "budget"
    BLOCKED = "blocked"
    FORMAT_CHANGED = "format_changed"
    FAILED = "failed"


class ReadOutcome(StrEnum):
    """What a page read was; never two values (design §4.7)."""

    OK = "ok"
    GONE = "gone"
    BLOCKED = "blocked"
    FORMAT_CHANGED = "format_changed"
    UNKNOWN = "unknown"


class FrontierState(StrEnum):
    """Where a request of the durable frontier stands."""

    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"


class TargetKind(StrEnum):
    """What a clue points to: where the provider speaks."""

    POST = "post"
    COMMENT = "comment"
    ACCOUNT = "account"


class Band(StrEnum):
    """The machine's band of a verdict."""

    FLAGGED = "flagged"
    UNSURE = "unsure"
    CLEAR = "clear"


class ClueState(StrEnum):
    """Review axis of a clue (design §3)."""

    NEW = "new"
    QUEUED = "queued"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNSURE = "unsure"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"


class ChangeState(StrEnum):
    """How far a change to the rules has come; ``activating`` lasts while its file is put in its place."""

    PROPOSED = "proposed"
    TRIED = "tried"
    ACTIVATING = "activating"
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


class ChangeKind(StrEnum):
    """What a change to the rules was made from: a file handed over, or a rejected clue."""

    FILE = "file"
    COUNTER_EXAMPLE = "counter_example"
    EXCEPTION = "exception"
    SUPPRESSION = "suppression"


OPEN_CLUE_STATES = (ClueState.NEW, ClueState.QUEUED)
"""States in which a clue waits for a person."""


class BatchState(StrEnum):
    """Where a weekly batch stands."""

    DRAFTED = "drafted"
    PROPOSED = "proposed"
    APPROVED = "approved"
    RETURNED = "returned"
    EXPORTED = "exported"
    SENT = "sent"
    RECONCILE = "reconcile"
    CLOSED = "closed"


class SubmissionState(StrEnum):
    """Submission axis: one clue through one channel, one attempt (design §3)."""

    DRAFTED = "drafted"
    PROPOSED = "proposed"
    APPROVED = "approved"
    EXPORTED = "exported"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"
    CLOSED = "closed"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    SEND_FAILED = "send_failed"
    RECONCILE = "reconcile"
    NEED_MORE = "need_more"


class OutcomeKind(StrEnum):
    """What an observation says of the target (design §3)."""

    UNKNOWN = "unknown"
    LIVE = "live"
    CONTENT_REMOVED = "content_removed"
    CONTENT_RESTRICTED = "content_restricted"
    ACCOUNT_BANNED = "account_banned"
    ACCOUNT_MUTED = "account_muted"
    MONETISATION_RESTRICTED = "monetisation_restricted"
    AUTHOR_DELETED = "author_deleted"
    LOGIN_WALL = "login_wall"
    PROBE_BLOCKED = "probe_blocked"


class OutcomeState(StrEnum):
    """How firm the folded outcome is."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    REAPPEARED = "reappeared"


class Cause(StrEnum):
    """Whose doing the outcome is."""

    OURS = "ours"
    BEFORE_US = "before_us"
    SELF = "self"
    UNCLEAR = "unclear"


class ObservationMethod(StrEnum):
    """How an observation came to be."""

    PROBE = "probe"
    REPLY = "reply"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something, and by which way (``desk``, ``cli``, ``system``)."""

    name: str
    role: Role | None = None
    via: str = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What a page shows of the account that published; None where it shows nothing."""

    native_id: str | None = None
    handle: str | None = None
    name: str = ""
    bio: str = ""
    verified: bool | None = None
    verified_as: str | None = None
    followers: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentFacts:
    """One comment below a post as read; ``parent`` is the native id of the comment it answers."""

    native_id: str
    author: AccountFacts
    text: str
    parent: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostFacts:
    """One post as read from a page or a handed-over line: pure output of a parser.

    ``parent`` is the text that a comment answers, ``parent_native_id`` the post it stands under.
    ``full`` is False for a list entry that was not opened: it never overwrites a fuller reading.
    """

    platform: str
    native_id: str
    kind: str
    url: str | None
    author: AccountFacts
    title: str = ""
    text: str = ""
    parent: str | None = None
    parent_native_id: str | None = None
    comments: tuple[CommentFacts, ...] = ()
    images: tuple[str, ...] = ()
    metrics: Mapping[str, int | str] = field(default_factory=dict)
    ip_region: str | None = None
    published_at: datetime | None = None
    full: bool = True

    @property
    def key(self) -> str:
        """``platform:native_id``, the post's public id."""
        return f"{self.platform}:{self.native_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureFacts:
    """When, where and how bytes were seen; cookies and tokens are already dropped."""

    url: str
    at: datetime
    method: str
    sha256: str | None
    size: int = 0
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "page"
    run_id: int | None = None
    why_none: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFacts:
    """One audit entry before it gets its sequence and hash."""

    actor: Actor
    action: str
    object_type: str
    object_id: str
    details: Mapping[str, Any] = field(default_factory=dict)
