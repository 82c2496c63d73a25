from __future__ import annotations

import math
from itertools import count, pairwise, takewhile
from statistics import fmean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.errors import SettingsError
from lgsp.traffic.load.arrivals import Arrivals, Curve, Traced, bursts, constant, parse_stages, stages


def moments(arrivals: Arrivals | Traced) -> list[float]:
    return [due for due in takewhile(lambda due: due is not None, map(arrivals.due, count())) if due is not None]


def test_a_constant_rate_is_even_and_ends_with_its_time() -> None:
    found = moments(Arrivals(constant(100, 10)))
    assert len(found) == 1_000
    assert found[:3] == pytest.approx([0, 0.01, 0.02])
    assert found[-1] == pytest.approx(9.99)


def test_stages_rise_and_fall_and_send_the_area_below_them() -> None:
    curve = stages(parse_stages("10s:100,5s:100/s,10s:0"))
    found = moments(Arrivals(curve))
    assert len(found) == 500 + 500 + 500
    assert sum(due < 10 for due in found) == 500
    assert sum(due >= 15 for due in found) == 500
    # After x of 10 s the rise has sent 5 x^2.
    assert sum(due < 5 for due in found) == 125
    assert [curve.rate(at) for at in (0, 5, 12, 20, 25)] == pytest.approx([0, 50, 100, 50, 0])


def test_bursts_send_everything_within_their_turns() -> None:
    found = moments(Arrivals(bursts(10, 10, on=1, off=4)))
    assert len(found) == 100
    assert {int(due) for due in found} == {0, 5}
    assert found[50] == pytest.approx(5.0)


def test_by_chance_the_seconds_vary_as_the_law_of_poisson_has_it() -> None:
    found = moments(Arrivals(constant(200, 500), seed=7))
    seconds = [0] * 500
    for due in found:
        seconds[int(due)] += 1
    assert variance(seconds) / fmean(seconds) == pytest.approx(1.0, abs=0.1)
    assert fmean(seconds) == pytest.approx(200, rel=0.01)
    assert found == moments(Arrivals(constant(200, 500), seed=7))
    assert found != moments(Arrivals(constant(200, 500), seed=8))


@given(
    st.lists(st.tuples(st.floats(0.1, 50), st.sampled_from((0.0, 0.5, 3.0, 40.0))), min_size=1, max_size=5).filter(
        lambda given: any(rate for _, rate in given)
    ),
    st.one_of(st.none(), st.integers(0, 99)),
)
def test_moments_never_go_back_and_lie_within_the_curve(given: list[tuple[float, float]], seed: int | None) -> None:
    curve = stages(given)
    found = moments(Arrivals(curve, seed))
    assert found == sorted(found)
    assert all(0 <= due <= curve.seconds for due in found)
    if seed is None:
        assert len(found) == pytest.approx(curve.areas()[-1], abs=1)


def test_a_pacer_says_how_long_to_wait_and_a_late_one_not_at_all() -> None:
    arrivals = Arrivals(constant(10, 1))
    assert [arrivals.next(0.0, 3), arrivals.next(0.25, 3), arrivals.next(0.5, 3)] == pytest.approx([0.3, 0.05, 0.0])
    assert arrivals.next(0.0, 10) is None


def test_a_curve_is_a_step_where_two_points_share_a_moment() -> None:
    curve = Curve(((0, 1), (10, 1), (10, 5), (20, 5)))
    assert [curve.rate(at) for at in (9.9, 10, 19.9, 20)] == [1, 5, 5, 0]


@pytest.mark.parametrize("text", ["", "30s", "30:10", "30s:x", "30s:-1", "30s:inf", "30s:nan", "1s:0,2s:0"])
def test_a_stage_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="--stages"):
        parse_stages(text)


@pytest.mark.parametrize(
    ("recorded", "rate", "seconds", "due"),
    [
        ([7.0], 2.0, 1.6, [0, 0.5, 1.0, 1.5]),
        ([5.0, 6.0, 8.0], 1.0, 7.0, [0, 2 / 3, 2, 3, 3 + 2 / 3, 5, 6, 6 + 2 / 3]),
        ([0.0, 0.5, 2.5, 3.0], 4.0, 1.0, [0, 0.125, 0.625, 0.75]),
        ([4.0, 4.0], 1.0, 4.0, [0, 0, 2, 2]),  # all at once comes all at once again
    ],
)
def test_a_trace_keeps_its_pauses_at_another_rate_and_begins_again(
    recorded: list[float], rate: float, seconds: float, due: list[float]
) -> None:
    traced = Traced(recorded, rate, seconds)
    assert moments(traced) == pytest.approx(due)
    assert [traced.rate(at) for at in (0, seconds - 0.1, seconds)] == [rate, rate, 0]


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=30).map(sorted),
    st.floats(0.1, 1_000),
    st.integers(1, 5),
)
def test_a_trace_goes_on_at_its_rate_on_average_and_never_goes_back(
    recorded: list[float], rate: float, rounds: int
) -> None:
    traced = Traced(recorded, rate, math.inf)
    many = rounds * len(recorded)
    found = [traced.due(number) for number in range(many + 1)]
    assert all(before <= after for before, after in pairwise(found) if before is not None and after is not None)
    assert found[-1] == pytest.approx(many / rate)
