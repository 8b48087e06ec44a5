"""The twenty-one ways in which sellers disguise a term, as functions of the term and a seeded generator.

Each returns the disguised term, or None where the way does not apply to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifiers.tables import load_folding, load_shapes, load_sounds

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

SEPARATORS = " .·/-_|~*丶、"
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
COMBINING = "\u0336\u0335\u0332\u0489"
DECORATION = "🌟🔥✨🎉💥⭐"
UNKNOWN_PICTURES = "🧿🛞🪙🧾🦴"
LONGER = 5


def _common(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _syllables() -> dict[str, str]:
    """Return hanzi -> syllable, common characters only."""
    sounds = load_sounds()
    names = {ord(code): name for name, code in sounds.spelled.items()}
    hanzi = (chr(code) for code in range(0x4E00, 0x9FA6))
    return {c: names[int(sounds.exact[ord(c)])] for c in hanzi if _common(c) and int(sounds.exact[ord(c)]) in names}


SYLLABLES = _syllables()
_BY_SYLLABLE: dict[str, list[str]] = {}
for _char, _name in SYLLABLES.items():
    _BY_SYLLABLE.setdefault(_name, []).append(_char)


def _replace(term: str, at: int, char: str) -> str:
    return term[:at] + char + term[at + 1 :]


def _homophones(char: str) -> list[str]:
    return [other for other in _BY_SYLLABLE.get(SYLLABLES.get(char, ""), []) if other != char]


def _near_sounds(char: str) -> list[str]:
    near, own = load_sounds().spelled_near, SYLLABLES.get(char, "")
    names = [name for name in _BY_SYLLABLE if own and name != own and near[name] == near[own]]
    return [other for name in names for other in _BY_SYLLABLE[name]]


def exact(term: str, _: random.Random) -> str | None:
    return term


def one_homophone(term: str, rng: random.Random) -> str | None:
    places = [at for at, char in enumerate(term) if _homophones(char)]
    at = rng.choice(places)
    return _replace(term, at, rng.choice(_homophones(term[at])))


def all_homophones(term: str, rng: random.Random) -> str | None:
    return "".join(rng.choice(_homophones(char) or [char]) for char in term)


def near_sound(term: str, rng: random.Random) -> str | None:
    places = [at for at, char in enumerate(term) if _near_sounds(char)]
    if not places:
        return None
    at = rng.choice(places)
    return _replace(term, at, rng.choice(_near_sounds(term[at])))


def full_pinyin(term: str, _: random.Random) -> str | None:
    return "".join(SYLLABLES[char] for char in term)


def mixed_pinyin(term: str, rng: random.Random) -> str | None:
    at = rng.randrange(len(term))
    return _replace(term, at, SYLLABLES[term[at]])


def initials(term: str, _: random.Random) -> str | None:
    return "".join(SYLLABLES[char][0] for char in term) if len(term) >= LONGER - 1 else None


def mixed_initials(term: str, rng: random.Random) -> str | None:
    at = rng.randrange(len(term))
    return _replace(term, at, SYLLABLES[term[at]][0])


def traditional(term: str, rng: random.Random) -> str | None:
    fold = load_folding().fold
    sources = {
        char: [chr(c) for c in range(0x4E00, 0x9FA6) if int(fold[c]) == ord(char) and chr(c) != char]
        for char in term
    }
    if not any(sources.values()):
        return None
    return "".join(rng.choice(sources[char] or [char]) for char in term)


def similar_glyph(term: str, rng: random.Random) -> str | None:
    alike = load_shapes().alike
    places = [(at, b) for at, char in enumerate(term) for a, b in sorted(alike) if a == char]
    if not places:
        return None
    at, char = rng.choice(places)
    return _replace(term, at, char)


def split_character(term: str, rng: random.Random) -> str | None:
    splits = load_shapes().splits
    places = [at for at, char in enumerate(term) if char in splits]
    if not places:
        return None
    at = rng.choice(places)
    return _replace(term, at, splits[term[at]][0])


def separators(term: str, rng: random.Random) -> str | None:
    return "".join(char + rng.choice(SEPARATORS) for char in term[:-1]) + term[-1]


def zero_width(term: str, rng: random.Random) -> str | None:
    return "".join(char + rng.choice(INVISIBLE) for char in term[:-1]) + term[-1]


def combining(term: str, rng: random.Random) -> str | None:
    return "".join(char + rng.choice(COMBINING) for char in term)


def emoji_between(term: str, rng: random.Random) -> str | None:
    return "".join(char + rng.choice(DECORATION) for char in term[:-1]) + term[-1]


def emoji_for(term: str, rng: random.Random) -> str | None:
    return (
        _replace(term, rng.randrange(len(term)), rng.choice(UNKNOWN_PICTURES)) if len(term) > LONGER - 2 else None
    )


def inserted(term: str, rng: random.Random) -> str | None:
    at = rng.randrange(1, len(term))
    return term[:at] + rng.choice("的了x1啊之") + term[at:]


def transposed(term: str, rng: random.Random) -> str | None:
    at = rng.randrange(len(term) - 1)
    return term[:at] + term[at + 1] + term[at] + term[at + 2 :] if term[at] != term[at + 1] else None


def dropped(term: str, rng: random.Random) -> str | None:
    at = rng.randrange(len(term))
    return term[:at] + term[at + 1 :] if len(term) >= LONGER else None


def reversed_term(term: str, _: random.Random) -> str | None:
    return term[::-1]


def vertical(term: str, _: random.Random) -> str | None:
    return "\n".join(term)


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
CARRIERS = [
    "昨天下班路上听同事说起{}这件事，想了很久。",
    "周末在家整理房间，看到{}几个字就停下来了。",
    "有人在楼下发传单，上面写着{}，风一吹到处都是。",
    "姐妹们{}到底是怎么回事呀，好奇得很",
    "【{}】看完这篇你就明白了",
]
