"""Contacts that are written in digits: phones, phones that are WeChat ids too, service numbers, QQ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from classifiers.contact_tables import DIGIT, GAP, LOOKALIKES, NUMERALS, ContactTables
from classifiers.records import ContactKind

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = re.compile(rf"[{DIGIT}oli](?:[{GAP}]{{0,3}}[{DIGIT}oli]){{4,}}")
MOBILE = re.compile(r"1[3-9]\d{9}")
COUNTRY = re.compile(r"(?:00)?86(?=1[3-9])")
TOLL = re.compile(r"(?<![\d.])[48]00[- ]?\d{3,4}[- ]?\d{3,4}(?!\d)")
LANDLINE = re.compile(r"(?<![\d.\-])(?<!\d )0\d{2,3}[- ]\d{3,4}[- ]?\d{4}(?![\d\-])")
AMOUNT = re.compile(r"\s?(?:万?元|块|美元|%|\.\d|x\d)")
YEAR = re.compile(r"(?:19|20)\d\d")
DAY = re.compile(r"(?:19|20)\d{2}[01]\d[0-3]\d")
MOBILE_DIGITS = 11
THOUSAND = 3  # digits between two commas of an amount
QQ_LENGTHS = range(5, 12)
# WeChat lets people be found by their QQ number; shorter numbers behind the word are mostly amounts.
WECHAT_LENGTHS = range(7, 11)
# Digits that are really digits: fewer, and a run of look-alike letters and numerals is no phone.
LEAST_TRUE_DIGITS = 6
# How far before a number its label may begin.
_REACH = 20

_Raw = tuple[ContactKind, str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A run of digits as read, with the offset of each digit in the text."""

    digits: str
    offsets: tuple[int, ...]

    def part(self, start: int, end: int) -> Number:
        """Return the digits [start, end)."""
        return Number(digits=self.digits[start:end], offsets=self.offsets[start:end])

    @property
    def start(self) -> int:
        """Where the first digit stands."""
        return self.offsets[0]

    @property
    def end(self) -> int:
        """Where the last digit ends."""
        return self.offsets[-1] + 1

    def breaks(self) -> list[int]:
        """Return the indexes before which something stands between two digits, with both ends."""
        offsets = self.offsets
        inner = [n for n in range(1, len(offsets)) if offsets[n] != offsets[n - 1] + 1]
        return [0, *inner, len(offsets)]


def find_numbers(folded: str, tables: ContactTables, *, verified_as: str) -> Iterator[_Raw]:
    """Yield (kind, value, start, end) of every contact in digits; ``verified_as`` is the speaker's."""
    numbers = list(_numbers(folded))
    if not numbers:
        return
    yield from _service_numbers(folded, verified_as, tables)
    for number in numbers:
        phones = list(_phones(number, folded))
        for phone in phones:
            yield ContactKind.PHONE, phone.digits, phone.start, phone.end
            if _is_wechat_too(folded, phone, tables):
                yield ContactKind.WECHAT, phone.digits, phone.start, phone.end
        if not phones:
            yield from _labelled(folded, number, tables)


def _numbers(folded: str) -> Iterator[Number]:
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
        yield _without_count(Number(digits="".join(digits), offsets=tuple(offsets)), folded)


def _phones(number: Number, folded: str) -> Iterator[Number]:
    """Yield the mobile numbers in a run: the whole run, or eleven digits between two breaks."""
    country = COUNTRY.match(number.digits)
    whole = number.part(country.end() if country else 0, len(number.digits))
    if MOBILE.fullmatch(whole.digits):
        if _is_written_as_number(whole, folded, before=number.start):
            yield whole
        return
    cuts = _cuts(number, folded)
    edges, last = set(cuts), 0
    for start in cuts[:-1]:
        part = number.part(start, start + MOBILE_DIGITS)
        if start < last or start + MOBILE_DIGITS not in edges or not MOBILE.fullmatch(part.digits):
            continue
        if _is_written_as_number(part, folded, before=part.start):
            last = start + MOBILE_DIGITS
            yield part


def _cuts(number: Number, folded: str) -> list[int]:
    """Return the breaks, and the indexes where digits, numerals and look-alike letters give way to each other."""
    kinds = [folded[offset].isascii() + folded[offset].isdecimal() for offset in number.offsets]
    changes = {n for n in range(1, len(kinds)) if kinds[n] != kinds[n - 1]}
    return sorted(changes.union(number.breaks()))


def _without_count(number: Number, folded: str) -> Number:
    """Return the number without one or two numerals that begin the next words (一起, 一二)."""
    last = number.breaks()[-2]
    tail = len(number.digits) - last
    is_word = not folded[number.offsets[last]].isascii() and folded[number.offsets[last - 1]].isascii()
    if last and tail <= 2 and is_word:  # noqa: PLR2004 - a word's numerals
        return number.part(0, last)
    return number


def _is_written_as_number(number: Number, folded: str, *, before: int) -> bool:
    """Tell a phone from a list of small numbers: few gaps, or one after every digit; not inside a word."""
    gaps = len(number.breaks()) - 2
    true_digits = sum(folded[offset] not in LOOKALIKES for offset in number.offsets)
    ahead = folded[max(0, before - 1) : before]
    in_word = ahead.isascii() and (ahead.isalnum() or ahead in ("_", "."))
    inside = in_word or folded[number.end : number.end + 1] in ("_", "@")
    has_letters = true_digits < len(number.offsets)
    joined = inside and (has_letters or not ahead.isalpha())
    few = (gaps <= 4 or gaps >= 8) and not _is_list(number, folded)  # noqa: PLR2004 - shape of a phone
    return few and true_digits >= LEAST_TRUE_DIGITS and not joined


def _is_list(number: Number, folded: str) -> bool:
    """Return whether the digits are an amount, two years or a row of amounts: no phone is written so."""
    if AMOUNT.match(folded, number.end):
        return True
    cuts = number.breaks()
    groups = [number.digits[start:end] for start, end in pairwise(cuts)]
    between = {folded[number.offsets[cut - 1] + 1 : number.offsets[cut]] for cut in cuts[1:-1]}
    if between == {","} and all(len(group) == THOUSAND for group in groups[1:]):
        return True
    years = len(groups) > 1 and all(YEAR.fullmatch(group) for group in groups[:2])
    return years or (len(groups) > 2 and len(groups[0]) in (5, 6))  # noqa: PLR2004 - 13800 138000 is one


def _is_wechat_too(folded: str, phone: Number, tables: ContactTables) -> bool:
    """Return whether the words around the phone say that it is the WeChat id as well."""
    words = tables.wechat
    after = folded[phone.end : phone.end + 14]
    return (
        words.before.search(folded[max(0, phone.start - _REACH) : phone.start]) is not None
        or words.same_number.match(after) is not None
        or words.after.match(after) is not None
    )


def _service_numbers(folded: str, verified_as: str, tables: ContactTables) -> Iterator[_Raw]:
    """Yield 400 numbers that are nobody's hotline, and landlines of speakers who are not verified."""
    if tables.bodies.search(verified_as):
        return
    for match in (*TOLL.finditer(folded), *(() if verified_as else LANDLINE.finditer(folded))):
        digits = re.sub(r"\D", "", match.group())
        if digits in tables.hotlines or len(digits) < 10:  # noqa: PLR2004 - 400 numbers have ten digits
            continue
        if tables.counted.match(folded, match.end()) is None:
            yield ContactKind.PHONE, digits, match.start(), match.end()


def _labelled(folded: str, number: Number, tables: ContactTables) -> Iterator[_Raw]:
    """Yield the number as QQ or WeChat where a word says so and nothing behind it is counted."""
    part = number if len(number.digits) in QQ_LENGTHS else number.part(0, number.breaks()[1])
    if len(part.digits) not in QQ_LENGTHS or tables.counted.match(folded, part.end):
        return
    ahead, after = folded[max(0, part.start - _REACH) : part.start], folded[part.end : part.end + _REACH]
    says_qq = tables.qq.search(ahead) or tables.qq_after.match(after)
    if says_qq and not part.digits.startswith("0"):
        yield ContactKind.QQ, part.digits, part.start, part.end
    if (
        len(part.digits) in WECHAT_LENGTHS
        and not DAY.fullmatch(part.digits)
        and _is_wechat_too(folded, part, tables)
    ):
        yield ContactKind.WECHAT, part.digits, part.start, part.end
