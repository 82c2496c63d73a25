from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from lgsp.catalogue.service import Exponential, Fixed, Latency, Lognormal, Mixture, Percentiles, Uniform
from lgsp.traffic.fit.latency import Fit, chosen, distance, fits, told

MANY = 50_000
SIGMA = math.log(0.9 / 0.08) / 2.326348


def drawn(make: Callable[[random.Random], float], count: int = MANY) -> list[Fit]:
    chance = random.Random(7)
    return fits([make(chance) for _ in range(count)])


def best(found: list[Fit], count: int = MANY) -> Fit:
    return chosen(found, told(count, 0.03))


def test_a_lognormal_is_recovered_within_three_percent() -> None:
    fit = best(drawn(lambda chance: 0.08 * math.exp(SIGMA * chance.gauss(0, 1))))
    assert isinstance(fit.latency.distribution, Lognormal)
    assert fit.distance < 0.01
    assert fit.latency.distribution.p50 == pytest.approx(0.08, rel=0.03)
    assert fit.latency.distribution.p99 == pytest.approx(0.9, rel=0.03)


def test_an_exponential_and_a_uniform_are_recovered() -> None:
    exponential = best(drawn(lambda chance: chance.expovariate(10), 20_000))
    assert isinstance(exponential.latency.distribution, Exponential)
    assert exponential.latency.distribution.mean == pytest.approx(0.1, rel=0.03)
    uniform = best(drawn(lambda chance: chance.uniform(0.2, 0.6), 20_000))
    assert isinstance(uniform.latency.distribution, Uniform)
    assert (uniform.latency.distribution.low, uniform.latency.distribution.high) == pytest.approx((0.2, 0.6), rel=0.03)


def two_humps(chance: random.Random) -> float:
    return math.exp(chance.gauss(math.log(0.05), 0.2) if chance.random() < 0.8 else chance.gauss(math.log(2), 0.3))


def test_two_humps_are_a_mixture_and_one_lognormal_is_a_bad_fit() -> None:
    found = drawn(two_humps)
    fit = best(found)
    assert isinstance(fit.latency.distribution, Mixture)
    assert fit.distance < 0.01
    low, high = fit.latency.distribution.parts
    assert isinstance(low.distribution, Lognormal)
    assert isinstance(high.distribution, Lognormal)
    assert (low.weight, low.distribution.p50) == pytest.approx((80, 0.05), rel=0.03)
    assert high.distribution.p50 == pytest.approx(2, rel=0.03)
    assert {fit.family for fit in found if fit.distance > 0.03} >= {"lognormal", "exponential", "uniform"}


def test_what_follows_no_law_is_kept_as_its_percentiles() -> None:
    found = drawn(lambda chance: chance.choice([0.01, 0.3, 9.0]), 5_000)
    fit = chosen(found, told(5_000, 0.03))
    assert isinstance(fit.latency.distribution, Percentiles)
    assert all(each.distance > 0.03 for each in found if each is not fit)


def test_calls_that_all_take_the_same_are_fixed() -> None:
    fit = chosen(fits([0.2] * 50), 0.03)
    assert (fit.distance, fit.latency.distribution) == (0.0, Fixed(seconds=0.2))


@pytest.mark.parametrize("seconds", [[0.1], [0.0, 0.0], [0.1, 0.2], [0.1, 0.1, 5.0]])
def test_few_times_are_fitted_too(seconds: list[float]) -> None:
    assert chosen(fits(seconds), told(len(seconds), 0.03)).distance <= 1


def test_few_calls_cannot_tell_as_much() -> None:
    assert told(100, 0.03) == pytest.approx(0.163)
    assert told(50_000, 0.03) == 0.03


@pytest.mark.parametrize(
    ("latency", "ordered", "far"),
    [
        (Uniform(low=0, high=1), [0.25, 0.5, 0.75, 1.0], 0.25),
        (Uniform(low=0, high=1), [0.5], 0.5),
        (Fixed(seconds=1), [1.0, 1.0, 1.0], 0.0),
        (Fixed(seconds=1), [1.0, 1.0, 2.0, 2.0], 0.5),
        (Fixed(seconds=2), [1.0, 2.0], 0.5),
        (Uniform(low=5, high=6), [1.0, 2.0], 1.0),
    ],
)
def test_the_distance_is_the_largest_difference_of_the_parts(
    latency: Uniform, ordered: list[float], far: float
) -> None:
    assert distance(Latency(distribution=latency), ordered) == pytest.approx(far)
