"""What a labelled row says: every field that cannot be used is named, the others count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.evaluate_gold import read_gold
from classifiers.records import Label

GOOD: dict[str, object] = {
    "label": "clue",
    "categories": ["surrender", "fee_refund"],
    "contacts": [{"kind": "qq", "value": 812345678}, {"kind": "wechat", "value": "abc_123"}],
    "obfuscations": ["homophone"],
    "where": ["title", "bio"],
    "platform": "weibo",
    "subtype": "s",
    "group": "g",
}
WORD = st.sampled_from(["", "clue", "qq", "kind", "value", "title", "surrender", "停息"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
    max_leaves=6,
)


def test_a_good_row_is_read_whole() -> None:
    gold = read_gold(GOOD)
    assert gold.faults == ()
    assert gold.label is Label.CLUE
    assert gold.categories == ("surrender", "fee_refund")
    assert gold.contacts == {("qq", "812345678"), ("wechat", "abc_123")}
    assert (gold.where, gold.obfuscations) == (("title", "bio"), ("homophone",))
    assert (gold.platform, gold.subtype, gold.group, gold.has_subtype) == ("weibo", "s", "g", True)


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("label", "scam", "label"),
        ("label", ["clue"], "label"),
        ("categories", "surrender", "categories"),
        ("categories", ["surrender", "退保"], "categories[1]"),
        ("categories", [3], "categories[0]"),
        ("contacts", {"kind": "qq"}, "contacts"),
        ("contacts", ["812345678"], "contacts[0].kind"),
        ("contacts", [{"kind": "email", "value": "a"}], "contacts[0].kind"),
        ("contacts", [{"kind": ["qq"], "value": "1"}], "contacts[0].kind"),
        ("contacts", [{"kind": "qq"}], "contacts[0].value"),
        ("contacts", [{"kind": "qq", "value": True}], "contacts[0].value"),
        ("where", "text", "where"),
        ("where", ["text", "footer"], "where[1]"),
        ("obfuscations", [None], "obfuscations[0]"),
        ("subtype", 3, "subtype"),
        ("group", ["g"], "group"),
        ("platform", {}, "platform"),
    ],
)
def test_a_faulty_field_is_named_and_the_others_are_used(field: str, value: object, place: str) -> None:
    gold = read_gold({**GOOD, field: value})
    assert [fault.field for fault in gold.faults] == [place]
    assert gold.contacts is not None or field == "contacts"
    if field != "label":
        assert gold.label is Label.CLUE
    if field == "categories" and isinstance(value, list) and "surrender" in value:
        assert gold.categories == ("surrender",)


@pytest.mark.parametrize("row", [{}, {"label": None}, {"label": ""}, dict.fromkeys(GOOD)])
def test_absent_and_null_say_nothing_and_are_no_fault(row: dict[str, object]) -> None:
    gold = read_gold(row)
    assert (gold.label, gold.contacts, gold.categories, gold.faults) == (None, None, (), ())


def test_without_a_label_only_contacts_are_read() -> None:
    gold = read_gold({"contacts": [], "categories": "anything", "where": 7})
    assert (gold.contacts, gold.faults) == (frozenset(), ())


@given(st.dictionaries(st.sampled_from([*GOOD, "why"]), JSON))
def test_whatever_a_row_holds_reading_it_never_fails(row: dict[str, object]) -> None:
    gold = read_gold(row)
    assert gold.label is None or gold.label.value == row["label"]
