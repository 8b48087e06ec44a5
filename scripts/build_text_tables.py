"""Build classifiers/tables/*.json, the data behind the text views.

Run it after a change of scripts/text_tables.yml or of the libraries:

    python -m scripts.build_text_tables [FONT]

Sources: ``unicodedata`` (compatibility forms, case, categories), OpenCC (traditional, regional and
Japanese forms, Apache-2.0), pypinyin (first reading of a character, MIT), glyphs as Noto Sans CJK draws them
(``scripts/glyph_shapes.py``; a minute) and the hand-written ``scripts/text_tables.yml``. None of them is needed
when the product runs.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path
from typing import Any

import opencc
import yaml
from pypinyin.constants import PINYIN_DICT, Style
from pypinyin.style import convert as convert_style

from scripts.glyph_shapes import measure_shapes

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "classifiers" / "tables"
SOURCE = ROOT / "scripts" / "text_tables.yml"
FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
HANZI = [range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xF900, 0xFB00), range(0x20000, 0x323B0)]
RADICAL_PARTS = "亻扌氵冫彳讠辶纟钅艹忄阝刂攵礻衤犭饣"
# Private use (the sound view writes its syllables there), surrogates, noncharacters; all pictographs, those
# that a later Unicode assigns too; the Hangul fillers, letters by category but blank on the page.
ALWAYS_DROPPED = [(0, 0), (0xD800, 0xF8FF), (0xF0000, 0x10FFFF), (0x1F000, 0x1F0FF), (0x1F300, 0x1FAFF)]
ALWAYS_DROPPED += [(0x115F, 0x1160), (0x3164, 0x3164), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFF)]
# Syllables of interjections only; a segmenter that knew them would cut every word at n and m.
NOT_SYLLABLES = {"m", "n", "ng", "hm", "hng", "ê", "e̊", "o", "yo", "lo", "r"}


def main() -> int:
    """Write the tables and return the exit code."""
    source = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    fold = close(make_fold(source))
    TABLES.mkdir(exist_ok=True)
    write("folding.json", {"fold": grouped(fold), "classes": make_classes(source, fold)}, ascii_only=True)
    write("sounds.json", {"syllables": make_sounds(fold), "polyphones": source["polyphones"]}, ascii_only=False)
    write("shapes.json", make_shapes(source), ascii_only=False)
    return 0


def make_shapes(source: dict[str, Any]) -> dict[str, object]:
    """Return how characters are written in parts and what they look like: what is measured and what is written."""
    measured = measure_shapes(Path(sys.argv[1]) if len(sys.argv) > 1 else FONT)
    splits: dict[str, list[str]] = {}
    for table in (source["splits"], measured.splits):
        for char, forms in table.items():
            turned = [form[1] + form[0] for form in forms if form[0] in "辶廴"]
            splits[char] = list(dict.fromkeys([*splits.get(char, []), *forms, *turned]))
    alike = {char: set(others) for char, others in measured.alike.items()}
    for group in source["glyphs"]:
        for char in group:
            alike.setdefault(char, set()).update(set(group) - {char})
    return {
        "radicals": RADICAL_PARTS,
        "everyday": source["everyday"].replace(" ", ""),
        "splits": {char: " ".join(forms) for char, forms in splits.items()},  # the written ones first: they win
        "alike": {char: "".join(sorted(others)) for char, others in sorted(alike.items())},
    }


def write(name: str, value: dict[str, object], *, ascii_only: bool) -> None:
    """Write one table, one entry per line where it is long."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1, sort_keys=False)
    (TABLES / name).write_text(text + "\n", encoding="utf-8")


def every_code_point() -> list[str]:
    """Return every assigned code point but surrogates and private use."""
    return [char for char in map(chr, range(1, 0x110000)) if unicodedata.category(char) not in ("Cn", "Co", "Cs")]


def make_fold(source: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return code point -> code point: compatibility form, case, script, then the hand-written ones."""
    fold: dict[str, str] = {}
    for char in every_code_point():
        wide = unicodedata.normalize("NFKC", char)
        letter = unicodedata.normalize("NFD", char)[0]  # pinyin with tone marks
        base = letter if letter.isascii() and letter.isalpha() else char
        lower = (wide if len(wide) == 1 and not base.isascii() else base).lower()
        if len(lower) == 1 and lower != char:
            fold[char] = lower
    add_scripts(fold)
    for kind in ("emoji", "symbols", "variants"):
        for target, chars in source[kind].items():
            fold.update(dict.fromkeys(chars, str(target)))
    return fold


def add_scripts(fold: dict[str, str]) -> None:
    """Add traditional and regional forms; Japanese ones only outside GB2312, where they mean nothing else."""
    simple, japanese = opencc.OpenCC("t2s"), opencc.OpenCC("jp2t")
    for block in HANZI:
        for char in map(chr, block):
            base = fold.get(char, char)
            if not in_gb2312(base):
                base = japanese.convert(base)
            target = simple.convert(base)
            if len(target) == 1 and target != char:
                fold[char] = target


def in_gb2312(char: str) -> bool:
    """Say whether the character belongs to the everyday simplified set."""
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def close(fold: dict[str, str]) -> dict[str, str]:
    """Follow every chain to its end, so that folding twice changes nothing."""
    closed = {}
    for char in fold:
        target, seen = char, {char}
        while target in fold and fold[target] not in seen:
            target = fold[target]
            seen.add(target)
        if target != char:
            closed[char] = target
    return {char: target for char, target in closed.items() if target not in closed}


def grouped(fold: dict[str, str]) -> dict[str, str]:
    """Return target -> all its sources in one string, sorted."""
    groups: dict[str, str] = {}
    for char in sorted(fold):
        groups[fold[char]] = groups.get(fold[char], "") + char
    return dict(sorted(groups.items()))


def make_classes(source: dict[str, object], fold: dict[str, str]) -> dict[str, object]:
    """Return what the squeezed view drops (as code point ranges) and the marks among it."""
    pictures = "".join(dict(source["emoji"]).values()) + "×✕✖\u2573"  # type: ignore[call-overload]
    dropped = set(str(source["separators"])) | set(pictures)
    for first, last in ALWAYS_DROPPED:
        dropped |= {chr(code) for code in range(first, last + 1)}
    for char in every_code_point():
        if unicodedata.category(fold.get(char, char))[0] in "ZCMPS" or unicodedata.category(char)[0] in "ZCMP":
            dropped.add(char)
    return {
        "drop": ranges(dropped),
        "pictures": "".join(sorted(set(pictures))),
        "weak": source["weak_marks"],
        "strong": source["strong_marks"],
        "radicals": RADICAL_PARTS,
        "symbols": ranges({char for char in dropped if is_symbol(char)}),
        "signs": ranges({char for char in dropped if is_sign(char, fold.get(char, char), source)}),
    }


def is_sign(char: str, folded: str, source: dict[str, object]) -> bool:
    """Say whether a term can need the character although the squeezed view drops it (5+8, 100%, a picture)."""
    if folded in str(source["no_signs"]):
        return False
    return folded in str(source["signs"]) or unicodedata.category(char)[0] == "S" or is_symbol(char)


def is_symbol(char: str) -> bool:
    """Say whether a character can be a picture of something; faces and hands decorate, they name nothing."""
    code = ord(char)
    if 0x1F600 <= code <= 0x1F64F or 0x1F44A <= code <= 0x1F44F:  # noqa: PLR2004 - emoticons; fists, thumbs, applause
        return False
    return unicodedata.category(char) == "So" or 0x1F300 <= code <= 0x1FAFF  # noqa: PLR2004 - pictographs


def ranges(chars: set[str]) -> list[list[int]]:
    """Return sorted [first, last] pairs of consecutive code points."""
    found: list[list[int]] = []
    for code in sorted(map(ord, chars)):
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def make_sounds(fold: dict[str, str]) -> dict[str, str]:
    """Return toneless syllable -> its characters, by first reading; folded forms only."""
    sounds: dict[str, str] = {}
    for code in sorted(PINYIN_DICT):
        char = chr(code)
        if char in fold:
            continue
        for reading in PINYIN_DICT[code].split(","):
            syllable = str(convert_style(reading, style=Style.NORMAL, strict=True)).replace("ü", "v")
            if syllable.isascii() and syllable not in NOT_SYLLABLES:
                sounds[syllable] = sounds.get(syllable, "") + char
                break
    return dict(sorted(sounds.items()))


if __name__ == "__main__":
    sys.exit(main())
