"""Carriers: one per kind of transport, made from a channel's section, each with a rehearsal that sends nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from reporting.files import file_hash
from reporting.transports.conversation import Receipt, one_line
from reporting.transports.folder import drop_file
from reporting.transports.mail import MailServer, mail_bytes, send_mail
from reporting.transports.spec import FolderSpec, MailSpec, WebhookSpec
from reporting.transports.webhook import SIGNATURE, TIMESTAMP, PostTarget, post_signed, signature
from storage.errors import EvidenceError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

DEADLINE_SECONDS = 600.0
"""How long sending by mail or HTTP may last at most."""

SECRET_CHARACTERS = 16
"""A shared secret is at least this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A stored package on its way out, and what a covering mail says of it."""

    batch: str
    path: Path
    sha256: str
    size: int
    words: Mapping[str, str]

    @property
    def name(self) -> str:
        """The file name that the receiver sees."""
        return f"{self.batch}.zip"

    def read(self) -> bytes:
        """Return the package's bytes; raise EvidenceError unless they are the stored ones."""
        data = self.path.read_bytes() if self.path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise self._changed()
        return data

    def check(self) -> None:
        """Raise EvidenceError unless the stored package is what its hash says."""
        if not self.path.is_file() or file_hash(self.path) != self.sha256:
            raise self._changed()

    def _changed(self) -> EvidenceError:
        return EvidenceError(self.sha256, "the stored package is missing or was changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """What the workspace offers to carriers: the mail server, if there is one, and the environment with secrets."""

    mail: MailServer | None
    environment: Mapping[str, str]
    settings_file: str


class Carrier(Protocol):
    """One way out for one parcel."""

    receiver: str
    """Where it goes, in words."""

    def message_id(self, key: str) -> str | None:
        """Return the message id that a mail with this key has, None for other kinds."""

    def send(self, key: str, *, now: datetime) -> Receipt:
        """Hand the parcel over; errors are the three kinds of :class:`storage.errors.SendError`."""

    def rehearse(self, key: str, folder: Path, *, now: datetime) -> Path:
        """Write what would leave into a file and return its path; nothing leaves."""


class MakeCarrier(Protocol):
    """Makes the carrier of a channel's section, as :func:`make_carrier` does."""

    def __call__(
        self, spec: MailSpec | FolderSpec | WebhookSpec, parcel: Parcel, outlets: Outlets, *, file: str
    ) -> Carrier:
        """Return the carrier."""


def make_carrier(
    spec: MailSpec | FolderSpec | WebhookSpec, parcel: Parcel, outlets: Outlets, *, file: str
) -> Carrier:
    """Return the carrier of a channel's section for a parcel; ``file`` is the channel's file, for messages.

    Raises:
        SettingsError: the package is too large for the channel, or a secret, server or folder is not given.
    """
    if parcel.size > spec.limits.package_bytes:
        message = f"the package has {parcel.size} bytes, the channel takes {spec.limits.package_bytes}"
        raise SettingsError("bad_field", message, file=file, field="transport.limits.package_bytes")
    if isinstance(spec, MailSpec):
        return _MailCarrier(spec, parcel, _server(outlets))
    if isinstance(spec, WebhookSpec):
        return _WebhookCarrier(spec, parcel, _secret(spec, outlets, file))
    return _FolderCarrier(spec, parcel)


def _server(outlets: Outlets) -> MailServer:
    if outlets.mail is None:
        message = "mail leaves through a server of yours: set host and sender"
        raise SettingsError("bad_field", message, file=outlets.settings_file, field="mail.host")
    return outlets.mail


def _secret(spec: WebhookSpec, outlets: Outlets, file: str) -> bytes:
    found = outlets.environment.get(spec.secret_env, "")
    if len(found) < SECRET_CHARACTERS:
        message = f"the environment holds no secret of at least {SECRET_CHARACTERS} characters in {spec.secret_env}"
        raise SettingsError("bad_field", message, file=file, field="transport.secret_env")
    return found.encode()


class _MailCarrier:
    def __init__(self, spec: MailSpec, parcel: Parcel, server: MailServer) -> None:
        self._spec, self._parcel, self._server = spec, parcel, server
        self.receiver = ", ".join((*spec.to, *spec.cc))

    def message_id(self, key: str) -> str:
        # Short, as a header line that is broken in two is read wrongly by some servers.
        local = hashlib.sha256(key.encode()).hexdigest()[:24]
        return f"<{local}@{self._server.sender.rpartition('@')[2]}>"

    def send(self, key: str, *, now: datetime) -> Receipt:
        return send_mail(self._server, self._message(key, now))

    def rehearse(self, key: str, folder: Path, *, now: datetime) -> Path:
        return _write(folder / f"{self._parcel.batch}.eml", mail_bytes(self._message(key, now)))

    def _message(self, key: str, now: datetime) -> EmailMessage:
        words = self._parcel.words
        message = EmailMessage()
        message["From"] = self._server.sender
        message["To"] = ", ".join(self._spec.to)
        if self._spec.cc:
            message["Cc"] = ", ".join(self._spec.cc)
        message["Subject"] = one_line(self._spec.subject.format_map(words))
        message["Date"] = format_datetime(now)
        message["Message-ID"] = self.message_id(key)
        message["X-Qingyuan-Key"] = key
        message.set_content(self._spec.text.format_map(words), cte="base64")
        message.add_attachment(
            self._parcel.read(), maintype="application", subtype="zip", filename=self._parcel.name
        )
        return message


class _FolderCarrier:
    def __init__(self, spec: FolderSpec, parcel: Parcel) -> None:
        self._folder, self._parcel = Path(spec.path), parcel
        self.receiver = str(self._folder / parcel.name)

    def message_id(self, key: str) -> None:
        """Return None: a file has none."""

    def send(self, key: str, *, now: datetime) -> Receipt:  # noqa: ARG002 - as the other carriers
        self._parcel.check()
        return drop_file(self._folder, self._parcel.name, self._parcel.path, sha256=self._parcel.sha256)

    def rehearse(self, key: str, folder: Path, *, now: datetime) -> Path:  # noqa: ARG002 - as the other carriers
        self._parcel.check()
        text = f"file {self.receiver}\nsha256 {self._parcel.sha256}\nsize {self._parcel.size}\n"
        return _write(folder / f"{self._parcel.batch}.txt", text.encode())


class _WebhookCarrier:
    def __init__(self, spec: WebhookSpec, parcel: Parcel, secret: bytes) -> None:
        self._spec, self._parcel, self._secret = spec, parcel, secret
        self.receiver = spec.url.partition("?")[0]  # what follows may be a token

    def message_id(self, key: str) -> None:
        """Return None: the key alone tells requests apart."""

    def send(self, key: str, *, now: datetime) -> Receipt:
        self._parcel.check()
        target = PostTarget(
            url=self._spec.url,
            secret=self._secret,
            private=self._spec.private,
            ca_file=Path(self._spec.ca_file) if self._spec.ca_file else None,
            timeout_seconds=self._spec.timeout_seconds,
            deadline_seconds=DEADLINE_SECONDS,
        )
        answer = post_signed(
            target, self._parcel.path, key=key, now=now, content_type="application/zip", headers=self._headers()
        )
        return Receipt(words=answer.words)

    def rehearse(self, key: str, folder: Path, *, now: datetime) -> Path:
        self._parcel.check()
        stamp = str(int(now.timestamp()))
        signed = {TIMESTAMP: stamp, SIGNATURE: signature(self._secret, stamp, self._parcel.path)}
        lines = [f"POST {self.receiver}", f"Idempotency-Key: {key}", "Content-Type: application/zip"]
        lines += [f"{name}: {value}" for name, value in {**self._headers(), **signed}.items()]
        return _write(folder / f"{self._parcel.batch}.txt", ("\n".join(lines) + "\n").encode())

    def _headers(self) -> dict[str, str]:
        return {"X-Qingyuan-Batch": self._parcel.batch, "X-Qingyuan-Sha256": self._parcel.sha256}


def _write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
