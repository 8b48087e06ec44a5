"""The key that signs packages, and the ring of public keys that verifies them.

``keys/package.pem`` is the private key (0600), ``keys/package.pub`` its public half to hand out, ``keys/ring.json``
all public keys this workspace ever signed with: an old package stays verifiable after a new key was made.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from storage.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FILE = "package.pem"
PUBLIC_FILE = "package.pub"
RING_FILE = "ring.json"
_MAX_KEY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A public Ed25519 key; ``valid_from`` is None where only the bare key was handed over."""

    raw: bytes
    valid_from: datetime | None = None

    @property
    def key_id(self) -> str:
        """SHA-256 of the raw key in hex, the name by which a signature calls it."""
        return hashlib.sha256(self.raw).hexdigest()

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Return whether this key made the signature over the data."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The workspace's signing key."""

    key: Ed25519PrivateKey
    public: PublicKey

    def sign(self, data: bytes) -> bytes:
        """Return the signature (64 bytes); the same data always gives the same one."""
        return self.key.sign(data)


def make_package_key(keys_root: Path, *, now: datetime) -> None:
    """Make the signing key, its public half and the ring, each unless it is there; safe to repeat after a kill."""
    path = keys_root / PRIVATE_FILE
    with suppress(FileExistsError):
        _write_new(path, _private_pem(Ed25519PrivateKey.generate()), mode=0o600)
    key = _load_private(path)
    public = key.public_key()
    with suppress(FileExistsError):
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        _write_new(keys_root / PUBLIC_FILE, pem, mode=0o644)
    known = load_keyring(keys_root)
    added = PublicKey(raw=public.public_bytes_raw(), valid_from=now.astimezone(UTC).replace(microsecond=0))
    if all(one.raw != added.raw for one in known):
        _write_ring(keys_root / RING_FILE, [*known, added])


def load_signer(keys_root: Path) -> Signer:
    """Return the signing key of a workspace.

    Raises:
        InputError: ``init`` has not made it (``missing_file``), or it is damaged (``corrupt_file``).
    """
    path = keys_root / PRIVATE_FILE
    key = _load_private(path)
    raw = key.public_key().public_bytes_raw()
    for public in load_keyring(keys_root):
        if public.raw == raw:
            return Signer(key=key, public=public)
    raise InputError("corrupt_file", "the key is not in the ring beside it", file=str(path))


def load_keyring(keys_root: Path) -> tuple[PublicKey, ...]:
    """Return the public keys of a workspace, oldest first; none when ``init`` has not made any.

    Raises:
        InputError: the ring is damaged (``corrupt_file``).
    """
    path = keys_root / RING_FILE
    try:
        entries = json.loads(path.read_text("utf-8"))
        return tuple(
            PublicKey(raw=bytes.fromhex(entry["public"]), valid_from=datetime.fromisoformat(entry["valid_from"]))
            for entry in entries
        )
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("corrupt_file", f"not a ring of keys: {error}", file=str(path)) from error


def read_public_key(path: Path) -> PublicKey:
    """Return the public key of a PEM file that somebody handed over.

    Raises:
        InputError: there is no such file (``missing_file``), or it holds no Ed25519 key (``corrupt_file``).
    """
    try:
        with path.open("rb") as file:
            key = serialization.load_pem_public_key(file.read(_MAX_KEY_BYTES))
    except FileNotFoundError:
        raise InputError("missing_file", "there is no such file", file=str(path)) from None
    except (ValueError, UnsupportedAlgorithm, OSError) as error:
        raise InputError("corrupt_file", "not a public key in PEM form", file=str(path)) from error
    if not isinstance(key, Ed25519PublicKey):
        raise InputError("corrupt_file", "not an Ed25519 key", file=str(path))
    return PublicKey(raw=key.public_bytes_raw())


def signature_file(key_id: str, valid_from: str, signature: bytes) -> bytes:
    """Return ``manifest.sig`` in its only form (contracts §7): whatever differs from it is not ours."""
    value = {
        "alg": "ed25519",
        "key": key_id,
        "valid_from": valid_from,
        "signature": base64.b64encode(signature).decode(),
    }
    return (json.dumps(value) + "\n").encode()


def _load_private(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise InputError("missing_file", "there is no signing key; init makes it", file=str(path)) from None
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("corrupt_file", "not a private key in PEM form", file=str(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("corrupt_file", "not an Ed25519 key", file=str(path))
    return key


def _private_pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_ring(path: Path, keys: list[PublicKey]) -> None:
    entries = [
        {"public": one.raw.hex(), "valid_from": one.valid_from.isoformat() if one.valid_from else None}
        for one in keys
    ]
    beside = path.with_suffix(".part")
    with suppress(FileNotFoundError):
        beside.unlink()
    _write_new(beside, (json.dumps(entries, indent=1) + "\n").encode(), mode=0o644)
    beside.replace(path)


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file that must not exist; it appears with its mode, complete or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        beside.unlink()
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)
    finally:
        beside.unlink()
