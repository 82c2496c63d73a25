"""The embedded bus: one bounded queue a service, in this process.

request --> [ deque of the service ] --> a task a delivery, `prefetch` at a time --> answer --> slot of the waiter
submit  --> [ another one          ] --> the same                                 --> answer --> whoever collects
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from lgsp.bus.base import Answer, Odd, Silent, Take, Watch
from lgsp.bus.waiting import BUCKET, Arrival, Waiting
from lgsp.clock import Clock
from lgsp.errors import BusUnavailable, TimedOut, Unroutable
from lgsp.model import EXECUTING, Outcome, Reply, Request

_CLOSING = "the bus is closing"
_AGAIN = 1.0
SLOW = 2.0
"""Seconds after which a connector says that it is at something stored still."""
_NOBODYS = Request("", "", "", "")
"""What a fault fills a queue with."""


@dataclass(slots=True)
class _Server:
    answer: Answer
    prefetch: int
    busy: int = 0


@dataclass(slots=True)
class _Queue:
    """A service's queue: waiting requests, each with when it came, its deadline and its publish; and who serves them."""

    service: str
    stored: bool = False
    servers: list[_Server] = field(default_factory=list)
    waiting: deque[tuple[Request, float, float, int]] = field(default_factory=deque)
    turn: int = 0
    resting: bool = False

    def free_server(self) -> _Server | None:
        """The next server in turn that has room."""
        for _ in () if self.resting else self.servers:
            server = self.servers[self.turn % len(self.servers)]
            self.turn += 1
            if server.busy < server.prefetch:
                return server
        return None


class MemoryBus:
    """Everything the real bus promises, short of surviving its process. `capacity` bounds each queue."""

    kind = "memory"

    def __init__(
        self,
        clock: Clock,
        watch: Watch | None = None,
        *,
        capacity: int = 1_000,
        prefetch: int = 256,
        drain: float = 5.0,
    ) -> None:
        self._clock = clock
        self._watch = watch or Silent()
        self._capacity = capacity
        self._prefetch = prefetch
        self._drain_seconds = drain
        self._queues: dict[str, _Queue] = {}
        self._stored: dict[str, _Queue] = {}
        self._take: Take | None = None
        self._waiting = Waiting()
        self._tasks = asyncio.TaskGroup()
        self._sweeper: asyncio.Task[None] | None = None
        self._working: set[asyncio.Task[None]] = set()
        self._open = False

    def __repr__(self) -> str:
        queued = sum(len(queue.waiting) for queue in self._queues.values())
        return f"<MemoryBus {len(self._queues)} services, {queued} queued, {len(self._waiting)} under way>"

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._sweeper = self._tasks.create_task(self._sweep())
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self.give_up()
        self._queues.clear()
        self._stored.clear()
        if self._sweeper:
            self._sweeper.cancel()
        if self._working:
            _, late = await asyncio.wait(self._working, timeout=self._drain_seconds)
            for task in late:
                task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def problems(self) -> list[str]:
        """Nothing, once it is open."""
        return [] if self._open else [_CLOSING]

    async def request(self, request: Request, *, timeout: float) -> Reply:
        """See `Bus.request`."""
        if not self._open:
            raise BusUnavailable("shutting_down", _CLOSING)
        queue = self._queues.get(request.service)
        if queue is None:
            self._watch.unroutable(request.service)
            raise Unroutable("unroutable", f"nobody serves {request.service}")
        now = self._clock.now()
        if len(queue.waiting) >= self._capacity:
            self._expire(queue, now)
        if len(queue.waiting) >= self._capacity:
            raise BusUnavailable("overloaded", f"{self._capacity} requests wait for {request.service} already")
        slot = self._waiting.expect(request.id, request.service, now + timeout)
        queue.waiting.append((request, now, now + timeout, 1))
        self._drain(queue)
        return await slot.future

    async def submit(self, request: Request, *, publish: int, age: float) -> None:
        """See `Bus.submit`; what it keeps is gone with its process."""
        if not self._open:
            raise BusUnavailable("shutting_down", _CLOSING)
        queue = self._stored.get(request.service)
        if queue is None:
            self._watch.unroutable(request.service)
            raise Unroutable("unroutable", f"nobody serves {request.service}")
        if len(queue.waiting) >= self._capacity:
            raise BusUnavailable("overloaded", f"{self._capacity} requests wait for {request.service} already")
        now = self._clock.now()
        queue.waiting.append((request, now, now + age, publish))
        self._drain(queue)

    async def collect(self, take: Take) -> None:
        """See `Bus.collect`."""
        self._take = take

    async def resume(self, request_id: str) -> Reply:
        """See `Bus.resume`."""
        future = self._waiting.resume(request_id)
        if future is None:
            raise TimedOut("budget_spent", f"nothing is under way for {request_id}")
        return await future

    def give_up(self) -> None:
        """See `Bus.give_up`."""
        self._waiting.fail_all(BusUnavailable("shutting_down", _CLOSING))

    async def serve(self, service: str, answer: Answer) -> None:
        """See `Bus.serve`."""
        for queue in (
            self._queues.setdefault(service, _Queue(service)),
            self._stored.setdefault(service, _Queue(service, stored=True)),
        ):
            queue.servers.append(_Server(answer, self._prefetch))
            self._drain(queue)

    async def leave(self, service: str) -> None:
        """See `Bus.leave`; what still waits stays without an answer, as on a queue that nobody consumes."""
        for queue in (self._queues.pop(service, None), self._stored.pop(service, None)):
            if queue is not None:
                queue.servers.clear()

    async def rest(self, service: str, *, resting: bool) -> None:
        """See `Troubled.rest`."""
        for queue in (self._queues.get(service), self._stored.get(service)):
            if queue is not None:
                queue.resting = resting
                self._drain(queue)

    async def fill(self, service: str, seconds: float) -> None:
        """See `Troubled.fill`."""
        queue = self._queues.get(service)
        if queue is not None:
            now = self._clock.now()
            nobodys = (_NOBODYS, now, now + seconds, 0)
            queue.waiting.extend([nobodys] * (self._capacity - len(queue.waiting)))
            self._drain(queue)

    def _expire(self, queue: _Queue, now: float) -> None:
        """Drop what nobody waits for any more from the head of a queue."""
        while queue.waiting and now >= queue.waiting[0][2]:
            queue.waiting.popleft()
            self._watch.delivery(queue.service, "expired")

    def _drain(self, queue: _Queue) -> None:
        while queue.waiting and (server := queue.free_server()) is not None:
            request, came, due, publish = queue.waiting.popleft()
            now = self._clock.now()
            if now >= due:
                self._watch.delivery(queue.service, "expired")
                continue
            if request is _NOBODYS:
                self._watch.delivery(queue.service, "reject")
                continue
            server.busy += 1
            delivered = replace(request, budget=due - now, waited=now - came, stored=queue.stored)
            task = self._tasks.create_task(self._deliver(queue, server, delivered, publish))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _deliver(self, queue: _Queue, server: _Server, request: Request, publish: int) -> None:
        self._watch.queue_wait(queue.service, request.waited)
        slow = None
        if queue.stored:
            slow = asyncio.get_running_loop().call_later(SLOW, self._say_executing, request.id, publish)
        try:
            reply = await server.answer(request)
        finally:
            server.busy -= 1
            if slow is not None:
                slow.cancel()
        self._watch.delivery(queue.service, "ack")
        if queue.stored:
            self._drain(queue)
            await self._give(reply or Reply(request.id, Outcome.TIMEOUT, 504, "retry"), publish)
        elif reply is not None:
            for each in reply.replies if isinstance(reply, Odd) else (reply,):
                self._hand_back(queue.service, each)
        self._drain(queue)

    def _say_executing(self, id_: str, publish: int) -> None:
        if self._open:
            self._tasks.create_task(self._give(Reply(id_, *EXECUTING), publish))

    async def _give(self, reply: Reply | Odd, publish: int) -> None:
        """Hand what became of a submitted request to who collects, until it is taken."""
        for each in reply.replies if isinstance(reply, Odd) else (reply,):
            while self._take is not None and not await self._take(each, publish):
                await self._clock.sleep(_AGAIN)

    def _hand_back(self, service: str, reply: Reply) -> None:
        arrival, _ = self._waiting.resolve(reply)
        if arrival is Arrival.LATE:
            self._watch.late_reply(service)
        elif arrival is Arrival.DUPLICATE:
            self._watch.duplicate_reply(service)

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(BUCKET)
            self._waiting.sweep(self._clock.now())
