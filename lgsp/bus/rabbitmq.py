"""RabbitMQ: requests out and replies in on one channel, what is served on others, one connection for all.

request --publish--> lgsp.req    q.reply.<name> --deliver--> who waits

Serving is in `serving`, store-and-forward in `stored`; here is what asks, and what brings back whatever is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import structlog

from lgsp.bus import topology
from lgsp.bus.answerers import Answerers
from lgsp.bus.base import Answer, Silent, Take, Watch
from lgsp.bus.channel import Channel, Delivery
from lgsp.bus.errors import GONE
from lgsp.bus.link import Link
from lgsp.bus.message import Message, decode_reply, encode_request
from lgsp.bus.serving import Serving
from lgsp.bus.stored import Results, Sent, Work
from lgsp.bus.waiting import BUCKET, Arrival, Slot, Waiting
from lgsp.clock import Clock
from lgsp.errors import BusUnavailable, DeliveryError, MalformedRequest, TimedOut, Unroutable
from lgsp.model import Reply, Request

log = structlog.get_logger()
_CANARY = 5.0
_LOOKED_AT = 64  # services a look: thousands at once would keep the broker busy with nothing else
_SOON = 1.0
_CLOSING = "the bus is closing"


class RabbitBus:
    """A gateway's or a connectors process's place on the broker. With `asks` it has a reply queue of its own name.

    It declares nothing but that queue: work queues are somebody's who provisions, and a missing one is waited for.
    `lane` false: aiormq's own way, as where the fast lane cannot be attached. `answerers`: see `Answerers`.
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
        answerers: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._name = name
        self._clock = clock
        self._watch = watch or Silent()
        self._asks = asks
        self._drain = drain
        self._link = Link(
            url, name, clock, retry=retry, on_change=self.changed, spawn=self._spawn, heartbeat=heartbeat, lane=lane
        )
        self._answerers = Answerers(answerers or {})
        self._results = Results(name, self._link, self, clock, self._spawn, self._answerers)
        self._serving = Serving(self._link, self, clock, self._watch, self._spawn, prefetch)
        self._stored = Work(self._link, self, clock, self._watch, self._spawn, prefetch)
        self._was_up: bool | None = None
        self._looked = 0
        self._asking: Channel | None = None
        self._waiting = Waiting(_unanswered)
        self._served: dict[str, Answer] = {}
        self._resting: set[str] = set()
        self._tasks = asyncio.TaskGroup()
        self._keepers: list[asyncio.Task[None]] = []
        self._work_tasks = asyncio.TaskGroup()
        self._restoring = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._open = False

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
        self._open = self._serving.taking = True
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
                await self._serving.stop()
        # Only now: what came before the broker had heard of it would go to a sibling as if it had been begun here.
        self._serving.taking = False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain):
                await self._work_tasks.__aexit__(None, None, None)
        await self._tasks.__aexit__(None, None, None)
        for part in (self._serving, self._asking, self._results, self._stored):
            if part is not None:
                part.close()
        await self._link.close()

    def problems(self) -> list[str]:
        """A connection that is down or blocked, and services whose queue is missing."""
        found = [] if self._open else [_CLOSING]
        if not self._link.is_up or (self._asks and not self._asks_now):
            found.append(f"no broker connection ({self._link})")
        elif self._link.is_blocked:
            found.append("the broker takes no messages: its memory or its disk is full")
        missing = [topology.sync_queue(service) for service in self._serving.missing(self._wanted_served())]
        missing += [topology.async_queue(service) for service in self._stored.missing(self._wanted_served())]
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
        slot = self._waiting.find(reply.to)
        if slot is not None and not self._answerers.may(slot.service, message):
            log.warning(
                "reply ignored", why="not its to give", user=message.user, service=message.app_id, of=slot.service
            )
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
                for part in (self._serving, self._stored):
                    await part.open()
                    await part.consume(service, answer)
        if self._serving.missing([service]):
            log.warning("queue missing", queue=topology.sync_queue(service), service=service)
            self._wanted.set()

    async def leave(self, service: str) -> None:
        """See `Bus.leave`."""
        self._served.pop(service, None)
        await self._leave(service)

    async def _leave(self, service: str) -> None:
        async with self._restoring:
            await self._stored.leave(service)
            await self._serving.leave(service)

    async def rest(self, service: str, *, resting: bool) -> None:
        """See `Troubled.rest`."""
        if not resting:
            self._resting.discard(service)
            self._wanted.set()
            return
        self._resting.add(service)
        await self._leave(service)

    async def fill(self, service: str, seconds: float) -> None:
        """See `Troubled.fill`."""
        with suppress(*GONE):
            await self._link.fill(topology.REQUEST, service, seconds)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._work_tasks.create_task(work)

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
            self._asking = None
            self._serving.lost()
        self._wanted.set()

    async def _restore(self) -> None:
        """Open what channels are gone, and consume from what queues nobody of ours consumes from."""
        async with self._restoring:
            if self._asks:
                await self._open_asking()
            await self._serving.restore(self._wanted_served())
            await self._results.restore()
            await self._stored.restore(self._wanted_served())

    def _wanted_served(self) -> dict[str, Answer]:
        return {service: answer for service, answer in self._served.items() if service not in self._resting}

    async def _open_asking(self) -> None:
        asking = self._asking if self._asks_now else None
        asking = asking or await self._link.channel(self, confirms=True)
        queue = topology.reply_queue(self._name)
        if not asking.consumes(queue):
            await asking.declare(queue, "classic", ((topology.REPLY, self._name, {}),))
            await asking.consume(queue, self._on_reply, no_ack=True)
        self._asking = asking

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
                async with asyncio.timeout(_SOON if self._misses_some else _CANARY):
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

    @property
    def _misses_some(self) -> bool:
        wanted = self._wanted_served()
        return bool(self._serving.missing(wanted) or self._stored.missing(wanted))

    async def _look(self) -> None:
        """Where the broker knows of no consumer on a queue that we think we serve, consume again; some services at a time."""
        wanted = self._wanted_served()
        names, self._looked = some(list(wanted), self._looked, _LOOKED_AT)
        async with self._restoring:
            for part in (self._serving, self._stored):
                if self._open:  # it may be closed meanwhile, and the word of it lost as above
                    await part.look({service: wanted[service] for service in names})


def some(services: list[str], first: int, at_most: int) -> tuple[list[str], int]:
    """Whose turn it is when so many have had theirs, and where the next turn begins: each comes as often as the others."""
    if not services:
        return [], 0
    first %= len(services)
    taken = [*services[first:], *services[:first]][:at_most]
    return taken, first + len(taken)


def _unanswered(slot: Slot) -> DeliveryError:
    """How a slot ends at its deadline: silence, unless the broker never said that it has the request."""
    if slot.confirmed:
        return TimedOut("budget_spent", f"{slot.service} did not answer {slot.id} within its budget")
    return BusUnavailable("unconfirmed", f"the broker did not confirm {slot.id} within its budget")
