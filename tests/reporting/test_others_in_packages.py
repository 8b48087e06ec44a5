"""Five hundred posts that quote 1,500 identifiers of other people: whatever member of the package one reads."""

from __future__ import annotations

import io
import random
import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.sealing import load_sealer
from storage.tables import clue, contact, contact_use, verdict
from tests.support.clues import add_clue
from tests.support.takedown import CHANNELS, exported

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pytest

    from storage.engine import Store, Unit
    from storage.sealing import Sealer

POSTS = 500
FRAMES = (
    "停息挂账找我，加薇 {own}，客户{}已经上岸，电话{}，证件{}。",
    "昨天帮{}处理完，卡号{}，留了{}，想办的加 {own}",
    "{own} 微信咨询，反馈：{}／{}／{}，不成功不收费",
)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
WIDE = {ord("0") + number: ord("０") + number for number in range(10)}
KEYCAPS = {ord("0") + number: f"{number}\ufe0f\u20e3" for number in range(10)}


def digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def identifier(chance: random.Random) -> tuple[str, str]:
    """Return an identifier as written and the part of it that names somebody."""
    kind = chance.randrange(6)
    if kind == 0:
        plain = f"1{chance.choice('3456789')}{digits(chance, 9)}"
        spaced = f"{plain[:3]} {plain[3:7]} {plain[7:]}"
        written = chance.choice([plain, spaced, plain.translate(WIDE), plain.translate(KEYCAPS)])
    elif kind == 1:
        written = f"110101{chance.randrange(1950, 2005)}0315{digits(chance, 3)}X"
    elif kind == 2:
        written = f"6222{digits(chance, 15)}"
    elif kind == 3:
        written = f"user{digits(chance, 7)}@mail.test"
    elif kind == 4:
        name = f"读者{digits(chance, 6)}"
        return f"@{name} ", name
    else:
        return f"{chance.choice(SURNAMES)}{chance.choice(['女士', '先生'])}", ""
    return written, written


def plant(unit: Unit, sealer: Sealer, native_id: str, text: str, value: str) -> None:
    """Store a confirmed clue of this text with the offender's contact in it, as screening does."""
    state = {"state": "confirmed", "decided_by": "ana", "decided_at": unit.now, "category": "surrender"}
    clue_id = add_clue(unit, native_id, text=text, **state)
    row = unit.conn.execute(
        sa.select(clue.c.verdict_id, verdict.c.revision_id)
        .join_from(clue, verdict, verdict.c.id == clue.c.verdict_id)
        .where(clue.c.id == clue_id)
    ).one()
    facts = {"kind": "wechat", "key": sealer.link_key("wechat", value), "sealed": sealer.seal(value)}
    made = unit.conn.execute(sa.insert(contact).values(**facts, masked="k***", first_seen=unit.now))
    start = text.index(value)
    place = {"field": "text", "start": start, "end": start + len(value)}
    key = made.inserted_primary_key[0]  # type: ignore[index]  # of a single row
    unit.conn.execute(sa.insert(contact_use).values(contact_id=key, **row._asdict(), **place))


def members(path: str) -> str:
    """Return everything that can be read in a package, the parts of its office files included."""
    read = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            if name.endswith((".xlsx", ".docx")):
                with zipfile.ZipFile(io.BytesIO(data)) as inner:
                    read += [inner.read(part).decode() for part in inner.namelist()]
            else:
                read.append(data.decode("utf-8", "replace"))
    return "\n".join(read)


def test_other_people_are_masked_in_every_member_and_the_offender_is_not(
    sqlite_store: Store, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = CHANNELS["cac_12377"]
    limits = channel.spec.limits.model_copy(update={"items_per_batch": POSTS})
    wide = replace(channel, spec=channel.spec.model_copy(update={"limits": limits}))
    monkeypatch.setitem(CHANNELS, "cac_12377", wide)
    chance = random.Random(20)
    planted: list[str] = []
    titled: list[str] = []
    own = [f"kefu{number:04}vx" for number in range(POSTS)]
    sealer = load_sealer(sqlite_store.keys_root)
    with sqlite_store.write(now) as unit:
        for number in range(POSTS):
            three = [identifier(chance) for _ in range(3)]
            text = chance.choice(FRAMES).format(*(written for written, _ in three), own=own[number])
            planted += [part for _, part in three if part]
            titled += [written for written, part in three if not part]
            plant(unit, sealer, f"p{number}", text, own[number])
    assert len(planted) + len(titled) == 3 * POSTS
    whole = members(exported(sqlite_store, now, tmp_path, "cac_12377")["file"])
    leaked = [part for part in planted if part in whole] + [name for name in titled if name in whole]
    assert len(leaked) <= 0.01 * 3 * POSTS, leaked[:20]
    assert all(value in whole for value in own), "this channel asks for contacts in full"
    assert not re.search("(?<!\\*)\ufe0f\u20e3", whole), "no keycap is cut in the middle"
