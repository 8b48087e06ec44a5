"""Ways to reach somebody, found in disguised public text and normalised.

Values have the forms of CONTRACTS §3: ids in lower case, phones of eleven digits, digits only for QQ, addresses
without scheme, the displayed name for a jump to another account, ``image`` or ``avatar`` for a code. Service
numbers of five digits never have the shape of a contact; 400 numbers are hotlines where the table of institutions
lists them, or where a verified public body or licensed institution gives one for itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.contact_ids import find_displayed_id, find_ids
from classifiers.contact_numbers import RUN, find_numbers
from classifiers.contact_routes import find_addresses, find_codes, find_jumps
from classifiers.contact_tables import DIGIT, ContactTables
from classifiers.records import ContactFound, ContactKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Five characters of an id, a sign between any two of them, or a short word with a number behind it.
ID_RUN = re.compile(
    rf"[a-z](?:(?:[\s.·\-*/|，,~…心❤♥★☆]{{0,3}}[a-z0-9_{DIGIT}]){{4}}|[a-z]{{1,3}}\W{{1,3}}[{DIGIT}]{{2}})"
)
# One of these stands in every contact that has neither an id nor a number. Every choice begins with a character,
# not with a set: then a search skips what begins none, five times as fast.
_JUMPS = (
    "@|搜|同名|名字|店[名铺]|名叫|小号|大号|备用号|另一个号|那个号|这个号|星球|账号|昵称|网名|微信名"
    '|号[:【“「"《]|gzh'
)
_CODES = "码|头像|联系方式|微信|封面|背景|图[里中片1-9一二三四五六]|小方块|末图|张图|海报|照片|截图"
_SAMES = "同[微薇威v]|微信同|昵称|网名|名字?[同=是就即]|id同"
JUMP_MARK, CODE_MARK, SAME_MARK = re.compile(_JUMPS), re.compile(_CODES), re.compile(_SAMES)
_ANY_MARK = re.compile(f"{_JUMPS}|{_CODES}|{_SAMES}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who stands behind a field: the displayed name, and what the platform verified it as."""

    name: str = ""
    verified_as: str = ""
    is_bio: bool = False


def may_hold_contact(folded: str) -> bool:
    """Say whether the text holds enough letters, digits or words for any kind of contact."""
    return bool(_ANY_MARK.search(folded) or RUN.search(folded) or ID_RUN.search(folded))


def texts_with_contacts(whole: str, offsets: Sequence[int]) -> set[int]:
    """Return which of the texts that are joined to the whole, with one sign between them, may hold a contact."""
    found: set[int] = set()
    for pattern in (_ANY_MARK, RUN, ID_RUN):
        at = 0
        while match := pattern.search(whole, at):
            number = bisect_right(offsets, match.start()) - 1
            end = offsets[number + 1] - 1 if number + 1 < len(offsets) else len(whole)
            if match.end() <= end or pattern.search(whole[offsets[number] : end]):
                found.add(number)
            at = end
    return found


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
    read = _read_signs(folded, text, tables)
    yield from find_numbers(read, tables, verified_as=speaker.verified_as)
    jumps: list[_Raw] = []
    if JUMP_MARK.search(folded) or tables.jump.handle.search(folded):
        jumps = list(_jumps(folded, text, speaker, tables))
        yield from jumps
    if ID_RUN.search(read):
        spans = {(start, end) for _, _, start, end in jumps}
        yield from (found for found in find_ids(read, tables, is_bio=speaker.is_bio) if found[2:] not in spans)
        yield from find_addresses(folded, text, tables)
    if SAME_MARK.search(folded):
        yield from find_displayed_id(folded, speaker.name, tables)
    if CODE_MARK.search(folded) and not tables.bodies.search(speaker.verified_as):
        yield from find_codes(folded, tables)


def _read_signs(folded: str, text: str, tables: ContactTables) -> str:
    """Return the folded text with the pictures that stand for the app as its word."""
    signs = tables.wechat.signs
    if not any(chr(sign) in text for sign in signs):
        return folded
    return "".join(signs.get(ord(char), plain) for char, plain in zip(text, folded, strict=True))


def _jumps(folded: str, text: str, speaker: Speaker, tables: ContactTables) -> Iterator[_Raw]:
    if not tables.bodies.search(speaker.verified_as):
        yield from find_jumps(folded, text, speaker.name, tables.jump)
