"""Properties of the calendar: each of its days brings one look, whatever was missed; gone is always made sure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.recheck import AFTER_GONE, AFTER_SENDING, due_slot
from storage.followed import Followed, Sending
from storage.records import ObservationMethod, OutcomeKind, OutcomeState
from storage.transitions.outcome import PROBED_KINDS, Observation, fold

START = datetime(2026, 1, 5, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GONE = OutcomeKind.CONTENT_REMOVED


def target(*, sent: bool) -> Followed:
    sendings = (Sending(submission_id=1, channel="x", sent_at=START),) if sent else ()
    return Followed(
        clue_id=1,
        platform="web",
        native_id="a",
        target_kind="post",
        source="s",
        url="https://a.test/",
        confirmed=True,
        decided_at=START,
        first_seen=START,
        account_id=None,
        sendings=sendings,
    )


def look(at: datetime, kind: OutcomeKind, *, control: bool = True) -> Observation:
    marker = "m" if kind in PROBED_KINDS else None
    return Observation(at=at, kind=kind, method=ObservationMethod.PROBE, marker=marker, control_ok=control)


def live_through(one: Followed, hours: list[int], gone_after: int, *, deaf: int = 0) -> list[Observation]:
    """Run the recheck at these hours; looks see the target until it is gone, every ``deaf``-th one sees nothing."""
    seen: list[Observation] = []
    for hour in sorted(set(hours)):
        moment = START + hour * HOUR
        if due_slot(one, seen, now=moment) is None:
            continue
        if deaf and len(seen) % deaf == deaf - 1:
            seen.append(look(moment, OutcomeKind.UNKNOWN))
        else:
            seen.append(look(moment, GONE if hour >= gone_after else OutcomeKind.LIVE))
    return seen


HOURS = st.lists(st.integers(0, 100 * 24), min_size=1, max_size=60)


@settings(deadline=None, max_examples=50)
@given(st.booleans(), HOURS)
def test_a_live_target_gets_one_look_for_each_stretch_of_days(sent: bool, hours: list[int]) -> None:
    seen = live_through(target(sent=sent), hours, 10**6)
    slots = [START + step for step in AFTER_SENDING]
    assert len(seen) <= len(slots)
    last = START + max(hours) * HOUR
    for slot in slots:
        if slot <= last:
            assert any(slot <= one.at for one in seen), "a day that has come was answered by a later look"


@settings(deadline=None, max_examples=30)
@given(st.booleans(), st.integers(1, 95 * 24))
def test_daily_rechecks_confirm_what_is_gone(sent: bool, gone_after: int) -> None:
    one = target(sent=sent)
    daily = list(range(9, 220 * 24, 24))
    seen = live_through(one, daily, gone_after)
    found = fold(seen, sent_at=one.sent_at)
    if any(look.kind is GONE for look in seen):
        assert found.state is OutcomeState.CONFIRMED
        assert found.first_gone_at is not None
        days = {(look.at - found.first_gone_at) // DAY for look in seen}
        assert {step // DAY for step in AFTER_GONE} <= days
    else:
        assert gone_after > 90 * 24, "it was gone after the last look"


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 80 * 24), st.integers(2, 5))
def test_silent_looks_delay_the_proof_and_do_not_lose_it(gone_after: int, deaf: int) -> None:
    seen = live_through(target(sent=True), list(range(9, 300 * 24, 24)), gone_after, deaf=deaf)
    if any(look.kind is GONE for look in seen):
        assert fold(seen, sent_at=START).state is OutcomeState.CONFIRMED


@settings(deadline=None, max_examples=50)
@given(st.booleans(), HOURS)
def test_nothing_is_due_right_after_a_look(sent: bool, hours: list[int]) -> None:
    one = target(sent=sent)
    seen = live_through(one, hours, 24 * 30)
    if seen:
        assert due_slot(one, seen, now=seen[-1].at) is None


def test_sent_and_confirmed_targets_have_the_same_calendar() -> None:
    hourly = list(range(100 * 24))
    days = [(one.at - START) / DAY for one in live_through(target(sent=False), hourly, 10**6)]
    assert days == [step / DAY for step in AFTER_SENDING]
    assert [(one.at - START) / DAY for one in live_through(target(sent=True), hourly, 10**6)] == days


def test_person_who_saw_it_first_does_not_shorten_the_proof() -> None:
    one = target(sent=True)
    told = Observation(at=START + 2 * DAY, kind=GONE, method=ObservationMethod.PERSON)
    seen = [told]
    for hour in range(48, 40 * 24, 24):
        moment = START + hour * HOUR
        if due_slot(one, seen, now=moment) is not None:
            seen.append(look(moment, GONE))
    found = fold(seen, sent_at=one.sent_at)
    assert found.state is OutcomeState.CONFIRMED
    assert found.first_gone_at == told.at
    assert found.gone_proved_at is not None
    assert found.confirmed_at is not None
    assert found.confirmed_at - found.gone_proved_at == 7 * DAY
