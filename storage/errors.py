"""The tree of errors; each takes the ids it is about and writes its own message.

QingyuanError
├── InputError            a file or line handed over cannot be used (code, file, line, field)
├── NotFoundError         an id that nobody knows
├── ForbiddenError        the person's role does not allow it
├── FourEyesError         a second person is needed
├── OwnChangeError        a second person must put a change of rules in force
├── TransitionError       the object's state does not allow the event
│   └── SameStateError    the object is already there
├── EmptyBatchError       nothing would be left in a batch
├── ConflictError         somebody else changed the object first
├── BaseChangedError      the rule file that a change replaces is no longer the one in force
├── ClaimedError          somebody else holds the claim on a clue
├── SettingsError         a settings, watch or data file is wrong
├── LeaseLostError        the lease was taken over; the holder must not commit
├── EvidenceError         bytes are missing or do not match their hash
├── SendError             something could not be handed to its receiver
│   ├── RetryableSendError    surely nothing arrived: try again later
│   ├── PermanentSendError    surely nothing arrived: a person must change something
│   └── UnknownResultError    it may have arrived: a person must find out
├── BeingSentError        somebody is sending the batch at this moment
└── AccessError           a source may not be read (no basis, robots, private address)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


UNREADABLE_CODES = frozenset(
    {
        "unknown_key",
        "unknown_column",
        "bad_encoding",
        "missing_file",
        "corrupt_file",
        "unknown_source",
        "unknown_channel",
        "unknown_user",
    }
)
"""Problem codes that end a command with exit code 2: nothing was stored (contracts §1)."""


class QingyuanError(Exception):
    """Base of all errors of the product; ``code`` is the problem code of the contracts."""

    code = "failed"

    @property
    def exit_code(self) -> int:
        """2 when nothing could be begun, else 1."""
        return 2 if self.code in UNREADABLE_CODES else 1


class InputError(QingyuanError):
    """A handed-over file, line or field that cannot be used."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        place = ", ".join(
            part
            for part in (
                file,
                f"line {line}" if line is not None else None,
                f"field {field}" if field else None,
            )
            if part
        )
        super().__init__(f"{place}: {message}" if place else message)
        self.code = code
        self.detail = message
        self.file = file
        self.line = line
        self.field = field


class SettingsError(InputError):
    """A settings, watch, source, channel or lexicon file that is wrong; nothing was started."""

    @property
    def exit_code(self) -> int:
        """Always 2."""
        return 2


class NotFoundError(QingyuanError):
    """No object of this kind has this id."""

    def __init__(self, kind: str, object_id: str, *, code: str = "unknown_id") -> None:
        super().__init__(f"there is no {kind} {object_id!r}")
        self.code = code
        self.kind = kind
        self.object_id = object_id


class ForbiddenError(QingyuanError):
    """The person's role does not include the action."""

    code = "forbidden"

    def __init__(self, user: str, action: str, *, needs: Sequence[str] = ()) -> None:
        wanted = f"; it needs {' or '.join(needs)}" if needs else ""
        super().__init__(f"{user} may not {action}{wanted}")
        self.user = user
        self.action = action


class FourEyesError(QingyuanError):
    """The approver decided or proposed some of the items; the clues are named."""

    code = "four_eyes"

    def __init__(self, user: str, clues: Sequence[str]) -> None:
        super().__init__(f"{user} decided or proposed {', '.join(clues)}; another person must approve")
        self.user = user
        self.clues = tuple(clues)


class OwnChangeError(QingyuanError):
    """The author of a change to the rules cannot put it in force."""

    code = "four_eyes"

    def __init__(self, user: str, change: str) -> None:
        super().__init__(f"{user} made {change}; another person must activate it")
        self.user = user
        self.object_id = change


class TransitionError(QingyuanError):
    """The event is not possible in the object's present state."""

    code = "bad_state"

    def __init__(self, kind: str, object_id: str, state: str, event: str, *, hint: str = "") -> None:
        more = f"; {hint}" if hint else ""
        super().__init__(f"{kind} {object_id} is {state}: {event} is not possible{more}")
        self.kind = kind
        self.object_id = object_id
        self.state = state
        self.event = event


class SameStateError(TransitionError):
    """The object is already in the state that the event leads to."""


class EmptyBatchError(QingyuanError):
    """Every item of the batch is struck; there is nothing to go on with."""

    code = "bad_state"

    def __init__(self, batch: str, why: str) -> None:
        super().__init__(f"batch {batch}: {why}")
        self.batch = batch


class ConflictError(QingyuanError):
    """The object changed since the caller read it; read again and decide again."""

    code = "conflict"

    def __init__(self, kind: str, object_id: str, *, expected: int, found: int) -> None:
        super().__init__(f"{kind} {object_id} is at version {found}, not {expected}: read it again")
        self.kind = kind
        self.object_id = object_id
        self.expected = expected
        self.found = found


class BaseChangedError(QingyuanError):
    """The rules in force are not those that a change was made for; make or try it again."""

    code = "conflict"

    def __init__(self, change: str, why: str) -> None:
        super().__init__(f"change {change}: {why}")
        self.object_id = change


class ClaimedError(QingyuanError):
    """Somebody else is at this clue; the claim ends by itself when it is not renewed."""

    code = "conflict"

    def __init__(self, clue: str, holder: str) -> None:
        super().__init__(f"clue {clue} is claimed by {holder}")
        self.clue = clue
        self.holder = holder


class LeaseLostError(QingyuanError):
    """Another process took the lease over; what was not committed is dropped."""

    def __init__(self, kind: str, object_id: str, owner: str) -> None:
        super().__init__(f"the lease on {kind} {object_id} is no longer held by {owner}")


class EvidenceError(QingyuanError):
    """Stored bytes are missing or do not match their hash."""

    code = "tampered"

    def __init__(self, sha256: str, what: str) -> None:
        super().__init__(f"evidence {sha256}: {what}")
        self.sha256 = sha256


class SendError(QingyuanError):
    """Something could not be handed to its receiver; which of the three kinds says what may be done next."""

    def __init__(self, receiver: str, why: str) -> None:
        super().__init__(f"{receiver}: {why}")
        self.receiver = receiver


class RetryableSendError(SendError):
    """Surely nothing arrived, and the same may work later; ``retry_after_seconds`` where the receiver said when."""

    def __init__(self, receiver: str, why: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(receiver, why)
        self.retry_after_seconds = retry_after_seconds


class PermanentSendError(SendError):
    """Surely nothing arrived, and the same will not work later: a person must change something."""


class UnknownResultError(SendError):
    """The connection ended after everything may have arrived; only a person can find out whether it did."""


class BeingSentError(QingyuanError):
    """Somebody pressed send before and the try has not ended yet."""

    code = "conflict"

    def __init__(self, batch: str, user: str, since: str) -> None:
        super().__init__(f"batch {batch} is being sent by {user} since {since}: wait for the end")
        self.object_id = batch


class AccessError(QingyuanError):
    """A source may not be read; the message says what is missing."""

    code = "blocked"

    def __init__(self, source: str, what: str) -> None:
        super().__init__(f"source {source}: {what}")
        self.source = source
