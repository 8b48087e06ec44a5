"""The demo's people decide by the truth with a few mistakes, always in the same way."""

from __future__ import annotations

from typing import Any

from demo.people import cast, steps_of
from demo.summary import found_rings


def _clues(count: int) -> list[dict[str, Any]]:
    return [
        {"clue": f"c{number}", "score": 100 - number / 10, "target": {"platform": "web", "native_id": f"u{number}"}}
        for number in range(count)
    ]


PLANTED = {("web", f"u{number}"): "surrender" for number in range(0, 400, 2)}


def test_everybody_has_one_role_and_a_password_of_their_own() -> None:
    people = cast()
    assert people[0].name == "admin"
    assert len({person.role for person in people}) == len({person.password for person in people}) == 7


def test_most_conclusions_follow_the_truth_and_some_mistakes_are_taken_back() -> None:
    steps = list(steps_of(_clues(400), PLANTED))
    decided = [words for words in steps if words[1] == "decide"]
    right = sum((words[3] == "confirmed") == (("web", f"u{words[2][1:]}") in PLANTED) for words in decided)
    undone = [words for words in steps if words[1] == "undo"]
    assert 0.9 < right / len(decided) < 1
    assert 0 < len(undone) < 20
    assert {words[3] for words in decided} == {"confirmed", "rejected", "unsure"}


def test_some_clues_of_every_score_are_left_for_the_desk() -> None:
    touched = {words[2] for words in steps_of(_clues(50), PLANTED)}
    assert {f"c{number}" for number in range(50)} - touched == {f"c{number}" for number in range(4, 50, 5)}


def test_an_interrupted_play_goes_on_with_the_same_decisions() -> None:
    whole = list(steps_of(_clues(60), PLANTED))
    again = list(steps_of(_clues(60)[::-1], PLANTED))
    assert whole == again


def test_a_ring_is_found_with_four_fifths_of_it_and_at_most_one_outsider() -> None:
    ring = {("web", str(number)) for number in range(5)}
    four = set(list(ring)[:4])
    outsiders = {("web", "a"), ("web", "b")}
    assert found_rings({"r": ring}, [ring]) == 1
    assert found_rings({"r": ring}, [four | {("web", "a")}]) == 1
    assert found_rings({"r": ring}, [four | outsiders]) == 0
    assert found_rings({"r": ring}, [set(list(ring)[:3])]) == 0
