"""Contacts: every kind, every disguise, and what is nobody's private contact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifiers
from classifiers.contact_tables import load_contact_tables
from classifiers.contacts import Speaker, find_contacts, may_hold_contact
from classifiers.datafiles import DataFileError
from classifiers.views import make_views

DATA = Path(classifiers.__file__).parent / "data" / "contacts.yml"
TABLES = load_contact_tables(DATA)
GOLD = Path(__file__).parent.parent / "gold" / "contacts.jsonl"
LEAST = 0.97


GOLD_TEXTS = [json.loads(line)["text"] for line in GOLD.read_text("utf-8").splitlines()]


def found(text: str, speaker: Speaker | None = None) -> set[tuple[str, str]]:
    folded = make_views(text).folded.text
    if not may_hold_contact(folded):
        return set()
    contacts = find_contacts("text", text, speaker or Speaker(), tables=TABLES, folded=folded)
    return {(contact.kind.value, contact.value) for contact in contacts}


@pytest.mark.parametrize(
    "text",
    [
        "加微信 anping_kefu7 细聊",
        "微信：anping_kefu7",
        "微信（anping_kefu7）",
        "V信anping_kefu7",
        "\u2795V anping_kefu7",
        "\u2795薇 anping_kefu7",
        "加威❤ anping_kefu7",
        "卫星 anping_kefu7",
        "威芯:anping_kefu7",
        "绿泡泡搜 anping_kefu7",
        "🛰anping_kefu7",
        "V❤：Anping_Kefu7",
        "vx anping_kefu7",
        "加wx：anping_kefu7，备注城市",
        "v-anping_kefu7",
        "老师微 anping_kefu7",
        "【微信anping_kefu7】",
        "\uff41nping_kefu\uff17 是我微信",
        "门牌 anping_kefu7（绿色软件）",
        "加我 anping_kefu7",
        "联系方式：anping_kefu7",
        "薇：anping\u200b_kefu7",
        "微❤：anping_kefu7",
        "徽信 anping_kefu7",
    ],
)
def test_wechat_ids_are_found_in_every_disguise(text: str) -> None:
    assert found(text) == {("wechat", "anping_kefu7")}


@pytest.mark.parametrize(
    "text",
    [
        "电话19900001234",
        "电话199 0000 1234",
        "拨打199-0000-1234",
        "1-9-9-0-0-0-0-1-2-3-4",
        "一九九零零零零一二三四",
        "壹玖玖零零零零壹贰叁肆",
        "幺九九零零零零幺二三四",
        "①⑨⑨⓪⓪⓪⓪①②③④",
        "1️⃣9️⃣9️⃣0️⃣0️⃣0️⃣0️⃣1️⃣2️⃣3️⃣4️⃣",
        "１９９００００１２３４",
        "199oooo1234",
        "l99OOOO1234",
        "1 9 9 0 0 0 0 1 2 3 4",
        "+86 19900001234",
        "找王老师19900001234，白天打",
        "【19900001234】",
        "199\u200b0000\u200b1234",
    ],
)
def test_phones_are_found_in_every_disguise(text: str) -> None:
    assert found(text) == {("phone", "19900001234")}


@pytest.mark.parametrize(
    "text",
    [
        "电话19900001234，微信同号",
        "19900001234（微信同步）",
        "薇電：19900001234",
        "微信：19900001234",
        "加V 19900001234",
        "【199-0000-1234微信】",
        "vx同号：19900001234",
    ],
)
def test_a_phone_that_is_the_wechat_id_is_listed_twice(text: str) -> None:
    assert found(text) == {("phone", "19900001234"), ("wechat", "19900001234")}


@pytest.mark.parametrize(
    "text",
    [
        "QQ 812345678",
        "扣扣：812345678",
        "企鹅 812345678",
        "🐧812345678",
        "加q 812345678",
        "QQ群 812345678",
        "进裙：812345678",
        "留个球球，812345678",
        "企鹅八一二三四五六七八",
    ],
)
def test_qq_numbers_and_groups_are_found(text: str) -> None:
    assert found(text) == {("qq", "812345678")}


@pytest.mark.parametrize(
    "text", ["TG：@haiyan_8", "电报 haiyan_8", "纸飞机 @haiyan_8", "飞机@haiyan_8", "✈️ haiyan_8", "🛩️：@haiyan_8"]
)
def test_telegram_handles_are_found(text: str) -> None:
    assert found(text) == {("telegram", "haiyan_8")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("填表：https://www.anpingfw.cn/form/", "www.anpingfw.cn/form"),
        ("见 anpingfw.com.cn", "anpingfw.com.cn"),
        ("入口：anpingfw.net/a?b=1", "anpingfw.net/a?b=1"),
    ],
)
def test_addresses_lose_their_scheme_and_last_slash(text: str, value: str) -> None:
    assert found(text) == {("url", value)}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("去找@小舟谈债 ，人很好", "小舟谈债"),
        ("某书搜“小舟谈债”", "小舟谈债"),
        ("店铺名：小舟谈债", "小舟谈债"),
        ("抖音名叫“小舟谈债”", "小舟谈债"),
        ("这里会吞，去某书搜同名", "本人名"),
        ("托了“云边工作室”，抖音搜名字都能找到", "云边工作室"),
    ],
)
def test_account_jumps_give_the_displayed_name(text: str, name: str) -> None:
    assert found(text, Speaker(name="本人名")) == {("account_jump", name)}


def test_a_displayed_name_that_is_the_id_counts_as_wechat() -> None:
    assert found("B站名同🛰️", Speaker(name="Anping_Kefu7")) == {("wechat", "anping_kefu7")}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("扫描文末二维码添加顾问", "image"),
        ("画面右下角有联系方式", "image"),
        ("看我头像右上角", "avatar"),
        ("扫码加我", "image"),
    ],
)
def test_codes_say_where_they_are(text: str, where: str) -> None:
    assert found(text) == {("qr", where)}


@pytest.mark.parametrize(
    "text",
    [
        "请拨打95588、12378或12345",
        "110、120、96110",
        "招商银行信用卡 400-820-5555",
        "2025年11月16日13:00至14:00",
        "共计13800元，分60期，每期230元",
        "iPhone15 Pro Max 512G",
        "@我的朋友 快来看",
        "report2025.pdf",
        "微博热搜第一",
        "一二三四五六七八九十",
        "稍微abcdef",
        "",
    ],
)
def test_hotlines_dates_prices_and_files_are_no_contacts(text: str) -> None:
    assert found(text) == set()


def test_a_400_number_is_a_contact_unless_the_body_itself_gives_it() -> None:
    text = "客服热线400-123-4567"
    assert found(text) == {("phone", "4001234567")}
    assert found(text, Speaker(verified_as="海州银行股份有限公司")) == set()
    assert found(text, Speaker(verified_as="海州信息咨询有限公司")) == {("phone", "4001234567")}


def test_recall_and_precision_on_the_gold_contacts() -> None:
    rows = [json.loads(line) for line in GOLD.read_text("utf-8").splitlines()]
    pairs = [
        (
            {(contact["kind"], contact["value"]) for contact in row["contacts"]},
            found(row["text"], Speaker(**row.get("speaker", {}))),
        )
        for row in rows
    ]
    hits = sum(len(gold & read) for gold, read in pairs)
    wrong = [
        (row["text"], sorted(gold ^ read)) for row, (gold, read) in zip(rows, pairs, strict=True) if gold != read
    ]
    assert hits >= LEAST * sum(len(gold) for gold, _ in pairs), wrong
    assert hits >= LEAST * sum(len(read) for _, read in pairs), wrong
    assert sum(not gold for gold, _ in pairs) >= 50
    assert len({contact["kind"] for row in rows for contact in row["contacts"]}) == 7


@given(st.lists(st.sampled_from(GOLD_TEXTS), min_size=1, max_size=3), st.integers(0, 40), st.integers(0, 40))
def test_the_quick_look_lets_no_contact_slip(texts: list[str], start: int, cut: int) -> None:
    text = "".join(texts)[start : start + 60 + cut]
    folded = make_views(text).folded.text
    contacts = find_contacts("text", text, Speaker(name="abc_def1"), tables=TABLES, folded=folded)
    assert not contacts or may_hold_contact(folded)


@given(st.text(max_size=300))
def test_any_text_is_read_and_spans_lie_inside(text: str) -> None:
    folded = make_views(text).folded.text
    for contact in find_contacts("text", text, Speaker(name=text[:20]), tables=TABLES, folded=folded):
        assert 0 <= contact.start < contact.end <= len(text)


def test_an_unknown_key_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "contacts.yml"
    path.write_text(DATA.read_text("utf-8") + "\nsurprise: []\n", encoding="utf-8")
    with pytest.raises(DataFileError, match="surprise") as caught:
        load_contact_tables(path)
    assert (caught.value.field, caught.value.unknown_key) == ("surprise", True)
