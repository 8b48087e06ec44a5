"""A long field is looked at in windows, and what lies across a seam is found as anywhere else."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from benchmarks._hostile import OFFER, repeat, rules
from classifiers.contacts import Speaker, find_contacts
from classifiers.engine import screen_post
from classifiers.keywords import find_terms_joined, join_texts
from classifiers.model import add_up, to_score
from classifiers.records import PostText
from classifiers.views import fold_text
from classifiers.windows import (
    TERM_MARGIN,
    WINDOW,
    cut_kept_windows,
    cut_windows,
    find_contacts_in,
    find_cues_in,
    find_terms_in,
)

if TYPE_CHECKING:
    from classifiers.records import Finding, Verdict

LONG = 200_000
PLAIN = "今天去公园散步，天气很好，顺路买了两斤西红柿。"


def mixed_text(seed: int, length: int = 3_000) -> str:
    """Return examples of the lexicon and of the cues in plain sentences."""
    dice = random.Random(seed)
    examples = [text for term in rules().lexicon.terms for text in (*term.matching, *term.non_matching)]
    examples += [text for cue in rules().cues.cues for text in cue.hits]
    contacts = [
        "加微信 zhaiwu888",
        "电话13812345678微信同号",
        "QQ 123456789",
        "www.example-loan.com",
        "停\u200b息\n挂·账",
    ]
    text = ""
    while len(text) < length:
        text += dice.choice([dice.choice(examples), dice.choice(contacts), PLAIN]) + "。"
    return text


def joined(text: str) -> list[tuple[int, int, str, str]]:
    (whole,) = join_texts([text])
    (hits,) = find_terms_joined(whole, rules().lexicon)
    return [(hit.start, hit.end, hit.rule, hit.view) for hit in hits]


@pytest.mark.parametrize("size", [500, 1_111])
@pytest.mark.parametrize("seed", range(3))
def test_terms_of_windows_are_those_of_the_whole(seed: int, size: int) -> None:
    text = mixed_text(seed)
    (whole,) = join_texts([text])
    (hits,) = find_terms_in(whole, rules().lexicon, size=size)
    assert [(hit.start, hit.end, hit.rule, hit.view) for hit in hits] == joined(text)
    assert all(hit.text == text[hit.start : hit.end] for hit in hits)


@pytest.mark.parametrize("size", [500, 1_111])
@pytest.mark.parametrize("seed", range(3))
def test_cues_and_contacts_of_windows_are_those_of_the_whole(seed: int, size: int) -> None:
    text = mixed_text(seed)
    folded, speaker, tables = fold_text(text), Speaker(), rules().contacts
    whole = rules().cues.find(folded)
    assert whole
    assert find_cues_in(folded, rules().cues, size=size) == whole
    contacts = find_contacts("text", text, speaker, tables=tables, folded=folded)
    assert contacts
    assert find_contacts_in("text", text, speaker, tables=tables, folded=folded, size=size) == contacts


def test_windows_own_every_place_once() -> None:
    windows = list(cut_windows(1_000, size=300, margin=50))
    assert [(w.first, w.last, w.begin, w.end) for w in windows] == [
        (0, 300, 0, 350),
        (300, 600, 250, 650),
        (600, 900, 550, 950),
        (900, 1000, 850, 1000),
    ]
    assert all(sum(window.owns(offset) for window in windows) == 1 for offset in range(1_000))


def test_what_only_separates_fills_no_margin() -> None:
    starts = [*range(10), *range(5_000, 5_010)]
    windows = list(cut_kept_windows(starts, 6_000, size=10, margin=2))
    assert [(w.first, w.last, w.begin, w.end) for w in windows] == [(0, 5_000, 0, 5_002), (5_000, 6_000, 8, 6_000)]
    assert len(list(cut_kept_windows([], 7, size=10, margin=2))) == 1


PLACES = {
    "at the start": 0,
    "in the first window": 1_000,
    "before a seam": WINDOW - len(OFFER),
    "across a seam": WINDOW - 12,
    "inside the word at a seam": WINDOW - OFFER.index("停") - 2,
    "behind a seam": WINDOW,
    "across a later seam": 6 * WINDOW - 20,
    "in the middle": LONG // 2,
    "at the end": LONG - len(OFFER),
}


def planted(place: int, offer: str = OFFER) -> str:
    text = repeat(PLAIN, LONG)
    return text[:place] + offer + text[place + len(offer) :]


def check(verdict: Verdict, text: str) -> list[Finding]:
    """Check that the findings point into the text and add up to the score; return them."""
    assert all(finding.text == text[finding.start : finding.end] for finding in verdict.findings)
    assert to_score(add_up(verdict.bias, verdict.findings)) == verdict.score
    return list(verdict.findings)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_an_offer_is_found_at_any_place_of_a_long_text(place: int) -> None:
    text = planted(place)
    verdict = screen_post(PostText(id="1", text=text), rules())
    found = [finding for finding in check(verdict, text) if finding.text == "停息挂账"]
    assert [finding.start for finding in found if finding.role == "topic"] == [place + OFFER.index("停")]
    assert verdict.flagged
    assert [(c.value, c.start) for c in verdict.contacts] == [("zhaiwu888", place + OFFER.index("zhaiwu888"))]


def test_a_term_is_found_whose_parts_stand_windows_apart() -> None:
    gap = "\u200b" * (3 * WINDOW)
    text = planted(WINDOW - 4, OFFER.replace("停息挂账", f"停息{gap}挂账"))
    verdict = screen_post(PostText(id="1", text=text), rules())
    assert [f.end - f.start for f in check(verdict, text) if f.rule.endswith(":停息挂账")] == [len(gap) + 4]


def test_the_margin_is_longer_than_any_term_written_out() -> None:
    forms = [form for term in rules().lexicon.terms for form in (term.term, *term.variants, *term.exceptions)]
    assert 2 * 6 * max(map(len, forms)) <= TERM_MARGIN
