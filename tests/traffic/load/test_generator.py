from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from lgsp.clock import ManualClock
from lgsp.model import Outcome
from lgsp.traffic.load.account import Account
from lgsp.traffic.load.arrivals import Arrivals, constant
from lgsp.traffic.load.generator import Done, Generator, Send

ASKED = Done("svc", "GET /a", Outcome.OK)


BEGIN, STALL, QUICK = 5.0, 2.0, 0.001


def stalling(clock: ManualClock) -> Send:
    """A target that answers after 1 ms, but for two seconds, over which it answers nobody."""
    begin = clock.now() + BEGIN

    async def send(_: int) -> Done:
        after = clock.now() - begin
        await clock.sleep(STALL - after + QUICK if 0 <= after < STALL else QUICK)
        return ASKED

    return send


async def played(clock: ManualClock, run: Awaitable[None], seconds: float) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_as_coroutine(run))
        await clock.advance(seconds)
        assert running.done()


async def _as_coroutine(run: Awaitable[None]) -> None:
    await run


@pytest.mark.parametrize(
    # With one in flight those held back go one after the other when it is over, which takes 1 ms each.
    ("in_flight", "p95", "p99", "service_p99"),
    [(1_000, 1.0, 1.8, 1.8), (1, 1.1, 1.82, QUICK)],
)
async def test_a_stall_of_the_target_counts_for_everybody_who_was_due_meanwhile(
    in_flight: int, p95: float, p99: float, service_p99: float
) -> None:
    clock = ManualClock()
    account = Account(clock.now(), 20.0)
    generator = Generator(stalling(clock), account, clock, max_in_flight=in_flight, watch=lambda _: None)
    await played(clock, generator.open(Arrivals(constant(100, 20))), 25)
    assert (account.sent, account.unsent) == (2_000, 0)
    assert account.whole.response.percentile(95) == pytest.approx(p95, rel=0.01)
    assert account.whole.response.percentile(99) == pytest.approx(p99, rel=0.01)
    assert account.whole.service.percentile(99) == pytest.approx(service_p99, rel=0.01)
    assert account.lag.highest == pytest.approx(0.0, abs=1e-6)


async def test_users_ask_wait_think_and_ask_again() -> None:
    clock = ManualClock()
    account = Account(clock.now(), 10.0)

    async def send(_: int) -> Done:
        await clock.sleep(0.09)
        return ASKED

    generator = Generator(send, account, clock, max_in_flight=1, watch=lambda _: None)
    await played(clock, generator.closed(10, lambda _: 0.01), 11)
    assert account.whole.n == pytest.approx(1_000, rel=0.03)
    assert account.rate == pytest.approx(100, rel=0.03)
    assert account.whole.response.highest == pytest.approx(0.09, rel=0.01)


async def test_our_own_lateness_is_lag_and_no_fault_of_the_target() -> None:
    clock = ManualClock()
    account = Account(clock.now(), 1.0)
    seen: list[float] = []

    async def send(_: int) -> Done:
        return ASKED

    async with asyncio.TaskGroup() as tasks:
        generator = Generator(send, account, clock, max_in_flight=100, watch=lambda call: seen.append(call.lag))
        clock._now += 0.5  # the loop was held: half of the calls are late when they go
        tasks.create_task(generator.open(Arrivals(constant(10, 1))))
        await clock.advance(1)
    assert seen == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1, 0, 0, 0, 0, 0], abs=1e-5)
    assert account.lag.highest == pytest.approx(0.5)
    assert account.whole.service.highest == 0


async def test_warm_up_and_cool_down_are_counted_and_not_judged() -> None:
    clock = ManualClock()
    account = Account(clock.now(), 10.0, warm_up=2, cool_down=1)

    async def send(number: int) -> Done:
        return Done("svc", "GET /a", Outcome.TIMEOUT if number < 20 else Outcome.OK)

    generator = Generator(send, account, clock, max_in_flight=10, watch=lambda _: None)
    await played(clock, generator.open(Arrivals(constant(10, 10))), 10)
    assert (account.sent, account.cut, account.whole.n) == (100, 30, 70)
    assert account.whole.errors == 0
    assert account.rate == pytest.approx(10, rel=0.05)


async def test_a_run_that_is_stopped_hears_out_what_is_in_flight_and_counts_what_never_went() -> None:
    clock = ManualClock()
    account = Account(clock.now(), 10.0)

    async def send(_: int) -> Done:
        await clock.sleep(0.35)
        return ASKED

    generator = Generator(send, account, clock, max_in_flight=100, watch=lambda _: None)

    async def stopping() -> None:
        await clock.sleep(5.05)
        generator.stop()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stopping())
        await played(clock, generator.open(Arrivals(constant(10, 10))), 7)
    assert (account.sent, account.unsent, generator.in_flight) == (51, 49, 0)


async def test_the_run_is_told_second_by_second() -> None:
    clock = ManualClock()
    account = Account(clock.now(), 3.0)

    async def send(number: int) -> Done:
        await clock.sleep(0.1)
        return Done("svc", "GET /a", Outcome.PROVIDER_ERROR if number >= 20 else Outcome.OK)

    generator = Generator(send, account, clock, max_in_flight=10, watch=lambda _: None)
    await played(clock, generator.open(Arrivals(constant(10, 3))), 4)
    points = list(account.points())
    assert [(point.at, point.asked, point.achieved, point.errors) for point in points] == [
        (0.0, 10.0, 9.0, 0.0),
        (1.0, 10.0, 10.0, 0.0),
        (2.0, 10.0, 10.0, 9.0),
        (3.0, 0.0, 1.0, 1.0),
    ]
    assert all(point.p50 == pytest.approx(0.1, rel=0.01) for point in points)
