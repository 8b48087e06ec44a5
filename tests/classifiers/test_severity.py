"""Severity: the order of rule R11, its bounds, its data."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

import classifiers
from classifiers.datafiles import DataFileError
from classifiers.engine import Ruleset, load_ruleset, screen_post, screen_posts
from classifiers.postlines import read_post_line
from classifiers.records import PostText
from classifiers.severity import load_severity, severity

DATA = Path(classifiers.__file__).parent / "data" / "severity.yml"
GOLD = Path(__file__).parent.parent / "gold" / "posts.jsonl"


@cache
def rules() -> Ruleset:
    return load_ruleset()


def severity_of(text: str) -> int:
    return severity(screen_post(PostText(id="x", text=text), rules()), rules().severity)


def test_the_order_is_that_of_the_codebook() -> None:
    forged = severity_of("专做假病历、贫困证明、假流水，盖章齐全，八十一份，加微信 yunmo_zm7")
    recruiting = severity_of("诚招停息挂账代理，包教包会，加微信 yunmo_dl7")
    full = severity_of("我们帮您办停息挂账，不成功不收费，办成收5个点，加微信 yunmo_tx7")
    bait = severity_of("滴我")
    assert forged > recruiting > full > bait > 0


def test_a_clear_post_has_none() -> None:
    assert severity_of("信用卡逾期三个月了，我该怎么办？") == 0


def test_severity_of_gold_lies_within_its_range() -> None:
    posts = [read_post_line(json.loads(line)) for line in GOLD.read_text("utf-8").splitlines()]
    found = [severity(verdict, rules().severity) for verdict in screen_posts(posts, rules())]
    assert all(0 <= number <= 100 for number in found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("other: {", "others: {"),
        ("  pii_trade:", "  pii:"),
        ("points: 82", "points: 182"),
        ("points: 82", "points: high"),
        ("  fee:", "  fees:"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "severity.yml"
    path.write_text(DATA.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataFileError):
        load_severity(path)
