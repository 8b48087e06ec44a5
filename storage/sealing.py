"""Contacts at rest: encrypted with the workspace's key, linked by a keyed hash, shown masked."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from pathlib import Path

_KEY_FILE = "contacts.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Sealer:
    """Seals and opens contact values with the key file of a workspace."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"seal" + key).digest())
        self._mac = hashlib.sha256(b"link" + key).digest()

    def link_key(self, kind: str, value: str) -> str:
        """Return the keyed hash (64 hex digits) by which equal contacts are found."""
        return hmac.new(self._mac, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()

    def seal(self, value: str) -> bytes:
        """Return the value encrypted; two seals of one value differ."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value.encode(), None)

    def open(self, sealed: bytes) -> str:
        """Return the value; raises cryptography's InvalidTag when it was sealed with another key."""
        return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()


def make_contact_key(keys_root: Path) -> None:
    """Write the key file (0600) unless it is there; losing it makes stored contacts unreadable."""
    path = keys_root / _KEY_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))


def load_sealer(keys_root: Path) -> Sealer:
    """Return the workspace's sealer; raises FileNotFoundError when ``init`` has not made the key."""
    return Sealer((keys_root / _KEY_FILE).read_bytes())


def mask(value: str) -> str:
    """Return the value with its middle hidden: first and last characters stay, at most a third of it."""
    shown = max(len(value) // 6, 1)
    if len(value) <= 2:  # noqa: PLR2004 - nothing to keep of two characters
        return "*" * len(value)
    return value[:shown] + "*" * (len(value) - 2 * shown) + value[-shown:]
