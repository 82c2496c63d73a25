import asyncio
from collections.abc import Iterable

import pytest
from builders import a_reply, a_request
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.service import (
    Distribution,
    Exponential,
    Fixed,
    Latency,
    Lognormal,
    Mixture,
    Part,
    Percentiles,
    Uniform,
)
from lgsp.chance import draw
from lgsp.clock import ManualClock
from lgsp.model import Reply, Request
from lgsp.runtime.behaviours.latency import LatencyBehaviour, sample

DRAWS = 100_000
TWO_HUMPS = Mixture(
    parts=(
        Part(weight=90, distribution=Uniform(low=0.1, high=0.2)),
        Part(weight=10, distribution=Uniform(low=1.0, high=2.0)),
    )
)


def samples(latency: Latency, count: int = DRAWS) -> list[float]:
    """What the calls 0, 1, 2 ... take, from the shortest on."""
    return sorted(
        sample(latency, lambda purpose, key=str(number): draw(7, "svc", "GET /x", purpose, key))  # type: ignore[misc]  # bound at once
        for number in range(count)
    )


def percentile(ordered: list[float], percent: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        (Lognormal(p50=0.08, p99=0.9), {50: 0.08, 99: 0.9}),
        (Lognormal(p50=2.0, p99=2.5), {50: 2.0, 99: 2.5}),
        (Exponential(mean=0.1), {10: 0.010536, 50: 0.069315, 90: 0.230259, 99: 0.460517}),
        (Uniform(low=0.2, high=0.6), {10: 0.24, 25: 0.3, 50: 0.4, 75: 0.5, 99: 0.596}),
        (Percentiles(points=((0, 0.01), (50, 0.1), (90, 0.5), (99, 2.0), (100, 5.0))), {50: 0.1, 90: 0.5, 99: 2.0}),
        (Percentiles(points=((50, 0.1), (95, 0.4))), {25: 0.1, 50: 0.1, 95: 0.4, 99: 0.4}),
        (TWO_HUMPS, {45: 0.15, 72: 0.18, 95: 1.5, 99: 1.9}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_percentile_is_the_configured_one(distribution: Distribution, expected: dict[int, float]) -> None:
    ordered = samples(Latency(distribution=distribution))
    for percent, seconds in expected.items():
        within = 0.05 if percent == 99 else 0.02
        assert percentile(ordered, percent) == pytest.approx(seconds, rel=within), percent


@pytest.mark.parametrize("distribution", [Lognormal(p50=0.08, p99=0.9), Uniform(low=0, high=1), TWO_HUMPS])
def test_the_maximum_is_kept_and_not_heaped_up_at(distribution: Distribution) -> None:
    ordered = samples(Latency(distribution=distribution, maximum=0.18), 10_000)
    assert ordered[-1] <= 0.18
    assert ordered.count(0.18) == 0


def test_a_redraw_of_a_mixture_draws_its_part_again() -> None:
    parts = (Part(weight=1, distribution=Fixed(seconds=1)), Part(weight=1, distribution=Uniform(low=0, high=10)))
    ordered = samples(Latency(distribution=Mixture(parts=parts), maximum=2), 20_000)
    # Of each try half is the fixed part, a tenth lies below 2 s in the other: 5 in 6 of what is kept is fixed.
    assert ordered.count(1) / len(ordered) == pytest.approx(5 / 6, rel=0.02)


def test_what_can_never_lie_below_the_maximum_is_the_maximum() -> None:
    assert samples(Latency(distribution=Fixed(seconds=3), maximum=2), 1) == [2]


def test_a_part_of_no_weight_is_never_drawn() -> None:
    parts = (Part(weight=1, distribution=Fixed(seconds=1)), Part(weight=0, distribution=Fixed(seconds=9)))
    assert set(samples(Latency(distribution=Mixture(parts=parts)), 1_000)) == {1}


def test_a_lognormal_without_spread_is_fixed() -> None:
    assert set(samples(Latency(distribution=Lognormal(p50=0.3, p99=0.3)), 1_000)) == {0.3}


@pytest.mark.parametrize(
    "distribution",
    [Fixed(seconds=1), Uniform(low=0, high=1), Lognormal(p50=0.1, p99=1), Exponential(mean=0.1), TWO_HUMPS],
)
@pytest.mark.parametrize("u", [0.0, 1 - 2**-53])
def test_the_ends_of_chance_are_finite_and_not_negative(distribution: Distribution, u: float) -> None:
    assert 0 <= sample(Latency(distribution=distribution), lambda _: u) < 3_600


POINTS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), min_size=1, max_size=6).map(
    lambda points: tuple(zip(sorted(p for p, _ in points), sorted(s for _, s in points), strict=True))
)


@given(POINTS, st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_percentiles_rise_with_chance_and_stay_between_their_ends(
    points: tuple[tuple[float, float], ...], a: float, b: float
) -> None:
    latency = Latency(distribution=Percentiles(points=points))
    low, high = (sample(latency, lambda _, u=u: u) for u in sorted((a, b)))  # type: ignore[misc]  # bound at once
    assert points[0][1] - 1e-9 <= low <= high + 1e-9 <= points[-1][1] + 2e-9


def a_behaviour(distribution: Distribution, clock: ManualClock, seed: int = 7) -> LatencyBehaviour:
    return LatencyBehaviour("svc", Latency(distribution=distribution), clock, seed)


async def took(behaviour: LatencyBehaviour, request: Request, clock: ManualClock, work: float = 0.0) -> float:
    """Seconds that an answer took in all, whose own work takes `work`; the clock moves in steps of 10 ms."""

    async def forward(request: Request) -> Reply:
        if work:
            await clock.sleep(work)
        return a_reply(request)

    start = clock.now()
    async with asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(behaviour(request, forward))
        await clock.advance(0)
        while not answering.done():
            await clock.advance(0.01)
    return clock.now() - start


@pytest.mark.parametrize(("work", "total"), [(0.0, 0.1), (0.02, 0.1), (0.1, 0.1), (0.25, 0.25)])
async def test_the_sampled_latency_is_the_total(work: float, total: float) -> None:
    clock = ManualClock()
    behaviour = a_behaviour(Fixed(seconds=0.1), clock)
    assert await took(behaviour, a_request(budget=30), clock, work) == pytest.approx(total, abs=0.0101)


async def test_an_answer_is_never_held_past_the_budget() -> None:
    clock = ManualClock()
    assert await took(a_behaviour(Fixed(seconds=20), clock), a_request(budget=0.5), clock) == pytest.approx(
        0.5, abs=0.0101
    )


async def test_a_calm_request_is_answered_at_once() -> None:
    clock = ManualClock()
    assert await took(a_behaviour(Fixed(seconds=20), clock), a_request(budget=30, calm=True), clock) == 0


def seconds_of(behaviour: LatencyBehaviour, requests: Iterable[Request]) -> list[float]:
    return [behaviour.seconds(request) for request in requests]


def test_the_same_key_takes_the_same_time_and_another_attempt_another() -> None:
    keys = range(50)
    one, other = (a_behaviour(Lognormal(p50=0.1, p99=1), ManualClock(), seed) for seed in (7, 8))
    first = seconds_of(one, [a_request(key=str(key)) for key in keys])
    assert first == seconds_of(one, [a_request(key=str(key)) for key in keys])
    assert len(set(first)) == len(keys)
    assert not set(first) & set(seconds_of(one, [a_request(key=str(key), attempt=2) for key in keys]))
    assert not set(first) & set(seconds_of(other, [a_request(key=str(key)) for key in keys]))
