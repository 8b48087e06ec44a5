"""What one running desk consists of: the store, the clock, its settings, its pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from storage.sessions import IDLE, LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from jinja2 import Environment

    from review.grants import Grants
    from review.i18n import Catalogue
    from storage.engine import Store
    from storage.sealing import Sealer

UNMASKED_FOR = timedelta(minutes=10)
"""How long a clue stays unmasked for the person and session that gave a reason."""

_HASHES_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSettings:
    """What a workspace may set about its desk.

    ``secure_cookies`` belongs behind TLS: browsers then send the cookies over nothing else.
    ``trusted_proxies`` are the addresses or networks whose X-Forwarded-For is believed. ``metrics`` says who may
    read the numbers: ``off`` nobody, ``loopback`` this machine, ``token`` who shows ``metrics_token``.
    """

    language: str = "zh"
    idle: timedelta = IDLE
    longest: timedelta = LONGEST
    unmasked_for: timedelta = UNMASKED_FOR
    secure_cookies: bool = False
    trusted_proxies: tuple[str, ...] = ()
    metrics: str = "off"
    metrics_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One running desk; safe to share between threads."""

    store: Store
    now: Callable[[], datetime]
    evidence_root: Path
    settings: DeskSettings
    pages: Environment
    catalogues: dict[str, Catalogue]
    sealer: Sealer
    grants: Grants
    hashing: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(_HASHES_AT_ONCE))
    """Passwords looked at at once; each takes 64 MiB."""
