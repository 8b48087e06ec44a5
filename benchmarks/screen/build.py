"""Build the word lists of this benchmark: `python -m benchmarks.screen.build`.

- ``rare_words.txt``: dictionary words of two to four characters, the tail behind ``common_words.txt``.
- ``terms.txt``: the 50 terms of the obfuscation benchmark, then topic terms of the lexicon up to 200, then
  rare dictionary words of three to six characters up to 2,000; every line belongs to all sets from its own on.

Both are drawn with a fixed seed from the phrase table of pypinyin (MIT) and committed, so that a figure can be
compared with one of another day. Characters are those of the first level of GB 2312, which are the usual ones.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pypinyin.phrases_dict import phrases_dict

from benchmarks.obfuscation.cases import load_terms
from benchmarks.screen.texts import COMMON, RARE, SIZES, TERMS, read_words
from classifiers.lexicon import PACKAGED_LEXICONS, load_lexicon
from classifiers.records import Role
from classifiers.views import make_views

if TYPE_CHECKING:
    from collections.abc import Iterable

# Words of the tail by length: most words of a running text have two characters.
TAIL = {2: 4_800, 3: 700, 4: 500}
# Words of money matters end the list: in a general feed they are rare, but they are there.
TRADE = [
    "贷款",
    "信用卡",
    "利息",
    "还款",
    "逾期",
    "账单",
    "额度",
    "房贷",
    "利率",
    "理财",
    "协商",
    "律师",
    "征信",
    "办理",
    "咨询",
    "费用",
    "监管",
    "诈骗",
    "警方",
    "消费者",
    "权益",
    "投诉",
    "催收",
    "网贷",
    "分期",
    "欠款",
    "负债",
    "本金",
    "起诉",
    "延期",
]
_LEAST, _MOST = 3, 6
_LAST_USUAL = "座".encode("gb2312")
_HEADS = {
    "rare": "# Dictionary words drawn from pypinyin's phrase table (MIT) by benchmarks/screen/build.py.",
    "terms": "# Made by benchmarks/screen/build.py: the 50 terms of the obfuscation benchmark, topics of the\n"
    "# lexicon up to 200, dictionary words of pypinyin's phrase table (MIT) up to 2,000.",
}


def is_usual(word: str) -> bool:
    """Say whether all characters are of the first level of GB 2312."""
    try:
        raw = word.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return all(raw[at : at + 2] <= _LAST_USUAL for at in range(0, len(raw), 2))


def draw(words: Iterable[str], count: int, *, seed: int, taken: set[str]) -> list[str]:
    """Return so many words that are not taken yet, and take them."""
    dice = random.Random(seed)
    chosen = dice.sample(sorted(set(words) - taken), count)
    taken.update(chosen)
    return chosen


def lexicon_topics() -> list[str]:
    """Return the all-hanzi topic terms of the packaged lexicon, then their variants, folded, each once."""
    terms = [term for term in load_lexicon([PACKAGED_LEXICONS]).terms if term.role is Role.TOPIC]
    forms = [term.term for term in terms] + [form for term in terms for form in term.variants]
    views = [make_views(form) for form in forms]
    return list(dict.fromkeys(v.folded.text for v in views if v.hanzi.text == v.folded.text))


def main() -> None:
    """Write both files."""
    usual = [word for word in phrases_dict if is_usual(word)]
    common = read_words(COMMON)
    taken = {*common, *TRADE}
    tail: list[str] = []
    for length, count in TAIL.items():
        tail += draw((word for word in usual if len(word) == length), count, seed=20 + length, taken=taken)
    random.Random(21).shuffle(tail)
    tail += TRADE
    terms = list(load_terms())
    few, some, many = SIZES
    if len(terms) != few:
        raise SystemExit(f"{len(terms)} terms, not {few}")
    terms += [form for form in lexicon_topics() if form not in terms][: some - few]
    taken.update(terms)
    terms += draw((word for word in usual if _LEAST <= len(word) <= _MOST), many - some, seed=30, taken=taken)
    RARE.write_text("\n".join([_HEADS["rare"], *tail, ""]), encoding="utf-8")
    TERMS.write_text("\n".join([_HEADS["terms"], *terms, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
