"""Which edit of an entry a rejected clue proposes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from classifiers.examples import broken_examples
from classifiers.keywords import find_terms
from classifiers.lexicon import make_lexicon
from classifiers.proposals import (
    LONGEST_EXCERPT,
    TermHit,
    counter_example_edit,
    edited,
    exception_edit,
    excerpt,
    leading_hit,
    longer_words,
)
from classifiers.records import Role
from classifiers.terms import Boundary, Disguise, Term, Weight
from classifiers.views import make_views


def term(**wanted: Any) -> Term:
    values: dict[str, Any] = {
        "id": "offer:代还",
        "role": Role.OFFER,
        "category": None,
        "weight": Weight.NORMAL,
        "term": "代还",
        "variants": (),
        "aliases": (),
        "views": frozenset(),
        "boundary": Boundary.BOTH,
        "needs_company": False,
        "exceptions": (),
        "matching": ("信用卡代还", "代还花呗"),
        "non_matching": ("归还",),
        "source": "test",
        "date": date(2026, 11, 21),
        "note": "",
    }
    return Term(**(values | wanted))


def hit(text: str, found: str = "代还", **wanted: Any) -> TermHit:
    start = text.index(found)
    values = {"rule": "offer:代还", "field": "text", "view": "surface", "weight": 1.5} | wanted
    return TermHit(text=text, start=start, end=start + len(found), **values)


def finds(changed: Term, text: str) -> bool:
    return bool(find_terms(make_views(text), make_lexicon([changed]), nested=True))


def test_the_exception_is_the_shortest_longer_word_that_helps() -> None:
    edit = exception_edit(hit("这个时代还早，不急"), term())
    assert edit is not None
    assert edit.exceptions == ("时代还",)
    changed = edited(term(), edit)
    assert not finds(changed, "这个时代还早，不急")
    assert finds(changed, "信用卡代还")
    assert broken_examples(make_lexicon([changed])) == []


def test_an_exception_never_takes_a_matching_example_away() -> None:
    edit = exception_edit(hit("卡代还花"), term(matching=("信用卡代还", "代还花呗")))
    assert edit is not None
    assert edit.exceptions == ("卡代还花",)


def test_a_named_word_is_taken_if_it_helps() -> None:
    assert exception_edit(hit("这个时代还早"), term(), "这个时代还") is not None
    assert exception_edit(hit("这个时代还早"), term(), "别的词") is None


def test_a_hit_that_fills_its_clause_has_no_exception() -> None:
    assert list(longer_words(hit("先说，代还，再说"))) == []
    assert exception_edit(hit("先说，代还，再说"), term()) is None


def test_a_counter_example_brings_the_edit_that_makes_it_hold() -> None:
    edit = counter_example_edit(hit("大家看，这个时代还早，不急"), term())
    assert edit is not None
    assert (edit.non_matching, edit.exceptions) == (("这个时代还早",), ("时代还",))
    assert broken_examples(make_lexicon([edited(term(), edit)])) == []


def test_a_counter_example_that_holds_already_needs_no_other_edit() -> None:
    edit = counter_example_edit(hit("这个时代还早"), term(exceptions=("时代还",)))
    assert edit is not None
    assert (edit.non_matching, edit.exceptions, edit.views) == (("这个时代还早",), (), None)


def test_a_disguise_is_given_up_where_no_exception_helps() -> None:
    heard = term(
        id="topic:停息挂账",
        term="停息挂账",
        views=frozenset({Disguise.SOUND, Disguise.SPLIT}),
        matching=("办停息挂账", "停息挂账吧"),
        non_matching=("停车",),
    )
    edit = counter_example_edit(hit("你看：庭席挂账", "庭席挂账", rule="topic:停息挂账", view="sound"), heard)
    assert edit is not None
    assert (edit.exceptions, edit.views) == ((), ("split",))
    assert not finds(edited(heard, edit), "庭席挂账")


def test_contacts_beside_the_hit_stay_out_of_the_example() -> None:
    text = "加微信zhaiwu888聊聊这个时代还早打13812345678"
    contacts = [(3, 12), (text.index("138"), len(text))]
    assert excerpt(hit(text), contacts) == "聊聊这个时代还早打"
    edit = counter_example_edit(hit(text), term(), contacts)
    assert edit is not None
    assert "138" not in edit.non_matching[0]


def test_a_long_clause_is_cut_around_the_hit() -> None:
    text = "很" * 200 + "时代还" + "早" * 200
    shown = excerpt(hit(text))
    assert len(shown) <= LONGEST_EXCERPT
    assert "时代还" in shown


def finding(rule: str, weight: float, **wanted: Any) -> dict[str, object]:
    return {"rule": rule, "weight": weight, "field": "text", "start": 0, "end": 2, "view": "surface"} | wanted


@pytest.mark.parametrize(
    ("rule", "expected"), [(None, "offer:帮您"), ("topic:逾期", "topic:逾期"), ("fee:没有", None)]
)
def test_the_entry_with_most_weight_leads_unless_one_is_named(rule: str | None, expected: str | None) -> None:
    findings = [
        finding("offer.serve", 3.0),  # a cue is no entry
        finding("topic:逾期", 0.0),
        finding("offer:帮您", 1.0, start=3, end=5),
        finding("fee:服务费", 2.0, field="images[0].ocr"),  # a field that is not there any more
        finding("warning:骗局", -4.0),
    ]
    found = leading_hit(findings, {"text": "逾期了帮您"}, rule)
    assert (found.rule if found else None) == expected


def test_without_weight_no_entry_leads() -> None:
    assert leading_hit([finding("topic:逾期", 0.0), finding("warning:骗局", -1.0)], {"text": "逾期"}) is None
