"""Wording heard in one pass of an automaton, against a slow count of every run of characters."""

from __future__ import annotations

import math
import random

import pytest

from classifiers.clear_labels import CLEAR_LABELS
from classifiers.keywords import find_terms
from classifiers.records import Role
from classifiers.views import make_views
from classifiers.voice import Reading, read_field
from classifiers.wording import DECIMALS, FLOOR, NUMBER, START, Run, Wording, hear, render, runs_of
from tests.classifiers.terms_for_tests import make_test_lexicon, make_test_term

LEXICON = make_test_lexicon("停息挂账", "挂账", make_test_term("加微", role=Role.CONTACT))
LABELS = tuple(map(float, range(len(CLEAR_LABELS))))
PIECES = ["停息挂账", "加微", "了解一下", "12 3", "4", "。", "“这是一句长的引用”", "\u200b", " ", "银行", "，", "?"]


def read(name: str, text: str) -> Reading:
    views = make_views(text)
    return read_field(name, text, views.folded.text, terms=find_terms(views, LEXICON), cues=(), contacts=())


def drawn_texts(dice: random.Random) -> list[Reading]:
    fields = dice.sample(["title", "text", "author.name"], dice.randint(1, 3))
    return [read(name, "".join(dice.choices(PIECES, k=dice.randint(1, 12)))) for name in fields]


def slow_hear(readings: list[Reading], wording: Wording, scale: float) -> dict[tuple[str, int], float]:
    """Return what each sentence adds, run by run, from the definition."""
    known = [(wording.runs[run], place) for run, place in runs_of(readings).items() if run in wording.runs]
    norm = math.sqrt(FLOOR**2 + sum(run.rarity**2 for run, _ in known))
    sums: dict[tuple[str, int], float] = {}
    for run, (reading, offset) in known:
        key = (reading.field, reading.sentence_at(offset).start)
        sums[key] = sums.get(key, 0.0) + scale * run.rarity * run.clue / norm
    return {key: value for key, value in sums.items() if round(value, DECIMALS)}


@pytest.mark.parametrize("seed", range(40))
def test_one_pass_hears_what_a_count_of_all_runs_does(seed: int) -> None:
    dice = random.Random(seed)
    readings = drawn_texts(dice)
    runs = sorted(runs_of(readings))
    kept = dice.sample(runs, dice.randint(1, len(runs)))
    wording = Wording(
        {
            run: Run(
                rarity=dice.uniform(1, 5),
                clue=dice.uniform(-1, 1),
                labels=tuple(map(float, range(len(CLEAR_LABELS)))),
            )
            for run in [*kept, "永不出现"]
        }
    )
    heard = hear(readings, wording, scale=2.0)
    slow = slow_hear(readings, wording, 2.0)
    assert {(each.field, each.start): each.weight for each in heard.sentences} == pytest.approx(slow, abs=0.0011)
    rarities = [wording.runs[run].rarity for run in kept]
    whole = sum(rarities) / math.sqrt(FLOOR**2 + sum(rarity**2 for rarity in rarities))
    assert list(heard.labels.values()) == pytest.approx([whole * at for at in range(len(CLEAR_LABELS))])


def test_numbers_terms_and_quotations_become_one_sign_each() -> None:
    shown, offsets = render(read("text", "12 34停息 挂账“说了很多别的话”好\u200b的"))
    assert shown == START + NUMBER + "\ue010“\ue001”好的"
    assert offsets == [0, 0, 5, 10, 11, 18, 19, 21]


def test_a_text_without_known_runs_says_nothing() -> None:
    heard = hear([read("text", "完全无关")], Wording({"停": Run(rarity=1.0, clue=1.0, labels=LABELS)}), scale=1.0)
    assert heard.sentences == ()
    assert hear([read("text", "停")], Wording({}), scale=1.0).sentences == ()
