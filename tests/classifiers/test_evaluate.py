"""Figures: rows that count once, rows that stand apart, one file one figure, nothing kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from classifiers.evaluate import evaluate, evaluate_rows
from tests.classifiers.labelled import CALM, OFFER, row, rules
from tests.classifiers.test_judging import POISON, poisoned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifiers.evaluate import Judged


def figures_of(*rows: dict[str, object], details: bool = False) -> dict[str, Any]:
    return evaluate_rows("a.jsonl", rows, rules(), details=details)


def test_unsure_and_unlabelled_rows_stand_apart() -> None:
    rows = [row("clue", OFFER), row("clue", CALM), row("unsure", OFFER), row(None, OFFER), row("news", CALM)]
    figures = figures_of(*rows)
    assert (figures["rows"], figures["unlabelled"], figures["unsure"]) == (
        5,
        {"rows": 1, "flagged": 1},
        {"rows": 1, "flagged": 1},
    )
    assert figures["recall"]["hits"] == 1
    assert figures["recall"]["total"] == 2
    assert figures["precision"]["total"] == 1
    assert figures["by_class"]["news"]["hits"] == 0
    assert figures["confusion"]["clue"] == {"clue": 1, "unrelated": 1}
    assert [error["gold"] for error in figures["errors"]] == ["clue"]


def test_rows_of_one_group_count_once_and_half_is_enough() -> None:
    rows = [
        row("clue", OFFER, subtype="s", group="g"),
        row("clue", CALM, subtype="s", group="g"),
        row("clue", CALM, subtype="s", group="h"),
        row("clue", OFFER, subtype="s", group="h"),
        row("clue", CALM, subtype="s", group="h"),
        row("clue", OFFER, subtype="t"),
        row("clue", CALM, subtype="s"),
    ]
    figures = figures_of(*rows)["by_subtype"]
    assert (figures["s"]["hits"], figures["s"]["total"]) == (1, 3)
    assert (figures["t"]["hits"], figures["t"]["total"]) == (1, 1)


@pytest.mark.parametrize(
    ("where", "author", "right"),
    [
        (["text", "bio"], {}, 1),
        (["bio"], {}, 0),
        (["bio"], {"name": "老周", "bio": OFFER}, 1),
        (["name"], {"name": "老周", "bio": OFFER}, 1),
    ],
)
def test_targets_follow_the_places(where: list[str], author: dict[str, str], right: int) -> None:
    text = CALM if author else OFFER
    assert figures_of(row("clue", text, author=author, where=where))["targets"] == {"right": right, "total": 1}


def test_contacts_are_compared_by_kind_and_value_over_all_rows() -> None:
    gold = [{"kind": "wechat", "value": "anping_kefu7"}, {"kind": "qq", "value": "812345678"}]
    found = figures_of(row("victim", OFFER, contacts=gold), row(None, OFFER, contacts=[]), details=True)
    figures, kinds = found["contacts"], found["contacts_by_kind"]
    assert (figures["recall"]["hits"], figures["recall"]["total"]) == (1, 2)
    assert (figures["precision"]["hits"], figures["precision"]["total"]) == (1, 2)
    assert [*kinds] == ["wechat", "qq"]
    assert kinds["qq"]["recall"]["total"] == 1
    assert kinds["qq"]["precision"] == {"hits": 0, "total": 0, "low": None, "high": None}


def test_absent_fields_give_null() -> None:
    figures = figures_of(row(None, CALM), details=True)
    nulls = ("recall", "precision", "by_category", "by_class", "by_obfuscation", "by_platform", "by_field",
             "by_subtype", "contacts", "targets", "by_difficulty", "by_label", "contacts_by_kind")  # fmt: skip
    assert [key for key in nulls if figures[key] is not None] == []


def test_every_file_is_judged_by_itself() -> None:
    result: dict[str, Any] = evaluate([("a", [row("clue", OFFER)]), ("b", [row("clue", CALM)])], rules())
    assert [file["recall"]["hits"] for file in result["files"]] == [1, 0]
    assert result["ruleset"] == rules().version


def test_odd_values_in_a_row_break_nothing() -> None:
    odd: dict[str, object] = {"id": 7, "text": None, "author": "x", "comments": "no", "label": "strange"}
    odd |= {"contacts": [1], "where": 3, "categories": {"a": 1}, "subtype": [], "group": 5, "platform": 9}
    figures = figures_of(odd, {**odd, "label": "clue"})
    assert figures["unlabelled"] == {"rows": 1, "flagged": 0}
    assert figures["recall"]["total"] == 1


def test_details_tell_difficulty_and_every_label() -> None:
    figures = figures_of(
        row("clue", OFFER, obfuscations=[], where=["text"]),
        row("clue", OFFER, obfuscations=["contact_alias"], where=["text"]),
        row("clue", OFFER, obfuscations=["homophone"], where=["text"]),
        row("clue", CALM, obfuscations=["coded_story", "homophone"], where=["text"]),
        row("clue", CALM, author={"bio": OFFER}, obfuscations=[], where=["bio"]),
        row("news", CALM),
        details=True,
    )
    counted = {name: (share["hits"], share["total"]) for name, share in figures["by_difficulty"].items()}
    assert counted == {"plain": (2, 2), "disguised": (1, 1), "hard": (1, 2)}
    assert figures["by_label"]["clue"]["recall"]["total"] == 5
    assert figures["by_label"]["clue"]["precision"]["total"] == 4
    assert figures["by_label"]["unrelated"]["recall"]["total"] == 0
    assert figures["by_label"]["unrelated"]["precision"]["total"] == 2


def test_rows_are_taken_as_they_are_judged_and_not_kept() -> None:
    taken = watched = most = 0

    def rows() -> Iterator[dict[str, object]]:
        nonlocal taken, most
        for number in range(500):
            taken += 1
            most = max(most, taken - watched)
            yield row("news", CALM, id=str(number))

    def watch(portion: Sequence[Judged]) -> None:
        nonlocal watched
        watched += len(portion)

    evaluate_rows("a", rows(), rules(), watchers=[watch])
    assert (taken, watched) == (500, 500)
    assert most <= 64


def test_long_rows_are_judged_fewer_at_a_time() -> None:
    sizes: list[int] = []
    rows = (row("news", "云" * 200_000) for _ in range(4))
    evaluate_rows("a", rows, rules(), watchers=[lambda portion: sizes.append(len(portion))])
    assert sizes == [2, 2]


def test_a_row_that_cannot_be_judged_is_named_and_the_others_count() -> None:
    failed: list[str] = []
    rows = [row("clue", OFFER), row("clue", POISON, id="slow"), row("news", CALM)]
    figures: dict[str, Any] = evaluate_rows(
        "a", rows, poisoned(), on_failure=lambda name, why: failed.append(f"{name}: {why}")
    )
    assert (figures["rows"], figures["recall"]["total"]) == (2, 1)
    assert [line.partition(" took")[0] for line in failed] == ["slow: judging"]
