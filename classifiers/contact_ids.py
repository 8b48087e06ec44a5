"""WeChat ids and Telegram handles, read behind or before the word that announces them.

An id may be written with a sign after every character, with its digits as numerals or keycaps, or cut in two by a
picture, a space or a bracket. The parts are put together again only where the first part is no id by itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifiers.contact_tables import DIGIT, GAP, INVISIBLE, KEYCAP, NUMERALS, SIGNS, ContactTables
from classifiers.records import ContactKind

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = re.compile(r"[0-9_]")
SPREAD = r"[\s.·\-*/|，,~…❤♥★☆" + INVISIBLE + KEYCAP + "]"
SPREAD_ID = re.compile(rf"[a-z](?:{SPREAD}{{1,3}}[a-z0-9_]){{4,24}}(?![a-z0-9_])")
PLAIN_ID = re.compile(rf"[a-z][a-z0-9_\-{INVISIBLE}{KEYCAP}]{{0,40}}")
TAIL = re.compile(rf"(?:[{GAP}]|下划线){{0,4}}([{DIGIT}{KEYCAP}]{{2,12}})")
REST = re.compile(r" {1,2}([a-z][a-z0-9_]{2,15})(?![a-z0-9_])")
NUMERAL_TAIL = re.compile(rf"[{DIGIT}{KEYCAP}]{{3,12}}")
CLOSE_GAP = re.compile(rf"(?:{SIGNS}){{0,8}}")
WIDE_GAP = re.compile(rf"[^a-z0-9@。!?\n{DIGIT}]{{0,7}}")
CODE_GAP = re.compile(r"\s=\s")
NEXT_ID = re.compile(
    r"[\s,，、/|;；&]{0,2}(?:或者?|和|以及)?[\s,，、/|;；&]{0,2}(?:备用|小号|私人|工作|另一?个|客服)?[:：]?(?=[a-z])"
)
STANDING_ID = re.compile(r"(?<![a-z0-9_@./\-])[a-z][a-z0-9_\-]{5,19}(?![a-z0-9_@./])")
RAW_ID = re.compile(r"(?<![a-z0-9])wxid_[a-z0-9]{8,20}")
HANDLE = re.compile(r"(?<![a-z0-9_.])@([a-z][a-z0-9_]{4,31})(?![a-z0-9_.])")
LINKED = re.compile(r"(?<![a-z0-9.])(?:t|telegram)[.点]me/([a-z][a-z0-9_]{4,31})(?![a-z0-9_/])")
DISPLAYED = re.compile(r"[a-z][a-z0-9_\-]{5,19}")
# A word that may follow an id directly; anything else makes it part of a phrase.
FOLLOWS = re.compile(r"[\u4e00-\u9fff](?<![备加来聊咨详哦啦哈即看回说问拿领了的私发谈办讲是也就])")
# The label and the number of another app in one word.
QQ_GLUED = re.compile(r"qq?\d{5,11}")
SHORTEST, LONGEST, SHORTEST_SPREAD = 6, 24, 5
MOST_LISTED = 4

_Raw = tuple[ContactKind, str, int, int]
_Read = tuple[str, int, int]


def find_ids(folded: str, tables: ContactTables, *, is_bio: bool) -> Iterator[_Raw]:
    """Yield (kind, value, start, end) of the ids in the folded text; what Telegram has is never a WeChat id."""
    taken: set[int] = set()
    found = [
        (ContactKind.TELEGRAM, _telegram_ids(folded, tables)),
        (ContactKind.WECHAT, _labelled_ids(folded, tables)),
        (ContactKind.WECHAT, _unlabelled_ids(folded, tables, is_bio=is_bio)),
    ]
    for kind, reads in found:
        for value, start, end in reads:
            if not taken.isdisjoint(range(start, end)) or not may_be_id(value, tables):
                continue
            taken.update(range(start, end))
            yield kind, value, start, end


def find_displayed_id(folded: str, name: str, tables: ContactTables) -> Iterator[_Raw]:
    """Yield the displayed name where the text says that it is the WeChat id."""
    same = tables.wechat.name_is_id.search(folded)
    value = name.strip().lower()
    if same and DISPLAYED.fullmatch(value):
        yield ContactKind.WECHAT, value, *same.span()


def may_be_id(value: str, tables: ContactTables) -> bool:
    """Return whether the word is not one that is known as something else."""
    head = re.split(r"[\d_\-]", value, maxsplit=1)[0]
    return len(value) >= SHORTEST_SPREAD and value not in tables.not_ids and head not in tables.not_numbered


def _telegram_ids(folded: str, tables: ContactTables) -> Iterator[_Read]:
    """Yield links, handles behind a word for Telegram, and every handle of a text that holds such a word."""
    matches = [*LINKED.finditer(folded), *tables.telegram.finditer(folded)]
    yield from ((match[match.lastindex or 1], *match.span(match.lastindex or 1)) for match in matches)
    if matches or tables.telegram_word.search(folded):
        yield from ((match[1], *match.span(1)) for match in HANDLE.finditer(folded))


def _labelled_ids(folded: str, tables: ContactTables) -> Iterator[_Read]:
    """Yield the ids behind a word for WeChat, with those that are listed after them, and those before one."""
    for label in tables.wechat.label.finditer(folded):
        read = _read_behind(folded, label.end(), tables)
        if read:
            yield read
            yield from _listed_after(folded, read[2])
    for match in RAW_ID.finditer(folded):
        yield match.group(), *match.span()
    for match in STANDING_ID.finditer(folded):
        if MARK.search(match.group()) and tables.wechat.after.match(folded, match.end()):
            yield match.group(), *match.span()


def _listed_after(folded: str, at: int) -> Iterator[_Read]:
    """Yield the ids that follow an id in one breath, up to as many as a seller gives."""
    for _ in range(MOST_LISTED):
        further = NEXT_ID.match(folded, at)
        read = _read_id(folded, further.end()) if further else None
        if not read or not MARK.search(read[0]) or QQ_GLUED.fullmatch(read[0]):
            return
        yield read
        at = read[2]


def _read_behind(folded: str, at: int, tables: ContactTables) -> _Read | None:
    """Return the id behind a label: any word beside it, one with a digit or underscore across other words."""
    gap = CLOSE_GAP.match(folded, at)
    end = gap.end() if gap else at
    if CODE_GAP.search(folded, at, end):
        return None
    read = _read_id(folded, end)
    if read and (may_be_id(read[0], tables)):
        return read
    wide = WIDE_GAP.match(folded, at)
    read = _read_id(folded, wide.end()) if wide and wide.end() != end else None
    return read if read and MARK.search(read[0]) else None


def _read_id(folded: str, at: int) -> _Read | None:
    """Return the id that begins here, put together from its parts; None when it is none."""
    spread = SPREAD_ID.match(folded, at)
    if spread:
        return re.sub(SPREAD, "", spread.group()), *spread.span()
    plain = PLAIN_ID.match(folded, at)
    if not plain:
        return None
    value, end = _clean(plain.group()), plain.end()
    broken = len(value) < SHORTEST or plain.group().endswith("_")
    rest = None if MARK.search(value) and not broken else REST.match(folded, end)
    if rest and MARK.search(rest[1]) and not QQ_GLUED.fullmatch(rest[1]):
        return value + rest[1], at, rest.end()
    tail = TAIL.match(folded, end) if broken else NUMERAL_TAIL.match(folded, end)
    if tail:
        joint = "_" if plain.group().endswith("_") or "下划线" in tail.group() else ""
        value, end = value + joint + _digits(tail[tail.lastindex or 0]), tail.end()
    if not SHORTEST <= len(value) <= LONGEST or re.match(r"@|\.[a-z]", folded[end : end + 2]):
        return None
    return value, at, end - (0 if tail else len(plain.group()) - len(plain.group().rstrip("-_")))


def _clean(value: str) -> str:
    return value.translate({ord(char): None for char in INVISIBLE + KEYCAP}).rstrip("-_")


def _digits(text: str) -> str:
    return "".join(NUMERALS.get(char, char) for char in text if char not in KEYCAP)


def _unlabelled_ids(folded: str, tables: ContactTables, *, is_bio: bool) -> Iterator[_Read]:
    """Yield what has the look of an id behind a word that asks to add or find somebody."""
    for match in tables.wechat.bare.finditer(folded):
        value, (start, end) = _clean(match["id"]), match.span("id")
        in_phrase = match["sure"] is None and FOLLOWS.match(folded, end)
        if (MARK.search(value) or is_bio) and not in_phrase and not QQ_GLUED.fullmatch(value):
            yield value, start, end
