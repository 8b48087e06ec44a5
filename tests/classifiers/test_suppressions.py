"""Suppressions: strict files, an end, near copies only, and none with a contact of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from classifiers.datafiles import DataFileError
from classifiers.suppressions import Suppression, last_day, load_suppression, template_bands, write_suppression

if TYPE_CHECKING:
    from pathlib import Path

NOTICE = (
    "近期有不法分子以停息挂账、征信修复为名向客户收取高额手续费，"
    "本行从未委托任何机构办理此类业务，请广大客户提高警惕。"
)
OTHER = "周末和家人一起去爬山，山顶的风很大，孩子们很高兴，回来的路上买了橘子和一束花，晚上早早睡了。"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "c1-account.yml"
    path.write_text(text, "utf-8")
    return path


def template(*contacts: str) -> Suppression:
    return Suppression(
        label="x1", account=None, bands=tuple(template_bands(NOTICE)), contacts=frozenset(contacts), until=date.max
    )


@pytest.mark.parametrize(
    ("text", "field", "unknown"),
    [
        ("suppress: account\nuntil: 2027-01-01\nreason: r\n", "", False),
        ("suppress: template\nuntil: 2027-01-01\nreason: r\naccount: a:1\n", "", False),
        ("suppress: account\naccount: a:1\nuntil: 2027-01-01\n", "reason", False),
        ("suppress: account\naccount: nobody\nuntil: 2027-01-01\nreason: r\n", "account", False),
        ("suppress: account\naccount: a:1\nuntil: soon\nreason: r\n", "until", False),
        ("suppress: account\naccount: a:1\nreason: r\n", "until", False),
        ("suppress: all\naccount: a:1\nuntil: 2027-01-01\nreason: r\n", "suppress", False),
        ("suppress: template\nbands: [1, 2]\nuntil: 2027-01-01\nreason: r\n", "bands", False),
        ("suppress: account\naccount: a:1\nuntil: 2027-01-01\nreason: r\nforever: true\n", "forever", True),
        ("- a\n", "", False),
        ("suppress: [", "", False),
    ],
)
def test_a_file_that_is_wrong_is_refused_and_named(tmp_path: Path, text: str, field: str, unknown: bool) -> None:
    with pytest.raises(DataFileError) as caught:
        load_suppression(written(tmp_path, text))
    assert (caught.value.field, caught.value.unknown_key) == (field, unknown)
    assert "c1-account.yml" in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataFileError):
        load_suppression(path)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    bands = template_bands(NOTICE)
    values: dict[str, object] = {"suppress": "template", "bands": bands, "contacts": ["k1"]}
    values |= {"until": date(2027, 1, 1), "clue": "c1", "reason": "银行公告: 不是线索\u2028\x7f #"}
    path = tmp_path / "c1-template.yml"
    path.write_bytes(write_suppression(values))
    found = load_suppression(path)
    assert (list(found.bands), found.contacts, found.until) == (bands, {"k1"}, date(2027, 1, 1))
    assert NOTICE[:4] not in path.read_text("utf-8")


def test_it_holds_to_the_end_of_its_last_day_in_shanghai() -> None:
    one = Suppression(label="x1", account="a:1", bands=(), contacts=frozenset(), until=date(2027, 1, 1))
    assert one.holds(datetime(2027, 1, 1, 15, 59, tzinfo=UTC))
    assert not one.holds(datetime(2027, 1, 1, 16, 0, tzinfo=UTC))


def test_the_days_ahead_are_counted_in_shanghai() -> None:
    assert last_day(datetime(2026, 11, 18, 17, tzinfo=UTC), 90) == date(2027, 2, 17)


def test_a_template_covers_near_copies_and_nothing_else() -> None:
    assert template().covers(template_bands(NOTICE), ())
    assert template().covers(template_bands(f"【提醒】{NOTICE}"), ())
    assert not template().covers(template_bands(OTHER), ())
    assert not template().covers(template_bands("太短"), ())


def test_a_copy_with_a_contact_of_its_own_is_not_covered() -> None:
    bands = template_bands(NOTICE)
    assert template("hotline").covers(bands, {"hotline"})
    assert template("hotline").covers(bands, ())
    assert not template("hotline").covers(bands, {"hotline", "seller"})
    assert not template().covers(bands, {"seller"})
