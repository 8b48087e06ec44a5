"""What belongs to other people never leaves; what the offender says of itself does."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.masking import half_hide, hide, mask_others

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
FRAMES = [
    "客户{}已经上岸，{}可以作证，联系{}。",
    "昨天帮{}处理完，电话{}，卡号{}",
    "{}的案例\n{}\n{}，不成功不收费",
    "反馈：{}／{}／{}！",
]


def phone(chance: random.Random) -> str:
    digits = f"1{chance.choice('3456789')}{''.join(chance.choice('0123456789') for _ in range(9))}"
    shapes = [digits, f"{digits[:3]} {digits[3:7]} {digits[7:]}", f"{digits[:3]}-{digits[3:7]}-{digits[7:]}"]
    wide = digits.translate({ord("0") + number: ord("０") + number for number in range(10)})
    return chance.choice([*shapes, wide])


def identity(chance: random.Random) -> str:
    body = (
        f"{chance.choice(['110101', '320102', '440305'])}19{chance.randrange(50, 99)}{chance.randrange(1, 12):02}15"
    )
    return f"{body}{chance.randrange(1000):03}{chance.choice('0123456789Xx')}"


def card(chance: random.Random) -> str:
    digits = "6222" + "".join(chance.choice("0123456789") for _ in range(chance.choice([12, 15])))
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4)) if chance.random() < 0.5 else digits


def name(chance: random.Random) -> str:
    return chance.choice(SURNAMES) + chance.choice(["先生", "女士", "某", "小姐"])


def mail(chance: random.Random) -> str:
    return f"user{chance.randrange(10**6)}@mail.test"


def secret_part(planted: str) -> str:
    """Return what must not be read any more: the surname of a titled name, else all of it."""
    return planted[0] if planted[0] in SURNAMES else planted


def test_planted_identifiers_are_masked_in_five_hundred_posts() -> None:
    chance = random.Random(47)
    kinds = [phone, identity, card, name, mail]
    leaked = []
    for _ in range(500):
        planted = [chance.choice(kinds)(chance) for _ in range(3)]
        text = chance.choice(FRAMES).format(*planted)
        masked = mask_others(text)
        at = 0
        for one in planted:
            at = text.index(one, at)
            part = secret_part(one)
            if masked[at : at + len(part)] == part or any(
                character.isdigit() for character in masked[at : at + len(part)]
            ):
                leaked.append((one, masked))
            at += len(one)
    assert len(leaked) <= 15, leaked[:5]  # 99% of 1,500


@pytest.mark.parametrize(
    "text",
    [
        "停息挂账5-10年，最长60期，负债30万也能谈",
        "2026年11月20日起，20261120",
        "12378、95588、400-820-8820都解决不了",
        "周末有空吗？金融、何时、高手、万一，林林总总",
        "费用5000元，第1234号",
    ],
)
def test_ordinary_words_and_numbers_stay(text: str) -> None:
    assert mask_others(text) == text


def test_contact_of_the_offender_stays_readable_here() -> None:
    text = "加我13812345678，客户电话13987654321"
    start = text.index("138")
    assert mask_others(text, [(start, start + 11)]) == "加我13812345678，客户电话***********"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("住浙江省杭州市文三路35号3栋201室", "*" * 19),
        ("我叫陈小明，", "我叫***，"),
        ("姓名：欧阳锋", "姓名：***"),
        ("司马女士", "**女士"),
        ("@小红 看这里", "@** 看这里"),
        ("尾号 6621 的卡", "尾号 **** 的卡"),
        ("曾某鹏，", "*某*，"),
    ],
)
def test_shapes_of_personal_data(text: str, masked: str) -> None:
    assert mask_others(text) == masked


@given(st.text(max_size=200))
def test_masking_never_moves_anything(text: str) -> None:
    masked = mask_others(text)
    assert len(masked) == len(text)
    assert all(new in {old, "*"} for old, new in zip(text, masked, strict=True))


@given(st.text(max_size=50), st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60)), max_size=5))
def test_hiding_any_span_is_safe(text: str, spans: list[tuple[int, int]]) -> None:
    assert len(hide(text, spans)) == len(half_hide(text, spans)) == len(text)


@pytest.mark.parametrize(
    ("value", "shown"), [("13812345678", "1*********8"), ("kefu88881234", "ke********34"), ("ab", "**"), ("a", "*")]
)
def test_half_hidden_value_keeps_its_ends(value: str, shown: str) -> None:
    assert half_hide(value, [(0, len(value))]) == shown
