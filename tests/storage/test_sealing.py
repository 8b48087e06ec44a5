"""Contacts are encrypted at rest, linkable by key, and masked when shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from storage.sealing import load_sealer, make_contact_key, mask

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sealed_contact_opens_with_its_own_key_only(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        make_contact_key(tmp_path / name)
    one, two = load_sealer(tmp_path / "one"), load_sealer(tmp_path / "two")
    sealed = one.seal("13900001234")
    assert b"1390" not in sealed
    assert one.open(sealed) == "13900001234"
    assert one.seal("13900001234") != sealed
    with pytest.raises(InvalidTag):
        two.open(sealed)
    assert one.link_key("phone", "1") != two.link_key("phone", "1")
    assert one.link_key("phone", "1") != one.link_key("wechat", "1")


def test_the_key_file_is_private_and_made_once(tmp_path: Path) -> None:
    make_contact_key(tmp_path)
    first = (tmp_path / "contacts.key").read_bytes()
    make_contact_key(tmp_path)
    assert (tmp_path / "contacts.key").read_bytes() == first
    assert (tmp_path / "contacts.key").stat().st_mode & 0o777 == 0o600


@given(st.text(min_size=1, max_size=40))
def test_a_mask_keeps_the_length_and_hides_two_thirds(value: str) -> None:
    masked = mask(value)
    assert len(masked) == len(value)
    shown = sum(1 for char, kept in zip(value, masked, strict=True) if char == kept and char != "*")
    assert shown <= max(len(value) // 3, 2)
