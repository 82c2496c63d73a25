"""RabbitMQ: requests out and replies in on one channel, requests in and replies out on another, one connection for both.

request --publish--> lgsp.req    q.reply.<name> --deliver--> who waits
q.sync.<service> --deliver--> a task a read, one more for each that has to wait --reply, ack--> lgsp.reply

Store-and-forward has channels of its own: see `stored`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Self

import structlog

from lgsp.bus import topology
from lgsp.bus.base import Answer, Odd, Silent, Take, Watch
from lgsp.bus.batch import Batch
from lgsp.bus.channel import Channel, Delivery
from lgsp.bus.errors import GONE
from lgsp.bus.link import Link
from lgsp.bus.message import (
    Message,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
    speaks_our_version,
)
from lgsp.bus.stored import Results, Sent, Work
from lgsp.bus.waiting import BUCKET, Arrival, Slot, Waiting
from lgsp.clock import Clock
from lgsp.errors import BusUnavailable, DeliveryError, MalformedRequest, TimedOut, Unroutable
from lgsp.model import Outcome, Reply, Request

log = structlog.get_logger()
_CANARY = 5.0
_SOON = 1.0
_NO_EXPIRATION = 60.0  # the message-ttl of a work queue: nothing lives longer there
_CLOSING = "the bus is closing"


class RabbitBus:
    """A gateway's or a connectors process's place on the broker. With `asks` it has a reply queue of its own name.

    It declares nothing but that queue: work queues are somebody's who provisions, and a missing one is waited for.
    `lane` false: aiormq's own way, as where the fast lane cannot be attached.
    """

    kind = "rabbitmq"

    def __init__(
        self,
        url: str,
        name: str,
        clock: Clock,
        watch: Watch | None = None,
        *,
        asks: bool = True,
        prefetch: int = 256,
        retry: float = 2.0,
        drain: float = 5.0,
        heartbeat: int = 10,
        lane: bool = True,
    ) -> None:
        self._name = name
        self._clock = clock
        self._watch = watch or Silent()
        self._asks = asks
        self._prefetch = prefetch
        self._drain = drain
        self._link = Link(
            url, name, clock, retry=retry, on_change=self.changed, spawn=self._spawn, heartbeat=heartbeat, lane=lane
        )
        self._results = Results(name, self._link, self, clock, self._spawn)
        self._stored = Work(self._link, self, clock, self._watch, self._spawn, prefetch)
        self._was_up: bool | None = None
        self._asking: Channel | None = None
        self._serving: Channel | None = None
        self._waiting = Waiting(_unanswered)
        self._served: dict[str, Answer] = {}
        self._resting: set[str] = set()
        self._batch = Batch(self._spawn)
        self._tasks = asyncio.TaskGroup()
        self._keepers: list[asyncio.Task[None]] = []
        self._work_tasks = asyncio.TaskGroup()
        self._restoring = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._open = self._taking = False

    def __repr__(self) -> str:
        under_way = f"{len(self._served)} services, {len(self._waiting)} under way"
        return f"<RabbitBus {self._name}: {under_way}, {self._link}>"

    async def __aenter__(self) -> Self:
        try:
            await self._link.open()
            await self._restore()
        except GONE as error:
            await self._link.close()
            raise BusUnavailable("bus_unavailable", f"the broker refused {self._name} its channels: {error}") from error
        except BaseException:
            await self._link.close()
            raise
        await self._tasks.__aenter__()
        await self._work_tasks.__aenter__()
        self._keepers = [self._tasks.create_task(self._sweep()), self._tasks.create_task(self._keep())]
        self._open = self._taking = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self.give_up()
        for keeper in self._keepers:
            keeper.cancel()
        with suppress(*GONE, TimeoutError):
            async with asyncio.timeout(_SOON):
                await self._results.stop()
                await self._stored.stop()
                if self._serving is not None and self._serving.is_open:
                    await self._serving.cancel()
        # Only now: what came before the broker had heard of it would go to a sibling as if it had been begun here.
        self._taking = False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain):
                await self._work_tasks.__aexit__(None, None, None)
        await self._tasks.__aexit__(None, None, None)
        for channel in (self._serving, self._asking, self._results, self._stored):
            if channel is not None:
                channel.close()
        await self._link.close()

    def problems(self) -> list[str]:
        """A connection that is down or blocked, and services whose queue is missing."""
        found = [] if self._open else [_CLOSING]
        if not self._link.is_up or (self._asks and not self._asks_now):
            found.append(f"no broker connection ({self._link})")
        elif self._link.is_blocked:
            found.append("the broker takes no messages: its memory or its disk is full")
        missing = [topology.sync_queue(service) for service in self._missing()]
        missing += [topology.async_queue(service) for service in self._stored.missing(self._wanted_stored())]
        missing += [topology.result_queue(self._name)] if self._results.is_missing else []
        return found + [f"the queue {queue} is missing" for queue in missing]

    @property
    def _asks_now(self) -> bool:
        return self._asking is not None and self._asking.is_open

    # Asking

    async def request(self, request: Request, *, timeout: float) -> Reply:
        """See `Bus.request`."""
        if not self._open:
            raise BusUnavailable("shutting_down", _CLOSING)
        channel = self._asking
        if channel is None:
            raise BusUnavailable("bus_unavailable", "no connection to the broker")
        now = self._clock.now()
        message = encode_request(request, publish=1, reply_to=self._name, budget=timeout, now=now)
        slot = self._waiting.expect(request.id, request.service, now + timeout)
        slot.confirmed = False
        slot.sent = now
        try:
            channel.publish(topology.REQUEST, request.service, message, slot, due=slot.due)
        except (BusUnavailable, MalformedRequest):
            self._waiting.forget(request.id)
            raise
        return await slot.future

    async def submit(self, request: Request, *, publish: int, age: float) -> None:
        """See `Bus.submit`."""
        if not self._open:
            raise BusUnavailable("shutting_down", _CLOSING)
        if self._asking is None:
            raise BusUnavailable("bus_unavailable", "no connection to the broker")
        await self._results.submit(self._asking, request, publish_number=publish, age=age)

    async def collect(self, take: Take) -> None:
        """See `Bus.collect`; where the queue cannot be had now it is tried again."""
        self._results.collect(take)
        self._wanted.set()
        with suppress(*GONE):
            await self._restore()

    async def resume(self, request_id: str) -> Reply:
        """See `Bus.resume`."""
        future = self._waiting.resume(request_id)
        if future is None:
            raise TimedOut("budget_spent", f"nothing is under way for {request_id}")
        return await future

    def give_up(self) -> None:
        """See `Bus.give_up`."""
        self._waiting.fail_all(BusUnavailable("shutting_down", _CLOSING))

    def settled(self, slot: Slot, error: DeliveryError | None) -> None:
        """See `channel.Owner`."""
        if isinstance(slot, Sent):
            slot.settle(error)
            return
        if error is None:
            slot.confirmed = True
            self._watch.confirmed(self._clock.now() - slot.sent)
            return
        self._waiting.fail(slot.id, error)
        if isinstance(error, Unroutable):
            self._watch.unroutable(slot.service)

    def _on_reply(self, delivery: Delivery) -> None:
        message = delivery.message
        try:
            reply = decode_reply(message)
        except MalformedRequest as error:
            log.warning("reply ignored", why=str(error), service=message.app_id)
            return
        arrival, _ = self._waiting.resolve(reply)
        if arrival is Arrival.LATE:
            self._watch.late_reply(message.app_id)
        elif arrival is Arrival.DUPLICATE:
            self._watch.duplicate_reply(message.app_id)

    # Serving

    async def serve(self, service: str, answer: Answer) -> None:
        """See `Bus.serve`; where the queue is missing it returns, says so in `problems`, and goes on trying."""
        self._served[service] = answer
        with suppress(*GONE):
            async with self._restoring:
                await self._open_channels()
                await self._consume(service)
                await self._stored.open()
                await self._stored.consume(service, answer)
        if not self._consumes(service):
            log.warning("queue missing", queue=topology.sync_queue(service), service=service)
            self._wanted.set()

    async def leave(self, service: str) -> None:
        """See `Bus.leave`."""
        self._served.pop(service, None)
        async with self._restoring:
            await self._stored.leave(service)
            if self._serving is not None and self._serving.is_open:
                with suppress(*GONE):
                    await self._serving.cancel(topology.sync_queue(service))

    def _consumes(self, service: str) -> bool:
        return self._serving is not None and self._serving.consumes(topology.sync_queue(service))

    def _missing(self) -> list[str]:
        return [s for s in self._served if s not in self._resting and not self._consumes(s)]

    async def rest(self, service: str, *, resting: bool) -> None:
        """See `Troubled.rest`."""
        if not resting:
            self._resting.discard(service)
            self._wanted.set()
            return
        self._resting.add(service)
        async with self._restoring:
            await self._stored.leave(service)
            if self._serving is not None and self._serving.is_open:
                with suppress(*GONE):
                    await self._serving.cancel(topology.sync_queue(service))

    async def fill(self, service: str, seconds: float) -> None:
        """See `Troubled.fill`."""
        with suppress(*GONE):
            await self._link.fill(topology.REQUEST, service, seconds)

    def _on_request(self, service: str, answer: Answer, delivery: Delivery) -> None:
        if self._taking:
            self._batch.begin(self._work(service, answer, delivery))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._work_tasks.create_task(work)

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
            channel = delivery.channel if delivery.channel.is_open else self._serving
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

    def undeliverable(self, message: Message) -> None:
        """See `channel.Owner`."""
        log.info("reply undeliverable", service=message.app_id, transaction=message.correlation_id)
        self._watch.unroutable(message.app_id)

    # Keeping

    def changed(self) -> None:
        """See `channel.Owner`: the keeper looks what is gone."""
        up = self._link.is_up
        if up != self._was_up:
            self._was_up = up
            for component in ("publish", "consume"):
                self._watch.connection(component, up=up)
        if not up:
            self._asking = self._serving = None
        self._wanted.set()

    async def _restore(self) -> None:
        """Open what channels are gone, and consume from what queues nobody of ours consumes from."""
        async with self._restoring:
            await self._open_channels()
            for service in self._missing():
                await self._consume(service)
            await self._results.restore()
            await self._stored.restore(self._wanted_stored())

    def _wanted_stored(self) -> dict[str, Answer]:
        return {service: answer for service, answer in self._served.items() if service not in self._resting}

    async def _open_channels(self) -> None:
        if self._asks:
            asking = self._asking if self._asks_now else None
            asking = asking or await self._link.channel(self, confirms=True)
            queue = topology.reply_queue(self._name)
            if not asking.consumes(queue):
                await asking.declare(queue, "classic", ((topology.REPLY, self._name, {}),))
                await asking.consume(queue, self._on_reply, no_ack=True)
            self._asking = asking
        if self._served and (self._serving is None or not self._serving.is_open):
            self._serving = await self._link.channel(self, prefetch=self._prefetch)

    async def _consume(self, service: str) -> None:
        queue = topology.sync_queue(service)
        if self._serving is None or self._serving.consumes(queue) or await self._link.consumers(queue) is None:
            return
        answer = self._served.get(service)  # it may have been left meanwhile
        if answer is not None:
            await self._serving.consume(queue, partial(self._on_request, service, answer))

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(BUCKET)
            self._waiting.sweep(self._clock.now())

    async def _keep(self) -> None:
        """Bring back what is gone, as soon as it is told; and now and then look for what nobody told (the canary)."""
        # Not for ever: a cancellation that arrives while aio-pika is awaited can be lost in there.
        while self._open:
            told = False
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    _SOON if self._missing() or self._stored.missing(self._wanted_stored()) else _CANARY
                ):
                    await self._wanted.wait()
                    told = True
            self._wanted.clear()
            if not self._link.is_up:
                continue
            try:
                await self._restore()
                if not told:
                    await self._look()
            except GONE as error:
                log.info("not restored yet", name=self._name, error=type(error).__name__)
                await self._clock.sleep(_SOON)
                self._wanted.set()

    async def _look(self) -> None:
        """Where the broker knows of no consumer on a queue that we think we serve, consume again."""
        for service in list(self._served):
            channel, queue = self._serving, topology.sync_queue(service)
            if channel is not None and channel.consumes(queue) and await self._link.consumers(queue) == 0:
                async with self._restoring:
                    await channel.cancel(queue)
                    await self._consume(service)
        if not self._open:  # the bus was closed meanwhile, and the word of it lost as above
            return
        async with self._restoring:
            await self._stored.look(self._wanted_stored())


def _unanswered(slot: Slot) -> DeliveryError:
    """How a slot ends at its deadline: silence, unless the broker never said that it has the request."""
    if slot.confirmed:
        return TimedOut("budget_spent", f"{slot.service} did not answer {slot.id} within its budget")
    return BusUnavailable("unconfirmed", f"the broker did not confirm {slot.id} within its budget")
