"""The three axes and the batch: every state with every event, one by one, in bulk and in long random walks."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import ForbiddenError, SameStateError, TransitionError
from storage.records import Actor, BatchState, ClueState, Role, SubmissionState
from storage.transitions import batch, clue, delivery, submission

SYSTEM = Actor(name="system")
PEOPLE = [Actor(name=role.value, role=role) for role in Role]

# The tables of the design, written out by hand: what is not here must be refused.
CLUE_STEPS = {
    ("new", "queue"): "queued",
    **{(state, "suppress"): "suppressed" for state in ("new", "queued")},
    **{(state, "expire"): "expired" for state in ("new", "queued")},
    **{(state, "confirm"): "confirmed" for state in ("new", "queued", "unsure")},
    **{(state, "reject"): "rejected" for state in ("new", "queued", "unsure")},
    **{(state, "mark_duplicate"): "duplicate" for state in ("new", "queued", "unsure")},
    **{(state, "doubt"): "unsure" for state in ("new", "queued")},
    **{(state, "undo"): "queued" for state in ("confirmed", "rejected", "unsure", "duplicate")},
    **{
        (state, "reopen"): "queued"
        for state in ("confirmed", "rejected", "unsure", "duplicate", "suppressed", "expired")
    },
}
SUBMISSION_STEPS = {
    **{(state, "propose"): "proposed" for state in ("drafted", "returned")},
    ("proposed", "approve"): "approved",
    **{(state, "return"): "returned" for state in ("proposed", "approved")},
    **{(state, "withdraw"): "withdrawn" for state in ("drafted", "proposed", "approved", "returned")},
    ("approved", "export"): "exported",
    **{(state, "send"): "sent" for state in ("exported", "send_failed", "reconcile")},
    **{(state, "fail_retryable"): "send_failed" for state in ("exported", "send_failed", "reconcile")},
    **{(state, "fail_permanent"): "send_failed" for state in ("exported", "send_failed", "reconcile")},
    **{(state, "lose_track"): "reconcile" for state in ("exported", "send_failed")},
    ("sent", "acknowledge"): "acknowledged",
    **{(state, "answer"): "answered" for state in ("sent", "acknowledged", "need_more", "answered")},
    **{(state, "ask_more"): "need_more" for state in ("sent", "acknowledged", "answered")},
    **{(state, "close"): "closed" for state in ("sent", "acknowledged", "answered", "need_more")},
    ("closed", "reopen"): "answered",
}
BATCH_STEPS = {
    **{(state, "propose"): ("proposed", "compliance") for state in ("drafted", "returned")},
    ("proposed", "approve"): ("approved", "senior"),
    **{(state, "return"): ("returned", "senior") for state in ("proposed", "approved")},
    ("approved", "export"): ("exported", "compliance"),
    **{(state, "sent"): ("sent", "compliance") for state in ("exported", "reconcile")},
    ("exported", "lose_track"): ("reconcile", "compliance"),
    ("reconcile", "not_arrived"): ("exported", "compliance"),
    ("sent", "close"): ("closed", "compliance"),
}
DELIVERY_STEPS = {
    **{(state, "begin"): "sending" for state in ("intent", "failed_retryable")},
    **{(state, "deliver"): "delivered" for state in ("sending", "unknown")},
    **{(state, "fail_retryable"): "failed_retryable" for state in ("sending", "unknown")},
    **{(state, "fail_permanent"): "failed_permanent" for state in ("sending", "unknown")},
    ("sending", "lose"): "unknown",
    **{(state, "settle"): "settled" for state in ("intent", "unknown", "failed_retryable", "failed_permanent")},
}
REVIEWERS = (Role.ANALYST, Role.SENIOR, Role.COMPLIANCE)
BY_SYSTEM = ("queue", "suppress", "expire", "reopen")


@pytest.mark.parametrize(("state", "event"), list(product(ClueState, clue.ClueEvent)))
def test_every_step_of_a_clue_is_as_the_design_has_it(state: ClueState, event: clue.ClueEvent) -> None:
    wanted = CLUE_STEPS.get((state.value, event.value))
    for actor in [*PEOPLE, SYSTEM]:
        allowed = actor.role in REVIEWERS or (actor.role is None and event.value in BY_SYSTEM)
        if not allowed:
            with pytest.raises(ForbiddenError):
                clue.next_state(1, state, event, actor)
        elif wanted is None:
            with pytest.raises(TransitionError) as raised:
                clue.next_state(1, state, event, actor)
            assert isinstance(raised.value, SameStateError) == (clue.TABLE[event][1] is state)
            assert raised.value.code == "bad_state"
        else:
            assert clue.next_state(1, state, event, actor).value == wanted


@pytest.mark.parametrize(("state", "event"), list(product(SubmissionState, submission.SubmissionEvent)))
def test_every_step_of_a_submission_is_as_the_design_has_it(
    state: SubmissionState, event: submission.SubmissionEvent
) -> None:
    wanted = SUBMISSION_STEPS.get((state.value, event.value))
    if wanted is None:
        with pytest.raises(TransitionError) as raised:
            submission.next_state(1, state, event)
        assert isinstance(raised.value, SameStateError) == (submission.TABLE[event][1] is state)
    else:
        assert submission.next_state(1, state, event).value == wanted


@pytest.mark.parametrize(("state", "event"), list(product(BatchState, batch.BatchEvent)))
def test_every_step_of_a_batch_is_as_the_design_has_it(state: BatchState, event: batch.BatchEvent) -> None:
    wanted = BATCH_STEPS.get((state.value, event.value))
    for actor in [*PEOPLE, SYSTEM]:
        may = {role for (_, name), (_, role) in BATCH_STEPS.items() if name == event.value}
        by_system = actor.role is None and event.value == "lose_track"
        if not by_system and (actor.role is None or actor.role.value not in may):
            with pytest.raises(ForbiddenError):
                batch.next_state("b", state, event, actor)
        elif wanted is None:
            with pytest.raises(TransitionError):
                batch.next_state("b", state, event, actor)
        else:
            assert batch.next_state("b", state, event, actor).value == wanted[0]


@pytest.mark.parametrize(("state", "event"), list(product(delivery.DeliveryState, delivery.DeliveryEvent)))
def test_every_step_of_a_delivery_is_as_decided(
    state: delivery.DeliveryState, event: delivery.DeliveryEvent
) -> None:
    wanted = DELIVERY_STEPS.get((state.value, event.value))
    if wanted is None:
        with pytest.raises(TransitionError) as raised:
            delivery.next_state("key", state, event)
        assert isinstance(raised.value, SameStateError) == (delivery.TABLE[event][1] is state)
    else:
        assert delivery.next_state("key", state, event).value == wanted


def test_the_tables_name_no_more_steps_than_the_design() -> None:
    assert sum(len(starts) for starts, _ in clue.TABLE.values()) == len(CLUE_STEPS)
    assert sum(len(starts) for starts, _ in submission.TABLE.values()) == len(SUBMISSION_STEPS)
    assert sum(len(starts) for starts, *_ in batch.TABLE.values()) == len(BATCH_STEPS)
    assert sum(len(starts) for starts, _ in delivery.TABLE.values()) == len(DELIVERY_STEPS)


def test_open_submission_is_everything_but_the_two_ends() -> None:
    assert set(SubmissionState) - set(submission.OPEN_STATES) == {
        SubmissionState.CLOSED,
        SubmissionState.WITHDRAWN,
    }
    assert {SubmissionState.DRAFTED, SubmissionState.RETURNED}.isdisjoint(submission.BEYOND_DRAFT)


@given(st.lists(st.sampled_from(list(submission.SubmissionEvent)), max_size=40))
def test_no_walk_reaches_sending_without_a_proposal_and_an_approval(
    events: list[submission.SubmissionEvent],
) -> None:
    state = SubmissionState.DRAFTED
    path: list[str] = []
    for event in events:
        try:
            state = submission.next_state(1, state, event)
        except TransitionError:
            continue
        path.append(event.value)
    if "send" in path:
        before = path[: path.index("send")]
        assert before.index("propose") < before.index("approve") < before.index("export")
    if "withdraw" in path:
        assert path[-1] == "withdraw", "nothing follows a withdrawal"


@given(st.lists(st.tuples(st.sampled_from(list(clue.ClueEvent)), st.sampled_from([*PEOPLE, SYSTEM])), max_size=40))
def test_only_people_ever_decide(steps: list[tuple[clue.ClueEvent, Actor]]) -> None:
    state = ClueState.NEW
    for event, actor in steps:
        try:
            reached = clue.next_state(1, state, event, actor)
        except (TransitionError, ForbiddenError):
            continue
        if reached in (ClueState.CONFIRMED, ClueState.REJECTED, ClueState.UNSURE, ClueState.DUPLICATE):
            assert actor.role in REVIEWERS
        state = reached


@given(st.lists(st.sampled_from(list(clue.CONCLUSIONS.values())), min_size=1, max_size=10))
def test_undo_always_leads_back_to_the_queue(conclusions: list[clue.ClueEvent]) -> None:
    actor = PEOPLE[list(Role).index(Role.ANALYST)]
    state = ClueState.QUEUED
    for event in conclusions:
        state = clue.next_state(1, state, event, actor)
        assert clue.next_state(1, state, clue.ClueEvent.UNDO, actor) is ClueState.QUEUED
        state = ClueState.QUEUED
