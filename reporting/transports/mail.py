"""Mail by SMTP: TLS with a verified certificate, one answer for all recipients, and no doubt about what arrived.

A receiver may act on a message only when it has got the line that ends it (RFC 5321 §4.1.1.4). So everything before
that line can be tried again, and only silence after it leaves the result unknown.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email import policy
from email.utils import getaddresses, make_msgid
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal

from reporting.transports.conversation import Receipt, one_line, time_limit
from storage.errors import PermanentSendError, RetryableSendError, UnknownResultError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from email.message import EmailMessage
    from pathlib import Path

Security = Literal["starttls", "tls", "none"]

_WIRE = policy.SMTP.clone(cte_type="7bit")
_ADDRESS = re.compile(r"[!-;=?A-~]+@[A-Za-z0-9.\-\[\]:]+")
_PIECE = 1 << 18
_GOODBYE_SECONDS = 2.0
_TRANSIENT, _FINAL = 4, 5  # first digit of a reply code, RFC 5321 §4.2.1


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Through which server mail leaves. The password comes from the environment alone and is never shown.

    ``timeout_seconds`` is for each answer, ``deadline_seconds`` for the whole; ``ca_file`` names the only authority
    trusted, for servers of the house (empty = the system's).
    """

    host: str
    port: int
    security: Security
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 60.0
    deadline_seconds: float = 600.0

    @property
    def name(self) -> str:
        """The server as errors name it."""
        return f"mail server {self.host}:{self.port}"


def send_mail(server: MailServer, message: EmailMessage) -> Receipt:
    """Send a message to all its recipients or to none; its own Message-ID is kept, a missing one is made.

    ``From`` is the server's sender where the message has none; ``Bcc`` is taken out before it leaves.

    Raises:
        RetryableSendError: surely nobody got it; the server was not reached, or said "not now" (4xx).
        PermanentSendError: surely nobody got it; refused (5xx), no trusted TLS, or a broken address.
        UnknownResultError: the connection ended after the message may have arrived.
    """
    recipients, wire = _prepared(server, message)
    smtp = _client(server)
    with _closed(smtp), time_limit(lambda: smtp.sock, server.deadline_seconds):
        with _nothing_arrived(server):
            _sign_on(smtp, server)
            _announce(smtp, server, recipients, size=len(wire))
            for start in range(0, len(wire), _PIECE):
                smtp.send(wire[start : start + _PIECE])
        words = _end_of_message(smtp, server)
        _goodbye(smtp)
    return Receipt(words=words, message_id=str(message["Message-ID"]))


def mail_bytes(message: EmailMessage) -> bytes:
    """Return a message as it goes over the wire, before dots are doubled; lines end in CR LF."""
    raw = message.as_bytes(policy=_WIRE)
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def _prepared(server: MailServer, message: EmailMessage) -> tuple[list[str], bytes]:
    """Complete the message's headers; return who gets it and its bytes with leading dots doubled."""
    if "From" not in message:
        message["From"] = server.sender
    if "Message-ID" not in message:
        message["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2])
    fields = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    recipients = list(dict.fromkeys(address for _, address in getaddresses(fields)))
    del message["Bcc"]
    if not recipients:
        raise PermanentSendError(server.name, "the message has no recipient")
    for address in (server.sender, *recipients):
        if not _ADDRESS.fullmatch(address):
            raise PermanentSendError(server.name, f"{one_line(address)!r} is no mail address")
    return recipients, re.sub(rb"(?m)^\.", b"..", mail_bytes(message))


def _client(server: MailServer) -> smtplib.SMTP:
    own = socket.gethostname()
    if server.security == "tls":
        context = _tls(server)
        return smtplib.SMTP_SSL(local_hostname=own, timeout=server.timeout_seconds, context=context)
    return smtplib.SMTP(local_hostname=own, timeout=server.timeout_seconds)


def _tls(server: MailServer) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise PermanentSendError(
            server.name, f"the authority in {server.ca_file} cannot be read: {error}"
        ) from None


@contextlib.contextmanager
def _closed(smtp: smtplib.SMTP) -> Iterator[None]:
    try:
        yield
    finally:
        smtp.close()


@contextlib.contextmanager
def _nothing_arrived(server: MailServer) -> Iterator[None]:
    """Name what went wrong before the end of the message: surely nobody got it."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        raise _refused(server, error.smtp_code, error.smtp_error) from None
    except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
        raise PermanentSendError(server.name, one_line(str(error))) from None
    except OSError as error:  # smtplib's own are among them: not connected, disconnected, too slow
        raise RetryableSendError(server.name, one_line(str(error)) or type(error).__name__) from None


def _sign_on(smtp: smtplib.SMTP, server: MailServer) -> None:
    # SMTP_SSL checks the certificate against this; connect() alone leaves it empty (CPython 3.11, smtplib.py).
    smtp._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001 - it has no public name
    code, words = smtp.connect(server.host, server.port)
    _expect(code, words)
    smtp.ehlo_or_helo_if_needed()
    if server.security == "starttls":
        _expect(*smtp.starttls(context=_tls(server)))
        smtp.ehlo_or_helo_if_needed()
    if not server.user:
        return
    if server.security == "none" and not _is_loopback(smtp):
        raise PermanentSendError(server.name, "a password is not sent without TLS: set security to starttls or tls")
    if not server.password:
        raise PermanentSendError(server.name, f"there is no password for {server.user} in the environment")
    smtp.login(server.user, server.password)


def _announce(smtp: smtplib.SMTP, server: MailServer, recipients: Sequence[str], *, size: int) -> None:
    """Agree on sender, recipients and size; one recipient refused refuses all, so that nobody gets it twice."""
    options = []
    if smtp.has_extn("size"):
        limit = smtp.esmtp_features["size"]
        if limit.isdigit() and 0 < int(limit) < size:
            raise PermanentSendError(server.name, f"takes at most {limit} bytes, the message has {size}")
        options = [f"size={size}"]
    _expect(*smtp.mail(server.sender, options))
    answers = [smtp.rcpt(address) for address in recipients]
    # A refusal for good outweighs one for now: trying again would not help.
    for code, words in sorted(answers, key=lambda answer: answer[0], reverse=True):
        _expect(code, words)
    code, words = smtp.docmd("DATA")
    if code != 354:  # noqa: PLR2004 - the only answer that lets one go on, RFC 5321 §4.1.1.4
        raise smtplib.SMTPDataError(code, words)


def _end_of_message(smtp: smtplib.SMTP, server: MailServer) -> str:
    try:
        smtp.send(b".\r\n")
        code, words = smtp.getreply()
    except OSError as error:
        why = one_line(str(error)) or type(error).__name__
        raise UnknownResultError(server.name, f"no answer after the message was handed over: {why}") from None
    if code // 100 == 2:  # noqa: PLR2004 - accepted
        return one_line(f"{code} {words.decode('utf-8', 'replace')}")
    if code // 100 in (_TRANSIENT, _FINAL):
        raise _refused(server, code, words)
    raise UnknownResultError(server.name, f"an answer that says nothing: {code} {one_line(words)}")


def _goodbye(smtp: smtplib.SMTP) -> None:
    """Leave politely, without letting a slow server hold what is already known."""
    if smtp.sock is not None:
        smtp.sock.settimeout(_GOODBYE_SECONDS)
    with contextlib.suppress(OSError):
        smtp.quit()


def _expect(code: int, words: bytes | str) -> None:
    if code // 100 != 2:  # noqa: PLR2004 - 2xx is yes
        raise smtplib.SMTPResponseException(code, words)


def _refused(server: MailServer, code: int, words: bytes | str) -> RetryableSendError | PermanentSendError:
    kind = PermanentSendError if code // 100 == _FINAL else RetryableSendError
    return kind(server.name, f"{code} {one_line(words)}")


def _is_loopback(smtp: smtplib.SMTP) -> bool:
    return smtp.sock is not None and ip_address(smtp.sock.getpeername()[0].partition("%")[0]).is_loopback
