from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.runtime.rate import Asked, Rate

START = 1_684_886_400.0


def passed(rate: Rate, calls: int, now: float, caller: str = "a") -> int:
    return sum(rate.ask(caller, now).passes for _ in range(calls))


def test_the_burst_passes_and_then_as_many_as_the_rate_has() -> None:
    rate = Rate(50, 1.0, 100)
    assert passed(rate, 100, START) == 100
    assert passed(rate, 1, START) == 0
    assert passed(rate, 60, START + 1) == 50
    assert passed(rate, 200, START + 100) == 100


@pytest.mark.parametrize(("count", "seconds", "burst"), [(1, 1.0, 1), (50, 1.0, 100), (7, 60.0, 3), (1000, 60.0, 1000)])
def test_what_is_told_is_exact(count: int, seconds: float, burst: int) -> None:
    rate = Rate(count, seconds, burst)
    each = seconds / count
    told = [rate.ask("a", START) for _ in range(burst + 1)]
    assert [asked.left for asked in told] == [*range(burst - 1, -1, -1), 0]
    assert told[0].full_in == pytest.approx(each, abs=1e-5)
    assert told[-1].wait == pytest.approx(each, abs=1e-4)
    assert told[-1].full_in == pytest.approx(burst * each, abs=1e-4)
    assert rate.ask("a", START + told[-1].wait).passes


def test_callers_do_not_see_each_other_and_a_refused_call_costs_nothing() -> None:
    rate = Rate(1, 1.0, 1)
    assert passed(rate, 1, START, "a") == 1
    assert passed(rate, 50, START, "a") == 0
    assert passed(rate, 1, START, "b") == 1
    assert passed(rate, 2, START + 1, "a") == 1


def test_those_whose_bucket_is_full_again_are_forgotten() -> None:
    rate = Rate(1, 1.0, 1)
    for number in range(10_000):
        rate.ask(str(number), START)
    assert rate.ask("one more", START + 2) == Asked(0, pytest.approx(1.0), 0.0)
    assert len(rate._spent) == 1


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=300))
def test_no_window_lets_through_more_than_burst_and_rate(gaps: list[float]) -> None:
    rate = Rate(10, 1.0, 5)
    now, passing = START, []
    for gap in gaps:
        now += gap
        if rate.ask("a", now).passes:
            passing.append(now)
    for number, moment in enumerate(passing):
        for last in range(number, len(passing)):
            assert last - number + 1 <= 5 + (passing[last] - moment) * 10 + 0.1
