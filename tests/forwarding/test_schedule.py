from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.forwarding.schedule import (
    ATTEMPTS,
    PAUSES,
    RETRY,
    SILENCE,
    UNTAKEN,
    Answered,
    Begun,
    Confirmed,
    Due,
    Event,
    Step,
    Untaken,
    decide,
    spread,
)
from lgsp.ledger.outbox import State, Stored
from lgsp.model import Outcome

NOW = 1_000.0
STORED = Stored("t", "svc", "POST /x", "k", NOW, NOW + 86_400, State.STORED, NOW)
QUEUED = replace(STORED, state=State.QUEUED, due=NOW + SILENCE)
EXECUTING = replace(QUEUED, state=State.EXECUTING)
WAITING = replace(STORED, state=State.WAITING, due=NOW + 5, attempts=1, answered=1)
EVEN = 0.5
"""The chance that leaves every pause as it is."""
AGAIN = Answered(1, Outcome.UNREACHABLE, RETRY)


@pytest.mark.parametrize(
    ("was", "event", "state", "due", "step"),
    [
        pytest.param(STORED, Confirmed(1), State.QUEUED, NOW + SILENCE, Step.NOTE, id="the bus has it"),
        pytest.param(STORED, Confirmed(2), State.STORED, NOW, Step.NOTHING, id="confirm of another publish"),
        pytest.param(QUEUED, Confirmed(1), State.QUEUED, NOW + SILENCE, Step.NOTHING, id="confirmed once more"),
        pytest.param(WAITING, Confirmed(1), State.WAITING, NOW + 5, Step.NOTHING, id="answered before its confirm"),
        pytest.param(STORED, Untaken(1), State.STORED, NOW + UNTAKEN[0], Step.NOTE, id="the bus did not take it"),
        pytest.param(QUEUED, Untaken(1), State.QUEUED, NOW + SILENCE, Step.NOTHING, id="what is queued is taken"),
        pytest.param(QUEUED, Begun(1), State.EXECUTING, NOW + SILENCE, Step.NOTE, id="a connector is at it"),
        pytest.param(STORED, Begun(1), State.EXECUTING, NOW + SILENCE, Step.NOTE, id="begun before its confirm"),
        pytest.param(QUEUED, Begun(0), State.EXECUTING, NOW + SILENCE, Step.NOTE, id="somebody is at it"),
        pytest.param(QUEUED, Begun(2), State.QUEUED, NOW + SILENCE, Step.NOTHING, id="begun with another publish"),
        pytest.param(WAITING, Begun(1), State.WAITING, NOW + 5, Step.NOTHING, id="told after its answer"),
        pytest.param(EXECUTING, Begun(1), State.EXECUTING, NOW + SILENCE, Step.NOTHING, id="told twice"),
        pytest.param(EXECUTING, Confirmed(1), State.EXECUTING, NOW + SILENCE, Step.NOTHING, id="confirmed after"),
        pytest.param(EXECUTING, Untaken(1), State.EXECUTING, NOW + SILENCE, Step.NOTHING, id="not taken? it is"),
        pytest.param(EXECUTING, AGAIN, State.WAITING, NOW + 5, Step.NOTE, id="begun, and to be tried again"),
        pytest.param(EXECUTING, Answered(1, Outcome.OK, ""), State.EXECUTING, NOW + SILENCE, Step.END, id="done"),
        pytest.param(QUEUED, AGAIN, State.WAITING, NOW + 5, Step.NOTE, id="a try later"),
        pytest.param(STORED, AGAIN, State.WAITING, NOW + 5, Step.NOTE, id="answered, and never confirmed"),
        pytest.param(WAITING, AGAIN, State.WAITING, NOW + 5, Step.NOTHING, id="the same answer twice"),
        pytest.param(
            QUEUED, Answered(7, Outcome.TIMEOUT, RETRY), State.QUEUED, NOW + SILENCE, Step.NOTHING, id="to 7?"
        ),
        pytest.param(QUEUED, Answered(0, Outcome.TIMEOUT, RETRY), State.WAITING, NOW + 5, Step.NOTE, id="to the last"),
        pytest.param(QUEUED, Answered(1, Outcome.OK, ""), State.QUEUED, NOW + SILENCE, Step.END, id="answered"),
        pytest.param(QUEUED, Answered(1, Outcome.BUSINESS_FAULT, ""), State.QUEUED, NOW + SILENCE, Step.END, id="no"),
        pytest.param(QUEUED, Answered(1, Outcome.REJECTED, "x"), State.QUEUED, NOW + SILENCE, Step.END, id="refused"),
        pytest.param(
            QUEUED, Answered(1, Outcome.PROVIDER_ERROR, "poison"), State.QUEUED, NOW + SILENCE, Step.PARK, id="p"
        ),
        pytest.param(QUEUED, Due(), State.QUEUED, NOW + SILENCE, Step.NOTHING, id="not due yet"),
        pytest.param(STORED, Due(), State.STORED, NOW, Step.PUBLISH, id="due"),
        pytest.param(replace(STORED, expires=NOW), Due(), State.STORED, NOW, Step.EXPIRE, id="too old"),
    ],
)
def test_each_event_has_its_step(was: Stored, event: Event, state: State, due: float, step: Step) -> None:
    after, found = decide(was, event, NOW, EVEN)
    assert (after.state, after.due, found) == (state, due, step)


def test_a_new_publish_has_a_number_of_its_own() -> None:
    after, step = decide(replace(QUEUED, due=NOW), Due(), NOW, EVEN)
    assert (after.publishes, after.attempts, step) == (2, 0, Step.PUBLISH)


def test_the_pauses_grow_and_the_eighth_answer_is_the_last() -> None:
    standing, pauses = STORED, []
    for number in range(1, ATTEMPTS + 1):
        standing = replace(standing, publishes=number, state=State.QUEUED)
        standing, step = decide(standing, Answered(number, Outcome.TIMEOUT, RETRY), NOW, EVEN)
        if step is Step.PARK:
            break
        pauses.append(standing.due - NOW)
    assert pauses == [5, 30, 120, 600, 3_600, 3_600, 3_600]
    assert (standing.attempts, step) == (8, Step.PARK)


def test_a_bus_that_takes_nothing_is_asked_less_and_less_often() -> None:
    standing, pauses = STORED, []
    for _ in range(6):
        standing, _ = decide(standing, Untaken(standing.publishes), NOW, EVEN)
        pauses.append(standing.due - NOW)
        standing, _ = decide(standing, Due(), standing.due, EVEN)
    assert pauses == [1, 2, 5, 10, 30, 30]
    assert standing.attempts == 0


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
def test_a_pause_is_a_fifth_longer_or_shorter(chance: float, factor: float) -> None:
    assert spread(chance) == pytest.approx(factor)
    after, _ = decide(QUEUED, AGAIN, NOW, chance)
    assert after.due - NOW == pytest.approx(PAUSES[0] * factor)


events = st.one_of(
    st.builds(Confirmed, st.integers(0, 6)),
    st.builds(Untaken, st.integers(0, 6)),
    st.builds(Answered, st.integers(0, 6), st.sampled_from(Outcome), st.sampled_from(["", RETRY])),
    st.just(Due()),
)


@given(st.lists(st.tuples(events, st.floats(0, 4_000), st.floats(0, 1)), max_size=60))
def test_whatever_happens_numbers_only_rise_and_nothing_outlives_its_age(
    script: list[tuple[Event, float, float]],
) -> None:
    standing, now = STORED, NOW
    for event, passed, chance in script:
        now += passed
        after, step = decide(standing, event, now, chance)
        assert after.expires == standing.expires
        assert after.due <= after.expires
        assert after.publishes - standing.publishes == (step is Step.PUBLISH)
        assert 0 <= after.attempts - standing.attempts <= 1
        assert standing.answered <= after.answered <= after.publishes
        assert after.attempts <= min(ATTEMPTS, after.answered)
        if step is Step.NOTHING:
            assert after == standing
        if isinstance(event, Due) and now >= standing.expires:
            assert step is Step.EXPIRE
        if step in {Step.END, Step.PARK, Step.EXPIRE}:
            return
        standing = after
