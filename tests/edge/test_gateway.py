from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from builders import a_reply, a_service, an_operation
from multidict import CIMultiDict

from lgsp.breaker import Terms
from lgsp.bus.base import Silent
from lgsp.catalogue.consumer import Consumer, Limit
from lgsp.catalogue.service import Catalogue
from lgsp.clock import SystemClock
from lgsp.dispatch import Dispatcher
from lgsp.edge import bodies
from lgsp.edge.access import Access
from lgsp.edge.gateway import Gateway
from lgsp.edge.incoming import CARRIED, TransactionIds
from lgsp.edge.routes import Routes
from lgsp.edge.tokens import Tokens, make_key
from lgsp.errors import (
    BusUnavailable,
    DeliveryError,
    LedgerUnavailable,
    SettingsError,
    TimedOut,
    Unreachable,
    Unroutable,
)
from lgsp.forwarding.forwarder import Receipt
from lgsp.ledger.memory import MemoryLedger
from lgsp.ledger.outbox import Conflict
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

    def http(self, route: str, method: str, code: int) -> None:
        self.answered.append((route, method, code))

    def inflight(self, service: str, change: int) -> None:
        self.in_flight[service] += change

    def shed(self, reason: str) -> None:
        self.sheds.append(reason)


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
async def stage(answer: Answering = fine, forwarder: Forwards | None = None, **options: Any) -> AsyncIterator[Stage]:
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
        made = Gateway(dispatcher, forwarder, Routes(catalogue), access, watch, new_id, **given)
        try:
            listening = await made.start("127.0.0.1", 0)
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
        own={},
        names=(),
        max_body=1_000,
        max_in_flight=10,
    )


def raising(error: Exception) -> Answering:
    async def answer(_: Request) -> Reply:
        raise error

    return answer


async def test_an_answer_goes_back_as_it_came() -> None:
    async def answer(request: Request) -> Reply:
        headers = {"content-type": "text/xml; charset=utf-8", "x-provider": "tư pháp"}
        return a_reply(request, status=201, body=b"\x00\xff<a/>", headers=headers)

    async with stage(answer) as made:
        got = await made.ask("POST", "/svc/x", data=b"\xffbody")
        [request] = made.bus.arrived
        assert (got.status, got.body) == (201, b"\x00\xff<a/>")
        assert got.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert got.headers["X-Provider"] == "tư pháp"
        assert got.headers["X-Transaction-Id"] == request.id
        assert got.headers["X-Lgsp-Outcome"] == "ok"
        assert request.body == b"\xffbody"
        assert made.watch.answered == [("service", "POST", 201)]
        assert made.ledger.totals()["svc", Outcome.OK] == 1


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize(("status", "body"), [(200, b""), (404, b"no such citizen"), (500, b"<fault/>")])
async def test_the_providers_own_words_go_back_whatever_the_outcome(outcome: Outcome, status: int, body: bytes) -> None:
    async def answer(request: Request) -> Reply:
        return a_reply(request, outcome=outcome, status=status, body=body, reason="why")

    async with stage(answer) as made:
        got = await made.ask()
        assert (got.status, got.body, got.headers["X-Lgsp-Outcome"]) == (status, body, outcome.value)


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.BUSINESS_FAULT])
async def test_an_official_success_needs_no_words(outcome: Outcome) -> None:
    async def answer(request: Request) -> Reply:
        return a_reply(request, outcome=outcome, status=404, body=b"")

    async with stage(answer) as made:
        got = await made.ask()
        assert (got.status, got.body, got.headers["X-Lgsp-Outcome"]) == (404, b"", outcome.value)


@pytest.mark.parametrize(
    ("error", "outcome", "status", "code", "retry_after"),
    [
        (TimedOut("budget_spent"), "timeout", 504, 101504, "5"),
        (Unreachable("provider_down"), "unreachable", 503, 101503, "30"),
        (Unroutable("unroutable"), "bus_error", 503, 101503, "5"),
        (BusUnavailable("bus_blocked"), "bus_error", 503, 101500, "5"),
        (BusUnavailable("unconfirmed"), "bus_error", 504, 101508, "5"),
        (ZeroDivisionError(), "bus_error", 503, 101500, "5"),
    ],
)
async def test_silence_has_an_error_body_of_wso2s_form(
    error: Exception, outcome: str, status: int, code: int, retry_after: str
) -> None:
    async with stage(raising(error)) as made:
        got = await made.ask()
        reason = error.reason if isinstance(error, DeliveryError) else "internal"
        assert (got.status, got.headers["X-Lgsp-Outcome"], got.headers["Retry-After"]) == (status, outcome, retry_after)
        assert got.headers["Content-Type"] == "application/json; charset=utf-8"
        assert (got.fault["code"], got.fault["reason"], got.fault["retryable"]) == (code, reason, True)
        assert got.fault["transaction"] == got.headers["X-Transaction-Id"] == made.bus.arrived[0].id
        assert made.watch.answered == [("service", "GET", status)]


@pytest.mark.parametrize(
    ("outcome", "reason", "status", "code"),
    [
        (Outcome.PROVIDER_ERROR, "connector_exception", 502, 101510),
        (Outcome.PROVIDER_ERROR, "provider_fault", 502, 101510),
        (Outcome.UNREACHABLE, "provider_down", 503, 101503),
        (Outcome.REJECTED, "unknown_operation", 400, 400),
    ],
)
async def test_a_failure_without_words_of_its_own_has_ours(
    outcome: Outcome, reason: str, status: int, code: int
) -> None:
    async def answer(request: Request) -> Reply:
        return a_reply(request, outcome=outcome, status=500, reason=reason, body=b"")

    async with stage(answer) as made:
        got = await made.ask()
        assert (got.status, got.fault["code"], got.fault["reason"]) == (status, code, reason)
        assert got.headers["X-Lgsp-Outcome"] == outcome.value


async def test_who_asks_for_xml_gets_xml() -> None:
    async with stage(raising(TimedOut("budget_spent"))) as made:
        for path in ("/svc/x/1", "/nobody"):
            got = await made.ask(path=path, headers={"Accept": "text/xml"})
            assert got.headers["Content-Type"] == "application/xml; charset=utf-8"
            assert got.body.startswith(b"<am:fault")


async def test_a_disabled_service_is_answered_without_the_bus() -> None:
    async with stage() as made:
        got = await made.ask(path="/off/x")
        assert (got.status, got.fault["code"], got.fault["reason"]) == (503, 700700, "service_blocked")
        assert made.bus.arrived == []
        assert made.ledger.totals()["off", Outcome.REJECTED] == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "route", "status", "code"),
    [
        ("GET", "/nobody/x", {}, "unknown", 404, 404),
        ("GET", "/svc/nothing", {}, "unknown", 403, 900906),
        ("PUT", "/svc/x/1", {}, "unknown", 405, 405),
        ("PROPFIND", "/svc/x/1", {}, "unknown", 405, 405),
        ("OPTIONS", "/svc/x/1", {}, "unknown", 405, 405),
        ("POST", "/svc/x", {"Content-Encoding": "gzip"}, "refused", 415, 415),
        ("GET", "/svc/x/1", {"X-Lgsp-Key": ""}, "refused", 400, 400),
        ("GET", "/svc/x/1", {"X-Lgsp-Key": "k" * 201}, "refused", 400, 400),
        ("GET", "/svc/x/1", {"X-Lgsp-Key": "khoá"}, "refused", 400, 400),
        ("GET", "/svc/x/1", {"X-Lgsp-Key": "a\tb"}, "refused", 400, 400),
        ("GET", "/svc/x/1", {"Host": "lgsp.example.org"}, "refused", 421, 421),
        ("GET", "/nobody/x", {"Host": "lgsp.example.org:8280"}, "refused", 421, 421),
    ],
)
async def test_what_is_no_transaction_is_counted_at_the_edge_only(
    method: str, path: str, headers: dict[str, str], route: str, status: int, code: int
) -> None:
    async with stage() as made:
        got = await made.ask(method, path, headers=headers)
        assert (got.status, got.fault["code"]) == (status, code)
        assert "transaction" not in got.fault
        assert "X-Transaction-Id" not in got.headers
        assert made.watch.answered == [(route, method, status)]
        assert made.bus.arrived == []
        assert sum(made.ledger.accepted().values()) == 0


async def test_a_wrong_method_is_told_the_right_ones() -> None:
    async with stage() as made:
        assert (await made.ask("PUT")).headers["Allow"] == "DELETE, GET, HEAD"


@pytest.mark.parametrize(
    ("authorization", "code", "challenge"),
    [
        (None, 900902, 'Bearer realm="lgsp"'),
        ("Basic dTpw", 900902, 'Bearer realm="lgsp"'),
        ("Bearer abc", 900901, 'Bearer realm="lgsp", error="invalid_token"'),
        ("nobody", 900901, 'Bearer realm="lgsp", error="invalid_token"'),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/xml"])
async def test_a_stranger_is_refused_before_the_body_and_is_no_transaction(
    authorization: str | None, code: int, challenge: str, accept: str
) -> None:
    async with stage() as made:
        if authorization == "nobody":
            authorization = f"Bearer {made.token('nobody')}"
        headers = {"Accept": accept} | ({"Authorization": authorization} if authorization else {})
        got = await made.ask("POST", "/svc/x", headers=headers, as_="", data=b"x" * 2_000)
        assert (got.status, got.headers["WWW-Authenticate"]) == (401, challenge)
        assert "X-Transaction-Id" not in got.headers
        if accept == "text/xml":
            assert f"<am:code>{code}</am:code>".encode() in got.body
        else:
            assert (got.fault["code"], got.fault["type"], got.fault["message"]) == (
                code,
                "Status report",
                "Runtime Error",
            )
        assert made.watch.answered == [("refused", "POST", 401)]
        assert sum(made.ledger.accepted().values()) == 0


REFUSED = (
    Consumer(id="few", subscriptions=("off", "svc GET /x/{id}")),
    Consumer(id="none"),
    Consumer(id="gone", subscriptions=("*",), disabled=True),
    Consumer(id="shut-out", subscriptions=("*",), blocked=("*",)),
    Consumer(id="held", subscriptions=("*",), blocked=("svc",)),
    Consumer(id="waiting", pending=("svc",)),
    Consumer(id="slow", subscriptions=("*",), limits=(Limit(scope="*", count=1, seconds=60.0),)),
)


@pytest.mark.parametrize(
    ("consumer", "status", "code", "reason", "more"),
    [
        ("none", 403, 900908, "not_subscribed", {}),
        ("few", 403, 900910, "operation_not_subscribed", {}),
        ("shut-out", 429, 900805, "blocked", {}),
        (
            "held",
            401,
            900907,
            "subscription_blocked",
            {"WWW-Authenticate": 'Bearer realm="lgsp", error="invalid_token"'},
        ),
        (
            "waiting",
            401,
            900909,
            "subscription_inactive",
            {"WWW-Authenticate": 'Bearer realm="lgsp", error="invalid_token"'},
        ),
        ("gone", 401, 900901, "token_revoked", {"WWW-Authenticate": 'Bearer realm="lgsp", error="invalid_token"'}),
        ("old", 401, 900901, "token_expired", {"WWW-Authenticate": 'Bearer realm="lgsp", error="invalid_token"'}),
        ("slow", 429, 900803, "throttled", {"Retry-After": "60"}),
    ],
)
async def test_a_known_consumer_s_own_doing_is_a_rejected_transaction(
    consumer: str, status: int, code: int, reason: str, more: dict[str, str]
) -> None:
    async with stage() as made:
        made.access.replace([*CONSUMERS, *REFUSED])
        if consumer == "slow":
            assert (await made.ask("POST", "/svc/x", as_=consumer)).status == 200
        old = made.access.tokens.issue("tester", made.access.clock.now() - 3_601)
        headers = {"Authorization": f"Bearer {old}"} if consumer == "old" else {}
        got = await made.ask("POST", "/svc/x", headers=headers, as_=consumer, data=b"body")
        assert (got.status, got.fault["code"], got.fault["reason"]) == (status, code, reason)
        assert got.headers["X-Lgsp-Outcome"] == "rejected"
        assert got.fault["transaction"] == got.headers["X-Transaction-Id"]
        assert got.fault["retryable"] is (consumer == "slow")
        assert {name: got.headers.get(name) for name in more} == more
        assert made.ledger.totals()["svc", Outcome.REJECTED] == 1
        assert len(made.bus.arrived) == (1 if consumer == "slow" else 0)
        assert made.watch.answered[-1] == ("service", "POST", status)


async def test_a_refusal_that_cannot_be_entered_in_the_ledger_is_no_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(_: Request) -> None:
        raise LedgerUnavailable("the disk is full")

    async with stage() as made:
        made.access.replace(REFUSED)
        monkeypatch.setattr(made.ledger, "open", full)
        got = await made.ask(as_="none")
        assert (got.status, got.fault["code"], got.headers["Retry-After"]) == (503, 101500, "5")
        assert made.watch.answered == [("refused", "GET", 503)]


async def test_a_mistake_of_ours_in_judging_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: Tokens, __: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Tokens, "read", read)
    async with stage() as made:
        got = await made.ask()
        assert (got.status, got.fault["code"], got.headers["Retry-After"]) == (500, 900900, "5")
        assert made.watch.answered == [("refused", "GET", 500)]
        assert made.bus.arrived == []


async def test_the_gateways_own_paths_come_after_services_and_need_no_token() -> None:
    async def own(http: web.BaseRequest, body: bytes) -> web.Response:
        return web.Response(status=201, body=http.method.encode() + body)

    async with stage(own={"/token": own, "/svc/x": own}) as made:
        got = await made.ask("POST", "/token", as_="", data=b" it")
        assert (got.status, got.body) == (201, b"POST it")
        assert (await made.ask("POST", "/svc/x")).body == b"answer"
        assert (await made.ask("POST", "/token", as_="", data=b"x" * 70_000)).status == 413
        assert (await made.ask("GET", "/token/x", as_="")).status == 404
        assert made.watch.answered[0] == ("own", "POST", 201)
        named = await made.ask("POST", "/token", as_="", headers={"Host": "lgsp.example.org"})
        assert named.status == 421


async def test_a_loopback_listener_takes_the_names_it_was_given() -> None:
    async with stage(names=("api.example.org",)) as made:
        assert (await made.ask(headers={"Host": "API.example.org:8243"})).status == 200
        assert (await made.ask(headers={"Host": "api.example.com"})).status == 421


async def test_a_listener_beyond_loopback_takes_any_name() -> None:
    async with stage(names=None) as made:
        assert (await made.ask(headers={"Host": "lgsp.example.org"})).status == 200


async def test_a_request_arrives_as_it_was_called() -> None:
    async with stage() as made:
        await made.ask("DELETE", "/svc/x/a%2Fb?b=%20&a=1", headers={"X-Lgsp-Key": "ca 7"}, as_="demo")
        [request] = made.bus.arrived
        assert (request.service, request.operation) == ("svc", "DELETE /x/{id}")
        assert (request.path, request.query) == ("/x/a%2Fb", "b=%20&a=1")
        assert (request.consumer, request.key, request.attempt, request.calm) == ("demo", "ca 7", 1, False)
        assert request.body == b""


async def test_calm_comes_from_the_consumers_entry_and_without_a_key_the_transaction_is_the_key() -> None:
    async with stage() as made:
        await made.ask()
        [request] = made.bus.arrived
        assert (request.consumer, request.calm) == ("tester", True)
        assert request.key == request.id


async def test_only_headers_of_the_closed_list_go_on() -> None:
    carried = {name: f"value of {name}" for name in CARRIED} | {"authorization": "Basic dXNlcjpwdw=="}
    others = {
        "Cookie": "a=b",
        "X-Forwarded-For": "10.0.0.1",
        "User-Agent": "test",
        "X-Lgsp-Key": "k",
    }
    async with stage() as made:
        await made.ask(headers=carried)
        await made.ask(headers=others)
        full, bare = made.bus.arrived
        assert full.headers == carried
        assert set(bare.headers) <= {"accept"}  # which the client adds


async def test_a_body_may_be_as_large_as_the_limit_and_not_a_byte_larger() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 400

    async with stage() as made:
        assert (await made.ask("POST", "/svc/x", data=b"x" * 1_000)).status == 200
        declared = await made.ask("POST", "/svc/x", data=b"x" * 1_001)
        chunked = await made.ask("POST", "/svc/x", data=pieces())
        assert (declared.status, chunked.status, declared.fault["code"]) == (413, 413, 413)
        assert [len(request.body) for request in made.bus.arrived] == [1_000]
        assert made.watch.answered[1:] == [("refused", "POST", 413)] * 2


async def test_a_body_in_chunks_is_put_together() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async with stage() as made:
        await made.ask("POST", "/svc/x", data=pieces())
        assert made.bus.arrived[0].body == b"one two"


async def test_who_expects_to_be_told_to_go_on_is_told() -> None:
    async with stage() as made:
        got = await made.ask("POST", "/svc/x", data=b"waited for", expect100=True)
        assert (got.status, made.bus.arrived[0].body) == (200, b"waited for")


async def test_a_body_that_does_not_arrive_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_BODY_SECONDS", 0.05)
    async with stage() as made:
        got = await made.raw(b"POST /svc/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf")
        assert got.startswith(b"HTTP/1.1 400 ")
        assert b"102511" in got
        assert made.watch.answered == [("refused", "POST", 400)]


def blocked() -> tuple[Answering, asyncio.Event, asyncio.Event]:
    begun, may_answer = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Reply:
        begun.set()
        await may_answer.wait()
        return a_reply(request)

    return answer, begun, may_answer


async def test_what_is_beyond_our_capacity_is_shed_as_our_own_error() -> None:
    answer, begun, may_answer = blocked()
    async with stage(answer, max_in_flight=1) as made, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(made.ask())
        await begun.wait()
        assert made.watch.in_flight == {"svc": 1}
        shed = await made.ask()
        assert (shed.status, shed.fault["reason"], shed.headers["Retry-After"]) == (503, "overloaded", "2")
        assert shed.headers["X-Lgsp-Outcome"] == "bus_error"
        assert made.watch.sheds == ["inflight"]
        assert len(made.bus.arrived) == 1
        may_answer.set()
    assert first.result().status == 200
    assert made.watch.in_flight == {"svc": 0}
    assert (made.ledger.totals()["svc", Outcome.OK], made.ledger.totals()["svc", Outcome.BUS_ERROR]) == (1, 1)


async def test_a_service_that_is_full_leaves_the_others_their_room() -> None:
    answer, begun, may_answer = blocked()
    async with stage(answer) as made, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(made.ask(path="/narrow/x"))
        await begun.wait()
        second = await made.ask(path="/narrow/x", as_="demo")
        may_answer.set()
        assert (second.status, second.fault["code"], second.fault["reason"]) == (503, 900801, "service_busy")
        assert (second.headers["Retry-After"], second.headers["X-Lgsp-Outcome"]) == ("2", "bus_error")
        assert (await made.ask(as_="demo")).status == 200
    assert first.result().status == 200
    assert made.watch.sheds == ["inflight"]


async def test_a_consumer_that_waits_for_too_much_leaves_the_others_their_room() -> None:
    answer, begun, may_answer = blocked()
    async with stage(answer) as made, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(made.ask(as_="modest"))
        await begun.wait()
        second = await made.ask(as_="modest")
        may_answer.set()
        assert (second.status, second.fault["code"], second.fault["reason"]) == (429, 900803, "throttled_in_flight")
        assert (second.headers["Retry-After"], second.headers["X-Lgsp-Outcome"]) == ("1", "rejected")
        assert (await made.ask(as_="demo")).status == 200
    assert first.result().status == 200
    assert made.watch.sheds == ["quota"]
    assert made.gateway.room.calls == 0


async def test_what_is_stored_does_not_wait_for_a_service_that_is_full() -> None:
    answer, begun, may_answer = blocked()
    async with stage(answer, Forwards(ends=False)) as made, asyncio.TaskGroup() as tasks:
        tasks.create_task(made.ask(path="/narrow/x"))
        await begun.wait()
        later = await made.ask(path="/narrow/x", headers={"Prefer": "respond-async"})
        may_answer.set()
        assert (later.status, [wait for _, wait in made.forwarder.sent]) == (202, [0.0])


async def test_a_suspended_service_says_when_to_ask_again() -> None:
    async with stage(raising(Unreachable("provider_down"))) as made:
        assert (await made.ask(path="/narrow/x", as_="demo")).fault["code"] == 101503
        held = await made.ask(path="/narrow/x", as_="demo")
        assert (held.status, held.fault["code"], held.headers["Retry-After"]) == (503, 303001, "7")
        assert held.headers["X-Lgsp-Outcome"] == "unreachable"
        assert len(made.bus.arrived) == 1


async def until(holds: Callable[[], bool]) -> None:
    """What happens at the other end of a socket happens on this loop too: give it its turns."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - a socket sets no event
            await asyncio.sleep(0)


async def test_many_who_dribble_their_bodies_hold_their_own_part_of_the_memory_and_no_call() -> None:
    head = "POST /svc/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: 900\r\n\r\n"
    async with stage(max_in_flight=1, max_held=20_000) as made:
        slow = [await asyncio.open_connection("127.0.0.1", made.port) for _ in range(40)]
        for _, writer in slow:
            writer.write(head.format(made.token()).encode() + b"x" * 600)
        await until(lambda: len(made.watch.sheds) == 31)  # nine hold a quarter; whoever comes after them is refused
        assert (made.gateway.room.held, made.gateway.room.calls) == (5_400, 0)
        late = await made.ask("POST", "/svc/x", data=b"y" * 900)
        assert (late.status, late.fault["reason"], late.headers["Retry-After"]) == (429, "throttled_in_flight", "1")
        assert set(made.watch.sheds) == {"quota"}
        other = [await made.ask("POST", "/svc/x", data=b"y" * 900, as_="demo") for _ in range(3)]
        assert [each.status for each in other] == [200] * 3
        for _, writer in slow:
            writer.close()
        await until(lambda: made.gateway.room.held == 0)
    assert made.ledger.totals()["svc", Outcome.REJECTED] == 32


async def test_bodies_of_many_consumers_together_are_refused_before_memory_grows() -> None:
    head = "POST /svc/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: 900\r\n\r\n"
    async with stage(max_held=2_000) as made:
        slow = []
        for consumer in ("demo", "tester", "modest", "fourth"):
            _, writer = await asyncio.open_connection("127.0.0.1", made.port)
            slow.append(writer)
            writer.write(head.format(made.token(consumer)).encode() + b"x" * 501)
        await until(lambda: made.gateway.room.held == 2_004)
        late = await made.ask("POST", "/svc/x", data=b"y", as_="fifth")
        assert (late.status, late.fault["reason"], late.headers["Retry-After"]) == (503, "overloaded", "2")
        assert (late.headers["X-Lgsp-Outcome"], made.watch.sheds) == ("bus_error", ["memory"])
        for writer in slow:
            writer.close()
        await until(lambda: made.gateway.room.held == 0)


async def unread(made: Stage) -> asyncio.StreamWriter:
    """Somebody asks for a large answer and does not read it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", made.port, limit=1_024)
    asked = f"GET /svc/x/1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {made.token()}\r\n\r\n"
    writer.write(asked.encode())
    await reader.read(1)
    return writer


async def large(request: Request) -> Reply:
    return a_reply(request, body=b"z" * 16_000_000 if request.operation.startswith("GET") else b"small")


async def test_who_does_not_read_its_answer_holds_its_own_part_of_the_memory_and_no_call() -> None:
    async with stage(large, max_in_flight=1, max_held=64_000_000) as made:
        writer = await unread(made)
        assert (made.gateway.room.calls, made.gateway.room.held) == (0, 16_000_000)
        writers = [writer, await unread(made)]
        assert (await made.ask("POST", "/svc/x", data=b"b")).status == 429
        assert (await made.ask("POST", "/svc/x", data=b"b", as_="demo")).status == 200
        for each in writers:
            each.transport.abort()
        await until(lambda: made.gateway.room.held == 0)


async def test_a_reader_that_dawdles_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_SEND_RATE", 1e12)
    monkeypatch.setattr(bodies, "_SEND_SECONDS", 0.05)
    async with stage(large) as made:
        writer = await unread(made)
        await until(lambda: made.gateway.room.held == 0)
        writer.transport.abort()
        assert made.watch.answered == [("service", "GET", 200)]


async def test_a_large_answer_that_is_read_goes_through_whole() -> None:
    body = bytes(range(256)) * 4_000

    async def answer(request: Request) -> Reply:
        return a_reply(request, body=body)

    async with stage(answer) as made:
        assert [(await made.ask()).body == body for _ in range(2)] == [True, True]
        assert made.gateway.room.held == 0


async def test_what_the_ledger_cannot_enter_does_not_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_: Request) -> None:
        raise LedgerUnavailable("no room")

    async with stage() as made:
        monkeypatch.setattr(made.ledger, "open", full)
        answer = await made.ask()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert "X-Transaction-Id" not in answer.headers
        assert b"ledger_unavailable" in answer.body
        assert made.bus.arrived == []
        assert made.watch.answered == [("refused", "GET", 503)]
        assert sum(made.watch.in_flight.values()) == 0


async def test_the_callers_own_id_goes_with_the_request() -> None:
    async with stage() as made:
        await made.ask("POST", "/svc/x", data=b"<ns:MaYeuCau>YC-1</ns:MaYeuCau>")
        await made.ask("POST", "/svc/x?MaYeuCau=YC-2")
        await made.ask()
        assert [request.asked_as for request in made.bus.arrived] == ["YC-1", "YC-2", ""]


async def test_a_call_that_fails_gives_its_place_back() -> None:
    async with stage(raising(TimedOut("budget_spent")), max_in_flight=1) as made:
        assert [(await made.ask()).status for _ in range(3)] == [504, 504, 504]
        assert made.watch.in_flight == {"svc": 0}
        assert made.watch.sheds == []


async def test_a_gateway_that_goes_down_takes_nothing_new_and_finishes_what_runs() -> None:
    answer, begun, may_answer = blocked()
    async with stage(answer) as made:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(made.ask())
            await begun.wait()
            made.gateway.draining = True
            late = await made.ask()
            stopping = tasks.create_task(made.gateway.stop())
            may_answer.set()
        assert stopping.done()
        assert running.result().status == 200
        assert (late.status, late.fault["reason"]) == (503, "shutting_down")
        assert made.watch.sheds == []
        with pytest.raises(aiohttp.ClientConnectorError):
            await made.ask()


async def test_a_client_that_hangs_up_does_not_end_its_transaction() -> None:
    answer, begun, may_answer = blocked()
    async with stage(answer) as made:
        async with asyncio.TaskGroup() as tasks:
            client = tasks.create_task(made.ask())
            await begun.wait()
            client.cancel()
        assert made.ledger.still_open()["svc"] == 1
        may_answer.set()
    assert made.ledger.totals()["svc", Outcome.OK] == 1
    assert made.ledger.still_open()["svc"] == 0
    assert made.watch.in_flight == {"svc": 0}


async def test_head_has_the_headers_and_no_body() -> None:
    async with stage() as made:
        got = await made.ask("HEAD")
        assert (got.status, got.body, got.headers["Content-Length"]) == (200, b"", "6")
        assert made.bus.arrived[0].operation == "HEAD /x/{id}"


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_has_none(status: int) -> None:
    async def answer(request: Request) -> Reply:
        return a_reply(request, status=status, body=b"")

    async with stage(answer) as made:
        got = await made.ask()
        assert (got.status, got.body) == (status, b"")
        assert (await made.ask()).status == status


async def test_a_provider_does_not_speak_for_the_gateway() -> None:
    headers = {
        "content-length": "9999",
        "Transfer-Encoding": "chunked",
        "connection": "close",
        "x-transaction-id": "another",
        "x-lgsp-outcome": "another",
        "x-split": "a\r\nSet-Cookie: b=c",
        "x-fine": "yes",
    }

    async def answer(request: Request) -> Reply:
        return a_reply(request, headers=headers)

    async with stage(answer) as made:
        got = await made.ask()
        assert (got.status, got.body, got.headers["X-Fine"]) == (200, b"answer", "yes")
        assert got.headers["X-Transaction-Id"] == made.bus.arrived[0].id
        assert got.headers["X-Lgsp-Outcome"] == "ok"
        assert not {"Set-Cookie", "X-Split", "Transfer-Encoding"} & set(got.headers)
        assert (await made.ask()).status == 200


@pytest.mark.parametrize("status", [0, 100, 101, 199, 600, 1000])
async def test_a_status_that_http_does_not_have_is_a_bad_reply(status: int) -> None:
    async def answer(request: Request) -> Reply:
        return a_reply(request, status=status)

    async with stage(answer) as made:
        got = await made.ask()
        assert (got.status, got.fault["code"]) == (502, 101510)


HEADERS = b"Host: localhost\r\nConnection: close\r\n"
WHOLE = b"POST /svc/x HTTP/1.1\r\n" + HEADERS


@pytest.mark.parametrize(
    "sent",
    [
        WHOLE + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        WHOLE + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nbody",
        WHOLE + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody!",
        WHOLE + b"Content-Length: -4\r\n\r\nbody",
        WHOLE + b"Content-Length: 4x\r\n\r\nbody",
        WHOLE + b"Transfer-Encoding: gzip\r\n\r\nbody",
        WHOLE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nbody\r\n0\r\n\r\n",
        WHOLE + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbodybody\r\n0\r\n\r\n",
        WHOLE + b"Bad Name: x\r\n\r\n",
        WHOLE + b"X-Fold: a\r\n b\r\n\r\n",
        WHOLE + b"X-Nul: a\x00b\r\n\r\n",
        WHOLE + b"X-Huge: " + b"x" * 9_000 + b"\r\n\r\n",
        WHOLE + b"".join(b"X-%d: x\r\n" % number for number in range(200)) + b"\r\n",
        b"GET /svc/x/1 HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /svc/x/1 HTTP/1.0\r\n\r\n",
        b"GET /svc/x/1?" + b"q" * 9_000 + b" HTTP/1.1\r\n" + HEADERS + b"\r\n",
        b"GET /svc/x/\xff HTTP/1.1\r\n" + HEADERS + b"\r\n",
        b"GET /svc/x/1?\xff HTTP/1.1\r\n" + HEADERS + b"\r\n",
        b"GET /svc/x/1 HTTP/1.1\r\nAccept: \xff\r\n" + HEADERS + b"\r\n",
        b"GET /svc/x/1 HTTP/1.1\r\nHost: localhost\r\nHost: example.org\r\nConnection: close\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n" + HEADERS + b"\r\n",
        b"GET http://localhost:99999999/svc HTTP/1.1\r\n" + HEADERS + b"\r\n",
        b"GET * HTTP/1.1\r\n" + HEADERS + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HEADERS + b"\r\n",
        b"GET svc/x/1 HTTP/1.1\r\n" + HEADERS + b"\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\n" + HEADERS + b"\r\n",
        b"GET /svc/x/1 HTTP/9.9\r\n" + HEADERS + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"nonsense\r\n\r\n",
        b"BREW /svc/x/1 HTTP/1.1\r\n" + HEADERS + b"\r\n",
        b"\x00\r\n\r\n",
    ],
    ids=lambda sent: ascii(sent[:20] + sent[-24:]),
)
async def test_what_is_no_good_http_is_the_callers_mistake_and_no_traceback(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage() as made:
        got = await made.raw(sent)
        assert (await made.ask()).status == 200
    if got:
        assert got[:10] in {b"HTTP/1.1 4", b"HTTP/1.0 4"}, got
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert len(made.bus.arrived) == 1


@pytest.mark.parametrize(
    "sent",
    [
        WHOLE + b"Content-Length: 9\r\n\r\nhalf",
        WHOLE + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        WHOLE + b"Content-Length: 9\r\n\r\n",
        b"POST /svc/x HT",
    ],
)
async def test_half_a_request_is_no_transaction_and_no_traceback(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with stage() as made:
        got = await made.raw(sent, close=True)
        assert (await made.ask()).status == 200
    assert not got or got.startswith(b"HTTP/1.1 4")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert len(made.bus.arrived) == 1
    assert sum(made.ledger.accepted().values()) == 1


async def test_several_requests_on_one_connection_are_answered_in_turn() -> None:
    async with stage() as made:
        one = b"GET /svc/x/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        last = b"GET /svc/x/2 HTTP/1.1\r\n" + HEADERS + b"\r\n"
        got = await made.raw(one + one + last)
        assert got.count(b"HTTP/1.1 200 OK") == 3
        assert [request.path for request in made.bus.arrived] == ["/x/1", "/x/1", "/x/2"]
        assert made.watch.answered == [("service", "GET", 200)] * 3


async def test_a_port_that_is_taken_is_a_mistake_of_the_settings() -> None:
    async with stage() as made:
        with pytest.raises(SettingsError, match="choose another with --listen"):
            await a_second_one(made).start("127.0.0.1", made.port)


def test_transaction_ids_are_uuids_of_version_7_and_never_the_same() -> None:
    new_id = TransactionIds(SystemClock())
    ids = [new_id() for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert all(name[14] == "7" and len(name) == 36 for name in ids)
    stamps = [name[:13] for name in ids]
    assert stamps == sorted(stamps)


async def test_who_may_force_chooses_the_outcome_of_one_request() -> None:
    async with stage() as made:
        await made.ask(headers={"X-Lgsp-Force": "outcome=timeout, delay=2s"})
        await made.ask()
        assert [(request.force, request.forced) for request in made.bus.arrived] == [
            ("outcome=timeout, delay=2s", True),
            ("", False),
        ]


async def test_who_may_not_is_told_so_and_it_is_no_transaction() -> None:
    async with stage() as made:
        answer = await made.ask(headers={"X-Lgsp-Force": "outcome=timeout"}, as_="demo")
        assert (answer.status, "may_force: true" in answer.fault["description"]) == (403, True)
        assert made.bus.arrived == []
        assert made.watch.answered == [("refused", "GET", 403)]


async def test_a_force_that_cannot_be_read_is_told_what_to_write() -> None:
    async with stage() as made:
        answer = await made.ask(headers={"X-Lgsp-Force": "outcome=late"})
        assert (answer.status, made.bus.arrived) == (400, [])
        assert answer.fault["description"].startswith("X-Lgsp-Force: the outcome is one of ok, business_fault, ")


async def test_a_stored_request_that_ends_in_time_is_answered_as_the_provider_does() -> None:
    async with stage() as made:
        got = await made.ask("POST", "/svc/batch", data=b"1")
        [(request, wait)] = made.forwarder.sent
        assert (got.status, got.body, wait) == (201, b"received", 30.0)
        assert got.headers["X-Transaction-Id"] == request.id
        assert got.headers["Location"] == f"/lgsp/v1/transactions/{request.id}"
        assert "Preference-Applied" not in got.headers
        assert made.bus.arrived == []
        assert made.watch.answered == [("service", "POST", 201)]
        assert made.watch.in_flight == {"svc": 0}
        assert made.forwarder.ages == [3_600.0]


async def test_a_stored_request_that_does_not_end_in_time_is_answered_202() -> None:
    async with stage(forwarder=Forwards(ends=False)) as made:
        got = await made.ask("POST", "/svc/batch", data=b"1")
        id_ = made.forwarder.sent[0][0].id
        where = f"/lgsp/v1/transactions/{id_}"
        assert (got.status, got.headers["Location"], got.headers["X-Lgsp-Outcome"]) == (202, where, "open")
        assert json.loads(got.body) == {"transaction": id_, "state": "stored", "status": where}
        assert made.watch.answered == [("service", "POST", 202)]


@pytest.mark.parametrize("prefer", ["respond-async", "wait=5, Respond-Async"])
@pytest.mark.parametrize("path", ["/svc/x", "/svc/batch"])
async def test_whoever_prefers_it_is_answered_at_once(prefer: str, path: str) -> None:
    async with stage(forwarder=Forwards(ends=False)) as made:
        got = await made.ask("POST", path, headers={"Prefer": prefer})
        assert (got.status, got.headers["Preference-Applied"]) == (202, "respond-async")
        assert [wait for _, wait in made.forwarder.sent] == [0.0]


async def test_what_is_synchronous_is_not_stored() -> None:
    async with stage() as made:
        got = await made.ask("POST", "/svc/x", headers={"Prefer": "return=minimal"})
        assert (got.status, "Location" in got.headers, made.forwarder.sent) == (200, False, [])


async def test_a_service_that_is_off_stores_nothing() -> None:
    async with stage() as made:
        got = await made.ask("GET", "/off/x", headers={"Prefer": "respond-async"})
        assert (got.status, got.fault["code"], made.forwarder.sent) == (503, 700700, [])


async def test_a_full_outbox_refuses_before_anything_is_stored() -> None:
    async with stage(forwarder=Forwards(full="overloaded")) as made:
        got = await made.ask("POST", "/svc/batch")
        assert (got.status, got.fault["reason"], got.headers["Retry-After"]) == (503, "overloaded", "2")
        assert (made.watch.sheds, made.forwarder.sent) == (["outbox"], [])
        assert made.ledger.totals()["svc", Outcome.BUS_ERROR] == 1


async def test_a_key_that_stands_for_something_else_is_a_conflict() -> None:
    async with stage(forwarder=Forwards(error=Conflict())) as made:
        got = await made.ask("POST", "/svc/batch", headers={"Idempotency-Key": "1"})
        assert (got.status, got.fault["reason"], got.fault["retryable"]) == (409, "conflict", False)
        assert made.ledger.totals()["svc", Outcome.REJECTED] == 1


async def test_what_cannot_be_stored_is_not_accepted() -> None:
    async with stage(forwarder=Forwards(error=LedgerUnavailable("full"))) as made:
        got = await made.ask("POST", "/svc/batch")
        assert (got.status, sum(made.ledger.accepted().values())) == (503, 0)
        assert "ledger_unavailable" in got.fault["description"]


async def test_a_gateway_that_goes_down_lets_nobody_wait_for_what_is_stored() -> None:
    async with stage() as made:
        await made.gateway.stop()
        assert made.forwarder.released


async def test_a_path_of_its_own_with_a_slash_at_its_end_stands_for_what_lies_below() -> None:
    async def own(http: web.BaseRequest, _: bytes) -> web.Response:
        return web.Response(text=http.path)

    async with stage(own={"/own/": own}) as made:
        assert (await made.ask("GET", "/own/7/result", as_="")).body == b"/own/7/result"
        assert (await made.ask("GET", "/ownership", as_="")).status == 404
