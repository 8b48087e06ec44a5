"""The container has one form: whatever differs from it is refused, without unpacking anything."""

from __future__ import annotations

import io
import random
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.container import NAME, ContainerError, Member, Reader, write_container

MEMBERS = [
    Member(name="clues.csv", data=b"item\r\n"),
    Member(name="evidence/i1/post.json", data=b"{}"),
    Member(name="empty", data=b""),
    Member(name="manifest.json", data=bytes(range(256)) * 20),
]


def container(members: list[Member] | None = None) -> bytes:
    buffer = io.BytesIO()
    write_container(buffer, MEMBERS if members is None else members)
    return buffer.getvalue()


def read(data: bytes) -> list[str]:
    return [entry.name for entry in Reader(io.BytesIO(data)).entries()]


def test_other_programs_read_it() -> None:
    with zipfile.ZipFile(io.BytesIO(container())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(member.name for member in MEMBERS)
        for info in archive.infolist():
            assert (info.date_time, info.compress_type) == ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)
            assert info.external_attr >> 16 == 0o100644


def test_it_is_read_back_in_order() -> None:
    assert read(container()) == ["clues.csv", "empty", "evidence/i1/post.json", "manifest.json"]
    assert read(container([])) == []


def test_order_of_the_members_does_not_matter() -> None:
    assert container(MEMBERS[::-1]) == container()


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    data = bytearray(container())
    data[place % len(data)] ^= change
    with pytest.raises(ContainerError):
        read(bytes(data))


@pytest.mark.parametrize("cut", [1, 10, 22, 60, 400])
def test_cut_or_longer_file_is_refused(cut: int) -> None:
    data = container()
    for broken in (data[:-cut], data[cut:], data + b"\0" * cut, b"\0" * cut + data):
        with pytest.raises(ContainerError):
            read(broken)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_of_another_program_is_refused(compression: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("a", b"x" * 1000)
    with pytest.raises(ContainerError):
        read(buffer.getvalue())


def test_bomb_is_refused_without_unpacking() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\0" * (64 << 20))
    with pytest.raises(ContainerError):
        read(buffer.getvalue())


def test_member_that_claims_gigabytes_is_refused_by_its_end() -> None:
    header = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0xF0000000, 0xF0000000, 1, 0) + b"a"
    with pytest.raises(ContainerError, match="ends inside"):
        read(header + b"x" * 1000)


@pytest.mark.parametrize(
    "data", [b"", b"P", b"PK", b"PK\3\4", b"not a zip at all", random.Random(1).randbytes(5000)]
)
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(ContainerError):
        read(data)


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "..\\x",
        "/etc/passwd",
        "a/../b",
        "a//b",
        "a/",
        ".",
        "..",
        "",
        "a\0b",
        "名字",
        "a\u202eb",
        "-" * 300,
        "a b",
        "a:b",
        "a\nb",
    ],
)
def test_names_are_our_own_only(name: str) -> None:
    assert not NAME.fullmatch(name)
    with pytest.raises(ValueError, match="named"):
        container([Member(name=name, data=b"")])


def test_doubled_names_are_refused_on_both_ways() -> None:
    with pytest.raises(ValueError, match="doubled"):
        container([MEMBERS[0], MEMBERS[0]])
    one = container([MEMBERS[0]])
    size = 30 + len("clues.csv") + 6
    with pytest.raises(ContainerError, match="doubled"):
        read(one[:size] + one)
