"""RabbitMQ through aio-pika.

publish connection: requests out, replies out          (an alarm that blocks it does not stop the other)
consume connection: replies in, requests in, acks out
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import aio_pika
import structlog
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage, AbstractRobustChannel, DeliveryMode

from lgsp.bus import topology
from lgsp.bus.base import Answer, Silent, Watch
from lgsp.bus.link import GONE, Link, in_our_words
from lgsp.bus.message import (
    Message,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
    speaks_our_version,
)
from lgsp.bus.waiting import BUCKET, Arrival, Slot, Waiting
from lgsp.clock import Clock
from lgsp.errors import BusUnavailable, DeliveryError, MalformedRequest, TimedOut, Unroutable
from lgsp.model import Outcome, Reply, Request

log = structlog.get_logger()
_UNCONFIRMED_AT_MOST = 256
_CANARY = 5.0
_SOON = 1.0
_NO_EXPIRATION = 60.0  # the message-ttl of a work queue: nothing lives longer there
_CLOSING = "the bus is closing"


@dataclass(slots=True)
class _Served:
    answer: Answer
    channel: AbstractRobustChannel | None = None
    tag: str = ""
    queue: Any = None


class RabbitBus:
    """A gateway's or a connectors process's place on the broker. With `asks` it has a reply queue of its own name.

    It declares nothing but that queue: work queues are somebody's who provisions, and a missing one is waited for.
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
    ) -> None:
        self._name = name
        self._clock = clock
        self._watch = watch or Silent()
        self._asks = asks
        self._prefetch = prefetch
        self._drain = drain
        self._user = unquote(urlsplit(url).username or "guest")
        self._out = Link(url, "publish", name, retry=retry, on_change=self._watch.connection)
        self._in = Link(url, "consume", name, retry=retry, on_change=self._watch.connection)
        self._waiting = Waiting(_unanswered)
        self._served: dict[str, _Served] = {}
        self._exchanges: dict[str, AbstractExchange] = {}
        self._unconfirmed = asyncio.Semaphore(_UNCONFIRMED_AT_MOST)
        self._tasks = asyncio.TaskGroup()
        self._keepers: list[asyncio.Task[None]] = []
        self._working: set[asyncio.Task[None]] = set()
        self._wanted = asyncio.Event()
        self._open = False

    def __repr__(self) -> str:
        under_way = f"{len(self._served)} services, {len(self._waiting)} under way"
        return f"<RabbitBus {self._name}: {under_way}, {self._out}, {self._in}>"

    async def __aenter__(self) -> Self:
        try:
            await self._out.open()
            await self._in.open()
            await self._prepare()
        except BaseException:
            await self._out.close()
            await self._in.close()
            raise
        await self._tasks.__aenter__()
        self._keepers = [self._tasks.create_task(self._sweep()), self._tasks.create_task(self._keep_serving())]
        self._open = True
        return self

    async def _prepare(self) -> None:
        channel = await self._out.channel(confirms=True)
        for name in (topology.REQUEST, topology.REPLY):
            self._exchanges[name] = await channel.get_exchange(name, ensure=False)
        if self._asks:
            replies = await self._in.channel(prefetch=0)
            queue = await replies.declare_queue(
                topology.reply_queue(self._name), durable=True, arguments={"x-queue-type": "classic"}
            )
            await queue.bind(topology.REPLY, routing_key=self._name)
            await queue.consume(self._on_reply, no_ack=True)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._waiting.fail_all(BusUnavailable("shutting_down", _CLOSING))
        for keeper in self._keepers:
            keeper.cancel()
        for served in self._served.values():
            await _stop_consuming(served)
        if self._working:
            _, late = await asyncio.wait(self._working, timeout=self._drain)
            for task in late:
                task.cancel()
        await self._tasks.__aexit__(None, None, None)
        await self._out.close()
        await self._in.close()

    def problems(self) -> list[str]:
        """Connections that are down, and services whose queue is missing."""
        down = [f"no broker connection ({link})" for link in (self._out, self._in) if not link.is_up]
        missing = [
            f"the queue {topology.sync_queue(s)} is missing" for s, served in self._served.items() if not served.tag
        ]
        return ([] if self._open else [_CLOSING]) + down + missing

    # Asking

    async def request(self, request: Request, *, timeout: float) -> Reply:
        """See `Bus.request`."""
        if not self._open:
            raise BusUnavailable("shutting_down", _CLOSING)
        if not self._out.is_up:
            raise BusUnavailable("bus_unavailable", "no connection to the broker")
        now = self._clock.now()
        message = encode_request(request, publish=1, reply_to=self._name, budget=timeout, now=now)
        slot = self._waiting.expect(request.id, request.service, now + timeout)
        slot.confirmed = False
        try:
            await self._publish(topology.REQUEST, request.service, message, timeout)
        except DeliveryError as error:
            self._waiting.fail(request.id, error)
            if isinstance(error, Unroutable):
                self._watch.unroutable(request.service)
        else:
            slot.confirmed = True
            self._watch.confirmed(self._clock.now() - now)
        return await slot.future

    async def resume(self, request_id: str) -> Reply:
        """See `Bus.resume`."""
        future = self._waiting.resume(request_id)
        if future is None:
            raise TimedOut("budget_spent", f"nothing is under way for {request_id}")
        return await future

    async def _publish(self, exchange: str, key: str, message: Message, seconds: float) -> None:
        """Publish and wait for the confirm. Raises as `in_our_words` does."""

        async def confirmed() -> None:
            async with asyncio.timeout(seconds), self._unconfirmed:
                await self._exchanges[exchange].publish(self._native(message), routing_key=key, mandatory=True)

        await in_our_words(confirmed(), key)

    def _native(self, message: Message) -> aio_pika.Message:
        native = aio_pika.Message(
            message.body,
            headers=dict(message.headers),
            correlation_id=message.correlation_id,
            message_id=message.message_id,
            type=message.type,
            app_id=message.app_id,
            user_id=self._user,
            reply_to=message.reply_to or None,
            content_type=message.content_type or None,
            delivery_mode=DeliveryMode.NOT_PERSISTENT,
        )
        if message.expiration:
            native.expiration = int(message.expiration) / 1_000
        return native

    async def _on_reply(self, native: AbstractIncomingMessage) -> None:
        try:
            reply = decode_reply(_plain(native))
        except MalformedRequest as error:
            log.warning("reply ignored", why=str(error), service=native.app_id)
            return
        arrival, _ = self._waiting.resolve(reply)
        if arrival is Arrival.LATE:
            self._watch.late_reply(native.app_id or "")
        elif arrival is Arrival.DUPLICATE:
            self._watch.duplicate_reply(native.app_id or "")

    # Serving

    async def serve(self, service: str, answer: Answer) -> None:
        """See `Bus.serve`; where the queue is missing it returns, says so in `problems`, and goes on trying."""
        served = self._served.get(service) or _Served(answer)
        await self._consume(service, served)
        self._served[service] = served  # not before: the canary would consume beside us
        if not served.tag:
            log.warning("queue missing", queue=topology.sync_queue(service), service=service)
            self._wanted.set()

    async def leave(self, service: str) -> None:
        """See `Bus.leave`."""
        served = self._served.pop(service, None)
        if served is not None:
            await _stop_consuming(served)

    async def _consume(self, service: str, served: _Served) -> None:
        if await self._in.consumers(topology.sync_queue(service)) is None:
            return

        async def on_request(native: AbstractIncomingMessage) -> None:
            # aio-pika cancels this task when the channel dies: the work itself is a task of ours.
            task = self._tasks.create_task(self._work(service, served.answer, native))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

        with suppress(*GONE):
            served.channel = await self._in.channel(prefetch=self._prefetch)
            served.queue = await served.channel.declare_queue(topology.sync_queue(service), passive=True)
            served.tag = await served.queue.consume(on_request)

    async def _work(self, service: str, answer: Answer, native: AbstractIncomingMessage) -> None:
        """One delivery, from decoding to ack; never raises."""
        result = "ack"
        try:
            result = await self._answered(service, answer, _plain(native), redelivered=bool(native.redelivered))
        except Exception as error:
            log.exception(
                "delivery failed", service=service, transaction=native.correlation_id, error=type(error).__name__
            )
        self._watch.delivery(service, result)
        # What cannot be acknowledged any more comes back to a sibling.
        with suppress(*GONE):
            if result == "reject":
                await native.reject(requeue=False)
            else:
                await native.ack()

    async def _answered(self, service: str, answer: Answer, message: Message, *, redelivered: bool) -> str:
        now = self._clock.now()
        try:
            request = decode_request(message, service, now=now, redelivered=redelivered, default_budget=_NO_EXPIRATION)
        except MalformedRequest as error:
            if not (message.correlation_id and message.reply_to):
                log.warning("request ignored", why=str(error), service=service)
                return "reject"
            refusal = Reply(message.correlation_id, Outcome.REJECTED, 400, "bad_request", str(error).encode())
            await self._reply(service, refusal, message, _NO_EXPIRATION)
            return "ack"
        self._watch.queue_wait(service, request.waited)
        if request.budget <= 0:
            return "expired"
        if not speaks_our_version(message):
            reply: Reply | None = Reply(request.id, Outcome.BUS_ERROR, 502, "unsupported_version")
        else:
            reply = await answer(request)
        if reply is not None and message.reply_to:
            await self._reply(service, reply, message, now + request.budget - self._clock.now())
        return "ack"

    async def _reply(self, service: str, reply: Reply, asked: Message, seconds: float) -> None:
        """Hand a reply back while anybody waits for it, across a lost connection if need be."""
        message = encode_reply(reply, operation=asked.type, service=service, answers=asked.message_id)
        end = self._clock.now() + seconds
        while (left := end - self._clock.now()) > 0:
            try:
                await self._publish(topology.REPLY, asked.reply_to, message, left)
            except Unroutable:
                log.info("reply undeliverable", service=service, transaction=reply.to, reply_to=asked.reply_to)
                self._watch.unroutable(service)
                return
            except BusUnavailable:
                await self._clock.sleep(0.1)
            else:
                return

    # Keeping

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(BUCKET)
            self._waiting.sweep(self._clock.now())

    async def _keep_serving(self) -> None:
        """The canary: where nobody consumes a queue that we serve, consume again."""
        while True:
            missing = any(not served.tag for served in self._served.values())
            with suppress(TimeoutError):
                async with asyncio.timeout(_SOON if missing else _CANARY):
                    await self._wanted.wait()
            self._wanted.clear()
            if not self._in.is_up:
                continue
            for service, served in list(self._served.items()):
                missed = not await self._in.consumers(topology.sync_queue(service))
                if missed and service in self._served:
                    await _stop_consuming(served)
                    await self._consume(service, served)


def _unanswered(slot: Slot) -> DeliveryError:
    """How a slot ends at its deadline: silence, unless the broker never said that it has the request."""
    if slot.confirmed:
        return TimedOut("budget_spent", f"{slot.service} did not answer {slot.id} within its budget")
    return BusUnavailable("unconfirmed", f"the broker did not confirm {slot.id} within its budget")


async def _stop_consuming(served: _Served) -> None:
    tag, served.tag = served.tag, ""
    if served.channel is None:
        return
    with suppress(*GONE, TimeoutError):
        async with asyncio.timeout(_SOON):
            if tag:
                await served.queue.cancel(tag)
            else:
                await served.channel.close()


def _plain(native: AbstractIncomingMessage) -> Message:
    expiration = native.expiration
    return Message(
        body=native.body,
        headers={name: _scalar(value) for name, value in native.headers.items()},
        correlation_id=native.correlation_id or "",
        message_id=native.message_id or "",
        type=native.type or "",
        app_id=native.app_id or "",
        reply_to=native.reply_to or "",
        expiration="" if expiration is None else str(int(_seconds(expiration) * 1_000)),
        content_type=native.content_type or "",
    )


def _seconds(expiration: object) -> float:
    # aio-pika gives what arrived as seconds; its type also names what can be given to it.
    return float(expiration) if isinstance(expiration, int | float) else _NO_EXPIRATION


def _scalar(value: object) -> str | int:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, str | int):
        return value
    return str(value)
