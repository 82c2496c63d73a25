from __future__ import annotations

import pytest
from builders import shipped

from lgsp.catalogue.service import Exponential, Fixed, Latency, Lognormal, Mixture, Part, Percentiles, Uniform
from lgsp.chance import draw
from lgsp.model import Outcome
from lgsp.runtime.behaviours.latency import sample
from lgsp.traffic.durations import below, over_by

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


def test_a_timeout_takes_the_whole_time_and_nothing_longer() -> None:
    service = next(iter(shipped()))
    assert over_by(service, Outcome.TIMEOUT, service.timeout - 0.001) == 0.0
    assert over_by(service, Outcome.TIMEOUT, service.timeout) == 1.0
    assert over_by(service, Outcome.OK, 0.65) == pytest.approx(0.5)
    assert over_by(service, Outcome.OK, service.timeout) == 1.0
    assert over_by(service.model_copy(update={"latency": None}), Outcome.OK, 0.0) == 1.0
