"""The twenty-one ways in which sellers disguise a term, as functions of the term and a seeded generator.

Each returns the disguised term, or None where the way does not apply to it. Nothing here reads the tables of the
matcher: readings come from pypinyin and traditional forms from OpenCC, look-alikes, pictures and parts from
``substitutes.yml``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import opencc
import yaml
from pypinyin import Style, lazy_pinyin, pinyin

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

SUBSTITUTES = Path(__file__).with_name("substitutes.yml")
SEPARATORS = (
    " ",
    "\u3000",
    ".",
    "·",
    "/",
    "-",
    "_",
    "|",
    "~",
    "*",
    "丶",
    "、",
    "+",
    "=",
    "•",
    "^",
    "..",
    " / ",
    "\u2796",
)
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u2063\u034f"
COMBINING = "\u0336\u0335\u0332\u0489\u0338\u0301\u20dd"
DECORATION = ("🌟", "🔥", "✨", "🎉", "💥", "⭐", "🌈", "🍀", "💕", "❗", "👉", "🎈")
FILLERS = "的了啊之呀a1x个点o零v"
BREAKS = ("\n", "\n", "\r\n", "\n\n")
# The shortest term whose initials are no other word's, and the shortest that can lose a character.
SHORTEST_INITIALS, SHORTEST_DROPPED = 4, 5
# The everyday hanzi (GB 2312, level one) stand in these rows of the standard; people type what the keyboard offers.
_FIRST_ROW, _LAST_ROW = 0xB0, 0xD7
# Sounds that many speakers do not keep apart.
_NEAR_FIRST = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("l", "n"))
_TRADITIONAL = ("s2t", "s2tw", "s2hk")


@cache
def load_substitutes() -> dict[str, dict[str, list[str]]]:
    """Return the lists of look-alikes (``glyphs``), pictures and parts by character; "" keys what fits any."""
    data = yaml.safe_load(SUBSTITUTES.read_text(encoding="utf-8"))
    pictures = {char: text.split() for char, text in data["pictures"].items()}
    return {
        "glyphs": {char: list(text) for char, text in data["glyphs"].items()},
        "pictures": {**pictures, "": data["any_picture"].split()},
        "parts": data["parts"],
    }


@cache
def _everyday() -> dict[str, list[str]]:
    """Return syllable -> the everyday hanzi that are first of all read so."""
    chars = [
        bytes((row, cell)).decode("gb2312")
        for row in range(_FIRST_ROW, _LAST_ROW + 1)
        for cell in range(0xA1, 0xFF)
        if (row, cell) < (_LAST_ROW, 0xFA)
    ]
    table: dict[str, list[str]] = {}
    for char in chars:
        syllable = pinyin(char, style=Style.NORMAL, v_to_u=False)[0][0]
        table.setdefault(syllable.replace("ü", "v"), []).append(char)
    return table


@cache
def syllables(term: str) -> tuple[str, ...]:
    """Return the syllables of a term as it is read, so that 还 is huan in 还款."""
    return tuple(syllable.replace("ü", "v") for syllable in lazy_pinyin(term))


def _near_key(syllable: str) -> str:
    for one, other in _NEAR_FIRST:
        if syllable.startswith(one):
            syllable = other + syllable[len(one) :]
            break
    return syllable[:-1] if syllable.endswith("ng") else syllable


def _replace(term: str, at: int, text: str) -> str:
    return term[:at] + text + term[at + 1 :]


def _replace_some(term: str, texts: list[str], rng: random.Random) -> str:
    """Put the texts in place of one to half of the characters."""
    places = set(rng.sample(range(len(term)), rng.randint(1, len(term) // 2)))
    return "".join(texts[at] if at in places else char for at, char in enumerate(term))


def _replace_one(term: str, choices: list[list[str]], rng: random.Random) -> str | None:
    """Put one of its choices in place of one character, or return None when none has a choice."""
    places = [at for at, texts in enumerate(choices) if texts]
    if not places:
        return None
    at = rng.choice(places)
    return _replace(term, at, rng.choice(choices[at]))


def _homophones(term: str) -> list[list[str]]:
    pairs = zip(term, syllables(term), strict=True)
    return [[other for other in _everyday().get(name, []) if other != char] for char, name in pairs]


def exact(term: str, _: random.Random) -> str | None:
    """Return the term as it is."""
    return term


def one_homophone(term: str, rng: random.Random) -> str | None:
    """Put a character of the same sound in place of one."""
    return _replace_one(term, _homophones(term), rng)


def all_homophones(term: str, rng: random.Random) -> str | None:
    """Put a character of the same sound in place of each that has one."""
    return "".join(rng.choice(others or [char]) for char, others in zip(term, _homophones(term), strict=True))


def near_sound(term: str, rng: random.Random) -> str | None:
    """Put a character in place of one that sounds nearly so (zh/z, ch/c, sh/s, l/n, ng/n)."""
    choices = [
        [
            char
            for other, chars in _everyday().items()
            if other != name and _near_key(other) == _near_key(name)
            for char in chars
        ]
        for name in syllables(term)
    ]
    return _replace_one(term, choices, rng)


def full_pinyin(term: str, rng: random.Random) -> str | None:
    """Write the term in letters: in one word, as words, or with capitals."""
    names = syllables(term)
    shape = rng.choice(("word", "word", "words", "capitals"))
    if shape == "capitals":
        return "".join(name.capitalize() for name in names)
    return (" " if shape == "words" else "").join(names)


def mixed_pinyin(term: str, rng: random.Random) -> str | None:
    """Write up to half of the characters in letters."""
    return _replace_some(term, list(syllables(term)), rng)


def initials(term: str, rng: random.Random) -> str | None:
    """Write the first letters only."""
    if len(term) < SHORTEST_INITIALS:
        return None
    letters = "".join(name[0] for name in syllables(term))
    return letters.upper() if rng.random() < 1 / 3 else letters


def mixed_initials(term: str, rng: random.Random) -> str | None:
    """Write the first letter of up to half of the characters."""
    return _replace_some(term, [name[0] for name in syllables(term)], rng)


@cache
def _converter(name: str) -> opencc.OpenCC:
    return opencc.OpenCC(name)


def traditional(term: str, rng: random.Random) -> str | None:
    """Write the term in traditional characters: the standard's, those of Taiwan, those of Hong Kong."""
    written = _converter(rng.choice(_TRADITIONAL)).convert(term)
    return None if written == term else str(written)


def similar_glyph(term: str, rng: random.Random) -> str | None:
    """Put a look-alike in place of one character."""
    glyphs = load_substitutes()["glyphs"]
    return _replace_one(term, [glyphs.get(char, []) for char in term], rng)


def split_character(term: str, rng: random.Random) -> str | None:
    """Write one character as its parts."""
    parts = load_substitutes()["parts"]
    return _replace_one(term, [parts.get(char, []) for char in term], rng)


def separators(term: str, rng: random.Random) -> str | None:
    """Put a mark between every two characters, each time the same or each time another."""
    same = rng.choice(SEPARATORS) if rng.random() < 1 / 2 else ""
    return "".join(char + (same or rng.choice(SEPARATORS)) for char in term[:-1]) + term[-1]


def zero_width(term: str, rng: random.Random) -> str | None:
    """Put characters that nobody sees between the characters."""
    return "".join(char + rng.choice(INVISIBLE) for char in term[:-1]) + term[-1]


def combining(term: str, rng: random.Random) -> str | None:
    """Strike or mark the characters."""
    return "".join(char + rng.choice(COMBINING) for char in term)


def emoji_between(term: str, rng: random.Random) -> str | None:
    """Put pictures between the characters."""
    return "".join(char + rng.choice(DECORATION) for char in term[:-1]) + term[-1]


def emoji_for(term: str, rng: random.Random) -> str | None:
    """Put a picture in place of one character of a term of three or more."""
    pictures = load_substitutes()["pictures"]
    if len(term) < SHORTEST_INITIALS - 1:
        return None
    at = rng.randrange(len(term))
    return _replace(term, at, rng.choice(pictures.get(term[at], pictures[""])))


def inserted(term: str, rng: random.Random) -> str | None:
    """Put a character, letter or digit somewhere inside."""
    at = rng.randrange(1, len(term))
    return term[:at] + rng.choice(FILLERS) + term[at:]


def transposed(term: str, rng: random.Random) -> str | None:
    """Swap two neighbours."""
    places = [at for at in range(len(term) - 1) if term[at] != term[at + 1]]
    at = rng.choice(places)
    return term[:at] + term[at + 1] + term[at] + term[at + 2 :]


def dropped(term: str, rng: random.Random) -> str | None:
    """Leave one character of a long term out."""
    at = rng.randrange(len(term))
    return term[:at] + term[at + 1 :] if len(term) >= SHORTEST_DROPPED else None


def reversed_term(term: str, _: random.Random) -> str | None:
    """Write the term backwards."""
    return term[::-1]


def vertical(term: str, rng: random.Random) -> str | None:
    """Write every character on a line of its own."""
    return rng.choice(BREAKS).join(term)


WAYS: dict[str, Callable[[str, random.Random], str | None]] = {
    "exact": exact,
    "one_homophone": one_homophone,
    "all_homophones": all_homophones,
    "near_sound": near_sound,
    "full_pinyin": full_pinyin,
    "mixed_pinyin": mixed_pinyin,
    "initials": initials,
    "mixed_initials": mixed_initials,
    "traditional": traditional,
    "similar_glyph": similar_glyph,
    "split_character": split_character,
    "separators": separators,
    "zero_width": zero_width,
    "combining": combining,
    "emoji_between": emoji_between,
    "emoji_for": emoji_for,
    "inserted": inserted,
    "transposed": transposed,
    "dropped": dropped,
    "reversed": reversed_term,
    "vertical": vertical,
}
# What a table or a rule undoes without any guess.
DETERMINISTIC = ("exact", "traditional", "separators", "zero_width", "combining", "emoji_between", "vertical")
