"""The bus: ask, and serve.

gateway -- request --> [ one queue a service ] --> serve(service, answer) -- reply --> gateway
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from lgsp.model import Reply, Request


@dataclass(frozen=True, slots=True)
class Odd:
    """What one reply cannot say: that there are several, or (`late`) that it goes out though nobody waits any more."""

    replies: tuple[Reply, ...]
    late: bool = False


Answer = Callable[[Request], Awaitable[Reply | Odd | None]]
"""Turns a request into its reply. `None`: nobody answers, the request is done with, its caller left to the deadline."""


Take = Callable[[Reply, int], Awaitable[bool]]
"""Takes what became of a submitted request, and the number of the publish that it answers. False: it shall come again."""


class Served(Protocol):
    """The half of a bus on which somebody answers."""

    async def serve(self, service: str, answer: Answer) -> None:
        """Answer the requests of `service` until `leave`, or until the bus closes; returns once it is consuming.

        Each request comes with `budget` (seconds left), `waited` and `redelivered` set. It is acknowledged after its
        reply was handed back, so what a killed server had not answered comes back to a sibling. One that has expired
        is dropped and counted, never started. `answer` must not raise. What was submitted comes with `stored` set, and
        comes again, to anybody who serves, until what became of it is safe.
        """
        ...

    async def leave(self, service: str) -> None:
        """Take no more requests of `service` from here; what was begun is answered."""
        ...


class Bus(Served, Protocol):
    """Carries each request to one server of its service, and the reply back. One contract suite runs on every bus."""

    kind: str
    """`memory` or `rabbitmq`."""

    async def request(self, request: Request, *, timeout: float) -> Reply:
        """The one reply to `request`.

        Raises `Unroutable` when nobody serves `request.service`, `TimedOut` after `timeout` seconds, `BusUnavailable`
        when the bus did not take it: gone, blocked, full, closing, or (at the deadline) never confirmed.
        A reply that comes later, or twice, changes nothing but its own count. When the waiting task is cancelled, the
        request stays under way: see `resume`.
        """
        ...

    async def submit(self, request: Request, *, publish: int, age: float) -> None:
        """Return when the bus has taken `request` for good: it keeps it, for `age` seconds, until it is served.

        `publish` is its number among the messages of this request, never used twice. What becomes of it comes to
        `collect`. Raises `Unroutable` and `BusUnavailable`; of the latter's `unconfirmed` the bus may have it or not.
        """
        ...

    async def collect(self, take: Take) -> None:
        """From now on hand what becomes of submitted requests to `take`, each again until it is taken, and maybe once more."""
        ...

    async def resume(self, request_id: str) -> Reply:
        """Wait on for a reply whose first waiter was cancelled; raises as `request` does."""
        ...

    def give_up(self) -> None:
        """End every request that still waits for its reply: `BusUnavailable`, reason `shutting_down`."""
        ...

    def problems(self) -> list[str]:
        """Why this bus is not ready, in words for `/readyz`; empty when it is."""
        ...

    async def __aenter__(self) -> Self:
        """Open: connected, and ready to ask."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close: stop consuming, let what is running finish for a bounded time, fail who still waits."""
        ...


@runtime_checkable
class Troubled(Protocol):
    """A bus on which faults can be played; a power beside `Bus`."""

    async def rest(self, service: str, *, resting: bool) -> None:
        """Take no more requests of `service` from here, as if its consumer hung, or take them again; the queue stays."""
        ...

    async def fill(self, service: str, seconds: float) -> None:
        """Fill the queue of `service` with messages that are nobody's and expire after `seconds`, until it takes no more."""
        ...


class Watch(Protocol):
    """Told of what the bus itself sees. Nothing here may block or raise."""

    def late_reply(self, service: str) -> None:
        """A reply came after its caller had been answered."""
        ...

    def duplicate_reply(self, service: str) -> None:
        """A second reply came for the same request."""
        ...

    def unroutable(self, service: str) -> None:
        """A request came back because no queue took it."""
        ...

    def confirmed(self, seconds: float) -> None:
        """The broker confirmed a publish after `seconds`."""
        ...

    def delivery(self, service: str, result: str) -> None:
        """What became of a delivery: `ack`, `requeue`, `reject` or `expired`."""
        ...

    def queue_wait(self, service: str, seconds: float) -> None:
        """A request spent `seconds` between publish and delivery; negative when the two clocks disagree."""
        ...

    def connection(self, component: str, *, up: bool) -> None:
        """A connection (`publish` or `consume`) came up or went down."""
        ...


class Silent:
    """A watch that notes nothing."""

    def late_reply(self, service: str) -> None:
        """Nothing."""

    def duplicate_reply(self, service: str) -> None:
        """Nothing."""

    def unroutable(self, service: str) -> None:
        """Nothing."""

    def confirmed(self, seconds: float) -> None:
        """Nothing."""

    def delivery(self, service: str, result: str) -> None:
        """Nothing."""

    def queue_wait(self, service: str, seconds: float) -> None:
        """Nothing."""

    def connection(self, component: str, *, up: bool) -> None:
        """Nothing."""
