"""A small province on a virtual clock: two gateways with a ledger each, a hostile broker, two connectors. One seed, one history.

lgsp's own: dispatcher, ledger with its journal and recovery, waiting, the messages' coding, host, the edge's answers.
Played: the broker (loses, returns, refuses, delays, delivers again, doubles and delays replies), processes that die,
callers that leave, a disk without room.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field, replace

import books
from builders import a_service, an_operation, nowhere
from caller import echo_of
from checker import Call, Execution, Witnesses
from played import Played
from stepped import SteppedLedger

from lgsp.bus.message import Message, decode_reply, decode_request, encode_reply, encode_request
from lgsp.bus.rabbitmq import _unanswered
from lgsp.bus.waiting import BUCKET, Slot, Waiting
from lgsp.catalogue.service import Catalogue
from lgsp.chance import uuid7
from lgsp.dispatch import Dispatcher
from lgsp.edge.answers import answer_of
from lgsp.errors import BusUnavailable, LedgerUnavailable, TimedOut, Unroutable
from lgsp.ledger.files import Files
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.host import Host
from lgsp.runtime.state import States

BUDGET = 2.0
SECONDS = 8.0
GATEWAYS = ("gw1", "gw2")
CONNECTORS = ("c1", "c2")
METHODS = ("GET", "POST")
SERVICES = tuple(
    a_service(f"s{n}", *(an_operation(f"{method} /items/{{nonce}}") for method in METHODS), timeout=BUDGET)
    for n in range(3)
)
KINDS = [(s.id, operation, "chaos") for s in SERVICES for operation in s.operations]
FAULTS = (
    "gateway killed", "gateway killed in its commit", "connector killed", "connector frozen", "broker killed",
    "broker blocked", "queue deleted", "connection lost", "slow network", "disk full", "callers leave", "replies doubled",
)  # fmt: skip


class Unwatched:
    """Nobody measures here."""

    def busy(self, service: str, change: int) -> None: ...

    def duration(self, service: str, seconds: float) -> None: ...


@dataclass(slots=True)
class Letter:
    """A request on the broker: who published it, and whether it was delivered before."""

    message: Message
    service: str
    redelivered: bool = False


class Gateway:
    """One life of a gateway process; also its bus."""

    kind = "simulated"

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.ledger = SteppedLedger(
            Files(world.directory, name), [s.id for s in SERVICES], world.clock, copies=world.directory / "copies", capacity=512
        )  # fmt: skip
        self.ledger.begin(KINDS)
        self.waiting = Waiting(_unanswered)
        self.dispatcher = Dispatcher(self, world.catalogue, self.ledger, [], world.clock)  # type: ignore[arg-type]  # the part of a bus that it uses
        self.calls: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        await self.dispatcher.__aenter__()
        self.world.spawn(self._sweep())
        self.world.spawn(self._write())

    async def _sweep(self) -> None:
        while not self.ledger.is_dead:
            await asyncio.sleep(BUCKET)
            self.waiting.sweep(self.world.clock.now())

    async def _write(self) -> None:
        while not self.ledger.is_dead:
            await asyncio.sleep(self.world.chance.uniform(0.02, 0.4))
            self.ledger.turn()

    async def request(self, request: Request, *, timeout: float) -> Reply:
        now = self.world.clock.now()
        if self.world.is_on("broker killed"):
            raise BusUnavailable("bus_unavailable")
        if self.world.is_on("broker blocked"):
            raise BusUnavailable("bus_blocked")
        message = encode_request(request, publish=1, reply_to=self.name, budget=timeout, now=now)
        slot = self.waiting.expect(request.id, request.service, now + timeout)
        slot.confirmed = False
        self.world.publish(self, Letter(message, request.service), slot)
        return await slot.future

    async def resume(self, request_id: str) -> Reply:
        future = self.waiting.resume(request_id)
        if future is None:
            raise TimedOut("budget_spent", request_id)
        return await future

    def replied(self, message: Message) -> None:
        if not self.ledger.is_dead:
            self.waiting.resolve(decode_reply(message))

    def die(self, *, in_commit: bool) -> None:
        """SIGKILL: what it would still do does not happen."""
        if in_commit:
            self.ledger.torn_turn()
        self.ledger.die()
        self.waiting.fail_all(BusUnavailable("dead"))
        for task in self.calls:
            task.cancel()


@dataclass
class World(Played):
    """Everything of one seed, and what was seen of it."""

    transactions: int = 200
    calls: list[Call] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.catalogue = Catalogue({service.id: service for service in SERVICES})
        self.gateways: dict[str, Gateway | None] = {}
        self._frozen: set[str] = set()
        self._deleted: set[str] = set()
        self._queues: dict[str, deque[Letter]] = {service.id: deque() for service in SERVICES}
        self._working: dict[str, dict[str, tuple[Letter, asyncio.Task[None]]]] = {name: {} for name in CONNECTORS}
        self._down: set[str] = set()
        self._ids = 0
        host = Host(
            None, self.catalogue, self.clock, Unwatched(), States(self.clock), nowhere(self.clock), seed=self.seed
        )  # type: ignore[arg-type]  # it serves on no bus here
        self._answers = {service.id: host.answer(service, self) for service in SERVICES}

    # The broker

    def publish(self, gateway: Gateway, letter: Letter, slot: Slot) -> None:
        """Lost with its connection, given back, refused, or taken; confirmed later, or never."""
        fate = self.chance.random()
        self.note("publish", letter.message.message_id)
        if self.is_on("connection lost") and fate < 0.5:
            error = BusUnavailable("unconfirmed", slot.id)
            self.loop.call_later(0.01, gateway.waiting.fail, slot.id, error)
            if fate < 0.25:
                return  # the other half came through all the same
        elif letter.service in self._deleted:
            gateway.waiting.fail(slot.id, Unroutable("unroutable", letter.service))
            return
        elif fate > 0.995:
            gateway.waiting.fail(slot.id, BusUnavailable("overloaded", letter.service))
            return
        self._queues[letter.service].append(letter)
        if fate < 0.98:
            self.loop.call_later(self._delay(), setattr, slot, "confirmed", True)  # noqa: FBT003 - setattr's shape
        self._deliver_soon(letter.service)

    def _delay(self) -> float:
        return self.chance.uniform(0.2, 1.5) if self.is_on("slow network") else self.chance.uniform(0.001, 0.02)

    def _deliver_soon(self, service: str) -> None:
        self.loop.call_later(self._delay(), self._deliver, service)

    def _deliver(self, service: str) -> None:
        """To a connector in turn; in the queue while nobody takes it."""
        queue = self._queues[service]
        taking = [name for name in CONNECTORS if name not in self._down | self._frozen]
        if not queue or self.is_on("broker killed"):
            return
        if not taking:
            self.loop.call_later(0.1, self._deliver, service)
            return
        if self.chance.random() < 0.05:
            queue.rotate(-1)  # out of order
        letter, name = queue.popleft(), self.chance.choice(taking)
        if letter.message.message_id in self._working[name]:
            return
        self._working[name][letter.message.message_id] = letter, self.spawn(self._work(name, letter))

    async def _work(self, name: str, letter: Letter) -> None:
        """A connectors process: decode, answer, hand back, acknowledge, as `RabbitBus` does."""
        request = decode_request(
            letter.message, letter.service, now=self.clock.now(), redelivered=letter.redelivered, default_budget=60.0
        )
        due = self.clock.now() + request.budget
        if request.budget > 0:
            reply = await self._answers[letter.service](request)
            while True:
                if name not in self._frozen and (not self.is_on("broker killed") or self.clock.now() >= due):
                    break
                await asyncio.sleep(0.1)
            if isinstance(reply, Reply) and not self.is_on("broker killed"):
                self._reply(letter, reply)
        self._working[name].pop(letter.message.message_id, None)

    def _reply(self, letter: Letter, reply: Reply) -> None:
        asked = letter.message
        message = encode_reply(reply, operation=asked.type, service=letter.service, answers=asked.message_id)
        copies = 2 if self.is_on("replies doubled") and self.chance.random() < 0.5 else 1
        for _ in range(copies):
            late = 3.0 if self.is_on("replies doubled") and self.chance.random() < 0.1 else 0.0
            self.loop.call_later(self._delay() + late, self._replied, asked.reply_to, message)

    def _replied(self, name: str, message: Message) -> None:
        gateway = self.gateways.get(name)
        if gateway is not None and not self.is_on("broker killed"):
            self.note("reply", message.correlation_id)
            gateway.replied(message)

    # The connector

    async def answer(self, request: Request) -> Reply:
        """Writes its own log, and is slow at times."""
        nonce = request.path.rpartition("/")[2]
        self.executions.append(Execution(request.id, nonce, request.operation.split()[0]))
        self.note("execute", request.id)
        if int(nonce[:2], 16) < 64:
            await asyncio.sleep(int(nonce[2:4], 16) / 200)
        if int(nonce[4:6], 16) < 20:
            return Reply.of_json(request, {"nonce": nonce}, outcome=Outcome.BUSINESS_FAULT, status=404)
        return Reply.of_json(request, {"nonce": nonce})

    # The callers

    async def _call(self, gateway: Gateway, service: str, method: str, nonce: str) -> None:
        began, self._ids = self.loop.time(), self._ids + 1
        request = Request(
            id=uuid7(int(self.clock.now() * 1000), self._ids),
            service=service,
            operation=f"{method} /items/{{nonce}}",
            path=f"/items/{nonce}",
            consumer="chaos",
            key=nonce,
            headers={"traceparent": f"00-{nonce}-{nonce[:16]}-01"},
        )
        call = Call(nonce, gateway.name, service, method, began, began)
        try:
            ended = await gateway.dispatcher.send(request)
        except LedgerUnavailable:
            call = replace(call, status=0 if gateway.ledger.is_dead else 503)
        except asyncio.CancelledError:
            self.note("broken", request.id)
        else:
            if not gateway.ledger.is_dead:
                status = answer_of(ended, "").status
                echo = echo_of(ended.reply.body) if ended.reply else ""
                call = replace(call, status=status, outcome=str(ended.outcome), transaction=request.id, echo=echo)
                self.note(str(ended.outcome), request.id)
        self.calls.append(replace(call, ended=self.loop.time()))

    async def _traffic(self) -> None:
        for _ in range(self.transactions):
            await asyncio.sleep(SECONDS / self.transactions)
            name, service = self.chance.choice(GATEWAYS), self.chance.choice(SERVICES).id
            method, nonce = self.chance.choice(METHODS), f"{self.chance.getrandbits(128):032x}"
            gateway = self.gateways[name]
            if gateway is None:
                self.calls.append(Call(nonce, name, service, method, self.loop.time(), self.loop.time()))
                continue
            task = self.spawn(self._call(gateway, service, method, nonce))
            gateway.calls.append(task)
            if self.is_on("callers leave") and self.chance.random() < 0.3:
                self.loop.call_later(self.chance.uniform(0.0, 0.3), task.cancel)

    # The faults

    async def _fault(self, kind: str, start: float, seconds: float) -> None:
        await asyncio.sleep(start)
        self.note("fault", kind)
        self.faults[kind] += 1
        if kind.startswith("gateway"):
            await self._kill_gateway(self.chance.choice(GATEWAYS), seconds, in_commit="commit" in kind)
        elif kind == "connector killed":
            await self._kill_connector(self.chance.choice(CONNECTORS), seconds)
        elif kind == "connector frozen":
            await self._among(self._frozen, self.chance.choice(CONNECTORS), seconds)
        elif kind == "queue deleted":
            service = self.chance.choice(SERVICES).id
            self._queues[service].clear()
            await self._among(self._deleted, service, seconds)
        elif kind == "disk full":
            gateway = self.gateways[self.chance.choice(GATEWAYS)]
            if gateway is not None:
                gateway.ledger.fill("the disk is full")
                await asyncio.sleep(seconds)
                gateway.ledger.fill("")
        else:
            self._on[kind] += 1
            if kind == "broker killed":
                for queue in self._queues.values():
                    queue.clear()
            await asyncio.sleep(seconds)
            self._on[kind] -= 1

    @staticmethod
    async def _among(these: set[str], name: str, seconds: float) -> None:
        these.add(name)
        await asyncio.sleep(seconds)
        these.discard(name)

    async def _kill_gateway(self, name: str, seconds: float, *, in_commit: bool) -> None:
        gateway = self.gateways[name]
        if gateway is None:
            return
        self.gateways[name] = None
        gateway.die(in_commit=in_commit)
        await asyncio.sleep(seconds)
        again = Gateway(self, name)
        self.note("recovered", repr(again.ledger.findings))
        await again.begin()
        self.gateways[name] = again

    async def _kill_connector(self, name: str, seconds: float) -> None:
        """What it had not acknowledged comes back, marked, to whoever is there."""
        lost, self._working[name] = self._working[name], {}
        self._down.add(name)
        for letter, task in lost.values():
            task.cancel()
            if not self.is_on("broker killed"):
                self._queues[letter.service].appendleft(replace(letter, redelivered=True))
                self._deliver_soon(letter.service)
        await asyncio.sleep(seconds)
        self._down.discard(name)

    # The account

    def _account(self) -> None:
        """At any moment: accepted = ended + open."""
        for name, gateway in self.gateways.items():
            if gateway is None:
                continue
            ended: Counter[str] = Counter()
            for (service, _), count in gateway.ledger.totals().items():
                ended[service] += count
            for service, count in gateway.ledger.accepted().items():
                if count != ended[service] + gateway.ledger.still_open()[service]:
                    self.complaints.append(f"{name}: {service} accepted {count}, ended {ended[service]}")

    async def live(self) -> None:
        """From the first call to rest."""
        for name in GATEWAYS:
            self.gateways[name] = made = Gateway(self, name)
            await made.begin()
        for kind in self.chance.sample(FAULTS, self.chance.randint(3, 6)):
            start, seconds = self.chance.uniform(0.3, SECONDS - 1.0), self.chance.uniform(0.1, 2.5)
            self.spawn(self._fault(kind, start, seconds))
        traffic = self.spawn(self._traffic())
        for _ in range(40):
            await asyncio.sleep(0.4)
            self._account()
        await traffic
        for gateway in self.gateways.values():
            assert gateway is not None
            gateway.ledger.turn()

    def heard(self) -> Witnesses:
        """What everybody says at rest; closes the ledgers."""
        seen = Witnesses(BUDGET, self.calls, executions=self.executions, complaints=self.complaints)
        scraped, rows, hours, hashes = {}, [], Counter(), {}
        for name, gateway in self.gateways.items():
            assert gateway is not None
            totals = gateway.ledger.totals().items()
            scraped |= {(name, service, str(outcome)): count for (service, outcome), count in totals if count}
            seen.still_open = {**seen.still_open, name: sum(gateway.ledger.still_open().values())}
            gateway.ledger.die()
            rows += books.rows_of(self.directory, name)
            hours.update(books.hours_of(self.directory, name))
            hashes |= books.hashes_of(self.directory, name, [c.nonce for c in self.calls if c.gateway == name])
        seen.scraped, seen.rows, seen.hours, seen.hashes = scraped, rows, hours, hashes
        queued = {service: len(queue) for service, queue in self._queues.items()}
        seen.queues = queued | {name: len(working) for name, working in self._working.items()}
        return seen
