from __future__ import annotations

import pytest
from builders import a_reply, a_request, a_transaction
from hypothesis import given
from hypothesis import strategies as st

from lgsp.clock import ManualClock
from lgsp.model import Outcome, Stamps, Transaction
from lgsp.taps.pulse import FAILURES, HOUR, NOTHING, SERVICES, SLOWEST, Pulse, Vital, bad, counted

START = 1_684_886_400.0


def ended(outcome: Outcome = Outcome.OK, *, service: str = "svc", seconds: float = 0.1, **of: object) -> Transaction:
    request = a_request(service=service, consumer=str(of.pop("consumer", "tester")), stored=bool(of.pop("stored", 0)))
    return a_transaction(outcome, request=request, started_at=START, seconds=seconds, **of)


async def after(pulse: Pulse, clock: ManualClock, seconds: int = 1) -> None:
    for _ in range(seconds):
        await clock.advance(1)
        pulse.turn()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def pulse(clock: ManualClock) -> Pulse:
    return Pulse(clock)


def test_a_service_that_nobody_called_has_no_figures(pulse: Pulse) -> None:
    assert pulse.vital("svc") == Vital()
    assert list(pulse.hour("svc")) == []
    assert pulse.slowest("svc") == []
    assert pulse.spread("svc") == {}
    assert pulse.whole() == (None, None)


async def test_what_ends_counts_in_the_second_that_is_over_and_goes_when_its_window_does(
    pulse: Pulse, clock: ManualClock
) -> None:
    for outcome, many in ((Outcome.OK, 6), (Outcome.REJECTED, 1), (Outcome.TIMEOUT, 2), (Outcome.BUS_ERROR, 1)):
        for _ in range(many):
            pulse.saw(ended(outcome))
    assert pulse.vital("svc").five == NOTHING
    await after(pulse, clock)
    vital = pulse.vital("svc")
    assert vital.five == vital.minute == (6, 0, 1, 0, 2, 0, 1)
    assert (counted(vital.five), bad(vital.five)) == (9, 3)
    assert (vital.rate, vital.peak, vital.hour_counted, vital.hour_bad) == (1.0, 1.0, 9, 3)
    await after(pulse, clock, 10)
    assert (pulse.vital("svc").rate, pulse.vital("svc").peak) == (0.0, 1.0)
    await after(pulse, clock, 50)
    assert (pulse.vital("svc").minute, sum(pulse.vital("svc").five)) == (NOTHING, 10)
    await after(pulse, clock, 240)
    assert (pulse.vital("svc").five, pulse.vital("svc").hour_counted) == (NOTHING, 9)


async def test_an_hour_later_the_hour_is_empty_even_when_no_second_was_counted_between(
    pulse: Pulse, clock: ManualClock
) -> None:
    pulse.saw(ended(Outcome.TIMEOUT))
    await after(pulse, clock)
    assert list(pulse.hour("svc")) == [(int(START) + 1, 1, 1, 0.0)]
    await clock.advance(HOUR)
    pulse.turn()
    assert (pulse.vital("svc").hour_counted, pulse.vital("svc").hour_bad, list(pulse.hour("svc"))) == (0, 0, [])
    assert pulse.slowest("svc") == []


async def test_a_new_day_begins_with_a_new_peak(pulse: Pulse, clock: ManualClock) -> None:
    pulse.saw(ended())
    await after(pulse, clock, 11)
    await clock.advance(1)
    pulse.turn(new_day=True)
    assert pulse.vital("svc").peak == 0.0


async def test_times_are_those_of_official_successes_and_not_of_what_was_stored(
    pulse: Pulse, clock: ManualClock
) -> None:
    for seconds in (0.1, 0.1, 0.4):
        pulse.saw(ended(seconds=seconds))
    pulse.saw(ended(Outcome.UNREACHABLE, seconds=9.0))
    pulse.saw(ended(seconds=7_200.0, stored=True))
    await after(pulse, clock)
    vital = pulse.vital("svc")
    assert vital.p50 == pytest.approx(0.1, rel=0.063)
    assert vital.p95 == pytest.approx(0.4, rel=0.063)
    assert pulse.whole() == (vital.p50, vital.p95)
    assert pulse.spread("svc") == {0.128: 2, 0.512: 1}
    assert sum(vital.five) == 5


async def test_where_the_time_went_is_told_by_the_stamps(pulse: Pulse, clock: ManualClock) -> None:
    stamps = Stamps(*(int((START + at) * 1e9) for at in (0.025, 0.030, 0.090, 0.092)))
    request = a_request(consumer="tester")
    reply = a_reply(request, stamps=stamps)
    pulse.saw(
        Transaction(request, reply, Outcome.OK, "", START, seconds=0.1, sent_at=START + 0.005),
    )
    pulse.saw(ended(seconds=0.05))
    await after(pulse, clock)
    slowest, other = pulse.slowest("svc")
    assert slowest.parts == pytest.approx((0.005, 0.020, 0.007, 0.060, 0.008), abs=1e-5)
    assert sum(slowest.parts) == pytest.approx(slowest.seconds, abs=1e-5)
    assert other.parts == ()
    assert pulse.vital("svc").wait == pytest.approx(0.020, rel=0.063)


async def test_the_slowest_are_kept_and_the_newest_failures(pulse: Pulse, clock: ManualClock) -> None:
    for number in range(FAILURES + 10):
        pulse.saw(ended(Outcome.TIMEOUT, seconds=float(number), reason="budget_spent", reply=None))
    await after(pulse, clock)
    assert [slow.seconds for slow in pulse.slowest("svc")] == [59.0 - number for number in range(SLOWEST)]
    assert [failure.number for failure in pulse.failures] == list(range(11, FAILURES + 11))
    last = pulse.failures[-1]
    assert (last.outcome, last.segment, last.reason, last.seconds) == ("timeout", "provider", "budget_spent", 59.0)


async def test_callers_are_counted_the_busiest_first(pulse: Pulse, clock: ManualClock) -> None:
    for consumer, many in (("a", 1), ("b", 3), ("c", 1)):
        for _ in range(many):
            pulse.saw(ended(consumer=consumer))
    await after(pulse, clock)
    assert list(pulse.callers().items()) == [("b", 0.3), ("a", 0.1), ("c", 0.1)]
    await after(pulse, clock, 10)
    assert pulse.callers() == {}
    assert pulse.seconds() == [(5, 0)] + [(0, 0)] * 10


async def test_the_hours_of_so_many_services_are_kept_and_the_rest_counts_all_the_same(
    pulse: Pulse, clock: ManualClock
) -> None:
    for number in range(SERVICES + 1):
        pulse.saw(ended(service=f"s{number}"))
    await after(pulse, clock)
    assert len(list(pulse.hour(f"s{SERVICES - 1}"))) == 1
    assert list(pulse.hour(f"s{SERVICES}")) == []
    assert sum(pulse.vital(f"s{SERVICES}").five) == 1


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from(list(Outcome))), max_size=60))
def test_windows_hold_exactly_what_ended_within_them(calls: list[tuple[int, Outcome]]) -> None:
    now = [START]
    clock = ManualClock(START)
    clock.now = lambda: now[0]  # type: ignore[method-assign]  # without an event loop
    pulse = Pulse(clock)
    for second in range(402):
        for at, outcome in calls:
            if at == second:
                pulse.saw(ended(outcome))
        now[0] += 1
        pulse.turn()
    within = [outcome for at, outcome in calls if at >= 402 - 300]
    vital = pulse.vital("svc")
    assert vital.five == tuple(within.count(outcome) for outcome in Outcome)
    assert vital.hour_counted == sum(outcome is not Outcome.REJECTED for _, outcome in calls)
