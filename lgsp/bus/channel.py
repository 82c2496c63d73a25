"""One channel to the broker, as the bus uses it: the fast one is in `lane`, the plain one in `plain`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import aiormq
import aiormq.abc

from lgsp.bus.message import Message
from lgsp.bus.waiting import Slot
from lgsp.errors import DeliveryError


@dataclass(slots=True)
class Delivery:
    """A message that came, and where it is to be acknowledged."""

    channel: Channel
    tag: int
    message: Message
    redelivered: bool


Deliver = Callable[[Delivery], None]


class Consumer(NamedTuple):
    """What a consumer tag stands for."""

    queue: str
    deliver: Deliver
    no_ack: bool


class Owner(Protocol):
    """Whom a channel tells. Nothing here may block or raise."""

    def settled(self, slot: Slot, error: DeliveryError | None) -> None:
        """The broker has the request of `slot`; or it will never be answered, for this reason."""
        ...

    def undeliverable(self, message: Message) -> None:
        """A reply came back: nobody takes it any more."""
        ...

    def changed(self) -> None:
        """A channel or a consumer is gone."""
        ...


class Channel(ABC):
    """A channel that consumes and publishes until it is gone; then a new one takes its place.

    `raw` is aiormq's, for everything that is not hot. Publishing raises `BusUnavailable` when the broker cannot be given
    anything now, `MalformedRequest` when the message has no place in AMQP.
    """

    def __init__(self, raw: aiormq.abc.AbstractChannel, owner: Owner) -> None:
        self._raw = raw
        self._owner = owner
        self._consumers: dict[str, Consumer] = {}
        self._queues: set[str] = set()  # theirs: asked for each of thousands of services in turn
        self._made = 0
        raw.closing.add_done_callback(self._closed)
        raw.on_consumer_cancel_callbacks.add(self._cancelled)

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return not self._raw.is_closed

    def consumes(self, queue: str) -> bool:
        """Whether it consumes from `queue`, as far as it was told."""
        return self.is_open and queue in self._queues

    async def declare(self, queue: str, kind: str, bindings: Iterable[tuple[str, str, dict[str, str]]]) -> None:
        """A queue in which a bus's own answers arrive, with exchange, key and arguments of each binding."""
        await self._raw.queue_declare(queue, durable=True, arguments={"x-queue-type": kind})
        for exchange, key, arguments in bindings:
            await self._raw.queue_bind(queue, exchange, routing_key=key, arguments=dict(arguments))

    async def consume(self, queue: str, deliver: Deliver, *, no_ack: bool = False) -> None:
        """Have what stands in `queue` delivered, until the channel is gone or the broker says that the queue is."""
        self._made += 1
        tag = f"c{self._made}"
        self._consumers[tag] = Consumer(queue, deliver, no_ack)
        self._queues.add(queue)
        await self._raw.basic_consume(queue, self._arrived, no_ack=no_ack, consumer_tag=tag)

    async def cancel(self, queue: str | None = None) -> None:
        """Stop consuming from `queue`, or from all."""
        tags = [tag for tag, known in self._consumers.items() if queue in {None, known.queue}]
        await self._cancel(tags)
        # Only now: what arrives before the broker has heard of it is still delivered.
        for tag in tags:
            self._forget(tag)

    async def _cancel(self, tags: Sequence[str]) -> None:
        """Return when the broker has heard of it."""
        for tag in tags:
            await self._raw.basic_cancel(tag)

    def _forget(self, tag: str) -> None:
        known = self._consumers.pop(tag, None)
        if known is not None and all(other.queue != known.queue for other in self._consumers.values()):
            self._queues.discard(known.queue)

    @abstractmethod
    def publish(self, exchange: str, key: str, message: Message, slot: Slot | None, *, due: float) -> None:
        """Send a mandatory message, unless it still waits here at `due`; the owner is told what became of `slot`."""

    @abstractmethod
    def answer(self, exchange: str, key: str, message: Message, delivery: Delivery, *, due: float) -> None:
        """Send a reply, and acknowledge what it answers behind it."""

    @abstractmethod
    def ack(self, delivery: Delivery) -> None:
        """Done with it; nothing when the channel is gone, and the delivery with it."""

    @abstractmethod
    def reject(self, delivery: Delivery) -> None:
        """Give it up for good."""

    @abstractmethod
    async def _arrived(self, message: aiormq.abc.DeliveredMessage) -> None:
        """What aiormq itself delivers."""

    @abstractmethod
    def close(self) -> None:
        """Write what is left to be written; nothing is published any more."""

    def _closed(self, _: Any) -> None:  # noqa: ANN401 - aiormq's future
        self._consumers.clear()
        self._queues.clear()
        self._owner.changed()

    def _cancelled(self, frame: aiormq.spec.Basic.Cancel) -> None:
        self._forget(frame.consumer_tag or "")
        self._owner.changed()
