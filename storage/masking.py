"""Masking of other people: what leaves the house shows the offender's words and nobody else's data. Pure functions.

Masking replaces characters one for one, so that spans of the original stay true. It is a net with small meshes for
numbers and a coarse one for names; it never touches the spans that it is told to keep.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Span = tuple[int, int]

MARK = "*"

_JOINER = "\u200d"
_MODIFIERS = frozenset({_JOINER, *(chr(code) for code in range(0x1F3FB, 0x1F400))})
_GAP = r"[\s\-_.·—–]{0,2}"
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘"
    "杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施"
    "陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳"
    "盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边"
)

_NAME = rf"(?:欧阳|上官|司马|诸葛|东方|皇甫|尉迟|公孙|慕容|司徒|令狐|夏侯|[{_SURNAMES}])"
_HAN = r"[\u4e00-\u9fff]"
_END = r"(?=[，,。、；;！!（(\s]|$)"

_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!\d)(?:\d{_GAP}){{17}}[\dxX](?!\d)",  # identity card
        rf"(?<!\d)(?:\d{_GAP}){{14,18}}\d(?!\d)",  # bank card, identity card of the first generation
        rf"(?<!\d)(?:\+?86{_GAP})?1{_GAP}[3-9](?:{_GAP}\d){{9}}(?!\d)",  # mobile phone
        rf"(?<!\d)0\d{{2,3}}{_GAP}\d{{7,8}}(?!\d)",  # land line
        r"(?:尾号|后四位|末四位)[是为:：\s]{0,2}(\d{4})(?!\d)",  # tail of a card
        r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,64}\.[A-Za-z]{2,10}",  # mail
        r"@([\w\-·]{1,30})",  # mention of an account
        rf"({_NAME})(?:某|先生|女士|小姐|太太|阿姨|大爷|大妈|师傅)",  # a name with its title
        rf"某某?({_HAN}){_END}",  # what follows 某 in a half-masked name
        rf"姓名[:：]\s*({_NAME}{_HAN}{{1,3}})",
        rf"(?:我叫|名叫|客户叫|当事人)({_NAME}{_HAN}{{1,2}}){_END}",
        rf"({_HAN}{{2,12}}[省市区县镇路街村]{_HAN}{{0,12}}\d{{1,5}}[号栋室弄][\d\-号栋单元室弄]*)",  # address
    )
)
"""What belongs to other people; the first group of a pattern, where it has one, is what gets hidden."""


def mask_others(text: str, keep: Iterable[Span] = ()) -> str:
    """Return the text with other people's numbers, names, mentions and addresses as ``*``, length unchanged.

    ``keep`` are spans of the offender's own contacts, which stay readable here.
    """
    return hide(text, masked_spans(text, keep))


def masked_spans(text: str, keep: Iterable[Span] = ()) -> list[Span]:
    """Return the spans of other people's data in a text; what touches a span of ``keep`` is left out."""
    kept = tuple(keep)
    plain, places = _plain(text)
    found = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            start, end = match.span(match.lastindex or 0)
            if start < end:
                found.append((places[start], places[end - 1] + 1))
    return [span for span in found if not any(_overlap(span, one) for one in kept)]


def hide(text: str, spans: Iterable[Span]) -> str:
    """Return the text with the characters of the spans as ``*``; what is one sign to a reader is hidden whole."""
    characters = list(text)
    for start, end in spans:
        for place in range(*_whole_signs(text, max(start, 0), min(end, len(text)))):
            if not characters[place].isspace():
                characters[place] = MARK
    return "".join(characters)


def _whole_signs(text: str, start: int, end: int) -> Span:
    """Return a span that cuts no sign: 1 with a keycap, a letter with its accent, a joined emoji."""
    while start < end and start > 0 and _continues(text, start):
        start -= 1
    while start < end < len(text) and _continues(text, end):
        end += 1
    return start, end


def _continues(text: str, place: int) -> bool:
    """Tell whether a character belongs to the sign that begins before it."""
    return _is_joined(text[place]) or text[place - 1] == _JOINER


def _is_joined(character: str) -> bool:
    return unicodedata.category(character) in {"Mn", "Me", "Mc"} or character in _MODIFIERS


def half_hide(text: str, spans: Iterable[Span]) -> str:
    """Return the text with the inside of each span as ``*``: a sixth of it stays at each end."""
    inner = []
    for start, end in spans:
        shown = max((end - start) // 6, 1)
        inner.append((start + shown, end - shown) if end - start > 2 * shown else (start, end))
    return hide(text, inner)


def _plain(text: str) -> tuple[str, list[int]]:
    """Return the text as its patterns read it, and per character of it the place in the original.

    Digits of every form become ASCII; marks upon characters and characters that nobody sees are passed over.
    """
    kept = [
        (place, character)
        for place, character in enumerate(text)
        if character.isascii() or not (_is_joined(character) or unicodedata.category(character) == "Cf")
    ]
    return "".join(_plain_character(character) for _, character in kept), [place for place, _ in kept]


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 and folded.isascii() else character


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
