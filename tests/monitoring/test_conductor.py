from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from lgsp.catalogue.service import Text
from lgsp.clock import ManualClock
from lgsp.errors import SettingsError
from lgsp.fault import Kind
from lgsp.monitoring.conductor import conduct
from lgsp.monitoring.drill import Drill, Trouble, Window


class Hands:
    """Notes what is begun and ended, in seconds from the start; begins nothing of a service called `broken`."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._start = clock.now()
        self.done: list[tuple[float, str, str]] = []

    async def begin(self, trouble: Trouble, drill: str) -> list[str]:
        if "broken" in trouble.services:
            raise SettingsError("it cannot be broken")
        self.done.append((self._clock.now() - self._start, "begin", f"{drill}: {trouble}"))
        return ["f1"]

    async def end(self, trouble: Trouble, names: Sequence[str]) -> None:
        assert list(names) == ["f1"]
        self.done.append((self._clock.now() - self._start, "end", str(trouble)))


def a_drill(*troubles: Trouble, name: str = "night") -> Drill:
    return Drill(name, Text(vi="Đêm", en="Night"), troubles)


def outage(service: str, at: float, lasts: float, **more: float) -> Trouble:
    every, times = more.get("every", 0.0), int(more.get("times", 1))
    return Trouble(Kind.OUTAGE, (service,), at, lasts, ("LGSPServiceDown",), every=every, times=times)


async def test_troubles_begin_and_end_when_they_are_due_side_by_side() -> None:
    clock = ManualClock()
    hands, start = Hands(clock), clock.now()
    drills = [
        a_drill(outage("a", 5, 10), outage("b", 8, 4)),
        a_drill(outage("c", 0, 3, every=10, times=2), name="flap"),
    ]
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(conduct(drills, hands, clock, lambda _: None))
        await clock.advance(60)
    assert [(at, what, who.removeprefix("night: ").removeprefix("flap: ")) for at, what, who in hands.done] == [
        (0, "begin", "outage of c"), (3, "end", "outage of c"), (5, "begin", "outage of a"), (8, "begin", "outage of b"),
        (10, "begin", "outage of c"), (12, "end", "outage of b"), (13, "end", "outage of c"), (15, "end", "outage of a"),
    ]  # fmt: skip
    assert [(w.what, w.start - start, w.end - start) for w in running.result()] == [
        ("outage of c", 0, 13), ("outage of a", 5, 15), ("outage of b", 8, 12),
    ]  # fmt: skip


async def test_a_trouble_that_was_told_of_ends_at_once() -> None:
    clock = ManualClock()
    hands = Hands(clock)

    async def told(window: Window) -> bool:
        return clock.now() >= window.start + 2

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(
            conduct([a_drill(outage("a", 5, 100, every=200, times=3))], hands, clock, lambda _: None, told)
        )
        await clock.advance(60)
    assert [(at, what) for at, what, _ in hands.done] == [(5, "begin"), (7, "end")]
    assert running.done()


async def test_when_one_cannot_be_made_the_others_end_and_it_is_raised() -> None:
    clock = ManualClock()
    hands = Hands(clock)
    drill = a_drill(outage("a", 0, 100), outage("broken", 5, 10))

    async def carried_out() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(conduct([drill], hands, clock, lambda _: None))
            await clock.advance(6)

    with pytest.raises(ExceptionGroup) as raised:
        await carried_out()
    assert raised.value.subgroup(SettingsError) is not None
    assert [what for _, what, _ in hands.done] == ["begin", "end"]
