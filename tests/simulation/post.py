"""Store-and-forward on a virtual clock: two gateways with an outbox each, a hostile broker, two connectors. One seed, one history.

lgsp's own: forwarder and its schedule, outbox, ledger with its journal and recovery, the messages' coding, host, inbox.
Played: the broker (whose stored messages outlive it, and which loses what it has not confirmed, delivers again and out of
order, or loses a queue), processes that die between any two steps, a disk without room, callers that wait for a while.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

import books
from builders import nowhere
from checker import ANSWERED
from desk import OPERATION, PATIENCE, SERVICES, Desk, Letter, Nobody
from played import Played

from lgsp.bus.message import Message, decode_reply, decode_request, encode_reply, number_answered
from lgsp.catalogue.service import Catalogue
from lgsp.chance import uuid7
from lgsp.errors import BusUnavailable, LedgerUnavailable, Unroutable
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Kept, State
from lgsp.runtime.host import Host
from lgsp.runtime.state import States

SECONDS = 8.0
REST = 2_000.0
"""Seconds in which everything has ended: longer than the silence after which a message is published again, twice."""
GATEWAYS = ("gw1", "gw2")
CONNECTORS = ("c1", "c2")
FAULTS = (
    "gateway killed", "gateway killed in its commit", "connector killed", "broker killed", "queue deleted",
    "connection lost", "slow network", "disk full", "results doubled",
)  # fmt: skip


@dataclass
class Post(Played):
    """Everything of one seed, and what was seen of it."""

    requests: int = 100
    accepted: dict[str, str] = field(default_factory=dict)
    """Transactions of which somebody was told that they are stored, with the outcome that was told, if any."""
    refused: set[str] = field(default_factory=set)
    effects: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.desks: dict[str, Desk | None] = {}
        self._catalogue = Catalogue({service.id: service for service in SERVICES})
        self._broker = asyncio.Event()
        self._broker.set()
        self._deleted: set[str] = set()
        self._down: set[str] = set()
        self._queues: dict[str, deque[Letter]] = {service.id: deque() for service in SERVICES}
        self._results: dict[str, int] = dict.fromkeys(GATEWAYS, 0)
        self._working: dict[str, dict[int, tuple[Letter, asyncio.Task[None]]]] = {name: {} for name in CONNECTORS}
        self._numbers = 0

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    # The broker

    async def publish(self, letter: Letter) -> None:
        """Returns when it is stored for good. What is not confirmed is there all the same, or is not."""
        await asyncio.sleep(self._delay())
        self.note("publish", letter.message.message_id)
        if self.is_on("broker killed"):
            raise BusUnavailable("bus_unavailable")
        if letter.service in self._deleted:
            raise Unroutable("unroutable", letter.service)
        fate = self.chance.random()
        is_lost = self.is_on("connection lost") and fate < 0.6
        if not is_lost or fate < 0.3:
            self._queues[letter.service].append(letter)
            self.loop.call_later(self._delay(), self._deliver, letter.service)
        if is_lost:
            raise BusUnavailable("unconfirmed")

    def _delay(self) -> float:
        return self.chance.uniform(0.2, 1.5) if self.is_on("slow network") else self.chance.uniform(0.001, 0.02)

    def _deliver(self, service: str) -> None:
        queue = self._queues[service]
        taking = [name for name in CONNECTORS if name not in self._down]
        if not queue:
            return
        if not taking or self.is_on("broker killed"):
            self.loop.call_later(0.1, self._deliver, service)
            return
        if self.chance.random() < 0.1:
            queue.rotate(-1)  # out of order
        letter, name, number = queue.popleft(), self.chance.choice(taking), self._number()
        self._working[name][number] = letter, self.spawn(self._work(name, number, letter))

    def _again(self, letter: Letter) -> None:
        self._queues[letter.service].appendleft(replace(letter, delivered=letter.delivered + 1))
        self.loop.call_later(self._delay(), self._deliver, letter.service)

    # The connectors

    async def _work(self, name: str, number: int, letter: Letter) -> None:
        """Decode, answer, hand back, acknowledge, as `lgsp.bus.stored.Work` does."""
        request = decode_request(
            letter.message, letter.service, now=self.clock.now(), redelivered=letter.delivered > 0, default_budget=60.0
        )
        request.stored = True
        await asyncio.sleep(self._delay())
        reply = await self._answers[letter.service](request) or Reply(request.id, Outcome.TIMEOUT, 504, "retry")
        assert isinstance(reply, Reply)
        await self._broker.wait()
        asked = letter.message
        message = encode_reply(reply, operation=asked.type, service=letter.service, answers=asked.message_id)
        copies = 2 if self.is_on("results doubled") and self.chance.random() < 0.5 else 1
        for _ in range(copies):
            self._results[asked.reply_to] += 1
            self.spawn(self._hand_over(asked.reply_to, message))
        await asyncio.sleep(self._delay())  # killed here, it has answered and not acknowledged
        del self._working[name][number]

    async def _hand_over(self, name: str, message: Message) -> None:
        """To whichever life of the gateway takes it; the broker holds it until one has."""
        while True:
            await asyncio.sleep(self._delay())
            desk = self.desks.get(name)
            if desk is None or desk.take is None or self.is_on("broker killed"):
                await asyncio.sleep(0.1)
                continue
            took = self.loop.create_task(desk.take(decode_reply(message), number_answered(message)))
            await asyncio.wait([took, desk.died], return_when=asyncio.FIRST_COMPLETED)
            if not desk.died.done() and took.result():
                self.note("result", message.correlation_id)
                self._results[name] -= 1
                return

    STATE: ClassVar = {"refused": Kept(86_400.0)}

    def answer_with(self, request: Request, state: State) -> Reply:
        """Nobody there at the first try, refused until it is sent anew, or an effect: as the nonce says."""
        nonce = request.path.rpartition("/")[2]
        self.note("asked", request.id)
        if int(nonce[:2], 16) < 48 and request.attempt == 1:
            return Reply(request.id, Outcome.UNREACHABLE, 503, "provider_down")
        if int(nonce[2:4], 16) < 16:
            state.put("refused", nonce, request.id)
            return Reply.of_json(
                request, {"nonce": nonce}, outcome=Outcome.PROVIDER_ERROR, status=502, reason="refused"
            )
        self.effects[request.id] += 1
        if int(nonce[4:6], 16) < 24:
            return Reply.of_json(request, {"nonce": nonce}, outcome=Outcome.BUSINESS_FAULT, status=404)
        return Reply.of_json(request, {"nonce": nonce})

    # The callers

    async def _call(self, desk: Desk, service: str, nonce: str) -> None:
        id_ = uuid7(int(self.clock.now() * 1000), self._number())
        request = Request(id_, service, OPERATION, f"/items/{nonce}", consumer="sim", key=nonce, body=nonce.encode())
        try:
            receipt = await desk.forwarder.send(request, wait=self.chance.choice([0.0, PATIENCE]))
        except LedgerUnavailable:
            if not desk.ledger.is_dead:
                self.refused.add(id_)
            return
        if not desk.ledger.is_dead:
            told = receipt.transaction
            self.accepted[id_] = "" if told is None else str(told.outcome)
            self.note("receipt", f"{id_} {self.accepted[id_]}")

    async def _traffic(self) -> None:
        for _ in range(self.requests):
            await asyncio.sleep(SECONDS / self.requests)
            name, service = self.chance.choice(GATEWAYS), self.chance.choice(SERVICES).id
            nonce, desk = f"{self.chance.getrandbits(128):032x}", self.desks[name]
            if desk is not None:
                self.spawn(self._call(desk, service, nonce))

    # The faults

    async def _fault(self, kind: str, start: float, seconds: float) -> None:
        await asyncio.sleep(start)
        self.note("fault", kind)
        self.faults[kind] += 1
        if kind.startswith("gateway"):
            await self._kill_gateway(self.chance.choice(GATEWAYS), seconds, in_commit="commit" in kind)
        elif kind == "connector killed":
            await self._kill_connector(self.chance.choice(CONNECTORS), seconds)
        elif kind == "queue deleted":
            service = self.chance.choice(SERVICES).id
            self._queues[service].clear()
            self._deleted.add(service)
            await asyncio.sleep(seconds)
            self._deleted.discard(service)
        elif kind == "disk full":
            desk = self.desks[self.chance.choice(GATEWAYS)]
            if desk is not None:
                desk.ledger.fill("the disk is full")
                await asyncio.sleep(seconds)
                desk.ledger.fill("")
        else:
            self._on[kind] += 1
            if kind == "broker killed":
                self._broker.clear()
            await asyncio.sleep(seconds)
            self._on[kind] -= 1
            self._broker.set()

    async def _kill_gateway(self, name: str, seconds: float, *, in_commit: bool) -> None:
        desk = self.desks[name]
        if desk is None:
            return
        self.desks[name] = None
        if in_commit:
            desk.ledger.torn_turn()
        desk.ledger.die()
        desk.died.set_result(None)
        await asyncio.sleep(seconds)
        again = Desk(self, name)
        self.note("recovered", repr(again.ledger.findings))
        await again.begin()
        self.desks[name] = again

    async def _kill_connector(self, name: str, seconds: float) -> None:
        lost, self._working[name] = self._working[name], {}
        self._down.add(name)
        for letter, task in lost.values():
            task.cancel()
            self._again(letter)
        await asyncio.sleep(seconds)
        self._down.discard(name)

    # The account

    def _is_at_rest(self) -> bool:
        if any(self._queues.values()) or any(self._working.values()) or any(self._results.values()):
            return False
        return all(desk is not None and not sum(desk.ledger.still_open().values()) for desk in self.desks.values())

    def _account(self) -> None:
        """At any moment: accepted = ended + open."""
        for name, desk in self.desks.items():
            if desk is None:
                continue
            accepted, ended = sum(desk.ledger.accepted().values()), sum(desk.ledger.totals().values())
            if accepted != ended + sum(desk.ledger.still_open().values()):
                self.complaints.append(f"{name}: accepted {accepted}, ended {ended}")

    async def live(self) -> None:
        """From the first call to rest."""
        async with States(self.clock) as states:
            host = Host(None, self._catalogue, self.clock, Nobody(), states, nowhere(self.clock), seed=self.seed)  # type: ignore[arg-type]  # it serves on no bus here
            self._answers = {service.id: host.answer(service, self) for service in SERVICES}
            for name in GATEWAYS:
                self.desks[name] = desk = Desk(self, name)
                await desk.begin()
            for kind in self.chance.sample(FAULTS, self.chance.randint(3, 6)):
                start, seconds = self.chance.uniform(0.3, SECONDS - 1.0), self.chance.uniform(0.1, 2.5)
                self.spawn(self._fault(kind, start, seconds))
            await self._traffic()
            while self.loop.time() < SECONDS + 4.0 or (not self._is_at_rest() and self.loop.time() < REST):
                await asyncio.sleep(0.4)
                self._account()

    def findings(self) -> Iterator[str]:
        """What does not agree at rest, each with a name; closes the ledgers."""
        yield from self.complaints
        if not self._is_at_rest():
            yield f"left behind: {self._queues} {self._results}"
        rows: Counter[str] = Counter()
        outcomes: dict[str, str] = {}
        for name, desk in self.desks.items():
            assert desk is not None
            if still_open := sum(desk.ledger.still_open().values()):
                yield f"hanging: {still_open} at {name}"
            desk.ledger.turn()
            desk.ledger.die()
            for row in books.rows_of(self.directory, name):
                rows[row.transaction] += 1
                outcomes[row.transaction] = row.outcome
        yield from self._told(outcomes)
        yield from self._done(rows, outcomes)

    def _told(self, outcomes: dict[str, str]) -> Iterator[str]:
        """What callers heard, against the rows."""
        for id_, told in self.accepted.items():
            if id_ not in outcomes:
                yield f"lost: {id_}"
            elif told not in {"", outcomes[id_]}:
                yield f"contradicted: {id_} was told {told}, its row says {outcomes[id_]}"
        for id_ in self.refused & (outcomes.keys() | self.effects.keys()):
            yield f"phantom: {id_} was refused"

    def _done(self, rows: Counter[str], outcomes: dict[str, str]) -> Iterator[str]:
        """What connectors did, against the rows."""
        for id_, outcome in outcomes.items():
            if rows[id_] > 1 or self.effects[id_] > 1:
                yield f"doubled: {id_} has {rows[id_]} rows and {self.effects[id_]} effects"
            if (outcome in ANSWERED) != (self.effects[id_] > 0):
                yield f"false ok: {id_} is {outcome} with {self.effects[id_]} effects"
        for id_ in self.effects.keys() - rows.keys():
            yield f"phantom: {id_} had an effect, and no row"
