"""The way of what is stored first: on disk before anything is answered, then brought to its one outcome.

send --> outbox.put --> bus.submit --> ... --> take --> outbox.end --> every tap, and whoever still waits
            ^                                  |
            +---- due: again, and again -------+
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Protocol, Self

import structlog

from lgsp.bus.base import Bus
from lgsp.chance import draw
from lgsp.clock import Clock
from lgsp.errors import DeliveryError, LedgerUnavailable
from lgsp.forwarding.alive import Alive, Live, Terms
from lgsp.forwarding.schedule import Answered, Begun, Confirmed, Due, Event, Step, Untaken, decide
from lgsp.ledger.outbox import Kept, Outbox, Repeated, State, Stored
from lgsp.model import EXECUTING, Outcome, Reply, Request, Tap, Transaction

log = structlog.get_logger()
_TICK = 0.25
_SWEEP = 60.0
_PUBLISHING = 64
_FIRST = 30.0
"""Seconds within which the first publish is confirmed or not, come what may."""
_WITH_BUS = frozenset({State.QUEUED, State.EXECUTING})
GAVE_UP, MAX_AGE = "gave_up", "max_age"


class Watch(Protocol):
    """Told of what is not taken as an answer. Nothing here may block or raise."""

    def late_reply(self, service: str) -> None:
        """A result came for what had its outcome already."""
        ...

    def duplicate_reply(self, service: str) -> None:
        """The same answer came once more."""
        ...


class Debts(Protocol):
    """Who is to be told that something has ended: see `lgsp.forwarding.callbacks.Callbacks`."""

    def due(self, consumer: str, now: float) -> float | None:
        """When a consumer is to be told of what ends now; `None` where it is not."""
        ...

    def owe(self, id_: str, due: float) -> None:
        """That stands in the outbox now."""
        ...


class Shelf(Protocol):
    """Told how many are parked. Nothing here may block or raise."""

    def parked(self, service: str, count: int) -> None:
        """So many are parked now."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was accepted, under which id, and its transaction where it ended in time."""

    id: str
    transaction: Transaction | None


class Forwarder:
    """Brings each stored request to exactly one outcome within its age, whatever is killed meanwhile.

    With `bus_forgets` the bus loses what it had when this process ends: everything is published again at start.
    """

    def __init__(
        self,
        bus: Bus,
        outbox: Outbox,
        taps: Sequence[Tap],
        watch: Watch,
        shelf: Shelf,
        clock: Clock,
        *,
        seed: int,
        bus_forgets: bool,
        terms: Terms | None = None,
        debts: Debts | None = None,
    ) -> None:
        self._bus = bus
        self._outbox = outbox
        self._taps = taps
        self._watch = watch
        self._shelf = shelf
        self._clock = clock
        self._seed = seed
        self._bus_forgets = bus_forgets
        self._terms = terms or Terms()
        self._debts = debts
        self._live = Alive()
        self._tasks = asyncio.TaskGroup()
        self._keeper: asyncio.Task[None] | None = None
        self._publishing = asyncio.Semaphore(_PUBLISHING)
        self._stopping = False
        self._parked: Counter[str] = Counter()
        self.lost_notes = 0
        """Notes that taps failed to take."""

    def __repr__(self) -> str:
        return f"<Forwarder {len(self._live)} under way, {self._parked.total()} parked>"

    async def __aenter__(self) -> Self:
        """Go on where the last process stopped. The bus is open, and the ledger."""
        now = self._clock.now()
        for standing in await self._outbox.live():
            begun = standing
            if standing.state is State.STORED or (self._bus_forgets and standing.state in _WITH_BUS):
                begun = replace(standing, due=now)
            self._live.add(Live(begun))
        await self._count_parked()
        await self._tasks.__aenter__()
        await self._bus.collect(self.take)
        self._keeper = self._tasks.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Publish nothing more; what is being written is written. The rest is for the next start."""
        self.release()
        if self._keeper is not None:
            self._keeper.cancel()
        await self._tasks.__aexit__(None, None, None)

    def release(self) -> None:
        """Store nothing more, and let nobody wait any longer: what was accepted goes on after the next start."""
        self._stopping = True
        for live in self._live:
            if live.waiter is not None and not live.waiter.done():
                live.waiter.cancel()

    @property
    def parked(self) -> Mapping[str, int]:
        """How many are parked, by service."""
        return self._parked

    def refusal(self, service: str) -> str:
        """Why nothing more is stored for a service at the moment; nothing when it is."""
        if self._stopping:
            return "shutting_down"
        return "overloaded" if self._live.is_full(service, self._terms) else ""

    async def send(self, request: Request, *, wait: float, age: float | None = None) -> Receipt:
        """Accept `request` and wait so many seconds for its end. What was accepted goes on without its caller.

        It ends within `age` seconds, of its own or as usual.

        The same sent again under one `Idempotency-Key` is the first one. Raises `Conflict` when it is not the same,
        `LedgerUnavailable` when it cannot be stored: then nothing is accepted.
        """
        request = replace(request, stored=True)
        now = self._clock.now()
        try:
            standing = await self._outbox.put(request, expires=now + (age or self._terms.age))
        except Repeated as first:
            return await self._join(first.id, request, wait)
        standing = replace(standing, due=now + _FIRST)
        live = Live(standing, request if wait > 0 else None)
        self._live.add(live)
        self._tasks.create_task(self._publish(live, request))
        return Receipt(request.id, await self._wait(live, wait))

    async def find(self, id_: str) -> Kept | None:
        """What is known of a stored request."""
        kept = await self._outbox.find(id_)
        live = self._live.get(id_)
        return kept if kept is None or live is None else replace(kept, standing=live.standing)

    async def requeue(self, id_: str, new_id: str) -> str | None:
        """Send what is parked once more, as a new transaction, and forget the parked one. Its id; `None` without one.

        Raises `LedgerUnavailable`.
        """
        request = await self._outbox.request(id_)
        kept = await self._outbox.find(id_)
        if request is None or kept is None or kept.standing.state is not State.PARKED:
            return None
        headers = {name: value for name, value in request.headers.items() if name != "idempotency-key"}
        age = kept.standing.expires - kept.standing.accepted
        receipt = await self.send(replace(request, id=new_id, headers=headers), wait=0, age=age)
        log.info("requeued", transaction=id_, service=request.service, as_transaction=new_id)
        await self.drop(id_)
        return receipt.id

    async def drop(self, id_: str) -> bool:
        """Forget what is parked, body and all; whether there was something."""
        kept = await self._outbox.find(id_)
        if kept is None or not await self._outbox.drop(id_):
            return False
        self._park(kept.standing.service, -1)
        return True

    async def list_parked(self) -> list[Kept]:
        """What is parked, the oldest first."""
        return await self._outbox.parked()

    async def take(self, reply: Reply, number: int) -> bool:
        """See `lgsp.bus.base.Take`: false while the ledger cannot be written."""
        live = self._live.get(reply.to)
        if live is not None and reply.service not in {"", live.standing.service}:
            log.warning("result ignored", why="not its to give", service=reply.service, of=live.standing.service)
            return True
        if (reply.outcome, reply.status, reply.reason) == EXECUTING:
            if live is not None:
                standing, step = self._decided(live.standing, Begun(number))
                if step is Step.NOTE:  # a word of no consequence: it is not worth the disk
                    self._live.stand(live, standing)
            return True
        if live is None or live.ending:
            kept = None if live is not None else await self._known(reply.to)
            if kept is not None:
                self._watch.late_reply(kept.standing.service)
            return True
        try:
            return await self._taken(live, reply, number)
        except LedgerUnavailable as error:
            log.info("result waits", transaction=reply.to, service=live.standing.service, why=str(error))
            return False

    async def _taken(self, live: Live, reply: Reply, number: int) -> bool:
        standing, step = self._decided(live.standing, Answered(number, reply.outcome, reply.reason))
        if step is Step.NOTHING:
            self._watch.duplicate_reply(live.standing.service)
        elif step is Step.NOTE:
            await self._outbox.move(standing)
            self._live.stand(live, standing)
        elif reply.reason == "retry":
            await self._end(live, standing, None, reply.outcome, GAVE_UP, park=True)
        else:
            await self._end(live, standing, reply, reply.outcome, reply.reason, park=step is Step.PARK)
        return True

    async def _known(self, id_: str) -> Kept | None:
        try:
            return await self._outbox.find(id_)
        except LedgerUnavailable:
            return None  # only its count is missed

    async def _join(self, id_: str, request: Request, wait: float) -> Receipt:
        """Wait for what was sent before under the same key."""
        live = self._live.get(id_)
        if live is not None:
            return Receipt(id_, await self._wait(live, wait))
        kept = await self._outbox.find(id_)
        if kept is None or kept.outcome is None:
            return Receipt(id_, None)
        standing = kept.standing
        again = replace(request, id=id_, attempt=max(standing.attempts, 1))
        return Receipt(id_, Transaction(again, kept.reply, kept.outcome, kept.reason, standing.accepted, 0.0))

    async def _wait(self, live: Live, seconds: float) -> Transaction | None:
        if seconds <= 0:
            return None
        if live.waiter is None:
            live.waiter = asyncio.get_running_loop().create_future()
        waiter = live.waiter
        sleeper = self._tasks.create_task(self._clock.sleep(seconds))
        either: set[asyncio.Future[Any]] = {waiter, sleeper}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
        live.request = None
        return waiter.result() if waiter.done() and not waiter.cancelled() else None

    # Keeping

    async def _keep(self) -> None:
        swept = self._clock.now()
        while True:
            await self._clock.sleep(_TICK)
            now = self._clock.now()
            for live in self._live.due(now):
                self._tasks.create_task(self._due(live))
            if now - swept >= _SWEEP:
                swept = now
                self._tasks.create_task(self._sweep())

    async def _sweep(self) -> None:
        try:
            await self._outbox.sweep()
            await self._count_parked()
        except LedgerUnavailable as error:
            log.info("outbox not swept", why=str(error))

    async def _count_parked(self) -> None:
        found = await self._outbox.counts()
        parked = Counter({service: count for (service, state), count in found.items() if state is State.PARKED})
        for service in parked | self._parked:
            self._park(service, parked[service] - self._parked[service])

    def _park(self, service: str, change: int) -> None:
        self._parked[service] += change
        self._shelf.parked(service, self._parked[service])

    async def _due(self, live: Live) -> None:
        standing, step = self._decided(live.standing, Due())
        try:
            if step is Step.EXPIRE:
                await self._end(live, standing, None, Outcome.TIMEOUT, MAX_AGE, park=True)
            elif step is Step.PUBLISH:
                request = live.request or await self._outbox.request(standing.id)
                await self._outbox.move(standing)
                live.standing = standing
                if request is not None:
                    await self._publish(live, request)
        except LedgerUnavailable:
            self._live.remind(live)

    async def _publish(self, live: Live, request: Request) -> None:
        standing = live.standing
        number = standing.publishes
        event: Event = Confirmed(number)
        asked = replace(request, attempt=standing.attempts + 1, stored=False)
        try:
            async with self._publishing:
                await self._bus.submit(asked, publish=number, age=standing.expires - self._clock.now())
        except DeliveryError as error:
            event = Untaken(number)
            log.info("not taken", transaction=standing.id, service=standing.service, why=error.reason)
        if live.ending:
            return
        moved, step = self._decided(live.standing, event)
        if step is Step.NOTE:
            self._live.stand(live, moved)
            try:
                await self._outbox.move(moved)
            except LedgerUnavailable as error:
                log.info("not noted", transaction=standing.id, service=standing.service, why=str(error))

    async def _end(
        self, live: Live, standing: Stored, reply: Reply | None, outcome: Outcome, reason: str, *, park: bool
    ) -> None:
        live.ending = True
        now = self._clock.now()
        try:
            request = live.request or await self._outbox.request(standing.id)
            if request is None:  # an end that seemed to fail came through, and took the body away
                request = Request(standing.id, standing.service, standing.operation, "", key=standing.key)
            attempts = max(standing.attempts + (reply is not None), 1)
            request = replace(request, attempt=attempts, stored=True)
            transaction = Transaction(request, reply, outcome, reason, standing.accepted, now - standing.accepted)
            keep = now + (self._terms.parked if park else self._terms.result)
            call = self._debts.due(request.consumer, now) if self._debts else None
            is_first = await self._outbox.end(transaction, park=park, keep=keep, call=call)
        except LedgerUnavailable:
            live.ending = False
            raise
        self._live.remove(live)
        if park:
            self._park(standing.service, 1)
        if is_first:
            self._tell(transaction)
            if self._debts and call is not None:
                self._debts.owe(standing.id, call)
        if live.waiter is not None and not live.waiter.done():
            live.waiter.set_result(transaction)

    def _tell(self, transaction: Transaction) -> None:
        for tap in self._taps:
            try:
                tap.saw(transaction)
            except Exception as error:
                self.lost_notes += 1
                log.exception("tap failed", tap=type(tap).__name__, error=type(error).__name__)

    def _decided(self, standing: Stored, event: Event) -> tuple[Stored, Step]:
        chance = draw(self._seed, standing.service, standing.operation, "pause", standing.key, standing.publishes)
        return decide(standing, event, self._clock.now(), chance)
