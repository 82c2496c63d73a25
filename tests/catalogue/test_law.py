from __future__ import annotations

import pytest

from lgsp.catalogue.law import at, below, named
from lgsp.catalogue.service import Exponential, Fixed, Latency, Lognormal, Mixture, Part, Percentiles, Uniform
from lgsp.chance import draw
from lgsp.runtime.behaviours.latency import sample

LOGNORMAL = Lognormal(p50=0.1, p99=1.0)
LATENCIES = {
    "fixed": Latency(distribution=Fixed(seconds=0.2)),
    "uniform": Latency(distribution=Uniform(low=0.1, high=0.3)),
    "lognormal": Latency(distribution=LOGNORMAL),
    "lognormal with a maximum": Latency(distribution=LOGNORMAL, maximum=0.5),
    "exponential": Latency(distribution=Exponential(mean=0.1)),
    "a fixed lognormal": Latency(distribution=Lognormal(p50=0.1, p99=0.1)),
    "percentiles": Latency(distribution=Percentiles(points=((50.0, 0.1), (90.0, 0.4), (99.0, 2.0)))),
    "one percentile": Latency(distribution=Percentiles(points=((50.0, 0.1),))),
    "mixture": Latency(
        distribution=Mixture(
            parts=(
                Part(weight=3, distribution=Uniform(low=0.0, high=0.2)),
                Part(weight=1, distribution=Fixed(seconds=1)),
            )
        )
    ),
}


@pytest.mark.parametrize("name", LATENCIES)
@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 3.0])
def test_it_is_the_part_of_what_the_stand_in_draws(name: str, seconds: float) -> None:
    latency = LATENCIES[name]
    drawn = [sample(latency, lambda purpose, n=n: draw(1, "s", "GET /x", purpose, str(n))) for n in range(4_000)]
    assert below(latency, seconds) == pytest.approx(sum(took <= seconds for took in drawn) / len(drawn), abs=0.025)


@pytest.mark.parametrize("name", LATENCIES)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_after_the_moment_of_a_part_that_part_is_over(name: str, part: float) -> None:
    latency = LATENCIES[name]
    moment = at(latency, part)
    assert below(latency, moment) >= part - 1e-9
    assert moment == 0 or below(latency, moment * 0.999) < part


@pytest.mark.parametrize(
    ("name", "promises"),
    [
        ("lognormal", {50: 0.1, 99: 1.0}),
        ("lognormal with a maximum", {50: 0.1, 99: 1.0}),
        ("percentiles", {50: 0.1, 90: 0.4, 99: 2.0}),
        ("uniform", {50: 0.2, 90: 0.28, 99: 0.298}),
        ("exponential", {50: 0.069315, 90: 0.230259, 99: 0.460517}),
        ("fixed", {50: 0.2, 90: 0.2, 99: 0.2}),
        ("mixture", {50: 0.4 / 3, 90: 1.0, 99: 1.0}),
    ],
)
def test_a_block_promises_what_it_names_else_what_follows_from_it(name: str, promises: dict[int, float]) -> None:
    assert dict(named(LATENCIES[name])) == pytest.approx(promises, abs=1e-6)
