"""Views: what each removes, and that every offset leads back to the original."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.tables import load_folding, load_sounds
from classifiers.views import BARRIER, VIEW_NAMES, fold_text, make_views, squeeze_text

ROOT = Path(__file__).resolve().parents[2]
SPICE = st.sampled_from(
    "停息挂账掛賬徵信亻言用卡💳❤️\N{HEAVY PLUS SIGN}\u200b\u0336①Ⓥ１a x.。，\n\x00\ud800丶tingxi"
)
TEXTS = st.text(st.one_of(st.characters(), SPICE), max_size=60)


@given(TEXTS)
def test_every_view_leads_back_into_the_original(text: str) -> None:
    views = make_views(text)
    for name in VIEW_NAMES:
        view = views[name]
        assert len(view.text) == len(view.starts) == len(view.ends)
        spans = [view.span(i, i + 1) for i in range(len(view.text))]
        assert spans == list(zip(view.starts, view.ends, strict=True))
        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


@given(TEXTS)
def test_folding_is_one_for_one_and_changes_nothing_the_second_time(text: str) -> None:
    folded = make_views(text).folded.text
    assert len(folded) == len(text)
    assert fold_text(folded) == folded
    assert squeeze_text(squeeze_text(text)) == squeeze_text(text)


@given(TEXTS)
def test_each_squeezed_character_is_the_folded_one_at_its_offset(text: str) -> None:
    views = make_views(text)
    folded = views.folded.text
    assert views.squeezed.text == "".join(folded[start] for start in views.squeezed.starts)


@given(TEXTS)
def test_what_no_codec_can_hold_becomes_one_replacement_character(text: str) -> None:
    surface = make_views(text).surface.text
    bad = {at for at, char in enumerate(text) if char == "\x00" or "\ud800" <= char <= "\udfff"}
    assert {at for at in range(len(text)) if surface[at] != text[at]} == bad
    assert all(surface[at] == "\ufffd" for at in bad)


@given(TEXTS)
def test_syllables_of_hanzi_are_their_own(text: str) -> None:
    views = make_views(text)
    exact = load_sounds().exact
    for at, (start, end) in enumerate(zip(views.sound.starts, views.sound.ends, strict=True)):
        char = views.folded.text[start]
        if end - start == 1 and not char.isascii():
            assert ord(views.sound.text[at]) == exact[ord(char)]


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("徵信掛賬", "征信挂账"),
        ("Ｖ\N{FULLWIDTH LATIN CAPITAL LETTER X}：１３８", "vx:138"),
        ("①❷⓪➂", "1203"),
        ("⼟⼈", "土人"),
        ("🅥Ⓥ", "🅥v"),
        ("💳❤\N{HEAVY PLUS SIGN}", "卡心加"),
        ("Tíng Xī", "ting xi"),
        ("転売", "转卖"),
        ("帐", "账"),
    ],
)
def test_folding(written: str, folded: str) -> None:
    assert fold_text(written) == folded


@pytest.mark.parametrize(
    "written",
    [
        "停.息/挂·账",
        "停 息\u3000挂\n账",
        "停\u200b息\u2060挂\ufeff账",
        "停̶息̶挂̶账",
        "停🌟息🔥挂❤️账",
        "停丶息丨挂丿账",
    ],
)
def test_squeezing_takes_out_what_only_separates(written: str) -> None:
    views = make_views(written)
    assert views.squeezed.text == "停息挂账"
    start, end = views.squeezed.span(0, 4)
    assert (start, written[end - 1]) == (0, "账")


@pytest.mark.parametrize(
    "written", ["停xi挂zhang", "tingxiguazhang", "廷西卦帐", "TING XI GUA ZHANG", "停xī挂zhàng"]
)
def test_letters_and_homophones_sound_like_the_term(written: str) -> None:
    assert make_views(written).sound.text == make_views("停息挂账").sound.text


def test_near_sounds_are_one_in_the_near_view_only() -> None:
    one, other = make_views("征新"), make_views("怎信")
    assert one.near.text == other.near.text
    assert one.sound.text != other.sound.text


def test_english_words_stay_letters() -> None:
    assert make_views("iphone很好").near.text.startswith("iphone")


def test_parts_and_pictures_are_restored() -> None:
    views = make_views("亻言用💳")
    assert views.restored.text == "信用卡"
    assert views.restored.span(0, 1) == (0, 2)
    assert views.restored.span(2, 3) == (3, 4)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("协商。还款", True),
        ("协商，还款", True),
        ("协商\n还款", True),
        ("协商还款", False),
        ("协 商还款", False),
        ("协\n商还款", False),
        ("停。息。挂。账", False),
        ("停？息挂账", True),
        ("“协商”“还款”", True),
        ("“协商”还款", False),
        ("#协商 #还款", True),
        ("#协#商#还#款", False),
    ],
)
def test_a_match_does_not_reach_across_one_sentence_mark(text: str, broken: bool) -> None:
    views = make_views(text)
    assert views.broken(views.squeezed, 0, len(views.squeezed.text)) is broken


def test_the_barrier_stays_in_every_view() -> None:
    views = make_views(f"停息{BARRIER}挂账")
    assert all(BARRIER in views[name].text for name in VIEW_NAMES)


def test_an_unknown_view_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        make_views("")["shape"]


def test_private_use_of_the_text_never_stands_for_a_syllable() -> None:
    assert make_views("\ue000\ue100").squeezed.text == ""


def test_no_folded_form_is_folded_further() -> None:
    fold = load_folding().fold
    assert (fold[fold] == fold).all()


@pytest.mark.slow
def test_the_shipped_tables_are_what_the_script_builds(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, runpy; sys.argv = ['build'];"
        "space = runpy.run_path('scripts/build_text_tables.py');"
        f"space['main'].__globals__['TABLES'] = pathlib.Path({str(tmp_path)!r});"
        "sys.exit(space['main']())"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
    for name in ("folding.json", "sounds.json", "shapes.json"):
        shipped = json.loads((ROOT / "classifiers" / "tables" / name).read_text(encoding="utf-8"))
        assert json.loads((tmp_path / name).read_text(encoding="utf-8")) == shipped
