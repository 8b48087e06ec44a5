"""A real SMTP server on the loopback that keeps what it took, and misbehaves on order."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

if TYPE_CHECKING:
    from tests.support.certificates import Certificates

USER, PASSWORD = "qingyuan", "mail-password"


@dataclass(slots=True)
class Mailbox:
    """Keeps messages as ``taken``; ``plans`` are used up one by one per message, then everything is fine.

    Plans: ``greylist`` (451 to the recipient), ``no_such_box`` (550 to the recipient), ``full`` (452 after the
    message), ``refuse`` (554 after it), ``reset_early`` (closes at the recipient), ``reset_late`` (takes it and
    closes without an answer), ``slow`` (takes it and does not answer for a while).
    """

    certificates: Certificates | None = None
    security: str = "none"
    sign_in: bool = False
    size_limit: int = 50_000_000
    taken: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)
    _controller: Controller | None = None

    def __enter__(self) -> Mailbox:
        self._controller = _LocalController(self)
        self._controller.start()
        return self

    def __exit__(self, *error: object) -> None:
        assert self._controller is not None
        self._controller.stop(no_assert=True)

    @property
    def port(self) -> int:
        """The port it listens at."""
        assert self._controller is not None
        return int(self._controller.server.sockets[0].getsockname()[1])

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        """Answer for one recipient."""
        match self.plans[0] if self.plans else "":
            case "greylist":
                self.plans.pop(0)
                return "451 4.7.1 greylisted, try again later"
            case "no_such_box":
                self.plans.pop(0)
                return "550 5.1.1 no such mailbox"
            case "reset_early":
                self.plans.pop(0)
                server.transport.abort()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a message, or do what was ordered."""
        plan = self.plans.pop(0) if self.plans else ""
        if plan in {"full", "refuse"}:
            return "452 4.3.1 mailbox full" if plan == "full" else "554 5.7.1 refused"
        self.taken.append(envelope.content)
        self.recipients.append(list(envelope.rcpt_tos))
        if plan == "reset_late":
            server.transport.abort()
        if plan == "slow":
            await asyncio.sleep(5)
        return "250 2.0.0 kept as 4711"


class _LocalController(Controller):
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        context = mailbox.certificates.server_context() if mailbox.certificates else None
        self._starttls = context if mailbox.security == "starttls" else None
        super().__init__(
            mailbox,
            hostname="127.0.0.1",
            port=_free_port(),
            ssl_context=context if mailbox.security == "tls" else None,
        )

    def factory(self) -> SMTP:
        return SMTP(
            self.handler,
            hostname="mailbox.test",
            data_size_limit=self._mailbox.size_limit,
            tls_context=self._starttls,
            require_starttls=self._starttls is not None,
            auth_required=self._mailbox.sign_in,
            auth_require_tls=self._mailbox.security == "starttls",
            authenticator=_authenticate if self._mailbox.sign_in else None,
            loop=self.loop,
        )


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=known)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
