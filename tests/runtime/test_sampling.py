from __future__ import annotations

import pytest
from builders import a_service, an_operation, shipped

from lgsp.catalogue.service import ErrorMix, Exponential, Fixed, Latency, Lognormal, Percentiles, Service
from lgsp.chance import draw
from lgsp.clock import ManualClock
from lgsp.fault import Fault, Kind
from lgsp.model import Outcome, Request
from lgsp.runtime.behaviours.errors import failure
from lgsp.runtime.behaviours.latency import LatencyBehaviour
from lgsp.runtime.faults import hits
from lgsp.runtime.sampling import Drawn, rate_of, sample_service

LOGNORMAL = Latency(distribution=Lognormal(p50=0.08, p99=0.9))


def sampled(service: Service, calls: int = 20_000, seed: int = 7) -> dict[tuple[str, str], Drawn]:
    return {(drawn.operation, drawn.what): drawn for drawn in sample_service(service, calls, seed)}


def test_every_promise_of_every_shipped_service_holds() -> None:
    found = [(service.id, drawn) for service in shipped() for drawn in sample_service(service, 3_000, 2023)]
    assert len({name for name, _ in found}) == len(shipped())
    assert [each for each in found if each[1].is_off] == []


@pytest.mark.proof
@pytest.mark.timeout(120)
def test_every_promise_holds_within_two_percent_in_100000_draws() -> None:
    found = [drawn for service in shipped() for drawn in sample_service(service, 100_000, 2023)]
    assert [drawn for drawn in found if drawn.is_off] == []
    percentiles = [drawn for drawn in found if drawn.what in {"p50", "p99"}]
    assert len(percentiles) >= 2 * len(shipped())
    assert max(abs(d.drawn / d.promised - 1) for d in percentiles if d.what == "p50") < 0.02
    assert max(abs(d.drawn / d.promised - 1) for d in percentiles if d.what == "p99") < 0.05


def test_the_draws_are_those_that_calls_get() -> None:
    mix = ErrorMix(rates={Outcome.TIMEOUT: 0.3})
    service = a_service("svc", an_operation("GET /x"), latency=LOGNORMAL, errors=mix)
    found = sampled(service, 1_000)
    requests = [Request(id="", service="svc", operation="GET /x", path="/x", key=str(key)) for key in range(1_000)]
    behaviour = LatencyBehaviour("svc", LOGNORMAL, ManualClock(), 7)
    assert found["*", "p50"].drawn == sorted(map(behaviour.seconds, requests))[500]
    failed = [failure(mix, "svc", request, 7) for request in requests].count(Outcome.TIMEOUT)
    assert found["*", "timeout"].drawn == failed / 1_000


def test_what_the_timeout_or_the_maximum_cuts_off_is_off() -> None:
    late = sampled(a_service(latency=LOGNORMAL, timeout=0.5))
    assert (late["*", "p50"].is_off, late["*", "p99"].is_off, late["*", "p99"].drawn) == (False, True, 0.5)
    cut = sampled(a_service(latency=LOGNORMAL.model_copy(update={"maximum": 0.5})))
    assert (cut["*", "p50"].is_off, cut["*", "p99"].is_off) == (True, True)


def test_blocks_of_operations_are_drawn_by_themselves() -> None:
    own = Latency(distribution=Fixed(seconds=0.04))
    service = a_service("svc", an_operation("GET /x"), an_operation("GET /y", latency=own), latency=LOGNORMAL)
    found = sampled(service, 1_000)
    assert {key: drawn.promised for key, drawn in found.items()} == pytest.approx(
        {
            ("*", "p50"): 0.08,
            ("*", "p99"): 0.9,
            ("GET /y", "p50"): 0.04,
            ("GET /y", "p90"): 0.04,
            ("GET /y", "p99"): 0.04,
        }
    )
    assert found["GET /y", "p99"].drawn == 0.04


@pytest.mark.parametrize(
    "latency",
    [Exponential(mean=0.1), Percentiles(points=((50.0, 0.1), (90.0, 0.4), (99.9, 2.0)))],
    ids=["exp", "points"],
)
def test_other_laws_hold_too(latency: Exponential | Percentiles) -> None:
    found = sampled(a_service(latency=Latency(distribution=latency)))
    assert len(found) == 3
    assert not any(drawn.is_off for drawn in found.values())


def test_nothing_is_promised_where_nothing_is_configured() -> None:
    assert sampled(a_service()) == {}


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_never_and_always_are_exact(rate: float) -> None:
    found = sampled(a_service(errors=ErrorMix(rates={Outcome.UNREACHABLE: rate})), 100_000)
    assert (found["*", "unreachable"].drawn, found["*", "unreachable"].is_off) == (rate, False)
    assert rate_of("*", Outcome.UNREACHABLE, rate, abs(round(rate * 100_000) - 1), 100_000).is_off


def test_a_rate_lies_where_the_binomial_law_puts_999_of_1000() -> None:
    found = sampled(a_service(errors=ErrorMix(rates={Outcome.TIMEOUT: 0.3})), 100_000)
    bound = 3.2905 * (0.3 * 0.7 / 100_000) ** 0.5
    assert abs(found["*", "timeout"].drawn - 0.3) < bound
    assert not found["*", "timeout"].is_off
    assert rate_of("*", Outcome.TIMEOUT, 0.3, 31_000, 100_000).is_off


@pytest.mark.parametrize(("p", "low", "high"), [(1.0, 100_000, 100_000), (0.3, 29_523, 30_477)])
def test_injected_faults_hit_as_often_as_they_say(p: float, low: int, high: int) -> None:
    fault = Fault("f", "svc", Kind.OUTAGE, 0, 9, p=p)
    operation = "GET /x"
    struck = sum(
        hits(fault, Request(id="", service="svc", operation=operation, path="/x", key=str(key)), 7)
        for key in range(100_000)
    )
    assert low <= struck <= high


def test_the_draws_of_two_services_are_not_the_same() -> None:
    assert draw(7, "a", "GET /x", "errors", "0") != draw(7, "b", "GET /x", "errors", "0")
