import asyncio

import pytest
from builders import a_reply, a_request

from lgsp.bus.memory import MemoryBus
from lgsp.clock import ManualClock
from lgsp.errors import BusUnavailable, TimedOut
from lgsp.model import Reply, Request


async def test_deadlines_are_on_the_clock_it_was_given() -> None:
    clock = ManualClock()

    async def silent(_: Request) -> None:
        return None

    async with MemoryBus(clock) as bus:
        await bus.serve("svc", silent)
        async with asyncio.TaskGroup() as tasks:
            caller = tasks.create_task(_reason(bus, a_request(), 30.0))
            await clock.advance(29.9)
            assert not caller.done()
            await clock.advance(0.3)
    assert caller.result() == "budget_spent"


async def _reason(bus: MemoryBus, request: Request, timeout: float) -> str:
    with pytest.raises(TimedOut) as caught:
        await bus.request(request, timeout=timeout)
    return caught.value.reason


async def test_a_full_queue_refuses_and_loses_nothing() -> None:
    clock = ManualClock()
    go_on = asyncio.Event()

    async def slow(request: Request) -> Reply:
        await go_on.wait()
        return a_reply(request)

    async with MemoryBus(clock, capacity=3, prefetch=2) as bus:
        await bus.serve("svc", slow)
        async with asyncio.TaskGroup() as tasks:
            callers = [tasks.create_task(bus.request(a_request(), timeout=10)) for _ in range(5)]
            await asyncio.sleep(0)
            with pytest.raises(BusUnavailable) as caught:
                await bus.request(a_request(), timeout=10)
            assert caught.value.reason == "overloaded"
            assert repr(bus) == "<MemoryBus 1 services, 3 queued, 5 under way>"
            go_on.set()
    assert all(caller.result().body == b"answer" for caller in callers)


async def test_a_server_has_at_most_prefetch_requests_at_a_time() -> None:
    running, most = 0, 0

    async def counting(request: Request) -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return a_reply(request)

    async with MemoryBus(ManualClock(), prefetch=4) as bus:
        await bus.serve("svc", counting)
        await asyncio.gather(*(bus.request(a_request(), timeout=10) for _ in range(50)))
    assert most == 4
