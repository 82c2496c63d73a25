"""Store-and-forward over RabbitMQ: persistent messages, confirms on both ways, acknowledged when the other side has it.

gateway   --submit, confirm--> lgsp.async --> q.async.<service> --> connector
connector --result, confirm--> lgsp.result -> q.result.<gateway> --> gateway: ack when it was taken
q.async.* --given up---------> lgsp.dlx ---> q.result.<gateway>
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import structlog

from lgsp.bus import topology
from lgsp.bus.answerers import Answerers
from lgsp.bus.base import Answer, Odd, Take, Watch
from lgsp.bus.channel import Channel, Delivery, Owner
from lgsp.bus.consuming import Consuming
from lgsp.bus.errors import GONE
from lgsp.bus.link import Link
from lgsp.bus.message import (
    Message,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
    number_answered,
    speaks_our_version,
)
from lgsp.bus.waiting import Slot
from lgsp.clock import Clock
from lgsp.errors import BusUnavailable, DeliveryError, MalformedRequest
from lgsp.model import EXECUTING, Outcome, Reply, Request

log = structlog.get_logger()
Spawn = Callable[[Coroutine[Any, Any, None]], None]
_CONFIRM = 15.0
_AGAIN = 1.0
SLOW = 2.0
"""Seconds after which a connector says that it is at it still."""
_AT_A_TIME = 256
_NO_EXPIRATION = 86_400.0
_DELIVERIES = 20
"""So often a message is delivered; then it is what ends the processes that take it."""


class Sent(Slot):
    """A publish whose confirm somebody waits for."""

    __slots__ = ()

    def settle(self, error: DeliveryError | None) -> None:
        """The broker has it, or not."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(Reply(self.id))
        else:
            self.future.set_exception(error)


async def publish(channel: Channel, exchange: str, key: str, message: Message, service: str, clock: Clock) -> None:
    """Return when the broker has a persistent message for good. Raises `Unroutable`, `BusUnavailable`, `MalformedRequest`."""
    now = clock.now()
    slot = Sent(message.correlation_id, service, now + _CONFIRM, asyncio.get_running_loop().create_future())
    channel.publish(exchange, key, message, slot, due=slot.due)
    try:
        async with asyncio.timeout(_CONFIRM):
            await slot.future
    except TimeoutError as error:
        raise BusUnavailable("unconfirmed", f"the broker did not confirm {slot.id} in {_CONFIRM:.0f} s") from error


class Results:
    """What comes back to a gateway."""

    def __init__(self, name: str, link: Link, owner: Owner, clock: Clock, spawn: Spawn, answerers: Answerers) -> None:
        self._answerers = answerers
        self._name = name
        self._link = link
        self._owner = owner
        self._clock = clock
        self._spawn = spawn
        self._take: Take | None = None
        self._channel: Channel | None = None

    async def submit(self, channel: Channel, request: Request, *, publish_number: int, age: float) -> None:
        """See `Bus.submit`."""
        message = encode_request(
            request, publish=publish_number, reply_to=self._name, budget=age, now=self._clock.now()
        )
        message.headers["lgsp-gateway"] = self._name
        message.persistent = True
        await publish(channel, topology.ASYNC, request.service, message, request.service, self._clock)

    def collect(self, take: Take) -> None:
        """See `Bus.collect`."""
        self._take = take

    @property
    def is_missing(self) -> bool:
        """Whether results should come, and cannot."""
        if self._take is None:
            return False
        return self._channel is None or not self._channel.consumes(topology.result_queue(self._name))

    async def restore(self) -> None:
        """Consume, where that is wanted and not done."""
        if not self.is_missing:
            return
        queue = topology.result_queue(self._name)
        if self._channel is None or not self._channel.is_open:
            self._channel = await self._link.channel(self._owner, prefetch=_AT_A_TIME)
        await self._channel.declare(
            queue,
            "quorum",
            ((topology.RESULT, self._name, {}), (topology.DLX, "", {"x-match": "all", "lgsp-gateway": self._name})),
        )
        await self._channel.consume(queue, self._arrived)

    async def stop(self) -> None:
        """Take nothing more; what comes stays in its queue."""
        if self._channel is not None and self._channel.is_open:
            with suppress(*GONE):
                await self._channel.cancel()

    def close(self) -> None:
        """Write the last acks."""
        if self._channel is not None:
            self._channel.close()

    def _arrived(self, delivery: Delivery) -> None:
        self._spawn(self._hand_over(delivery))

    async def _hand_over(self, delivery: Delivery) -> None:
        """Give a result to who takes it, again and again until it does, while the broker holds it for us."""
        message = delivery.message
        take = self._take
        try:
            reply = self._of(message)
        except MalformedRequest as error:
            log.warning("result ignored", why=str(error), service=message.app_id)
            delivery.channel.reject(delivery)
            return
        while take is not None and delivery.channel.is_open:
            if await take(reply, number_answered(message)):
                delivery.channel.ack(delivery)
                return
            await self._clock.sleep(_AGAIN)

    def _of(self, message: Message) -> Reply:
        """The result that a message is. Raises `MalformedRequest` also where it is not its sender's to give."""
        notice = _notice(message)
        if notice is None:
            if not self._answerers.may(message.app_id, message):
                raise MalformedRequest(f"the broker user {message.user!r} does not answer for this service")
            return decode_reply(message)
        if message.user != self._link.user:  # a dead letter is what we sent ourselves
            raise MalformedRequest(f"the broker user {message.user!r} tells of a request that it did not send")
        return notice


def _notice(message: Message) -> Reply | None:
    """The result of a message that the broker gave up: the dead letter is the request itself."""
    if "x-first-death-reason" not in message.headers:
        return None
    if message.headers["x-first-death-reason"] == "expired":
        return Reply(message.correlation_id, Outcome.TIMEOUT, 504, "max_age")
    return Reply(message.correlation_id, Outcome.PROVIDER_ERROR, 502, "poison")


class Work(Consuming):
    """What a connectors process takes from `q.async.*`."""

    def __init__(self, link: Link, owner: Owner, clock: Clock, watch: Watch, spawn: Spawn, prefetch: int) -> None:
        super().__init__(link, owner, topology.async_queue, prefetch=prefetch, confirms=True)
        self._clock = clock
        self._watch = watch
        self._spawn = spawn

    def _arrived(self, service: str, answer: Answer, delivery: Delivery) -> None:
        self._spawn(self._work(service, answer, delivery))

    async def _work(self, service: str, answer: Answer, delivery: Delivery) -> None:
        """One delivery, from decoding to ack; never raises."""
        message = delivery.message
        try:
            reply = await self._answered(service, answer, delivery)
        except MalformedRequest as error:
            log.warning("request refused", why=str(error), service=service)
            reply = Reply(message.correlation_id, Outcome.REJECTED, 400, "bad_request", str(error).encode())
        except Exception as error:
            log.exception(
                "delivery failed", service=service, transaction=message.correlation_id, error=type(error).__name__
            )
            reply = Reply(message.correlation_id, Outcome.PROVIDER_ERROR, 502, "connector_exception")
        if reply is None or not (message.reply_to and message.correlation_id):
            self._watch.delivery(service, "expired" if reply is None else "reject")
            delivery.channel.ack(delivery)
            return
        self._watch.delivery(service, "ack")
        for each in reply.replies if isinstance(reply, Odd) else (reply,):
            await self._hand_back(service, each, delivery)
        delivery.channel.ack(delivery)

    def _say_executing(self, service: str, delivery: Delivery) -> None:
        """A word of no consequence: nobody waits for its confirm."""
        asked = delivery.message
        if not (asked.reply_to and delivery.channel.is_open):
            return
        reply = Reply(asked.correlation_id, *EXECUTING)
        message = encode_reply(reply, operation=asked.type, service=service, answers=asked.message_id)
        self._spawn(self._told(service, delivery, message))

    async def _told(self, service: str, delivery: Delivery, message: Message) -> None:
        try:
            await publish(delivery.channel, topology.RESULT, delivery.message.reply_to, message, service, self._clock)
        except (DeliveryError, MalformedRequest) as error:
            log.info("not told", service=service, transaction=message.correlation_id, why=str(error))

    async def _answered(self, service: str, answer: Answer, delivery: Delivery) -> Reply | Odd | None:
        message = delivery.message
        now = self._clock.now()
        request = decode_request(
            message, service, now=now, redelivered=delivery.redelivered, default_budget=_NO_EXPIRATION
        )
        self._watch.queue_wait(service, request.waited)
        if request.budget <= 0:
            return None
        if not speaks_our_version(message):
            return Reply(request.id, Outcome.BUS_ERROR, 502, "unsupported_version")
        count = message.headers.get("x-delivery-count", 0)
        if isinstance(count, int) and count > _DELIVERIES:
            return Reply(request.id, Outcome.PROVIDER_ERROR, 502, "poison")
        request.stored = True
        slow = asyncio.get_running_loop().call_later(SLOW, self._say_executing, service, delivery)
        try:
            return await answer(request) or Reply(request.id, Outcome.TIMEOUT, 504, "retry")
        finally:
            slow.cancel()

    async def _hand_back(self, service: str, reply: Reply, delivery: Delivery) -> None:
        """Return when the broker has the result; or when it has taken the request back, which comes again then."""
        asked = delivery.message
        message = encode_reply(reply, operation=asked.type, service=service, answers=asked.message_id)
        message.persistent = True
        while delivery.channel.is_open:
            try:
                await publish(delivery.channel, topology.RESULT, asked.reply_to, message, service, self._clock)
            except BusUnavailable as error:
                log.info("result waits", service=service, transaction=reply.to, why=error.reason)
                await self._clock.sleep(_AGAIN)
            except (DeliveryError, MalformedRequest) as error:
                log.warning("result given up", service=service, transaction=reply.to, why=str(error))
                return
            else:
                return
