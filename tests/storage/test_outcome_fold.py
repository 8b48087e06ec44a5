"""The fold of observations: what is true of a target, whatever the order in which it became known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.records import Cause, ObservationMethod, OutcomeKind, OutcomeState
from storage.transitions.outcome import (
    ACTED_KINDS,
    PROBED_KINDS,
    TOLD_KINDS,
    Observation,
    fold,
    is_acted,
    is_known,
)

if TYPE_CHECKING:
    import random

START = datetime(2026, 11, 1, tzinfo=UTC)
SENT = START + timedelta(days=10)
REMOVED, LIVE = OutcomeKind.CONTENT_REMOVED, OutcomeKind.LIVE
RESTRICTED = OutcomeKind.CONTENT_RESTRICTED


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def probe(
    number: float, kind: OutcomeKind, *, marker: str | None = "http-410", control: bool | None = True
) -> Observation:
    return Observation(at=day(number), kind=kind, method=ObservationMethod.PROBE, marker=marker, control_ok=control)


def reply(number: float, kind: OutcomeKind) -> Observation:
    return Observation(at=day(number), kind=kind, method=ObservationMethod.REPLY, marker="word")


def person(number: float, kind: OutcomeKind) -> Observation:
    return Observation(at=day(number), kind=kind, method=ObservationMethod.PERSON)


def test_nothing_seen_is_unknown() -> None:
    found = fold([], sent_at=SENT)
    assert (found.kind, found.state, found.cause) == (
        OutcomeKind.UNKNOWN,
        OutcomeState.PROVISIONAL,
        Cause.UNCLEAR,
    )
    assert not is_known(found)


@pytest.mark.parametrize(("last", "state"), [(18.9, "provisional"), (19, "confirmed"), (30, "confirmed")])
def test_gone_is_confirmed_by_a_probe_seven_days_later(last: float, state: str) -> None:
    found = fold([probe(11, LIVE), probe(12, REMOVED), probe(last, REMOVED)], sent_at=SENT)
    assert (found.kind, found.state, found.cause) == (REMOVED, state, Cause.OURS)
    assert found.first_gone_at == day(12)
    assert is_acted(found) == is_known(found) == (state == "confirmed")


def test_confirmation_keeps_the_day_it_came() -> None:
    seen = [probe(12, REMOVED), probe(19, REMOVED), probe(26, REMOVED)]
    assert fold(seen, sent_at=SENT).confirmed_at == day(19)


@pytest.mark.parametrize("kind", [OutcomeKind.LOGIN_WALL, OutcomeKind.PROBE_BLOCKED, OutcomeKind.UNKNOWN])
def test_what_hides_a_target_never_counts_as_removed(kind: OutcomeKind) -> None:
    walls = [probe(number, kind, marker="wall") for number in range(11, 40)]
    alone, after_live = fold(walls, sent_at=SENT), fold([probe(10.5, LIVE), *walls], sent_at=SENT)
    for found in (alone, after_live):
        assert found.kind is kind
        assert found.first_gone_at is None
        assert not is_known(found)
    gone = [probe(10.2, REMOVED), probe(17.2, REMOVED)]
    assert fold([*gone, *walls], sent_at=SENT).state is OutcomeState.CONFIRMED


def test_wall_between_two_gone_sightings_does_not_break_the_seven_days() -> None:
    seen = [probe(12, REMOVED), probe(15, OutcomeKind.LOGIN_WALL, marker="wall"), probe(19, REMOVED)]
    assert fold(seen, sent_at=SENT).state is OutcomeState.CONFIRMED


@pytest.mark.parametrize("control", [False, None])
def test_probe_without_a_working_control_is_void(control: bool | None) -> None:
    seen = [probe(number, REMOVED, control=control) for number in (12, 15, 25)]
    assert fold(seen, sent_at=SENT).kind is OutcomeKind.UNKNOWN
    assert fold([probe(11, LIVE), *seen], sent_at=SENT).kind is LIVE
    assert not is_known(fold([probe(11, LIVE, control=control)], sent_at=SENT))


def test_gone_without_a_named_marker_is_void() -> None:
    assert fold([probe(12, REMOVED, marker=None), probe(20, REMOVED, marker="")], sent_at=SENT).kind == "unknown"


@pytest.mark.parametrize("kind", TOLD_KINDS)
def test_reply_confirms_what_nobody_can_see(kind: OutcomeKind) -> None:
    found = fold([reply(12, kind), probe(13, LIVE)], sent_at=SENT)
    assert (found.kind, found.state, found.cause) == (kind, OutcomeState.CONFIRMED, Cause.OURS)
    assert is_acted(found)


@pytest.mark.parametrize("kind", [kind for kind in PROBED_KINDS if kind in ACTED_KINDS])
def test_reply_alone_leaves_the_rest_provisional(kind: OutcomeKind) -> None:
    found = fold([reply(12, kind), reply(30, kind)], sent_at=SENT)
    assert (found.kind, found.state) == (kind, OutcomeState.PROVISIONAL)
    assert not is_known(found)


def test_probe_after_the_reply_has_the_last_word() -> None:
    assert fold([reply(12, REMOVED), probe(13, LIVE)], sent_at=SENT).kind is LIVE
    later = fold([probe(11, LIVE), reply(12, REMOVED)], sent_at=SENT)
    assert (later.kind, later.state) == (REMOVED, OutcomeState.PROVISIONAL)


def test_restriction_stays_while_a_removal_is_only_provisional() -> None:
    seen = [reply(12, RESTRICTED), probe(13, REMOVED)]
    assert fold(seen, sent_at=SENT).kind is RESTRICTED
    assert fold([*seen, probe(20, REMOVED)], sent_at=SENT).kind is REMOVED


def test_newer_word_lifts_a_restriction() -> None:
    seen = [reply(12, RESTRICTED), probe(12.5, LIVE), reply(14, LIVE)]
    assert fold(seen, sent_at=SENT).kind is LIVE


def test_seen_again_is_reappeared_and_counted() -> None:
    seen = [probe(11, REMOVED), probe(18, REMOVED), probe(20, LIVE)]
    found = fold(seen, sent_at=SENT)
    assert (found.kind, found.state, found.reappeared) == (LIVE, OutcomeState.REAPPEARED, 1)
    assert is_known(found)
    assert not is_acted(found)
    again = fold([*seen, probe(22, REMOVED), probe(29, REMOVED)], sent_at=SENT)
    assert (again.kind, again.state, again.reappeared) == (REMOVED, OutcomeState.CONFIRMED, 1)
    assert again.first_gone_at == day(22)


@pytest.mark.parametrize("sent_at", [SENT, None])
def test_gone_before_it_was_sent_is_never_ours(sent_at: datetime | None) -> None:
    found = fold([probe(9, REMOVED), probe(16, REMOVED)], sent_at=sent_at)
    assert found.cause is Cause.BEFORE_US
    assert not is_acted(found)


def test_author_who_deletes_is_apart() -> None:
    deleted = OutcomeKind.AUTHOR_DELETED
    seen = [probe(12, deleted, marker="author-deleted"), probe(19, REMOVED)]
    found = fold(seen, sent_at=SENT)
    assert (found.kind, found.cause, is_acted(found)) == (deleted, Cause.SELF, False)


def test_person_can_see_but_not_confirm() -> None:
    found = fold([person(12, REMOVED), person(30, REMOVED)], sent_at=SENT)
    assert (found.kind, found.state) == (REMOVED, OutcomeState.PROVISIONAL)
    assert fold([person(12, REMOVED), person(14, LIVE)], sent_at=SENT).reappeared == 1


OBSERVATIONS = st.builds(
    Observation,
    at=st.integers(0, 60).map(lambda hours: START + timedelta(hours=12 * hours)),
    kind=st.sampled_from(list(OutcomeKind)),
    method=st.sampled_from(list(ObservationMethod)),
    marker=st.sampled_from([None, "m"]),
    control_ok=st.sampled_from([True, True, False, None]),
)
SETS = st.lists(OBSERVATIONS, max_size=12)
SENDINGS = st.one_of(st.none(), st.integers(0, 60).map(lambda hours: START + timedelta(hours=12 * hours)))


@given(SETS, SENDINGS, st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(
    seen: list[Observation], sent_at: datetime | None, chance: random.Random
) -> None:
    shuffled = [*seen, *seen[:2]]
    chance.shuffle(shuffled)
    assert fold(shuffled, sent_at=sent_at) == fold(seen, sent_at=sent_at)


@given(SETS, SENDINGS)
def test_acted_is_always_confirmed_after_sending(seen: list[Observation], sent_at: datetime | None) -> None:
    found = fold(seen, sent_at=sent_at)
    if is_acted(found):
        assert sent_at is not None
        assert found.kind in ACTED_KINDS
        assert found.cause is Cause.OURS
        if found.kind in PROBED_KINDS:
            assert found.first_gone_at is not None
            assert found.first_gone_at >= sent_at
            assert found.confirmed_at is not None
            assert found.confirmed_at - found.first_gone_at >= timedelta(days=7)


@given(SETS, SENDINGS)
def test_without_proof_nothing_is_gone_for_sure(seen: list[Observation], sent_at: datetime | None) -> None:
    """Words, walls and probes whose control failed never make a removal."""
    void = [one for one in seen if one.method is not ObservationMethod.PROBE or one.control_ok is not True]
    found = fold(void, sent_at=sent_at)
    assert not (found.kind in PROBED_KINDS and found.state is OutcomeState.CONFIRMED)
    assert not (found.kind is LIVE and found.state is OutcomeState.CONFIRMED)


@given(SETS, SENDINGS)
def test_what_says_nothing_never_takes_a_removal_back(seen: list[Observation], sent_at: datetime | None) -> None:
    before = fold(seen, sent_at=sent_at)
    silent = [
        Observation(at=day(100), kind=kind, method=ObservationMethod.PROBE, marker="m", control_ok=True)
        for kind in (OutcomeKind.UNKNOWN, OutcomeKind.LOGIN_WALL, OutcomeKind.PROBE_BLOCKED)
    ]
    after = fold([*seen, *silent], sent_at=sent_at)
    if before.kind in PROBED_KINDS or before.kind in TOLD_KINDS:
        assert (after.kind, after.state, after.cause) == (before.kind, before.state, before.cause)


@given(SETS)
def test_unsent_targets_are_never_ours(seen: list[Observation]) -> None:
    assert fold(seen, sent_at=None).cause is not Cause.OURS


SAYS_NOTHING = [
    one
    for kind in (OutcomeKind.UNKNOWN, OutcomeKind.LOGIN_WALL, OutcomeKind.PROBE_BLOCKED)
    for one in (
        {"kind": kind, "method": ObservationMethod.PROBE, "marker": "m", "control_ok": True},
        {"kind": kind, "method": ObservationMethod.PERSON, "marker": None, "control_ok": None},
        {"kind": REMOVED, "method": ObservationMethod.PROBE, "marker": "m", "control_ok": False},
        {"kind": REMOVED, "method": ObservationMethod.PROBE, "marker": None, "control_ok": True},
    )
]
TIMES = st.integers(0, 60).map(lambda hours: START + timedelta(hours=12 * hours))
SILENCE = st.lists(
    st.tuples(TIMES, st.sampled_from(SAYS_NOTHING)).map(lambda pair: Observation(at=pair[0], **pair[1])),
    max_size=15,
)


@given(SILENCE, SENDINGS)
def test_no_order_of_silent_looks_makes_a_removal(silent: list[Observation], sent_at: datetime | None) -> None:
    found = fold(silent, sent_at=sent_at)
    assert found.kind in {OutcomeKind.UNKNOWN, OutcomeKind.LOGIN_WALL, OutcomeKind.PROBE_BLOCKED}
    assert found.first_gone_at is None
    assert not is_known(found)


@given(SETS, SILENCE, SENDINGS)
def test_silent_looks_anywhere_never_turn_a_target_into_a_removed_one(
    seen: list[Observation], silent: list[Observation], sent_at: datetime | None
) -> None:
    without, found = fold(seen, sent_at=sent_at), fold([*silent, *seen], sent_at=sent_at)
    assert is_acted(found) == is_acted(without)
    assert found.first_gone_at == without.first_gone_at
    assert found.reappeared == without.reappeared


@given(SETS, SENDINGS)
def test_folding_what_is_folded_already_changes_nothing(seen: list[Observation], sent_at: datetime | None) -> None:
    assert fold([*seen, *seen, *reversed(seen)], sent_at=sent_at) == fold(seen, sent_at=sent_at)


@given(SETS, SENDINGS)
def test_provisional_is_never_known(seen: list[Observation], sent_at: datetime | None) -> None:
    found = fold(seen, sent_at=sent_at)
    if found.state is OutcomeState.PROVISIONAL:
        assert not is_known(found)


def test_account_and_content_are_apart() -> None:
    """A banned account whose post still stands: each target keeps what was seen of it (contracts §6)."""
    banned = OutcomeKind.ACCOUNT_BANNED
    account = fold([probe(12, banned, marker="account-banned"), probe(19, banned, marker="m")], sent_at=SENT)
    content = fold([reply(11, banned), probe(12, LIVE), probe(19, LIVE)], sent_at=SENT)
    assert (account.kind, is_acted(account)) == (banned, True)
    assert (content.kind, is_known(content), is_acted(content)) == (LIVE, True, False)
    by_ban = fold([probe(12, banned, marker="author-banned"), probe(19, REMOVED)], sent_at=SENT)
    assert is_acted(by_ban), "content that went with its account counts once, for its own target"
