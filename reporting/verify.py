"""Verifying a package offline: its container, its files, its signature."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, BinaryIO

from reporting.container import ContainerError, Reader
from reporting.packages import FORMAT, MANIFEST, SIGNATURE
from reporting.signing import signature_file
from storage.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reporting.container import Entry
    from reporting.signing import PublicKey
    from storage.records import Json

_MAX_BYTES = 64 << 20


class _TamperedError(Exception):
    """The package does not hold; the message says where."""


def verify_package(path: Path, *, public_keys: Sequence[PublicKey]) -> Json:
    """Return ``{valid, trusted, files, problems}`` for a package file.

    ``valid``: the container is in canonical form, its members are exactly those of the manifest, and the signature
    holds as far as a key to check it is known. ``trusted``: it was signed by one of ``public_keys``. Memory and
    time depend on the file's size alone, whatever it claims to hold.

    Raises:
        InputError: there is no such file (``missing_file``).
    """
    problems: list[Json] = []
    files, trusted = 0, False
    try:
        reader = Reader(_open(path), kept=(MANIFEST, SIGNATURE), max_kept_bytes=_MAX_BYTES)
        with reader.source:
            entries = reader.entries()
        files = len(entries)
        trusted = _check(entries, reader.contents, public_keys)
        if not trusted:
            problems.append(_problem("untrusted", "signed by a key that is not among the known ones", path))
        valid = True
    except (ContainerError, _TamperedError) as error:
        valid = False
        problems.append(_problem("tampered", str(error), path))
    return {"valid": valid, "trusted": trusted, "files": files, "problems": problems}


def _check(entries: Sequence[Entry], contents: dict[str, bytes], keys: Sequence[PublicKey]) -> bool:
    """Return whether a known key signed the manifest; raise when anything does not hold."""
    if missing := [name for name in (MANIFEST, SIGNATURE) if name not in contents]:
        raise _TamperedError(f"{missing[0]} is missing or too large")
    manifest = _object(contents[MANIFEST], MANIFEST)
    if manifest.get("format") != FORMAT:
        raise _TamperedError("not a package of a format known here")
    expected = [{"name": one.name, "size": one.size, "sha256": one.sha256} for one in entries]
    listed = [one for one in expected if one["name"] not in (MANIFEST, SIGNATURE)]
    if manifest.get("files") != listed:
        raise _TamperedError(_difference(manifest.get("files"), listed))
    return _check_signature(contents, manifest, keys)


def _check_signature(contents: dict[str, bytes], manifest: Json, keys: Sequence[PublicKey]) -> bool:
    told, signed_by = _object(contents[SIGNATURE], SIGNATURE), manifest.get("signed_by")
    if not isinstance(signed_by, dict):
        raise _TamperedError("the manifest does not say who signed it")
    key_id, valid_from = str(signed_by.get("key")), str(signed_by.get("valid_from"))
    try:
        signature = base64.b64decode(str(told.get("signature")), validate=True)
    except binascii.Error:
        raise _TamperedError(f"{SIGNATURE} holds no signature") from None
    if contents[SIGNATURE] != signature_file(key_id, valid_from, signature):
        raise _TamperedError(f"{SIGNATURE} is not in the form in which it is made")
    for key in keys:
        if key.key_id == key_id:
            if not key.verifies(signature, contents[MANIFEST]):
                raise _TamperedError("the signature does not belong to this manifest")
            return True
    return False


def _difference(told: object, found: Sequence[Json]) -> str:
    listed = {one.get("name"): one for one in told if isinstance(one, dict)} if isinstance(told, list) else {}
    there = {one["name"]: one for one in found}
    for name in sorted(set(listed) | set(there), key=str):
        if name not in there:
            return f"{name} is missing"
        if name not in listed:
            return f"{name} is not in the manifest"
        if listed[name] != there[name]:
            return f"{name} was changed"
    return "the manifest's list of files is not in canonical form"


def _object(data: bytes, name: str) -> Json:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise _TamperedError(f"{name} is not JSON") from None
    if not isinstance(value, dict):
        raise _TamperedError(f"{name} is not an object")
    return value


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise InputError("missing_file", "there is no such file", file=str(path)) from None
    except IsADirectoryError:
        raise InputError("missing_file", "that is a folder", file=str(path)) from None
    except OSError as error:
        raise InputError("missing_file", error.strerror or "cannot be read", file=str(path)) from None


def _problem(code: str, message: str, path: Path) -> Json:
    return {"code": code, "file": str(path), "message": message}
