"""Ways to reach somebody, found in disguised public text and normalised.

Values have the forms of CONTRACTS §3: ids in lower case, phones of eleven digits, digits only for QQ, addresses
without scheme, the displayed name for a jump to another account, ``image`` or ``avatar`` for a code. Service
numbers of five digits never have the shape of a contact; 400 numbers are hotlines where the table of institutions
lists them, or where a verified public body or licensed institution gives one for itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.contact_tables import DIGIT, GAP, INVISIBLE, LOOKALIKES, NUMERALS, ContactTables
from classifiers.records import ContactFound, ContactKind

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = re.compile(rf"[{DIGIT}oli](?:[{GAP}]{{0,3}}[{DIGIT}oli]){{4,}}")
MOBILE = re.compile(r"1[3-9]\d{9}")
TOLL = re.compile(r"(?<![\d.])[48]00[- ]?\d{3,4}[- ]?\d{3,4}(?!\d)")
LANDLINE = re.compile(r"(?<![\d.\-])0\d{2,3}[- ]\d{7,8}(?![\d\-])")
ADDRESS = re.compile(
    r"(?<![a-z0-9@_.])((?:[a-z0-9](?:[a-z0-9\-]{0,40})\.){1,4}([a-z]{2,10})(?![a-z0-9\-])(?:/[a-z0-9_\-./?=&%#]{0,120})?)"
)
IMAGE_CODE = re.compile(
    r"(?:扫|识别|长按|掃)[^。，,\n]{0,8}(?:二维码|二維碼|下方码|图中码)"
    r"|(?:下方|文末|图中|图片|图里|海报|封面)的?(?:二维码|二維碼)"
    r"|扫码[^。，,\n]{0,2}(?:加|添加|咨询|进群|入群|领取|预约)"
    r"|(?:画面|图片|图[123一二三]?|封面|截图)[^。，,\n]{0,6}[有是里见][^。，,\n]{0,3}(?:联系方式|微信|号码|二维码|方式)"
)
AVATAR_CODE = re.compile(r"头像[^。，,\n]{0,8}(?:角|二维码|联系方式|有码|有号)")
MENTION = re.compile(r"@([^\s@，。！？：:,!?、…“”\"'()（）\[\]【】|｜]{2,16})")
QUOTED_FIRM = re.compile(r"[“\"「]([^“”\"「」]{2,12}(?:工作室|公司|团队|事务所|法务|咨询))[”\"」]")
ID_MARK = re.compile(r"[0-9_]")
ID_RUN = re.compile(r"[a-z][a-z0-9_\-]{4}")
# One of these stands in every contact that has neither an id nor a number.
JUMP_MARKS = ("@", "同名", "搜", "账号", "店名", "店铺", "名叫", "小号", "大号", "名字")
CODE_MARKS = ("码", "头像", "联系方式", "微信", "号码")
SAME_MARKS = ("同微", "同薇", "同威", "同v", "微信同")
ANY_MARK = re.compile("|".join((*JUMP_MARKS, *CODE_MARKS, *SAME_MARKS)))
MOBILE_DIGITS = 11
QQ_LENGTHS = range(5, 12)
# Digits that are really digits: fewer, and a run of look-alike letters and numerals is no phone.
LEAST_TRUE_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who stands behind a field: the displayed name, and what the platform verified it as."""

    name: str = ""
    verified_as: str = ""
    is_bio: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Number:
    """A run of digits as read, with the offset of each digit in the text."""

    digits: str
    offsets: tuple[int, ...]

    def part(self, start: int, end: int) -> _Number:
        return _Number(digits=self.digits[start:end], offsets=self.offsets[start:end])

    @property
    def start(self) -> int:
        return self.offsets[0]

    @property
    def end(self) -> int:
        return self.offsets[-1] + 1


def may_hold_contact(folded: str) -> bool:
    """Say whether the text holds enough letters, digits or words for any kind of contact."""
    return (
        ANY_MARK.search(folded) is not None or ID_RUN.search(folded) is not None or RUN.search(folded) is not None
    )


def find_contacts(
    field: str, text: str, speaker: Speaker, *, tables: ContactTables, folded: str
) -> list[ContactFound]:
    """Return the contacts of one field in reading order, each (kind, value) once.

    ``folded`` is the folded view of the text, one code point for one. Worth calling only where
    :func:`may_hold_contact` says so.
    """
    seen: dict[tuple[ContactKind, str], tuple[int, int]] = {}
    for kind, value, start, end in _all_contacts(folded, text, speaker, tables):
        seen.setdefault((kind, value), (start, end))
    found = [
        ContactFound(kind=kind, value=value, field=field, start=start, end=end)
        for (kind, value), (start, end) in seen.items()
    ]
    return sorted(found, key=lambda contact: (contact.start, contact.end, contact.kind))


_Raw = tuple[ContactKind, str, int, int]


def _all_contacts(folded: str, text: str, speaker: Speaker, tables: ContactTables) -> Iterator[_Raw]:
    yield from _number_contacts(folded, speaker, tables)
    has_id = ID_RUN.search(folded) is not None
    if has_id:
        yield from _ids(folded, speaker, tables)
    if has_id or _holds(folded, SAME_MARKS):
        yield from _named_ids(folded, speaker, tables)
    if "." in folded:
        yield from _addresses(folded, text, tables)
    if _holds(folded, JUMP_MARKS):
        yield from _jumps(folded, text, speaker, tables)
    if _holds(folded, CODE_MARKS):
        yield from _codes(folded)


def _number_contacts(folded: str, speaker: Speaker, tables: ContactTables) -> Iterator[_Raw]:
    """Yield what is written in digits: phones, phones that are WeChat ids too, service numbers, QQ."""
    numbers = list(_numbers(folded))
    if not numbers:
        return
    phones = [phone for number in numbers for phone in _phones(number, folded)]
    taken = {phone.start for phone in phones}
    for phone in phones:
        yield ContactKind.PHONE, phone.digits, phone.start, phone.end
        if _is_wechat_too(folded, phone, tables):
            yield ContactKind.WECHAT, phone.digits, phone.start, phone.end
    yield from _service_numbers(folded, speaker, tables)
    yield from _qq_numbers(folded, [number for number in numbers if number.start not in taken], tables)


def _holds(folded: str, marks: tuple[str, ...]) -> bool:
    return any(mark in folded for mark in marks)


def _numbers(folded: str) -> Iterator[_Number]:
    """Yield every run of digits, numerals and look-alike letters as digits."""
    for match in RUN.finditer(folded):
        digits: list[str] = []
        offsets: list[int] = []
        for offset in range(match.start(), match.end()):
            char = folded[offset]
            digit = char if char in "0123456789" else NUMERALS.get(char) or LOOKALIKES.get(char)
            if digit is not None:
                digits.append(digit)
                offsets.append(offset)
        yield _Number(digits="".join(digits), offsets=tuple(offsets))


def _breaks(number: _Number) -> list[int]:
    """Return the indexes before which something stands between two digits, with both ends."""
    offsets = number.offsets
    inner = [n for n in range(1, len(offsets)) if offsets[n] != offsets[n - 1] + 1]
    return [0, *inner, len(offsets)]


def _phones(number: _Number, folded: str) -> Iterator[_Number]:
    """Yield the mobile numbers in a run: the whole run, or eleven digits between two breaks."""
    whole = number.part(2, len(number.digits)) if number.digits.startswith("861") else number
    if MOBILE.fullmatch(whole.digits):
        if _is_written_as_number(whole, folded):
            yield whole
        return
    cuts = _breaks(number)
    edges, last = set(cuts), 0
    for start in cuts[:-1]:
        part = number.part(start, start + MOBILE_DIGITS)
        if start < last or start + MOBILE_DIGITS not in edges or not MOBILE.fullmatch(part.digits):
            continue
        if _is_written_as_number(part, folded):
            last = start + MOBILE_DIGITS
            yield part


def _is_written_as_number(number: _Number, folded: str) -> bool:
    """Tell a phone from a list of small numbers: few gaps, or one after every digit; not inside a word."""
    gaps = len(_breaks(number)) - 2
    true_digits = sum(folded[offset] not in LOOKALIKES for offset in number.offsets)
    before = folded[max(0, number.start - 1) : number.start]
    after = folded[number.end : number.end + 1]
    in_word = before.isascii() and (before.isalnum() or before in ("_", "."))
    inside = in_word or after == "_"
    has_letters = true_digits < len(number.offsets)
    joined = inside and (has_letters or not before.isalpha())
    return (gaps <= 4 or gaps >= 8) and true_digits >= LEAST_TRUE_DIGITS and not joined  # noqa: PLR2004 - shape of a phone


def _is_wechat_too(folded: str, phone: _Number, tables: ContactTables) -> bool:
    """Return whether the words around the phone say that it is the WeChat id as well."""
    first = max(0, phone.start - 14)
    window = folded[first : phone.start + 1]  # the digit itself, since a short label looks ahead to it
    if any(first + match.end("gap") == phone.start for match in tables.wechat.finditer(window)):
        return True
    after = folded[phone.end : phone.end + 12]
    return tables.same_number.match(after) is not None or tables.wechat_after.match(after) is not None


def _service_numbers(folded: str, speaker: Speaker, tables: ContactTables) -> Iterator[_Raw]:
    """Yield 400 numbers that are nobody's hotline, and landlines of speakers who are not verified."""
    if tables.bodies.search(speaker.verified_as):
        return
    for match in (*TOLL.finditer(folded), *(() if speaker.verified_as else LANDLINE.finditer(folded))):
        digits = re.sub(r"\D", "", match.group())
        if digits not in tables.hotlines and len(digits) >= 10:  # noqa: PLR2004 - 400 numbers have ten digits
            yield ContactKind.PHONE, digits, match.start(), match.end()


def _qq_numbers(folded: str, numbers: list[_Number], tables: ContactTables) -> Iterator[_Raw]:
    """Yield the numbers that directly follow a word for QQ or a group."""
    for number in numbers:
        before = folded[max(0, number.start - 16) : number.start]
        if not any(match.end() == len(before) for match in tables.qq.finditer(before)):
            continue
        part = number if len(number.digits) in QQ_LENGTHS else number.part(0, _breaks(number)[1])
        if len(part.digits) in QQ_LENGTHS:
            yield ContactKind.QQ, part.digits, part.start, part.end


def _ids(folded: str, speaker: Speaker, tables: ContactTables) -> Iterator[_Raw]:
    """Yield WeChat ids and Telegram handles; what follows a Telegram word is never a WeChat id."""
    taken: set[int] = set()
    for match in tables.telegram.finditer(folded):
        if _may_be_id(match["id"], tables):
            taken.update(range(*match.span("id")))
            yield ContactKind.TELEGRAM, match["id"], *match.span("id")
    for pattern, needs_mark in ((tables.wechat, False), (tables.bare, not speaker.is_bio)):
        for match in pattern.finditer(folded):
            value, span = match["id"], match.span("id")
            if value is None or not taken.isdisjoint(range(*span)):
                continue
            clean = _clean_id(value)
            if _may_be_id(clean, tables) and (ID_MARK.search(clean) or not (needs_mark or "@" in match["gap"])):
                taken.update(range(*span))
                yield ContactKind.WECHAT, clean, *span


def _named_ids(folded: str, speaker: Speaker, tables: ContactTables) -> Iterator[_Raw]:
    """Yield the id that stands before its label, and the displayed name where the text says that it is the id."""
    for match in re.finditer(r"(?<![a-z0-9_@./\-])[a-z][a-z0-9_\-]{5,19}(?![a-z0-9_@./])", folded):
        value = match.group()
        if ID_MARK.search(value) and tables.wechat_after.match(folded, match.end()):
            yield ContactKind.WECHAT, value, *match.span()
    name = speaker.name.strip().lower()
    same = tables.name_is_id.search(folded)
    if same and re.fullmatch(r"[a-z][a-z0-9_\-]{5,19}", name):
        yield ContactKind.WECHAT, name, *same.span()


def _clean_id(value: str) -> str:
    return value.translate({ord(char): None for char in INVISIBLE}).rstrip("-_")


def _may_be_id(value: str, tables: ContactTables) -> bool:
    return len(value) >= 5 and value not in tables.not_ids  # noqa: PLR2004 - the shortest Telegram handle


def _addresses(folded: str, text: str, tables: ContactTables) -> Iterator[_Raw]:
    """Yield web addresses without scheme; a dotted word with a file ending is none."""
    for match in ADDRESS.finditer(folded):
        value = match[1].rstrip("/.?=&#%-")
        if match[2] in tables.file_endings or not re.search(r"[a-z]", value.rpartition(".")[0] or value):
            continue
        start = match.start(1)
        if text[start : start + 4].isupper() and "." not in value[:-4]:
            continue
        yield ContactKind.URL, value, start, start + len(value)


def _jumps(folded: str, text: str, speaker: Speaker, tables: ContactTables) -> Iterator[_Raw]:
    """Yield the displayed names of accounts that the reader is sent to."""
    if tables.bodies.search(speaker.verified_as):
        return
    for match in tables.search.finditer(folded):
        start, end = match.span("name" if match["name"] else "own")
        if not folded.startswith(("同名", "名字", "我", "一下", "到", "都能"), start):
            yield ContactKind.ACCOUNT_JUMP, text[start:end], start, end
    firm = QUOTED_FIRM.search(folded)
    for match in tables.same_name.finditer(folded):
        if firm:
            yield ContactKind.ACCOUNT_JUMP, text[firm.start(1) : firm.end(1)], *firm.span(1)
        elif speaker.name:
            yield ContactKind.ACCOUNT_JUMP, speaker.name, *match.span()
    yield from _mentions(folded, text, tables)


def _mentions(folded: str, text: str, tables: ContactTables) -> Iterator[_Raw]:
    """Yield mentioned accounts where the words around say: go there."""
    for match in MENTION.finditer(folded):
        start, end = match.span(1)
        if match[1][0] in "我你" or match[1].isascii() or match[1].startswith("用户"):
            continue
        before = folded[max(0, match.start() - 10) : match.start()]
        if tables.mention_before.search(before) or tables.mention_after.match(folded, end):
            yield ContactKind.ACCOUNT_JUMP, text[start:end], start, end


def _codes(folded: str) -> Iterator[_Raw]:
    """Yield codes that the text says are in the picture or the avatar."""
    for where, pattern in (("image", IMAGE_CODE), ("avatar", AVATAR_CODE)):
        match = pattern.search(folded)
        if match:
            yield ContactKind.QR, where, *match.span()
