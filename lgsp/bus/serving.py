"""What a connectors process takes from `q.sync.*`: a task a read, one more for each request that has to wait.

q.sync.<service> --deliver--> answer --reply, ack behind it--> lgsp.reply
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import partial

import structlog

from lgsp.bus import topology
from lgsp.bus.base import Answer, Odd, Watch
from lgsp.bus.batch import Batch
from lgsp.bus.channel import Channel, Delivery, Owner
from lgsp.bus.errors import GONE
from lgsp.bus.link import Link
from lgsp.bus.message import decode_request, encode_reply, speaks_our_version
from lgsp.bus.stored import Spawn
from lgsp.clock import Clock
from lgsp.errors import BusUnavailable, MalformedRequest
from lgsp.model import Outcome, Reply

log = structlog.get_logger()
_SOON = 1.0
_NO_EXPIRATION = 60.0  # the message-ttl of a work queue: nothing lives longer there


class Serving:
    """The consumers of a process and their channel; what came while `taking` is false goes back to the broker."""

    def __init__(self, link: Link, owner: Owner, clock: Clock, watch: Watch, spawn: Spawn, prefetch: int) -> None:
        self._link = link
        self._owner = owner
        self._clock = clock
        self._watch = watch
        self._prefetch = prefetch
        self._batch = Batch(spawn)
        self._channel: Channel | None = None
        self.taking = False

    def missing(self, services: Iterable[str]) -> list[str]:
        """The services of these that are not served here."""
        channel = self._channel
        return [s for s in services if channel is None or not channel.consumes(topology.sync_queue(s))]

    async def restore(self, services: dict[str, Answer]) -> None:
        """Consume from every queue that is there and nobody of ours consumes from."""
        if services:
            await self.open()
        for service in self.missing(services):
            await self.consume(service, services[service])

    async def open(self) -> None:
        """Have a channel."""
        if self._channel is None or not self._channel.is_open:
            self._channel = await self._link.channel(self._owner, prefetch=self._prefetch)

    async def consume(self, service: str, answer: Answer) -> None:
        """Consume from the queue of one service, if it is there."""
        queue = topology.sync_queue(service)
        if self._channel is None or self._channel.consumes(queue) or await self._link.consumers(queue) is None:
            return
        await self._channel.consume(queue, partial(self._arrived, service, answer))

    async def look(self, services: dict[str, Answer]) -> None:
        """Where the broker knows of no consumer on a queue that we think we serve, consume again."""
        for service, answer in services.items():
            queue = topology.sync_queue(service)
            if self._channel is not None and self._channel.consumes(queue) and await self._link.consumers(queue) == 0:
                await self._channel.cancel(queue)
                await self.consume(service, answer)

    async def leave(self, service: str) -> None:
        """Take no more of a service."""
        if self._channel is not None and self._channel.is_open:
            with suppress(*GONE):
                await self._channel.cancel(topology.sync_queue(service))

    async def stop(self) -> None:
        """Take no more of any."""
        if self._channel is not None and self._channel.is_open:
            await self._channel.cancel()

    def close(self) -> None:
        """Write what is left to be written."""
        if self._channel is not None:
            self._channel.close()

    def lost(self) -> None:
        """The connection is gone, and the channel with it."""
        self._channel = None

    def _arrived(self, service: str, answer: Answer, delivery: Delivery) -> None:
        if self.taking:
            self._batch.begin(self._work(service, answer, delivery))

    async def _work(self, service: str, answer: Answer, delivery: Delivery) -> None:
        """One delivery, from decoding to ack; never raises."""
        message = delivery.message
        now = self._clock.now()
        due = now + _NO_EXPIRATION
        result = "ack"
        reply: Reply | Odd | None = None
        try:
            request = decode_request(
                message, service, now=now, redelivered=delivery.redelivered, default_budget=_NO_EXPIRATION
            )
            due = now + request.budget
            self._watch.queue_wait(service, request.waited)
            if request.budget <= 0:
                result = "expired"
            elif not speaks_our_version(message):
                reply = Reply(request.id, Outcome.BUS_ERROR, 502, "unsupported_version")
            else:
                reply = await answer(request)
        except MalformedRequest as error:
            if message.correlation_id and message.reply_to:
                reply = Reply(message.correlation_id, Outcome.REJECTED, 400, "bad_request", str(error).encode())
            else:
                log.warning("request ignored", why=str(error), service=service)
                result = "reject"
        except Exception as error:
            log.exception(
                "delivery failed", service=service, transaction=message.correlation_id, error=type(error).__name__
            )
        self._watch.delivery(service, result)
        if result == "reject":
            delivery.channel.reject(delivery)
        elif reply is None or not message.reply_to:
            delivery.channel.ack(delivery)
        elif isinstance(reply, Odd):
            await self._reply_oddly(service, reply, delivery, due)
        else:
            await self._reply(service, reply, delivery, due)

    async def _reply_oddly(self, service: str, odd: Odd, delivery: Delivery, due: float) -> None:
        """Hand back what an injected fault makes of a reply: the last one acknowledges the request."""
        asked = delivery.message
        if odd.late:
            due = self._clock.now() + _SOON
        for reply in odd.replies[:-1]:
            message = encode_reply(reply, operation=asked.type, service=service, answers=asked.message_id)
            with suppress(BusUnavailable, MalformedRequest):
                delivery.channel.publish(topology.REPLY, asked.reply_to, message, None, due=due)
        await self._reply(service, odd.replies[-1], delivery, due)

    async def _reply(self, service: str, reply: Reply, delivery: Delivery, due: float) -> None:
        """Hand a reply back while anybody waits for it, across a lost connection if need be."""
        asked = delivery.message
        message = encode_reply(reply, operation=asked.type, service=service, answers=asked.message_id)
        while self._clock.now() < due:
            channel = delivery.channel if delivery.channel.is_open else self._channel
            if channel is not None:
                try:
                    if channel is delivery.channel:
                        channel.answer(topology.REPLY, asked.reply_to, message, delivery, due=due)
                    else:
                        channel.publish(topology.REPLY, asked.reply_to, message, None, due=due)
                except BusUnavailable as error:
                    log.debug("reply waits", service=service, transaction=reply.to, why=error.reason)
                except MalformedRequest as error:
                    log.warning("reply given up", service=service, transaction=reply.to, why=str(error))
                    break
                else:
                    return
            await self._clock.sleep(0.1)
        delivery.channel.ack(delivery)
