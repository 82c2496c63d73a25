from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from builders import a_reply, a_transaction
from ledgers import START, a_ledger, asked

from lgsp.bus.memory import MemoryBus
from lgsp.catalogue.consumer import Consumer
from lgsp.clock import ManualClock, SystemClock
from lgsp.dispatch import Dispatcher
from lgsp.edge.access import Access
from lgsp.edge.answers import STATUS
from lgsp.edge.audit import Audit
from lgsp.edge.gateway import Gateway
from lgsp.edge.incoming import TransactionIds
from lgsp.edge.routes import Routes
from lgsp.edge.status import Status
from lgsp.edge.tls import hand_out, listening, wants_to_see
from lgsp.edge.tokens import Tokens, make_key
from lgsp.errors import LedgerUnavailable
from lgsp.forwarding.forwarder import Forwarder
from lgsp.ledger.files import Files
from lgsp.ledger.outbox import Outbox
from lgsp.ledger.reader import Reader
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Outcome, Reply, Request
from lgsp.trust import context_of

KEY = make_key()


class Quiet:
    def http(self, route: str, method: str, code: int) -> None: ...

    def inflight(self, service: str, change: int) -> None: ...

    def shed(self, reason: str) -> None: ...

    def impatient(self, service: str) -> None: ...

    def turned_away(self, reason: str) -> None: ...

    def late_reply(self, service: str) -> None: ...

    def parked(self, service: str, count: int) -> None: ...

    def duplicate_reply(self, service: str) -> None: ...


class Stage:
    """A gateway with a status page, on a ledger and a memory bus; nobody serves unless the test does."""

    def __init__(self, forwarder: Forwarder, ledger: SqliteLedger, bus: MemoryBus, access: Access, url: str) -> None:
        self.forwarder, self.ledger, self.bus, self.access, self.url = forwarder, ledger, bus, access, url

    async def ask(self, path: str, consumer: str = "mine", method: str = "GET") -> tuple[int, Any, Mapping[str, str]]:
        headers = {"Authorization": f"Bearer {self.access.tokens.issue(consumer, START)}"} if consumer else {}
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path, headers=headers) as got:
            body = await got.read()
            return got.status, json.loads(body) if body.startswith(b"{") else body, got.headers

    async def store(self, **fields: Any) -> str:
        request = asked(**{"operation": "POST /x", "consumer": "mine", "body": b"b"} | fields)
        return (await self.forwarder.send(request, wait=0)).id


TWO = tuple(Consumer(id=name, subscriptions=("*",), disabled=name == "off") for name in ("mine", "other", "off"))


@asynccontextmanager
async def stage(
    directory: Path, consumers: Sequence[Consumer] = TWO, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Stage]:
    clock = ManualClock(START)
    access = Access(Tokens(KEY, TransactionIds(clock)), clock)
    access.replace(consumers)
    async with a_ledger(directory, clock) as ledger, MemoryBus(clock) as bus:
        forwarder = Forwarder(bus, Outbox(ledger, clock), [], Quiet(), Quiet(), clock, seed=7, bus_forgets=True)
        async with forwarder:
            status = Status(access, forwarder, Reader(Files(directory, "gw1")), Audit(clock))
            gateway = Gateway(
                cast("Dispatcher", None), forwarder, Routes([]), access, Quiet(), TransactionIds(clock), Audit(clock),
                own={STATUS: status.show}, names=(), max_body=1_000, max_in_flight=10,
            )  # fmt: skip
            port = await gateway.start("127.0.0.1", 0, tls)
            try:
                yield Stage(forwarder, ledger, bus, access, f"http{'s' if tls else ''}://127.0.0.1:{port}")
            finally:
                await gateway.stop()


async def answer(request: Request) -> Reply:
    return a_reply(request, status=201, body=b"<received/>", headers={"content-type": "text/xml"})


async def test_its_sender_sees_where_it_stands_and_in_the_end_the_reply_itself(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        id_ = await made.store()
        code, told, headers = await made.ask(STATUS + id_)
        assert (code, told["state"], told["outcome"], told["result"]) == (200, "stored", None, None)
        assert told["accepted_at"] == "2023-05-24T00:00:00.000Z"
        assert told["expires_at"] == "2023-05-25T00:00:00.000Z"
        assert headers["Retry-After"] == "5"
        assert (await made.ask(f"{STATUS}{id_}/result"))[0] == 202
        assert await made.forwarder.take(await answer(replace(asked(), id=id_)), 1)
        code, told, _ = await made.ask(STATUS + id_)
        assert (code, told["state"], told["outcome"]) == (200, "ended", "ok")
        code, body, headers = await made.ask(told["result"])
        assert (code, body, headers["Content-Type"]) == (201, b"<received/>", "text/xml")
        assert headers["X-Transaction-Id"] == id_


@pytest.mark.parametrize("tail", ["", "/result"])
@pytest.mark.parametrize(
    ("consumer", "code"), [pytest.param("other", 404, id="somebody else's"), ("", 401), ("off", 401), ("nobody", 401)]
)
async def test_for_everybody_else_it_does_not_exist(tmp_path: Path, consumer: str, code: int, tail: str) -> None:
    async with stage(tmp_path) as made:
        id_ = await made.store()
        found = await made.ask(STATUS + id_ + tail, consumer)
        assert found[0] == code
        if code == 404:
            assert found[1] == (await made.ask(f"{STATUS}{asked().id}{tail}", consumer))[1]


async def test_a_synchronous_call_is_found_too_by_its_sender_alone(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        request = asked(consumer="mine")
        await made.ledger.open(request)
        assert (await made.ask(STATUS + request.id))[1]["state"] == "open"
        await made.ledger.close(a_transaction(Outcome.TIMEOUT, request=request, reply=None, reason="budget_spent"))
        code, told, _ = await made.ask(STATUS + request.id)
        assert (code, told["state"], told["outcome"], told["reason"]) == (200, "ended", "timeout", "budget_spent")
        assert (await made.ask(STATUS + request.id, "other"))[0] == 404
        assert (await made.ask(f"{STATUS}{request.id}/result"))[0] == 404


@pytest.mark.parametrize("path", ["", "x", "../x", "019a0000-0000-7000-8000-000000000000/else"])
async def test_what_is_no_id_is_nobodys(tmp_path: Path, path: str) -> None:
    async with stage(tmp_path) as made:
        assert (await made.ask(STATUS + path))[0] == 404


async def test_it_is_only_for_reading(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        id_ = await made.store()
        code, _, headers = await made.ask(STATUS + id_, method="DELETE")
        assert (code, headers["Allow"]) == (405, "GET, HEAD")


async def no_room(*_: object) -> None:
    raise LedgerUnavailable("no room")


async def test_a_ledger_that_cannot_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(tmp_path) as made:
        id_ = await made.store()
        monkeypatch.setattr(made.ledger, "_ask", no_room)
        code, told, _ = await made.ask(STATUS + id_)
        assert (code, "ledger_unavailable" in told["fault"]["description"]) == (503, True)


PEOPLE = [f"c{number}" for number in range(6)]
LOOKUPS, AT_ONCE = 10_000, 50


@pytest.mark.proof
@pytest.mark.timeout(180)
async def test_of_10_000_look_ups_across_consumers_none_leaks(tmp_path: Path) -> None:
    """By token, by certificate, and by both, each way by two consumers: everybody's transactions, and some of nobody's."""
    now = SystemClock().now()
    certified = PEOPLE[2:]
    files = hand_out(tmp_path / "tls", {"gateway": ()}, certified, now)
    people = [Consumer(id=name, subscriptions=("*",), certificates=(name,) * (name in certified)) for name in PEOPLE]
    tls = listening(files["gateway"])
    wants_to_see(tls, files["authority"])
    draw = random.Random(2023)
    async with stage(tmp_path, people, tls) as made, AsyncExitStack() as stack:
        whose: dict[str, tuple[str, bool]] = {}
        for name in PEOPLE:
            for _ in range(20):
                whose[await made.store(consumer=name)] = name, True
                request = asked(consumer=name)
                await made.ledger.open(request)
                await made.ledger.close(a_transaction(Outcome.TIMEOUT, request=request, reply=None))
                whose[request.id] = name, False
        callers = {}
        for name in PEOPLE:
            connector = aiohttp.TCPConnector(ssl=context_of(files["authority"], files.get(name)), limit=AT_ONCE)
            token = f"Bearer {made.access.tokens.issue(name, START)}"
            headers = {} if name in PEOPLE[2:4] else {"Authorization": token}
            session = aiohttp.ClientSession(connector=connector, headers=headers)
            callers[name] = await stack.enter_async_context(session)
        ids, asked_for = [*whose, *(asked().id for _ in range(20))], Counter[str]()

        async def look(name: str, id_: str, tail: str) -> None:
            async with callers[name].get(f"{made.url}{STATUS}{id_}{tail}") as got:
                body = await got.read()
            owner, is_stored = whose.get(id_, ("", False))
            found = {"": 200, "/result": 202 if is_stored else 404}[tail] if owner == name else 404
            assert got.status == found, (name, owner, id_, tail)
            assert (b"svc" in body or id_.encode() in body) is (found in {200, 202}), "not even its name"
            asked_for["own" if owner == name else "another's" if owner else "nobody's"] += 1

        for _ in range(0, LOOKUPS, AT_ONCE):
            draws = [(draw.choice(PEOPLE), draw.choice(ids), draw.choice(("", "/result"))) for _ in range(AT_ONCE)]
            await asyncio.gather(*(look(*each) for each in draws))
    assert sum(asked_for.values()) == LOOKUPS
    assert asked_for["another's"] > 7_000
    assert asked_for["own"] > 1_000
