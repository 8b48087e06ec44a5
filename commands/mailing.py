"""The mail server of the workspace's settings, with its password from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reporting.transports.mail import MailServer
    from settings import Mail

MAIL_PASSWORD = "QINGYUAN_MAIL_PASSWORD"  # noqa: S105 - the name of the variable that holds it


def mail_server(mail: Mail, *, environment: dict[str, str] | None = None) -> MailServer | None:
    """Return the server of the section `[mail]`, or None when no host or no sender is named there."""
    from reporting.transports.mail import MailServer

    if not mail.host or not mail.sender:
        return None
    known = os.environ if environment is None else environment
    return MailServer(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        sender=mail.sender,
        user=mail.user,
        password=known.get(MAIL_PASSWORD, ""),
        ca_file=Path(mail.ca_file).expanduser() if mail.ca_file else None,
        timeout_seconds=mail.timeout_seconds,
    )
