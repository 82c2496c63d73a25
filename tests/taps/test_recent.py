import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.clock import ManualClock
from lgsp.model import Outcome, Request, Transaction
from lgsp.taps.recent import Recent, percentile


def ended(service: str, at: float, seconds: float = 0.1, outcome: Outcome = Outcome.OK) -> Transaction:
    request = Request(id="t", service=service, operation="GET /x", path="/x")
    return Transaction(request, None, outcome, "", at - seconds, seconds)


async def test_only_the_last_minute_counts() -> None:
    clock = ManualClock(start=1_000.0)
    recent = Recent(["a", "b"], clock)
    await clock.advance(100)
    recent.saw(ended("a", 1_030.0, outcome=Outcome.TIMEOUT))
    for number in range(30):
        recent.saw(ended("a", 1_050.0 + number, seconds=0.1 * (number + 1)))
    [a, b] = recent.rows()
    assert (a.service, a.rate, a.official) == ("a", pytest.approx(0.5), 1.0)
    assert (a.p50, a.p99) == (pytest.approx(1.5), pytest.approx(3.0))
    assert (b.service, b.rate, b.official, b.p50, b.p99) == ("b", 0.0, None, None, None)


async def test_business_faults_are_official_successes_and_refusals_are_not() -> None:
    clock = ManualClock(start=0.0)
    recent = Recent(["a"], clock)
    await clock.advance(60)
    for outcome in Outcome:
        recent.saw(ended("a", 60.0, outcome=outcome))
    assert recent.rows()[0].official == pytest.approx(2 / 7)


async def test_a_full_memory_still_tells_the_right_rate() -> None:
    clock = ManualClock(start=0.0)
    recent = Recent(["a"], clock)
    await clock.advance(60)
    for number in range(20_000):
        recent.saw(ended("a", 40 + number / 1_000))
    assert recent.rows()[0].rate == pytest.approx(1_000, rel=0.01)


def test_a_service_that_is_not_in_the_table_is_left_out() -> None:
    recent = Recent(["a"], ManualClock())
    recent.saw(ended("new", 0.0))
    assert [row.service for row in recent.rows()] == ["a"]


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 100))
def test_a_percentile_is_a_value_that_enough_do_not_exceed(values: list[float], percent: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= percent / 100 * len(ordered) - 1e-9


def test_no_values_have_no_percentile() -> None:
    assert percentile([], 50) is None
