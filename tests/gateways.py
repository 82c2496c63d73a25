"""A gateway that listens, before whatever answers: for tests of what it does with a call."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from builders import a_reply, a_service, an_operation
from multidict import CIMultiDict

from lgsp.breaker import Terms
from lgsp.bus.base import Silent
from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.service import Catalogue
from lgsp.clock import SystemClock
from lgsp.dispatch import Dispatcher
from lgsp.edge.access import Access
from lgsp.edge.audit import Audit
from lgsp.edge.gateway import Gateway
from lgsp.edge.incoming import TransactionIds
from lgsp.edge.routes import Routes
from lgsp.edge.tokens import Tokens, make_key
from lgsp.forwarding.forwarder import Receipt
from lgsp.ledger.memory import MemoryLedger
from lgsp.model import Outcome, Reply, Request, Transaction

Answering = Callable[[Request], Awaitable[Reply]]
SERVICES = {
    "svc": a_service(
        "svc",
        an_operation("GET /x/{id}"),
        an_operation("HEAD /x/{id}"),
        an_operation("DELETE /x/{id}"),
        an_operation("POST /x"),
        an_operation("POST /batch", delivery="store-and-forward", max_age=3_600.0),
        request_id="MaYeuCau",
    ),
    "off": a_service("off", mode="disabled"),
    "narrow": a_service("narrow", in_flight=1, breaker=Terms(failures=1, pause=7.0)),
}
CONSUMERS = (
    Consumer(id="demo", behaviour="field", subscriptions=("*",)),
    Consumer(id="tester", behaviour="calm", subscriptions=("*",), may_force=True),
    Consumer(id="modest", subscriptions=("*",), in_flight=1),
    *(Consumer(id=name, subscriptions=("*",)) for name in ("fourth", "fifth")),
)
KEY = make_key()


class Scripted(Silent):
    """A bus whose answer the test writes."""

    kind = "memory"

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self.arrived: list[Request] = []

    async def request(self, request: Request, *, timeout: float) -> Reply:
        assert timeout == 30
        self.arrived.append(request)
        return await self._answer(request)


class Forwards:
    """A forwarder whose receipts the test writes."""

    def __init__(self, *, ends: bool = True, full: str = "", error: Exception | None = None) -> None:
        self.ends, self.full, self.error = ends, full, error
        self.sent: list[tuple[Request, float]] = []
        self.ages: list[float | None] = []
        self.released = False

    def refusal(self, service: str) -> str:
        assert service in {"svc", "narrow"}
        return self.full

    async def send(self, request: Request, *, wait: float, age: float | None = None) -> Receipt:
        self.sent.append((request, wait))
        self.ages.append(age)
        if self.error:
            raise self.error
        reply = a_reply(request, status=201, body=b"received")
        return Receipt(request.id, Transaction(request, reply, Outcome.OK, "", 1.0, 0.1) if self.ends else None)

    def release(self) -> None:
        self.released = True


@dataclass
class Noted:
    """A watch that remembers."""

    answered: list[tuple[str, str, int]] = field(default_factory=list)
    in_flight: Counter[str] = field(default_factory=Counter)
    sheds: list[str] = field(default_factory=list)
    too_soon: Counter[str] = field(default_factory=Counter)
    away: list[str] = field(default_factory=list)

    def http(self, route: str, method: str, code: int) -> None:
        self.answered.append((route, method, code))

    def inflight(self, service: str, change: int) -> None:
        self.in_flight[service] += change

    def shed(self, reason: str) -> None:
        self.sheds.append(reason)

    def impatient(self, service: str) -> None:
        self.too_soon[service] += 1

    def turned_away(self, reason: str) -> None:
        self.away.append(reason)


@dataclass
class Answer:
    """What a client got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def fault(self) -> dict[str, Any]:
        fault: dict[str, Any] = json.loads(self.body)["fault"]
        return fault


@dataclass
class Stage:
    """A gateway on a port of its own, and everything around it."""

    gateway: Gateway
    port: int
    bus: Scripted
    watch: Noted
    ledger: MemoryLedger
    session: aiohttp.ClientSession
    access: Access
    forwarder: Forwards

    def token(self, consumer: str = "tester") -> str:
        return self.access.tokens.issue(consumer, self.access.clock.now())

    async def ask(
        self, method: str = "GET", path: str = "/svc/x/1", *, headers: Any = None, as_: str = "tester", **more: Any
    ) -> Answer:
        """As a known consumer, or with other headers, which may bring a token of their own, or as nobody."""
        url = f"http://127.0.0.1:{self.port}{path}"
        sent = CIMultiDict(headers or {})
        if as_ and "Bearer" not in sent.get("Authorization", ""):
            sent.add("authorization", f"Bearer {self.token(as_)}")
        async with self.session.request(method, url, headers=sent, **more) as response:
            return Answer(response.status, response.headers, await response.read())

    async def raw(self, sent: bytes, *, close: bool = False) -> bytes:
        """What comes back for these bytes, with a token behind each good `Host`, until the gateway closes."""
        bearer = f"Host: localhost\r\nAuthorization: Bearer {self.token()}\r\n".encode()
        sent = sent.replace(b"Host: localhost\r\n", bearer)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(sent)
            if close:
                writer.write_eof()
            return await reader.read()
        finally:
            writer.close()


async def fine(request: Request) -> Reply:
    return a_reply(request)


@asynccontextmanager
async def stage(
    answer: Answering = fine, forwarder: Forwards | None = None, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[Stage]:
    clock = SystemClock()
    forwarder = forwarder or Forwards()
    bus, watch, ledger, catalogue = Scripted(answer), Noted(), MemoryLedger(SERVICES), Catalogue(SERVICES)
    given: dict[str, Any] = {"own": {}, "names": (), "max_body": 1_000, "max_in_flight": 10} | options
    new_id = TransactionIds(clock)
    access = Access(Tokens(KEY, new_id), clock)
    access.replace(CONSUMERS)
    async with (
        aiohttp.ClientSession() as session,
        Dispatcher(bus, catalogue, ledger, [], clock) as dispatcher,  # type: ignore[arg-type]  # the parts of a bus that are asked
    ):
        made = Gateway(dispatcher, forwarder, Routes(catalogue), access, watch, new_id, Audit(clock), **given)
        try:
            listening = await made.start("127.0.0.1", 0, tls)
            yield Stage(made, listening, bus, watch, ledger, session, access, forwarder)
        finally:
            await session.close()
            await made.stop()


def a_second_one(first: Stage) -> Gateway:
    """Another gateway beside the one of the stage, not listening yet."""
    routes = Routes(SERVICES.values())
    return Gateway(
        first.gateway._dispatcher,
        first.gateway._forwarder,
        routes,
        first.access,
        Noted(),
        first.gateway._new_id,
        Audit(SystemClock()),
        own={},
        names=(),
        max_body=1_000,
        max_in_flight=10,
    )


def raising(error: Exception) -> Answering:
    async def answer(_: Request) -> Reply:
        raise error

    return answer


def blocked() -> tuple[Answering, asyncio.Event, asyncio.Event]:
    begun, may_answer = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Reply:
        begun.set()
        await may_answer.wait()
        return a_reply(request)

    return answer, begun, may_answer


async def until(holds: Callable[[], bool]) -> None:
    """What happens at the other end of a socket happens on this loop too: give it its turns."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - a socket sets no event
            await asyncio.sleep(0)
