from __future__ import annotations

from datetime import datetime
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from builders import a_reply, a_request, a_service, an_operation, nowhere

from lgsp.catalogue.profile import window_at
from lgsp.catalogue.service import ErrorMix, Fixed, Latency, Lognormal, Window
from lgsp.clock import ManualClock
from lgsp.errors import TimedOut
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours import behaviours_of
from lgsp.runtime.behaviours.latency import LatencyBehaviour, sample
from lgsp.runtime.connector import chain
from lgsp.runtime.hours import Hours
from lgsp.runtime.sampling import sample_service

ZONE = "Asia/Ho_Chi_Minh"
MORNING = (Window(start=28_800, end=36_000, latency=1.8, errors=2.0),)


def at(hour: int) -> float:
    return datetime(2026, 3, 2, hour, tzinfo=ZoneInfo(ZONE)).timestamp()


def drawn(hour: int, calls: int = 20_000) -> dict[str, float]:
    mix = ErrorMix(rates={Outcome.TIMEOUT: 0.1})
    latency = Latency(distribution=Lognormal(p50=0.08, p99=0.9))
    service = a_service(latency=latency, errors=mix, profile=MORNING, zone=ZONE)
    found = list(sample_service(service, calls, 7, window_at(MORNING, ZONE, at(hour))))
    assert not any(each.is_off for each in found)
    return {each.what: each.drawn for each in found}


def test_at_nine_calls_take_longer_and_fail_more_often_than_at_noon() -> None:
    nine, noon = drawn(9), drawn(12)
    assert nine["p50"] / noon["p50"] == pytest.approx(1.8, rel=0.03)
    assert nine["timeout"] / noon["timeout"] == pytest.approx(2, rel=0.05)


def test_the_median_of_other_keys_follows_too() -> None:
    behaviours = {
        hour: LatencyBehaviour(
            "svc",
            Latency(distribution=Lognormal(p50=0.08, p99=0.9)),
            ManualClock(),
            7,
            Hours(MORNING, ZONE, ManualClock(at(hour))).latency,
        )
        for hour in (9, 12)
    }
    medians = {
        hour: median(behaviour.seconds(a_request(key=f"{hour} {n}")) for n in range(20_000))
        for hour, behaviour in behaviours.items()
    }
    assert medians[9] / medians[12] == pytest.approx(1.8, rel=0.03)


def test_a_maximum_stays_one_at_any_hour() -> None:
    latency = Latency(distribution=Lognormal(p50=0.08, p99=0.9), maximum=0.2)
    assert sample(latency, lambda purpose: 0.5 if "." in purpose else 0.99, 2.0) == pytest.approx(0.16)


@pytest.mark.parametrize(("hour", "failing"), [(9, 400), (12, 200)])
async def test_a_stand_in_fails_by_its_own_clock(hour: int, failing: int) -> None:
    clock = ManualClock(at(hour))
    operation = an_operation()
    mix = ErrorMix(rates={Outcome.TIMEOUT: 0.2})
    latency = Latency(distribution=Fixed(seconds=0))
    service = a_service("svc", operation, errors=mix, latency=latency, profile=MORNING, zone=ZONE)

    async def answer(request: Request) -> Reply:
        return a_reply(request)

    connector = type("Plain", (), {"answer": staticmethod(answer)})()
    asked = chain(behaviours_of(service, operation, connector, clock, 7, nowhere(clock), None), answer)
    failed = 0
    for key in range(1_000):
        try:
            await asked(a_request(key=str(key), budget=30))
        except TimedOut:
            failed += 1
    assert failed == pytest.approx(failing, abs=50)
