"""The queues that a connectors process takes from, one a service, on one channel of their own kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from lgsp.bus.base import Answer
from lgsp.bus.channel import Channel, Delivery, Owner
from lgsp.bus.errors import GONE
from lgsp.bus.link import Link


class Consuming(ABC):
    """Consumers and their channel. `queue` names a service's queue; what arrives goes to `_arrived`."""

    def __init__(
        self, link: Link, owner: Owner, queue: Callable[[str], str], *, prefetch: int, confirms: bool = False
    ) -> None:
        self._link = link
        self._owner = owner
        self._queue = queue
        self._prefetch = prefetch
        self._confirms = confirms
        self._channel: Channel | None = None

    def missing(self, services: Iterable[str]) -> list[str]:
        """The services of these that are not served here."""
        channel = self._channel
        return [s for s in services if channel is None or not channel.consumes(self._queue(s))]

    async def restore(self, services: dict[str, Answer]) -> None:
        """Consume from every queue that is there and nobody of ours consumes from."""
        if services:
            await self.open()
        for service in self.missing(services):
            await self.consume(service, services[service])

    async def open(self) -> None:
        """Have a channel."""
        if self._channel is None or not self._channel.is_open:
            self._channel = await self._link.channel(self._owner, confirms=self._confirms, prefetch=self._prefetch)

    async def consume(self, service: str, answer: Answer) -> None:
        """Consume from the queue of one service, if it is there."""
        queue = self._queue(service)
        if self._channel is None or self._channel.consumes(queue) or await self._link.consumers(queue) is None:
            return
        await self._channel.consume(queue, partial(self._arrived, service, answer))

    async def look(self, services: dict[str, Answer]) -> None:
        """Where the broker knows of no consumer on a queue that we think we serve, consume again."""
        for service, answer in services.items():
            queue = self._queue(service)
            if self._channel is not None and self._channel.consumes(queue) and await self._link.consumers(queue) == 0:
                await self._channel.cancel(queue)
                await self.consume(service, answer)

    async def leave(self, service: str) -> None:
        """Take no more of a service."""
        if self._channel is not None and self._channel.is_open:
            with suppress(*GONE):
                await self._channel.cancel(self._queue(service))

    async def stop(self) -> None:
        """Take no more of any."""
        if self._channel is not None and self._channel.is_open:
            with suppress(*GONE):
                await self._channel.cancel()

    def close(self) -> None:
        """Write what is left to be written."""
        if self._channel is not None:
            self._channel.close()

    def lost(self) -> None:
        """The connection is gone, and the channel with it."""
        self._channel = None

    @abstractmethod
    def _arrived(self, service: str, answer: Answer, delivery: Delivery) -> None:
        """Take a delivery; must neither block nor raise."""
