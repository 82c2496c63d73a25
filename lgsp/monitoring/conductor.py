"""Carries a drill out: begins each trouble when it is due, and ends it whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from lgsp.clock import Clock
from lgsp.monitoring.drill import Drill, Trouble, Window

EVERY = 0.5
"""Seconds between two looks at what fires."""


class Hands(Protocol):
    """Who makes troubles and ends them. What begins may raise; what ends must end whatever it can."""

    async def begin(self, trouble: Trouble, drill: str) -> list[str]:
        """Make it, for `trouble.lasts` seconds at most where it can end by itself. Names by which it can be ended."""
        ...

    async def end(self, trouble: Trouble, names: Sequence[str]) -> None:
        """End it now; what has ended already stays so."""
        ...


Told = Callable[[Window], Awaitable[bool]]
"""Whether every alert that a window expects has fired."""
Say = Callable[[str], None]


async def conduct(
    drills: Sequence[Drill], hands: Hands, clock: Clock, say: Say, told: Told | None = None
) -> list[Window]:
    """Carry out drills side by side; their windows as they were, the earliest first.

    With `told` a trouble ends as soon as it was told of. When one cannot be made, the others end too, and it is raised.
    """
    start = clock.now()
    windows: list[Window] = []

    async def one(drill: Drill, trouble: Trouble) -> None:
        windows.append(await _trouble(drill, trouble, hands, clock, say, told, start))

    async with asyncio.TaskGroup() as tasks:
        for drill in drills:
            for trouble in drill.troubles:
                tasks.create_task(one(drill, trouble))
    return sorted(windows, key=lambda window: (window.start, window.drill, window.what))


async def _trouble(
    drill: Drill, trouble: Trouble, hands: Hands, clock: Clock, say: Say, told: Told | None, start: float
) -> Window:
    first = 0.0
    for number in range(trouble.times):
        await clock.sleep(max(0.0, start + trouble.at + trouble.every * number - clock.now()))
        began = clock.now()
        first = first or began
        names = await hands.begin(trouble, drill.name)
        say(f"{trouble} begins")
        try:
            is_told = await _wait(Window.of(drill.name, trouble, first, began + trouble.lasts), clock, told)
        finally:
            await hands.end(trouble, names)
        say(f"{trouble} ends")
        if is_told:
            break
    return Window.of(drill.name, trouble, first, clock.now())


async def _wait(window: Window, clock: Clock, told: Told | None) -> bool:
    """Until the window's end, or until it was told of."""
    while (left := window.end - clock.now()) > 0:
        if told is not None and await told(window):
            return True
        await clock.sleep(left if told is None else min(EVERY, left))
    return False
