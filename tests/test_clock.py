import asyncio

from lgsp.clock import ManualClock, SystemClock


async def test_sleeps_side_by_side_do_not_add_up() -> None:
    clock = ManualClock(start=100.0)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sleeper("late", 3))
        tasks.create_task(sleeper("early", 1))
        tasks.create_task(sleeper("middle", 2))
        await clock.advance(2.5)
        assert woken == [("early", 101.0), ("middle", 102.0)]
        assert clock.now() == 102.5
        await clock.advance(0.5)
    assert woken == [("early", 101.0), ("middle", 102.0), ("late", 103.0)]


async def test_a_sleeper_that_sleeps_again_is_woken_within_the_same_advance() -> None:
    clock = ManualClock(start=0.0)
    seen: list[float] = []

    async def twice() -> None:
        for _ in range(2):
            await clock.sleep(1)
            seen.append(clock.now())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(twice())
        await clock.advance(5)
    assert seen == [1.0, 2.0]


async def test_a_cancelled_sleeper_does_not_stop_the_clock() -> None:
    clock = ManualClock(start=0.0)
    async with asyncio.TaskGroup() as tasks:
        sleeper = tasks.create_task(clock.sleep(1))
        await clock.advance(0.5)
        sleeper.cancel()
        await clock.advance(5)
    assert sleeper.cancelled()
    assert clock.now() == 5.5


def test_the_system_clock_never_steps_back() -> None:
    clock = SystemClock()
    times = [clock.now() for _ in range(1_000)]
    assert times == sorted(times)
    assert times[0] > 1_600_000_000
