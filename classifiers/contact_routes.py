"""Contacts that are neither id nor number: addresses, other accounts, codes in pictures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifiers.records import ContactKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifiers.contact_tables import ContactTables, JumpTables

_PATH = r"(?:/[a-z0-9_\-./?=&%#+]{0,120})?"
ADDRESS = re.compile(
    rf"(?<![a-z0-9@_.])(?P<scheme>https?://)?(?P<whole>(?:[a-z0-9](?:[a-z0-9\-]{{0,40}})\.){{1,4}}(?P<ending>[a-z]{{2,10}})(?![a-z0-9\-@]){_PATH})"
)
NUMERIC = re.compile(rf"https?://((?:\d{{1,3}}\.){{3}}\d{{1,3}}(?::\d{{2,5}})?{_PATH})")
# The dot as a word or in brackets, or the letters of www set apart.
SPELLED = re.compile(
    r"(?<![a-z0-9@_.])(?P<spread>w ?w ?w ?[.点] ?)?(?P<name>[a-z0-9\-]{2,40}) ?"
    r"(?P<dot>点|[(\[]\s?(?:\.|点|dot)\s?[)\]]|dot|。|\.) ?"
    r"(?P<ending>com|cn|net|top|vip|cc|xyz|org|shop)(?![a-z0-9@])"
)
MENTION = re.compile(r"@([^\s@，。！？：:,!?、…“”\"'()（）\[\]【】|｜]{2,16})")
QUOTED_FIRM = re.compile(r"[“\"「]([^“”\"「」]{2,12}(?:工作室|公司|团队|事务所|法务|咨询))[”\"」]")
# Telegram's own links are handles, and what the state runs is nobody's private contact.
NOT_PRIVATE = re.compile(r"(?:t|telegram)\.me/[a-z]|[a-z0-9.\-]{1,80}\.gov(?:\.cn)?(?:/|$)")
_SHORTEST_NAME = 2

_Raw = tuple[ContactKind, str, int, int]


def find_addresses(folded: str, text: str, tables: ContactTables) -> Iterator[_Raw]:
    """Yield web addresses without scheme; a dotted word with a file ending is none."""
    for match in ADDRESS.finditer(folded):
        value = match["whole"].rstrip("/.?=&#%-+")
        ending, start = match["ending"], match.start("whole")
        known = match["scheme"] or value.startswith("www.") or "/" in value or ending in tables.address_endings
        if ending in tables.file_endings or not known or NOT_PRIVATE.match(value):
            continue
        if not re.search(r"[a-z]", value.rpartition(".")[0] or value):
            continue
        if text[start : start + 4].isupper() and "." not in value[:-4]:
            continue
        yield ContactKind.URL, value, start, start + len(value)
    for match in NUMERIC.finditer(folded):
        value = match[1].rstrip("/.?=&#%-+")
        yield ContactKind.URL, value, match.start(1), match.start(1) + len(value)
    yield from _spelled_addresses(folded)


def _spelled_addresses(folded: str) -> Iterator[_Raw]:
    """Yield addresses whose dot is written as a word, or whose letters stand apart."""
    for match in SPELLED.finditer(folded):
        plain = match["dot"] == "." and not (match["spread"] and " " in match["spread"])
        if plain or not re.search(r"[a-z]", match["name"]):
            continue
        front = "www." if match["spread"] else ""
        yield ContactKind.URL, f"{front}{match['name']}.{match['ending']}", *match.span()


def find_jumps(folded: str, text: str, name: str, tables: JumpTables) -> Iterator[_Raw]:
    """Yield the displayed names, or public numbers, of accounts that the reader is sent to.

    ``name`` is the speaker's own, which an account of the same name elsewhere has too.
    """
    for match in tables.handle.finditer(folded):
        yield ContactKind.ACCOUNT_JUMP, match["handle"].rstrip(".-"), *match.span("handle")
    for match in tables.named.finditer(folded):
        start, end = match.span("name")
        shown = _cut_name(folded[start:end], tables, quoted=match["quote"] is not None)
        if shown and not (match["quote"] and tables.not_after.match(folded, end)):
            yield ContactKind.ACCOUNT_JUMP, text[start : start + shown], start, start + shown
    firm = QUOTED_FIRM.search(folded)  # once: a text may say "same name" as often as it likes
    for match in tables.same_name.finditer(folded):
        if match["name"]:
            yield ContactKind.ACCOUNT_JUMP, text[match.start("name") : match.end("name")], *match.span("name")
        elif firm:
            yield ContactKind.ACCOUNT_JUMP, text[firm.start(1) : firm.end(1)], *firm.span(1)
        elif name:
            yield ContactKind.ACCOUNT_JUMP, name, *match.span()
    yield from _mentions(folded, text, tables)


def _cut_name(found: str, tables: JumpTables, *, quoted: bool) -> int:
    """Return how much of what stands there is the name; 0 when it is a phrase or nobody's account to go to."""
    if tables.not_names.search(found) or (not quoted and "的" in found):
        return 0
    end = None if quoted else tables.name_ends.search(found, _SHORTEST_NAME)
    return end.start() if end else len(found)


def _mentions(folded: str, text: str, tables: JumpTables) -> Iterator[_Raw]:
    """Yield mentioned accounts where the words around say: go there."""
    for match in MENTION.finditer(folded):
        start, end = match.span(1)
        if match[1][0] in "我你" or match[1].isascii() or match[1].startswith("用户"):
            continue
        if tables.not_names.search(match[1]):
            continue
        before = folded[max(0, match.start() - 10) : match.start()]
        if tables.mention_before.search(before) or tables.mention_after.match(folded, end):
            yield ContactKind.ACCOUNT_JUMP, text[start:end], start, end


def find_codes(folded: str, tables: ContactTables) -> Iterator[_Raw]:
    """Yield codes that the text says are in the picture or the avatar."""
    for where, pattern in (("image", tables.image_code), ("avatar", tables.avatar_code)):
        for match in pattern.finditer(folded):
            around = folded[max(0, match.start() - 6) : match.end() + 6]
            if tables.not_code.search(around) is None:
                yield ContactKind.QR, where, *match.span()
                break
