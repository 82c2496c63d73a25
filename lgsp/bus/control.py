"""Orders to every process: one fanout, a queue a process. Best effort, so whoever orders says it again and again.

A connection of its own: an order to end a fault gets through where the traffic is stuck.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

import aio_pika
import structlog
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection

from lgsp.bus import topology
from lgsp.bus.errors import GONE
from lgsp.bus.link import without_password
from lgsp.bus.secure import context
from lgsp.errors import BusUnavailable
from lgsp.trust import what_is_wrong

log = structlog.get_logger()
Heard = Callable[[bytes], None]


class Control(Protocol):
    """Carries an order to every process that hears."""

    async def tell(self, order: bytes) -> None:
        """Send it; nothing happens where it cannot be sent now."""
        ...

    async def hear(self, heard: Heard) -> None:
        """Call `heard` with each order from now on. It must not raise."""
        ...


class MemoryControl:
    """Within one process."""

    def __init__(self) -> None:
        self._heard: list[Heard] = []

    async def tell(self, order: bytes) -> None:
        """See `Control`."""
        for heard in self._heard:
            heard(order)

    async def hear(self, heard: Heard) -> None:
        """See `Control`."""
        self._heard.append(heard)


class RabbitControl:
    """Over `lgsp.control`. `name` is that of the process: its queue goes with it."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: AbstractRobustConnection | None = None
        self._exchange: aio_pika.abc.AbstractExchange | None = None

    async def __aenter__(self) -> Self:
        try:
            self._connection = await aio_pika.connect_robust(
                self._url,
                timeout=5,
                heartbeat=10,
                client_properties={"connection_name": f"lgsp {self._name} control"},
                ssl_context=context(self._url),
            )
            channel = await self._connection.channel(publisher_confirms=False)
            self._exchange = await channel.get_exchange(topology.CONTROL, ensure=False)
        except (*GONE, TimeoutError) as error:
            raise BusUnavailable(
                "bus_unavailable",
                f"no orders can be heard at {without_password(self._url)} ({what_is_wrong(error) or repr(error)})",
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            with suppress(*GONE, TimeoutError):
                await self._connection.close()

    async def tell(self, order: bytes) -> None:
        """See `Control`."""
        if self._exchange is None:
            return
        message = aio_pika.Message(order, content_type="application/json")
        with suppress(*GONE, TimeoutError):
            await self._exchange.publish(message, routing_key="", mandatory=False, timeout=2)

    async def hear(self, heard: Heard) -> None:
        """See `Control`."""
        if self._connection is None:
            raise BusUnavailable("shutting_down", "the connection is closed")

        async def arrived(message: AbstractIncomingMessage) -> None:
            heard(message.body)

        channel = await self._connection.channel()
        queue = await channel.declare_queue(
            topology.control_queue(self._name), durable=True, auto_delete=True, arguments={"x-queue-type": "classic"}
        )
        await queue.bind(topology.CONTROL)
        await queue.consume(arrived, no_ack=True)
