"""What a connectors process takes from `q.sync.*`: a task a read, one more for each request that has to wait.

q.sync.<service> --deliver--> answer --reply, ack behind it--> lgsp.reply
"""

from __future__ import annotations

from contextlib import suppress

import structlog

from lgsp.bus import topology
from lgsp.bus.base import Answer, Odd, Watch
from lgsp.bus.batch import Batch
from lgsp.bus.channel import Delivery, Owner
from lgsp.bus.consuming import Consuming
from lgsp.bus.link import Link
from lgsp.bus.message import decode_request, encode_reply, speaks_our_version
from lgsp.bus.stored import Spawn
from lgsp.clock import Clock
from lgsp.errors import BusUnavailable, MalformedRequest
from lgsp.model import Outcome, Reply

log = structlog.get_logger()
_SOON = 1.0
_NO_EXPIRATION = 60.0  # the message-ttl of a work queue: nothing lives longer there


class Serving(Consuming):
    """The consumers of a process; what came while `taking` is false goes back to the broker."""

    def __init__(self, link: Link, owner: Owner, clock: Clock, watch: Watch, spawn: Spawn, prefetch: int) -> None:
        super().__init__(link, owner, topology.sync_queue, prefetch=prefetch)
        self._clock = clock
        self._watch = watch
        self._batch = Batch(spawn)
        self.taking = False

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
