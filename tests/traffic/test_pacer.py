import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.traffic.pacer import Constant, Pacer, Stepped


def due_times(pacer: Pacer, count: int) -> list[float]:
    """When each send is due, for a sender that is always on time."""
    now = 0.0
    times = []
    for number in range(count):
        wait = pacer.next(now, number)
        assert wait is not None
        now += wait
        times.append(now)
    return times


def test_a_constant_rate_is_evenly_spaced_from_the_start() -> None:
    assert due_times(Constant(4), 5) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert Constant(4).rate(99) == 4


def test_a_late_sender_is_told_to_send_at_once() -> None:
    assert Constant(10).next(5.0, 3) == 0.0


def test_a_rate_of_nothing_is_done() -> None:
    assert Constant(0).next(0.0, 0) is None


def test_a_stepped_rate_changes_at_the_step() -> None:
    pacer = Stepped(10, lambda step: 1.0 if step == 0 else 2.0)
    times = due_times(pacer, 14)
    assert times[:10] == pytest.approx([float(n) for n in range(10)])
    assert times[10:] == pytest.approx([10.0, 10.5, 11.0, 11.5])
    assert (pacer.rate(9.9), pacer.rate(10.0)) == (1.0, 2.0)


def test_a_step_of_silence_is_passed_over() -> None:
    times = due_times(Stepped(10, lambda step: 0.0 if step == 1 else 1.0), 12)
    assert times[9:] == pytest.approx([9.0, 20.0, 21.0])


def test_what_was_skipped_of_the_first_step_is_not_made_up_for() -> None:
    pacer = Stepped(10, lambda step: 1.0 if step == 0 else 2.0, skip=7)
    assert due_times(pacer, 6) == pytest.approx([0.0, 1.0, 2.0, 3.0, 3.5, 4.0])
    assert (pacer.rate(2.9), pacer.rate(3.0)) == (1.0, 2.0)


@given(st.lists(st.floats(0.5, 50), min_size=3, max_size=3), st.floats(0, 9))
def test_sends_in_a_step_are_its_rate_times_its_length(rates: list[float], skip: float) -> None:
    def rate_at(step: int) -> float:
        return rates[min(step, 2)]

    whole = rates[0] * (10 - skip) + rates[1] * 10
    times = due_times(Stepped(10, rate_at, skip=skip), int(whole) + 2)
    inside = sum(time < 20 - skip - 1e-9 for time in times)
    assert abs(inside - whole) <= 1
    assert times == sorted(times)
