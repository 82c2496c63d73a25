"""What time it is, as an argument."""

from __future__ import annotations

import asyncio
import heapq
import time
from itertools import count
from typing import Protocol


class Clock(Protocol):
    """Seconds since the epoch, UTC, that never step back; and a way to wait for them."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when at least `seconds` have passed on this clock."""
        ...


class SystemClock:
    """The machine's clock, read once, and from then on its monotonic clock: a step of the wall clock is not seen."""

    def __init__(self) -> None:
        self._origin = time.time() - time.monotonic()

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        return self._origin + time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that a test moves. Sleeps side by side do not add up: each has its own deadline."""

    def __init__(self, start: float = 1_684_886_400.0) -> None:
        self._now = start
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def __repr__(self) -> str:
        return f"<ManualClock {self._now:.3f}, {len(self._sleepers)} asleep>"

    def now(self) -> float:
        """The time to which the test moved the clock."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the clock far enough."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`, waking each sleeper at its own moment and letting it run before the next."""
        end = self._now + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not woken.done():
                woken.set_result(None)
            await self._settle()
        self._now = end

    @staticmethod
    async def _settle() -> None:
        # A woken task may take a few turns of the loop before it sleeps again.
        for _ in range(10):
            await asyncio.sleep(0)
