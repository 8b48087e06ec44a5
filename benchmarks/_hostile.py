"""Texts that are made to cost much: one shape each, of any length."""

from __future__ import annotations

from functools import cache, partial
from itertools import count
from typing import TYPE_CHECKING
from zlib import crc32

from classifiers.engine import load_ruleset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from classifiers.engine import Ruleset

OFFER = "专业代办停息挂账，不成功不收费，加微信 zhaiwu888。"
NORMAL = (
    "昨天去公园散步，天气很好，顺路买了两斤西红柿。信用卡逾期了应该怎么办，有没有人知道？打电话去银行问了，"
    "客服说可以申请分期，我还在考虑。新买的键盘手感不错，推荐给大家，有问题可以留言。"
)


def repeat(unit: str, length: int) -> str:
    """Return the unit again and again, up to the length."""
    return (unit * (length // len(unit) + 1))[:length]


REPEATED = {
    "offers": OFFER,
    "offers without an end": OFFER.replace("。", "，"),
    "offers in quotation marks": f"“{OFFER}”",
    "one character": "停",
    "one letter": "a",
    "one digit": "1",
    "half a term": "停息",
    "most of a term": "停息挂",
    "a term": "停息挂账",
    "a term with a picture missing": "停息挂🌟",
    "alternating pieces": "停X挂X",
    "letters put in": "停x息y挂z账w",
    "exceptions": "永不停息",
    "opening quotes": "“",
    "closing quotes": "”",
    "quoted terms": '"停息挂账"',
    "brackets": "【（",
    "phones": "13800138000",
    "digits and blanks": "1 ",
    "digits and dashes": "1---",
    "numerals": "一三八",
    "at signs": "@",
    "mentions": "@停息",
    "an id": "zhaiwu888-",
    "underscores": "abcdefg_",
    "pinyin": "tingxiguazhang",
    "contact words": "加微信",
    "contact letters": "vx",
    "same names": "搜 同名",
    "emoji": "🌟",
    "emoji between": "停🌟息🌟",
    "combining marks": "停\u0336息\u0336",
    "selectors": "息\ufe0f\ufe0f\ufe0f",
    "one character a line": "停\n息\n挂\n账\n",
    "line ends": "\n",
    "dots": "a.",
    "negations": "不不成",
    "short sentences": "。a",
    "traditional": "停息掛帳徵信",
    "split characters": "亻言用卡",
}


def numbered(form: str) -> Callable[[int], str]:
    """Return a shape of one form again and again, each with another number."""

    def make(length: int) -> str:
        return "".join(_until(length, (form.format(number) for number in count())))[:length]

    return make


def _until(length: int, parts: Iterator[str]) -> Iterator[str]:
    done = 0
    for part in parts:
        if done >= length:
            return
        done += len(part)
        yield part


@cache
def rules() -> Ruleset:
    """Return the shipped rules."""
    return load_ruleset()


def _forms() -> list[str]:
    """Return every form of the lexicon, mixed: a longer stretch of them holds the same kinds as a shorter one."""
    forms = [form for term in rules().lexicon.terms for form in (term.term, *term.variants)]
    return sorted(forms, key=lambda form: crc32(form.encode()))


def all_terms(length: int) -> str:
    """Return every form of the lexicon, one behind the other."""
    return repeat("".join(_forms()), length)


def all_halves(length: int) -> str:
    """Return the first half of every form of the lexicon: pieces at which fuzzy windows open."""
    return repeat("".join(form[: (len(form) + 1) // 2] for form in _forms()), length)


def all_cues(length: int) -> str:
    """Return an example of every cue, in one endless sentence."""
    return repeat("".join(hit for cue in rules().cues.cues for hit in cue.hits).replace("。", ""), length)


SHAPES: dict[str, Callable[[int], str]] = {
    **{name: partial(repeat, unit) for name, unit in REPEATED.items()},
    "different ids": numbered("加微信zhai_wu{} "),
    "different phones": numbered("139{:08d}微信同号 "),
    "different addresses": numbered("www.a{}.com "),
    "different mentions": numbered("找@老师{} "),
    "nested quotes": lambda length: repeat("“「『", length // 2) + repeat("』」”", length // 2),
    "a gap of blanks": lambda length: "停息" + " " * length + "挂账",
    "a gap of quotes": lambda length: "停息" + "”" * length + "挂账",
    "a gap of selectors": lambda length: "停息" + "\ufe0f" * length + "账",
    "a gap of line ends": lambda length: "停" + "\n" * length + "息挂账",
    "all terms": all_terms,
    "all halves": all_halves,
    "all cues": all_cues,
}
"""How to make each; all are a little longer than asked at most."""
