"""The words that announce a contact, compiled from ``data/contacts.yml``.

Every pattern has bounded repeats and reads the folded view: half width, lower case, simplified, signs and pictures
that stand for a character replaced by it, one code point for one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.datafiles import DataNode, read_data_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"
NUMERALS = dict(zip("零〇一二三四五六七八九壹贰叁肆伍陆柒捌玖幺貳參陸两", "0012345678912345678912362", strict=True))
LOOKALIKES = {"o": "0", "l": "1", "i": "1"}
DIGIT = "0-9" + "".join(NUMERALS)
# What may stand between the digits of a disguised number; newline too, for numbers written downwards.
GAP = r"\s\-–—_.·•,，、/|()（）*~\u2011\ufe0f\u20e3❤♥" + INVISIBLE
ID = rf"[a-z][a-z0-9_\-{INVISIBLE}]{{5,24}}(?![a-z0-9_])"
NAME = r"[^\s，。！？：:,!?、…“”\"'()（）\[\]【】「」《》|｜#]{2,20}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTables:
    """Compiled words and numbers; group ``id`` or ``name`` holds the value where there is one."""

    wechat: re.Pattern[str]
    wechat_after: re.Pattern[str]
    same_number: re.Pattern[str]
    name_is_id: re.Pattern[str]
    bare: re.Pattern[str]
    qq: re.Pattern[str]
    telegram: re.Pattern[str]
    search: re.Pattern[str]
    same_name: re.Pattern[str]
    mention_before: re.Pattern[str]
    mention_after: re.Pattern[str]
    bodies: re.Pattern[str]
    not_ids: frozenset[str]
    file_endings: frozenset[str]
    hotlines: frozenset[str]


def load_contact_tables(path: Path) -> ContactTables:
    """Read and compile the contact words; raise DataFileError on a wrong, unknown or missing key."""
    data = read_data_file(path)
    words, qq, telegram = _wechat_words(data.node("wechat")), _words(data.node("qq")), _words(data.node("telegram"))
    same = _either(data.texts("same_number"))
    jump, hot = data.node("jump"), data.node("hotlines")
    platforms = _either(jump.texts("platforms"))
    named = _either(jump.texts("named"))
    asks = _either(jump.texts("search"))
    tables = ContactTables(
        wechat=re.compile(rf"(?:{words})(?P<gap>[^a-z0-9@。！？\n{DIGIT}]{{0,7}})(?P<id>{ID})?"),
        wechat_after=re.compile(
            rf"[\s，,。.（(【、|｜]{{0,2}}(?:是我)?的?(?:{words})(?![^a-z0-9。\n]{{0,3}}[a-z0-9])"
        ),
        same_number=re.compile(rf"[\s，,。.（(【、|｜和/]{{0,3}}(?:手机|电话)?(?:{same})"),
        name_is_id=re.compile(rf"(?:名字?|昵称|id)同(?:号|步)?(?:{words}|[微薇威v])|(?:{words})(?:号)?同名"),
        bare=re.compile(
            rf"(?:[加找搜+\u2795]|联系|方式|通道|号|料|老师|[姐哥])(?P<gap>[^a-z0-9@。！？\n]{{0,6}})(?P<id>{ID})"
        ),
        qq=re.compile(rf"(?:(?<![a-z0-9_])|(?<=加))(?:{qq})[^0-9a-z。！？\n{DIGIT}]{{0,8}}"),
        telegram=re.compile(
            rf"(?:{telegram})[\s:：号@搜加\ufe0f是我(（]{{0,6}}(?P<id>[a-z][a-z0-9_]{{4,31}})(?![a-z0-9_])"
        ),
        search=re.compile(
            rf"(?:{platforms})(?:{asks})[:：\s]{{0,2}}[“\"「【]?(?P<name>{NAME})"
            rf"|(?:{named})[:：\s]{{0,2}}[“\"「【]?(?P<own>{NAME})"
        ),
        same_name=re.compile(rf"(?:{platforms}|{asks}|全网|号)[^。！？\n]{{0,4}}(?:同名|搜?名字?都?能?找)"),
        mention_before=re.compile(rf"(?:{_either(jump.texts('mention_before'))})[^。！？\n]{{0,6}}$"),
        mention_after=re.compile(rf"\s?(?:{_either(jump.texts('mention_after'))})"),
        bodies=re.compile(_either(hot.texts("bodies"))),
        not_ids=frozenset(data.texts("not_ids")),
        file_endings=frozenset(data.texts("file_endings")),
        hotlines=frozenset(number for number, _ in hot.node("table").items()),
    )
    for node in (jump, hot, data):
        node.close()
    return tables


def _either(fragments: Iterable[str]) -> str:
    """Join fragments, longest first, so that a short word never hides a longer one."""
    return "|".join(sorted(fragments, key=len, reverse=True))


def _words(node: DataNode) -> str:
    words = _either(node.texts("words"))
    node.close()
    return words


def _wechat_words(node: DataNode) -> str:
    """Join the WeChat words; a one-character word may not be the end of another word."""
    before = "".join(node.texts("not_after"))
    short = "".join(node.texts("short"))
    gap = r"[\s:：号是\-❤♥\ufe0f（(]"
    directly = rf"(?<![a-z0-9{before}])[{short}](?={gap}{{1,3}}[a-z]|{gap}{{0,3}}[{DIGIT}])"
    glued = rf"(?<![a-z0-9{before}])[{short.replace('v', '')}](?=[a-z])"
    words = f"{_either(node.texts('words'))}|{directly}|{glued}"
    node.close()
    return words
