"""A channel through aiormq as it is: what carries the bus where the fast lane cannot be attached."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import aiormq
import aiormq.abc

from lgsp.bus.channel import Channel, Delivery, Owner
from lgsp.bus.errors import GONE, in_our_words
from lgsp.bus.message import Message
from lgsp.bus.waiting import Slot
from lgsp.clock import Clock
from lgsp.errors import BusUnavailable, DeliveryError, Unroutable

_UNCONFIRMED_AT_MOST = 256


class PlainChannel(Channel):
    """A task for each publish, which waits for its confirm; a delivery is acknowledged when its reply is confirmed."""

    def __init__(
        self,
        raw: aiormq.abc.AbstractChannel,
        owner: Owner,
        clock: Clock,
        user: str,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        super().__init__(raw, owner)
        self._clock = clock
        self._user = user
        self._spawn = spawn
        self._unconfirmed = asyncio.Semaphore(_UNCONFIRMED_AT_MOST)

    def publish(self, exchange: str, key: str, message: Message, slot: Slot | None, *, due: float) -> None:
        """See `Channel.publish`."""
        self._check()
        self._spawn(self._published(exchange, key, message, slot, due))

    def answer(self, exchange: str, key: str, message: Message, delivery: Delivery, *, due: float) -> None:
        """See `Channel.answer`."""
        self._check()
        self._spawn(self._answered(exchange, key, message, delivery, due))

    def ack(self, delivery: Delivery) -> None:
        """See `Channel.ack`."""
        self._spawn(self._settle(self._raw.basic_ack(delivery.tag)))

    def reject(self, delivery: Delivery) -> None:
        """See `Channel.reject`."""
        self._spawn(self._settle(self._raw.basic_reject(delivery.tag, requeue=False)))

    def close(self) -> None:
        """Nothing is left: each publish has its own task."""

    def _check(self) -> None:
        if not self.is_open:
            raise BusUnavailable("bus_unavailable", "no connection to the broker")

    async def _published(self, exchange: str, key: str, message: Message, slot: Slot | None, due: float) -> None:
        error: DeliveryError | None = None
        try:
            await in_our_words(self._confirmed(exchange, key, message, due), key)
        except DeliveryError as failed:
            error = failed
        if slot is not None:
            self._owner.settled(slot, error)
        elif isinstance(error, Unroutable):
            self._owner.undeliverable(message)

    async def _answered(self, exchange: str, key: str, message: Message, delivery: Delivery, due: float) -> None:
        await self._published(exchange, key, message, None, due)
        self.ack(delivery)

    async def _confirmed(self, exchange: str, key: str, message: Message, due: float) -> None:
        async with asyncio.timeout(max(due - self._clock.now(), 0)), self._unconfirmed:
            await self._raw.basic_publish(
                message.body,
                exchange=exchange,
                routing_key=key,
                properties=_properties(message, self._user),
                mandatory=True,
            )

    @staticmethod
    async def _settle(settled: Awaitable[None]) -> None:
        # What cannot be acknowledged any more comes back to a sibling.
        with suppress(*GONE):
            await settled

    async def _arrived(self, message: aiormq.abc.DeliveredMessage) -> None:
        known = self._consumers.get(message.consumer_tag or "")
        if known is not None:
            known.deliver(
                Delivery(self, message.delivery_tag or 0, message_of(message), redelivered=bool(message.redelivered))
            )


def _properties(message: Message, user: str) -> aiormq.spec.Basic.Properties:
    return aiormq.spec.Basic.Properties(
        headers=dict(message.headers),
        correlation_id=message.correlation_id,
        message_id=message.message_id,
        message_type=message.type,
        app_id=message.app_id,
        user_id=user,
        reply_to=message.reply_to or None,
        expiration=message.expiration or None,
        content_type=message.content_type or None,
        delivery_mode=2 if message.persistent else 1,
    )


def message_of(delivered: aiormq.abc.DeliveredMessage) -> Message:
    """What aiormq read, in our form: texts and whole numbers of the headers, the empty text for any other value."""
    said = delivered.header.properties
    return Message(
        body=delivered.body,
        headers={name: _scalar(value) for name, value in (said.headers or {}).items()},
        correlation_id=said.correlation_id or "",
        message_id=said.message_id or "",
        type=said.message_type or "",
        app_id=said.app_id or "",
        reply_to=said.reply_to or "",
        expiration=said.expiration or "",
        content_type=said.content_type or "",
        user=said.user_id or "",
    )


def _scalar(value: object) -> str | int:
    if isinstance(value, bytes | bytearray):
        return value.decode(errors="replace")
    return value if isinstance(value, str | int) and not isinstance(value, bool) else ""
