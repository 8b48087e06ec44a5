"""The desk has words for everything, in both languages, and no words for nothing."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import review
from classifiers.records import Role as FindingRole
from reporting.cases import Measure
from reporting.lists import UNDER_WAY
from review.errors import _STATUS
from review.i18n import load_catalogues
from review.links import outward_link
from storage.records import (
    Cause,
    ClueState,
    OutcomeKind,
    OutcomeState,
    ReadOutcome,
    Role,
    RunState,
    SubmissionState,
    TargetKind,
)
from storage.transitions.clue import ClueEvent

FOLDER = Path(review.__file__).parent
SOURCES = [*FOLDER.rglob("*.html"), *FOLDER.rglob("*.py")]
BUILT = re.compile(r't\("([a-z_]+\.[a-z_]*)" ~ ([^)~]+)(?: ~ "([a-z_]+)")?\)')
FAMILIES: dict[str, set[str]] = {
    "role.": {role.value for role in Role},
    "state.": {state.value for state in ClueState},
    "target.": {kind.value for kind in TargetKind},
    "finding.": {role.value for role in FindingRole},
    "event.": {event.value for event in ClueEvent},
    "submission.": {state.value for state in SubmissionState},
    "outcome.": {kind.value for kind in OutcomeKind},
    "outcome_state.": {state.value for state in OutcomeState},
    "cause.": {cause.value for cause in Cause if cause is not Cause.UNCLEAR},
    "lists.": {"seen", "flagged", *UNDER_WAY, *(measure.value for measure in Measure)},
    "run.": {state.value for state in RunState},
    "read.": {outcome.value for outcome in ReadOutcome},
    "posts.": {"new", "changed", "seen"},
    "basis.": {"contact", "text", "image"},
    "capture.": {"page", "screenshot", "robots", "import"},
    "age.": {"now", "minutes", "hours", "days"},
    "error.": {key + end for _, _, key in _STATUS for end in ("", "_help")} | {"forged", "forged_help"},
    "leave.": {"idn", "mixed", "number", "user", "port"},
    "sign_in.": {"wrong", "too_many"},
    "password.": {"wrong", "too_many", "differ", "weak"},
    "people.problem_": {"name", "password", "role", "last_admin"},
    "clue.problem_": {"of", "category", "conclusion", "version", "unmask_reason"},
    "clusters.problem_": {"changed", "choice"},
    "reason.": {"victim", "warning", "news", "licensed", "unrelated", "joke"},
    "help.": {
        "confirm",
        "unsure",
        "category",
        "undo",
        "move",
        "reason",
        "unmask",
        "evidence",
        "search",
        "help",
        "reject",
        "duplicate",
    },
}


def used_keys() -> set[str]:
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    plain = set(re.findall(r'\b(?:t|words)\("([a-z_]+\.[a-z_]+)"[,)]', text))
    return plain | {start + end for start, ends in FAMILIES.items() for end in ends}


def test_every_word_that_is_used_exists_and_every_one_that_exists_is_used() -> None:
    for catalogue in load_catalogues().values():
        assert used_keys() - set(catalogue.texts) == set()
        assert set(catalogue.texts) - used_keys() - {"event.unmask"} == set()


def test_keys_that_are_put_together_belong_to_a_known_family() -> None:
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    found = {start for start, _, _ in BUILT.findall(text)}
    assert found <= set(FAMILIES), found - set(FAMILIES)


def test_both_languages_fill_in_the_same_values() -> None:
    chinese, english = (catalogue.texts for catalogue in load_catalogues().values())
    for key, text in chinese.items():
        names = [{name for _, name, _, _ in string.Formatter().parse(one) if name} for one in (text, english[key])]
        assert names[0] == names[1], key


def test_the_chinese_catalogue_is_chinese() -> None:
    odd = {
        key: text
        for key, text in load_catalogues()["zh"].texts.items()
        if not re.search("[\u4e00-\u9fff]", text)
        and key not in {"desk.other_language", "capture.robots", "decide.of"}
    }
    assert odd == {}


def test_a_missing_word_is_an_error() -> None:
    with pytest.raises(KeyError):
        load_catalogues()["en"]("no.such_key")
    assert outward_link("https://a.test/") is not None
