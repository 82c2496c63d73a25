"""What becomes of a call: answered, refused or failed, in which words, and what is counted of it."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from builders import a_reply
from gateways import CONSUMERS, blocked, raising, stage

from lgsp.catalogue.consumer import Consumer, Limit
from lgsp.edge.tokens import Tokens
from lgsp.errors import (
    BusUnavailable,
    DeliveryError,
    LedgerUnavailable,
    TimedOut,
    Unreachable,
    Unroutable,
)
from lgsp.model import Outcome, Reply, Request


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


async def test_who_calls_again_before_its_time_is_over_is_counted() -> None:
    async with stage() as made:
        made.access.replace([*CONSUMERS, *REFUSED])
        statuses = [(await made.ask("POST", "/svc/x", as_="slow")).status for _ in range(2)]
        assert (statuses, made.watch.too_soon) == ([200, 429], {})
        assert (await made.ask("POST", "/svc/x")).status == 200  # another consumer was told nothing
        assert made.watch.too_soon == {}
        assert (await made.ask("POST", "/svc/x", as_="slow")).status == 429
        assert made.watch.too_soon == {"svc": 1}


async def test_a_providers_own_word_to_wait_is_held_to_as_well() -> None:
    async def busy(request: Request) -> Reply:
        return a_reply(
            request, status=503, outcome=Outcome.PROVIDER_ERROR, headers={"retry-after": "2", "content-type": "a/b"}
        )

    async with stage(busy) as made:
        for _ in range(3):
            assert (await made.ask()).headers["Retry-After"] == "2"
        assert made.watch.too_soon == {"svc": 2}


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


async def test_a_path_of_its_own_with_a_slash_at_its_end_stands_for_what_lies_below() -> None:
    async def own(http: web.BaseRequest, _: bytes) -> web.Response:
        return web.Response(text=http.path)

    async with stage(own={"/own/": own}) as made:
        assert (await made.ask("GET", "/own/7/result", as_="")).body == b"/own/7/result"
        assert (await made.ask("GET", "/ownership", as_="")).status == 404
