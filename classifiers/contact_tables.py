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
# A digit on a key is the digit and these two.
KEYCAP = "\ufe0f\u20e3"
NUMERALS = dict(zip("零〇一二三四五六七八九壹贰叁肆伍陆柒捌玖幺貳參陸两", "0012345678912345678912362", strict=True))
LOOKALIKES = {"o": "0", "l": "1", "i": "1"}
DIGIT = "0-9" + "".join(NUMERALS)
PICTURES = "\u3200-\u32ff#…^=丨\u2190-\u21ff\u2460-\u27bf\U0001f300-\U0001faff"
# What may stand between the parts of a disguised number; newline too, for numbers written downwards.
GAP = r"\s\-–—_.·•,，、/|()（）*~\[\]【】「」心+" + "\u2011" + KEYCAP + PICTURES + INVISIBLE
# What may stand between a label and the value beside it: signs, and the words of the phrase "is" or "search".
SIGNS = r"[^\w!?。@]|[_号是搜索加码为叫就的我这心]"
# The reader is asked to add one of these; the characters of their names.
PEOPLE = "老师好友客服经理顾问助专员姐哥薇威v信个下面给你他她发"
ID = rf"[a-z][a-z0-9_\-{INVISIBLE}]{{5,24}}(?![a-z0-9_])"
NAME = r"[^\s，。！？：:,!?、…“”\"'()（）\[\]【】「」《》|｜#/]{2,20}"
# Inside a label: a sign between its two characters.
_INSIDE = rf"[\s.·/\-_*|,，{INVISIBLE}]{{0,2}}"
_QUOTE_OPENS = r"[“\"'「『【(（《]"


@dataclass(frozen=True, slots=True, kw_only=True)
class WechatTables:
    """How WeChat ids are announced: before, after, by the displayed name, and without naming the app."""

    label: re.Pattern[str]
    before: re.Pattern[str]
    after: re.Pattern[str]
    same_number: re.Pattern[str]
    name_is_id: re.Pattern[str]
    bare: re.Pattern[str]
    signs: dict[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpTables:
    """How a reader is sent to another account; the groups ``name`` and ``handle`` hold the value."""

    named: re.Pattern[str]
    handle: re.Pattern[str]
    same_name: re.Pattern[str]
    mention_before: re.Pattern[str]
    mention_after: re.Pattern[str]
    not_names: re.Pattern[str]
    name_ends: re.Pattern[str]
    not_after: re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTables:
    """Compiled words and numbers of every kind of contact."""

    wechat: WechatTables
    qq: re.Pattern[str]
    qq_after: re.Pattern[str]
    counted: re.Pattern[str]
    telegram: re.Pattern[str]
    telegram_word: re.Pattern[str]
    jump: JumpTables
    image_code: re.Pattern[str]
    avatar_code: re.Pattern[str]
    not_code: re.Pattern[str]
    bodies: re.Pattern[str]
    not_ids: frozenset[str]
    not_numbered: frozenset[str]
    file_endings: frozenset[str]
    address_endings: frozenset[str]
    hotlines: frozenset[str]


def load_contact_tables(path: Path) -> ContactTables:
    """Read and compile the contact words; raise DataFileError on a wrong, unknown or missing key."""
    data = read_data_file(path)
    qq, codes, hot, not_ids = (data.node(name) for name in ("qq", "codes", "hotlines", "not_ids"))
    telegram = _words(data.node("telegram"))
    sure, loose = _either(qq.texts("sure")), _either(qq.texts("loose"))
    too = r"(?:[/&、和]\s?(?:v[x信]?|wx|微信|[微薇威]))?"
    tables = ContactTables(
        wechat=_wechat_tables(data.node("wechat")),
        qq=re.compile(
            rf"(?:(?<![a-z0-9_])|(?<=加))(?:(?:{sure}){too}[^0-9a-z。！？\n{DIGIT}]{{0,8}}|(?:{loose}){too}(?:同号)?(?:{SIGNS}|或者?|联系|咨询){{0,6}})$"
        ),
        qq_after=re.compile(
            rf"[\s,，(（【←<=\-]{{0,3}}(?:这?是)?(?:我|本人)?的?"
            rf"(?:{sure}|(?:企鹅|扣扣|🐧)(?![\u4e00-\u9fff]))(?!(?:{SIGNS}){{0,6}}[{DIGIT}])"
        ),
        counted=re.compile(rf"\s?(?:{_either(qq.texts('counted'))})"),
        telegram=_telegram(telegram),
        telegram_word=re.compile(telegram),
        jump=_jump_tables(data.node("jump")),
        image_code=re.compile(_either(codes.texts("image"))),
        avatar_code=re.compile(_either(codes.texts("avatar"))),
        not_code=re.compile(_either(codes.texts("not"))),
        bodies=re.compile(_either(hot.texts("bodies"))),
        not_ids=frozenset(not_ids.texts("whole")),
        not_numbered=frozenset(not_ids.texts("numbered")),
        file_endings=frozenset(data.texts("file_endings")),
        address_endings=frozenset(data.texts("address_endings")),
        hotlines=frozenset(number for number, _ in hot.node("table").items()),
    )
    for node in (qq, codes, hot, not_ids, data):
        node.close()
    return tables


def _either(fragments: Iterable[str]) -> str:
    """Join fragments, longest first, so that a short word never hides a longer one; ``~`` is a sign between."""
    return "|".join(sorted((fragment.replace("~", _INSIDE) for fragment in fragments), key=len, reverse=True))


def _wechat_tables(node: DataNode) -> WechatTables:
    """Compile the WeChat words; a one-character word may not be the end of another word."""
    before, short, same = "".join(node.texts("not_after")), "".join(node.texts("short")), node.texts("same_number")
    gap = r"[\s:：号是\-❤♥\ufe0f（(\])】=→>]"
    directly = rf"(?<![a-z0-9{before}])[{short}](?={gap}{{1,3}}[a-z]|{gap}{{0,3}}[{DIGIT}])"
    glued = rf"(?<![a-z0-9{before}])[{short.replace('v', '')}](?=[a-z])"
    long = _either(node.texts("words"))
    words = f"{long}|{directly}|{glued}"
    alone = rf"{long}|[{short}](?![\w])|[{short}]$"
    asks, bare, other = (_either(node.texts(key)) for key in ("asks", "bare", "other_apps"))
    tables = WechatTables(
        label=re.compile(rf"(?:{words})(?:[1-9](?=[:：]))?"),
        before=re.compile(
            rf"(?:{long}|(?<![a-z0-9{before}])[{short}])(?:[/&和同]|电话|手机|tel|号码|同步){{0,4}}(?:{SIGNS}|同号|都){{0,7}}$"
        ),
        after=re.compile(
            rf"[\s,，.(（【、|｜<=+加可\-{PICTURES}]{{0,3}}(?:这?就?是|这个)?(?:我|本人|老师|客服)?的?(?:{alone})(?![^a-z0-9。\n]{{0,3}}[a-z0-9])"
        ),
        same_number=re.compile(rf"[\s，,。.（(【、|｜和/{PICTURES}]{{0,3}}(?:手机|电话)?(?:{_either(same)})"),
        name_is_id=re.compile(
            rf"(?:名字?|昵称|网名|id)(?:同(?:号|步)?|就是|即|=|是)(?:我的?)?(?:{long}|[微薇威v])|(?:{long})(?:号)?同名"
        ),
        bare=re.compile(
            rf"(?:(?P<sure>{asks})(?!.{{0,3}}(?:{other}))[^a-z0-9@。!?\n]{{0,6}}|(?:{bare})(?:{SIGNS}|[{PEOPLE}]){{0,6}})(?P<id>{ID})"
        ),
        signs={ord(sign): "微" for sign in node.texts("signs")},
    )
    node.close()
    return tables


def _words(node: DataNode) -> str:
    words = _either(node.texts("words"))
    node.close()
    return words


def _telegram(words: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?:{words})[\s:：号@搜加找\ufe0f是我群组频道(（]{{0,6}}(?P<id>[a-z][a-z0-9_]{{4,31}})(?![a-z0-9_])"
    )


def _jump_tables(node: DataNode) -> JumpTables:
    """Compile the ways of naming another account, in quotation marks or up to the end of the phrase."""
    platforms, asks, named = (_either(node.texts(key)) for key in ("platforms", "search", "named"))
    tables = JumpTables(
        named=re.compile(
            rf"(?:(?:{platforms})(?:app)?(?:里|上|去)?(?:{asks})|(?:{named}))[:：\s是叫]{{0,2}}"
            rf"(?P<quote>{_QUOTE_OPENS})?(?P<name>{NAME})"
        ),
        handle=re.compile(
            rf"(?:{_either(node.texts('handles'))})(?:id|账?号)[:：是为\s]{{0,3}}(?P<handle>[a-z0-9][a-z0-9_.\-]{{4,23}})(?![a-z0-9_])"
        ),
        same_name=re.compile(
            rf"(?:{platforms}|{asks}|全网|号)[^。！？\n]{{0,4}}"
            rf"(?:同名(?!同姓)(?:号?[:：“\"「]{{1,2}}(?P<name>{NAME}))?|搜?名字?[都就]?能?(?:找|有))"
        ),
        mention_before=re.compile(rf"(?:{_either(node.texts('mention_before'))})[^。！？\n]{{0,6}}$"),
        mention_after=re.compile(rf"\s?(?:{_either(node.texts('mention_after'))})"),
        not_names=re.compile(_either(node.texts("not_names"))),
        name_ends=re.compile(_either(node.texts("name_ends"))),
        not_after=re.compile(rf"[”\"'」』】)）》](?:{_either(node.texts('not_after'))})"),
    )
    node.close()
    return tables
