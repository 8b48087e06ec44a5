"""Verification finds every change, offline, and trusts only keys it was given."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reporting.container import Member, write_container
from reporting.packages import MANIFEST, SIGNATURE
from reporting.signing import (
    PUBLIC_FILE,
    PublicKey,
    load_keyring,
    load_signer,
    make_package_key,
    read_public_key,
    signature_file,
)
from reporting.verify import verify_package
from storage.errors import InputError
from tests.support.takedown import add_confirmed, exported

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store


@pytest.fixture
def package(sqlite_store: Store, now: datetime, tmp_path: Path) -> Path:
    add_confirmed(sqlite_store, now, "a", "b")
    return Path(exported(sqlite_store, now, tmp_path)["file"])


@pytest.fixture
def keys(sqlite_store: Store, package: Path) -> tuple[PublicKey, ...]:
    return load_keyring(sqlite_store.keys_root)


def members(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(package: Path, changed: dict[str, bytes | None]) -> Path:
    """Write the package again, as canonical as the original, with members changed, added or removed (None)."""
    found: dict[str, bytes | None] = {**members(package), **changed}
    buffer = io.BytesIO()
    write_container(buffer, [Member(name=name, data=data) for name, data in found.items() if data is not None])
    package.write_bytes(buffer.getvalue())
    return package


def refused(package: Path, keys: tuple[PublicKey, ...]) -> str:
    found = verify_package(package, public_keys=keys)
    assert (found["valid"], found["trusted"]) == (False, False)
    (problem,) = found["problems"]
    assert problem["code"] == "tampered"
    return str(problem["message"])


def test_good_package_is_valid_and_trusted(package: Path, keys: tuple[PublicKey, ...], sqlite_store: Store) -> None:
    expected = {"valid": True, "trusted": True, "files": len(members(package)), "problems": []}
    assert verify_package(package, public_keys=keys) == expected
    handed_over = read_public_key(sqlite_store.keys_root / PUBLIC_FILE)
    assert verify_package(package, public_keys=[handed_over]) == expected


def test_unknown_key_is_not_trusted(package: Path) -> None:
    stranger = PublicKey(raw=Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    for known in ([], [stranger]):
        found = verify_package(package, public_keys=known)
        assert (found["valid"], found["trusted"]) == (True, False)
        assert [problem["code"] for problem in found["problems"]] == ["untrusted"]


def test_every_changed_byte_is_found(package: Path, keys: tuple[PublicKey, ...]) -> None:
    data = package.read_bytes()
    chance = random.Random(20)
    places = {*range(40), *range(len(data) - 40, len(data)), *(chance.randrange(len(data)) for _ in range(250))}
    at = data.index(b'"alg": "ed25519"')
    places |= set(range(at - 60, at + 260))
    for place in sorted(places):
        broken = bytearray(data)
        broken[place] ^= 1 << chance.randrange(8)
        package.write_bytes(bytes(broken))
        assert not verify_package(package, public_keys=keys)["valid"], place


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"clues.csv": b"changed"}, "clues.csv was changed"),
        ({"clues.csv": None}, "clues.csv is missing"),
        ({"extra.txt": b"x"}, "extra.txt is not in the manifest"),
        ({MANIFEST: None}, "manifest.json is missing"),
        ({SIGNATURE: None}, "manifest.sig is missing"),
        ({SIGNATURE: b"{}"}, "no signature"),
        ({SIGNATURE: b"[" * 100_000}, "not JSON"),
        ({MANIFEST: b"[]"}, "not an object"),
        ({MANIFEST: b'{"format": "other/1"}'}, "format"),
    ],
)
def test_changed_missing_and_extra_members_are_named(
    package: Path, keys: tuple[PublicKey, ...], changed: dict[str, bytes | None], says: str
) -> None:
    message = refused(rewritten(package, changed), keys)
    assert says in message or (SIGNATURE in changed and "form" in message)


def test_manifest_made_to_fit_fails_by_its_signature(package: Path, keys: tuple[PublicKey, ...]) -> None:
    manifest = json.loads(members(package)[MANIFEST])
    manifest["counts"]["items"] = 3
    assert "signature" in refused(rewritten(package, {MANIFEST: json.dumps(manifest).encode()}), keys)


def test_package_signed_anew_by_a_stranger_is_not_trusted(package: Path, keys: tuple[PublicKey, ...]) -> None:
    stranger = Ed25519PrivateKey.generate()
    public = PublicKey(raw=stranger.public_key().public_bytes_raw())
    manifest = json.loads(members(package)[MANIFEST])
    manifest["signed_by"]["key"] = public.key_id
    data = json.dumps(manifest).encode()
    signed = signature_file(public.key_id, manifest["signed_by"]["valid_from"], stranger.sign(data))
    found = verify_package(rewritten(package, {MANIFEST: data, SIGNATURE: signed}), public_keys=keys)
    assert (found["valid"], found["trusted"]) == (True, False)


def test_signature_of_another_package_is_refused(
    package: Path, keys: tuple[PublicKey, ...], sqlite_store: Store
) -> None:
    signer = load_signer(sqlite_store.keys_root)
    told = json.loads(members(package)[SIGNATURE])
    other = signature_file(told["key"], told["valid_from"], signer.sign(b"another manifest"))
    assert "signature" in refused(rewritten(package, {SIGNATURE: other}), keys)


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\3\4" + b"\0" * 100, "说明".encode("gb18030")])
def test_any_other_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    refused(path, ())


def test_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"\0" * (128 << 20))
    refused(path, ())


def test_missing_file_is_a_wrong_call(tmp_path: Path) -> None:
    for path in (tmp_path / "none.zip", tmp_path):
        with pytest.raises(InputError) as raised:
            verify_package(path, public_keys=())
        assert raised.value.code == "missing_file"


def test_key_is_made_once_kept_private_and_stays_in_the_ring(tmp_path: Path, now: datetime) -> None:
    for _ in range(2):
        make_package_key(tmp_path, now=now)
    (public,) = load_keyring(tmp_path)
    assert (tmp_path / "package.pem").stat().st_mode & 0o777 == 0o600
    assert load_signer(tmp_path).public == public
    assert public.valid_from == now
    (tmp_path / "package.pem").unlink()
    (tmp_path / PUBLIC_FILE).unlink()
    make_package_key(tmp_path, now=now)
    assert load_keyring(tmp_path)[0] == public
    assert load_signer(tmp_path).public == load_keyring(tmp_path)[1]


@pytest.mark.parametrize(
    "data", [b"", b"not a key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_file_that_is_no_key_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "key.pub"
    path.write_bytes(data)
    with pytest.raises(InputError) as raised:
        read_public_key(path)
    assert raised.value.code == "corrupt_file"


def test_rewriting_without_a_change_gives_the_same_file(package: Path, keys: Any) -> None:
    before = package.read_bytes()
    assert rewritten(package, {}).read_bytes() == before
