"""The tables of shapes: what looks alike looks alike both ways, parts name one character, all of it folded."""

from __future__ import annotations

import pytest
import yaml

from classifiers.tables import load_folding, load_shapes, load_sounds
from tests.support import tree

SHAPES = load_shapes()
WRITTEN = yaml.safe_load((tree.ROOT / "scripts" / "text_tables.yml").read_text("utf-8"))


def test_likeness_goes_both_ways_and_never_to_itself() -> None:
    one_way = [(a, b) for a, others in SHAPES.alike.items() for b in others if a not in SHAPES.alike.get(b, "")]
    assert one_way == []
    assert [char for char, others in SHAPES.alike.items() if char in others or len(set(others)) < len(others)] == []


@pytest.mark.parametrize(
    ("char", "alike"),
    [("债", "绩"), ("账", "胀"), ("停", "亭"), ("贷", "货"), ("挂", "桂"), ("催", "摧"), ("期", "欺")],
)
def test_what_one_confuses_is_alike(char: str, alike: str) -> None:
    assert alike in SHAPES.alike[char]


@pytest.mark.parametrize(("char", "other"), [("停", "止"), ("款", "项"), ("协", "磋"), ("贷", "债"), ("还", "付")])
def test_words_of_like_meaning_are_not_alike(char: str, other: str) -> None:
    assert other not in SHAPES.alike[char]


def test_a_character_has_no_more_look_alikes_than_one_could_confuse() -> None:
    counts = sorted(map(len, SHAPES.alike.values()))
    assert counts[len(counts) // 2] <= 25
    assert counts[-1] <= 120


def test_every_written_group_and_split_is_in_the_table() -> None:
    for group in WRITTEN["glyphs"]:
        assert all(set(group) - {char} <= set(SHAPES.alike[char]) for char in group)
    for char, forms in WRITTEN["splits"].items():
        assert set(forms) <= set(SHAPES.splits[char])


def test_a_written_split_wins_over_a_measured_one() -> None:
    radicals = set("亻扌氵冫彳讠辶纟钅艹忄阝刂攵礻衤犭饣")
    first: dict[str, str] = {}
    for char, forms in WRITTEN["splits"].items():
        for parts in forms:
            if radicals & set(parts):
                first.setdefault(parts, char)
    assert {parts: SHAPES.joined[parts] for parts in first} == first


def test_joined_parts_become_the_character_anywhere() -> None:
    text = "找亻言用卡扌殳讠斥"
    assert SHAPES.split_pattern.sub(lambda found: SHAPES.joined[found.group()], text) == "找信用卡投诉"


def test_every_reading_that_is_listed_is_a_syllable_or_left_out_on_purpose() -> None:
    """Interjections are no syllables of the segmenter (dei, yo); everything else must be one."""
    sounds = load_sounds()
    assert {name for names in sounds.polyphones.values() for name in names} - set(sounds.spelled) <= {"dei"}


def test_everyday_characters_are_folded_hanzi() -> None:
    fold = load_folding().fold
    assert len(SHAPES.everyday) > 350
    assert [char for char in SHAPES.everyday if int(fold[ord(char)]) != ord(char)] == []
