"""Answers that wait for a free worker, and calls for which there is no room.

call --> too often? --> a worker is free? --> served; the worker is held until the answer
             |                   └-- no: a place in the line? --> waits, then served
             └-- 429                          └-- no: overflow
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace

from lgsp.catalogue.service import Capacity
from lgsp.clock import Clock
from lgsp.errors import TimedOut
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours.errors import fail
from lgsp.runtime.connector import Forward
from lgsp.runtime.rate import Asked, Rate
from lgsp.runtime.workers import Came, Workers

_Waiter = asyncio.Future[None]
_FULL = {
    "code": "provider_overloaded",
    "message": "Hệ thống cung cấp quá tải / The provider has no room for more calls",
}
_OFTEN = {"code": "provider_throttled", "message": "Gọi quá nhiều lần / More calls than the provider allows"}


class CapacityBehaviour:
    """What one provider can take: all operations of a service share it, in one process.

    The longer the line, the later the answer. Nobody waits past the request's budget, and calm requests never wait.
    """

    def __init__(self, service: str, capacity: Capacity, clock: Clock, connector: object) -> None:
        self._service = service
        self._capacity = capacity
        self._clock = clock
        self._connector = connector
        self._workers: Workers[_Waiter] | None = None
        if capacity.workers is not None:
            self._workers = Workers(capacity.workers, capacity.queue, self._give_up)
        self._rate: Rate | None = None
        if capacity.rate is not None:
            count, seconds = capacity.rate
            self._rate = Rate(count, seconds, capacity.burst or count)

    def __repr__(self) -> str:
        return f"<CapacityBehaviour {self._service} {self._workers}>"

    async def __call__(self, request: Request, forward: Forward) -> Reply:
        """Forward when it is this call's turn, or say that there is no room. Raises `TimedOut` where its time is up before."""
        if request.calm:
            return await forward(request)
        if self._rate is None:
            return await self._served(request, forward)
        allowed = self._rate.ask(self._caller(request), self._clock.now())
        if not allowed.passes:
            headers = self._told(self._rate, allowed) | {"retry-after": str(math.ceil(allowed.wait))}
            return _refusal(request, Outcome.REJECTED, 429, _OFTEN, headers)
        reply = await self._served(request, forward)
        return replace(reply, headers={**reply.headers, **self._told(self._rate, allowed)})

    def _caller(self, request: Request) -> str:
        return request.consumer if self._capacity.per == "consumer" else ""

    @staticmethod
    def _told(rate: Rate, allowed: Asked) -> dict[str, str]:
        return {
            "ratelimit-limit": str(rate.burst),
            "ratelimit-remaining": str(allowed.left),
            "ratelimit-reset": str(math.ceil(allowed.full_in)),
        }

    async def _served(self, request: Request, forward: Forward) -> Reply:
        if self._workers is None:
            return await forward(request)
        came = self._clock.now()
        until = came + request.budget if request.budget else math.inf
        turn: _Waiter = asyncio.get_running_loop().create_future()
        match self._workers.come(turn, came, until):
            case Came.FULL:
                return self._overflow(request)
            case Came.WAITS:
                await self._waited(turn)
                if request.budget:
                    request = replace(request, budget=until - self._clock.now())
        try:
            return await forward(request)
        finally:
            self._next()

    async def _waited(self, turn: _Waiter) -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # It was its turn already: the worker goes to the next one.
                self._next()
            raise

    def _next(self) -> None:
        """Give the worker of a call that is through to the next one that still wants it."""
        if self._workers is None:
            return
        while (turn := self._workers.leave(self._clock.now())) is not None:
            if not turn.done():
                turn.set_result(None)
                return

    def _give_up(self, turn: _Waiter) -> None:
        if not turn.done():
            turn.set_exception(TimedOut("budget_spent", f"{self._service} has no free worker"))

    def _overflow(self, request: Request) -> Reply:
        says = self._capacity.overflow
        if says is None:  # as the contract has it, where it has words for a provider that fails
            return replace(fail(Outcome.PROVIDER_ERROR, self._service, request, self._connector), reason=_FULL["code"])
        headers = {} if says.retry_after is None else {"retry-after": str(math.ceil(says.retry_after))}
        outcome = Outcome.REJECTED if says.status < 500 else Outcome.PROVIDER_ERROR
        return _refusal(request, outcome, says.status, _FULL, headers)


def _refusal(
    request: Request, outcome: Outcome, status: int, says: Mapping[str, str], headers: Mapping[str, str]
) -> Reply:
    reply = Reply.of_json(request, says, outcome=outcome, status=status, reason=says["code"])
    return replace(reply, headers={**reply.headers, **headers})
