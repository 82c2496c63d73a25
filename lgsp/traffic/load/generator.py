"""Sends the calls of a load, each at its moment; what it waits for, and what it does not, is the point of it.

Open: a call goes when it is due, whether or not the ones before it were answered. With places in flight all taken it
waits for one, and its response time runs meanwhile. Closed: each user asks, waits for the answer, thinks, asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from lgsp.clock import Clock
from lgsp.model import Outcome
from lgsp.traffic.load.account import Account, Sent

_RESOLUTION = 1e-6
_TURN = 64
"""Late calls that go in one turn of the loop, so that answers are heard meanwhile."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a call. `waited`: seconds for which it could not go, because of another that had not ended."""

    service: str
    operation: str
    outcome: Outcome
    waited: float = 0.0


Send = Callable[[int], Awaitable[Done | None]]
"""Make call number n (from 0) and hear it out; `None` where it could not be made at all. Must not raise: that nobody answers is
an outcome too."""


class Due(Protocol):
    """When calls are due."""

    def due(self, number: int) -> float | None:
        """Seconds from the start to call `number`; `None` when there is none."""
        ...


class Generator:
    """One run. `watch` is told of each call that ended; `stop` ends the run early, and what is in flight is heard out."""

    def __init__(
        self, send: Send, account: Account, clock: Clock, *, max_in_flight: int, watch: Callable[[Sent], None]
    ) -> None:
        self._send = send
        self._account = account
        self._clock = clock
        self._watch = watch
        self._slots = asyncio.Semaphore(max_in_flight)
        self._stopped = asyncio.Event()
        self.started = 0

    def __repr__(self) -> str:
        return f"<Generator {self.started} started, {self.in_flight} in flight>"

    @property
    def in_flight(self) -> int:
        """Calls that went and have no answer yet."""
        return self.started - self._account.sent

    def stop(self) -> None:
        """Start no more calls."""
        self._stopped.set()

    async def open(self, arrivals: Due) -> None:
        """Send at the moments of `arrivals`; returns when the last call has ended."""
        number = 0
        async with asyncio.TaskGroup() as calls:
            while (after := arrivals.due(number)) is not None and await self._until(self._account.start + after):
                due = self._account.start + after
                waits = self._slots.locked()
                await self._slots.acquire()
                calls.create_task(self._in_place(number, due, self._clock.now() if waits else due))
                self.started += 1
                number += 1
                if number % _TURN == 0:
                    await asyncio.sleep(0)
        while arrivals.due(number) is not None:
            self._account.unsent += 1
            number += 1

    async def closed(self, users: int, think: Callable[[int], float]) -> None:
        """`users` ask and think in turn until the run is over; `think` gives the seconds after call `n`."""
        end = self._account.start + self._account.seconds

        async def user() -> None:
            due = self._clock.now()
            while due < end and await self._until(due):
                number = self.started
                self.started += 1
                await self._one(number, due, due)
                due = self._clock.now() + think(number)

        async with asyncio.TaskGroup() as everybody:
            for _ in range(users):
                everybody.create_task(user())

    async def _until(self, moment: float) -> bool:
        """Wait for a moment; false when the run was stopped before it."""
        while not self._stopped.is_set() and (wait := moment - self._clock.now()) > _RESOLUTION:
            await self._clock.sleep(min(wait, 1.0))
        return not self._stopped.is_set()

    async def _in_place(self, number: int, due: float, free: float) -> None:
        try:
            await self._one(number, due, free)
        finally:
            self._slots.release()

    async def _one(self, number: int, due: float, free: float) -> None:
        sent = self._clock.now()
        done = await self._send(number)
        if done is None:
            self.started -= 1
            return
        free, sent = free + done.waited, sent + done.waited
        call = Sent(done.service, done.operation, due, free, sent, self._clock.now(), done.outcome)
        self._account.add(call)
        self._watch(call)
