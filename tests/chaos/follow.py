"""Whoever was answered 202 asks until the end is told; at rest, what was given up is counted and sent once more."""

from __future__ import annotations

import asyncio
import heapq
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

from caller import Caller, look
from checker import Call, End
from parts import Part

_FIRST, _MOST = 1.0, 8.0
_TURN = 0.25
_AT_ONCE = 32
_PARKED = "/lgsp/v1/parked"


class Tokens(Protocol):
    """Gives a token of a gateway; nothing where there is none to be had."""

    def __call__(self, gateway: str) -> Awaitable[str | None]: ...


class Follower:
    """Asks for each transaction after 1, 2, 4 and then every 8 s."""

    def __init__(self, caller: Caller, url: Callable[[str], str], token: Tokens) -> None:
        self.ends: dict[str, End] = {}
        self._caller = caller
        self._url = url
        self._token = token
        self._due: list[tuple[float, float, str, str]] = []

    def add(self, call: Call) -> None:
        """From now on."""
        heapq.heappush(self._due, (time.monotonic() + _FIRST, _FIRST, call.gateway, call.transaction))

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(_TURN)
            await self._turn(time.monotonic())

    async def finish(self, seconds: float) -> None:
        """Ask for all that have no end yet, until they have or it takes too long."""
        end = time.monotonic() + seconds
        while self._due and time.monotonic() < end:
            self._due = [(0.0, _FIRST, gateway, transaction) for _, _, gateway, transaction in self._due]
            while self._due and self._due[0][0] == 0.0:
                await self._turn(0.0)
            await asyncio.sleep(_TURN)
        for _, _, _, transaction in self._due:
            self.ends.setdefault(transaction, End("", 0))

    async def _turn(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            async with asyncio.TaskGroup() as asking:
                for _ in range(_AT_ONCE):
                    if self._due and self._due[0][0] <= now:
                        asking.create_task(self._ask(*heapq.heappop(self._due)))

    async def _ask(self, _: float, pause: float, gateway: str, transaction: str) -> None:
        token = await self._token(gateway)
        found = None if token is None else await look(self._caller, self._url(gateway), token, transaction)
        if found is not None:
            self.ends[transaction] = found
        else:
            pause = min(2 * pause, _MOST)
            heapq.heappush(self._due, (time.monotonic() + pause, pause, gateway, transaction))


async def requeue(caller: Caller, part: Part, parked: Counter[str]) -> tuple[dict[str, str], list[str]]:
    """Send everything that is parked at a gateway once more: old and new ids, and what was not as it should be.

    `parked` is what its metrics count, by service.
    """
    _, _, body = await caller.ask("GET", f"{part.admin}{_PARKED}", {})
    listed = json.loads(body)["parked"]
    complaints = []
    if (counted := Counter(each["service"] for each in listed)) != +parked:
        complaints.append(f"{part.name}: {parked.total()} parked by its metrics, {counted.total()} by its list")
    made = {}
    headers = {"Authorization": f"Bearer {part.admin_token}"}
    for each in listed:
        status, _, body = await caller.ask("POST", f"{part.admin}{_PARKED}/{each['id']}", headers)
        if status == 202:
            made[each["id"]] = json.loads(body)["transaction"]
        else:
            complaints.append(f"{part.name}: {each['id']} is parked, and requeue says {status} {body.decode()}")
    return made, complaints
