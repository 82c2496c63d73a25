from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from lgsp.clock import ManualClock, SystemClock
from lgsp.errors import DeliveryError, ProviderError, SettingsError, TimedOut, Unreachable
from lgsp.model import Outcome
from lgsp.traffic.caller import Answer, Caller, Credentials, outcome_of

WHO = Credentials("one-stop", "secret")


class Gateway:
    """Gives tokens that are good for 100 s, or until they are taken back, and notes how it was asked."""

    def __init__(self) -> None:
        self.given = 0
        self.taken_back: set[str] = set()
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form["client_secret"] != "secret":
            return web.json_response({"error_description": "no such client"}, status=401)
        self.given += 1
        return web.json_response({"access_token": f"t{self.given}", "expires_in": 100})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((request.method, request.raw_path, headers, await request.read()))
        if bearer in self.taken_back:
            return web.json_response({"fault": {"code": 900901}}, status=401, headers={"X-Lgsp-Outcome": "rejected"})
        if request.path == "/providers-own":
            return web.Response(status=401, text="wrong password", headers={"X-Lgsp-Outcome": "rejected"})
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/elsewhere", "Set-Cookie": "a=b"})
        if request.path == "/broken":
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"half")
            assert request.transport is not None
            request.transport.close()
            return response
        return web.Response(
            status=404, text="no", headers={"X-Lgsp-Outcome": "business_fault", "X-Transaction-Id": "7"}
        )


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Gateway, str]]:
    gateway = Gateway()
    app = web.Application()
    app.router.add_post("/token", gateway.token)
    app.router.add_route("*", "/{rest:.*}", gateway.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield gateway, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_call_goes_out_as_it_was_given_and_nothing_is_added_to_it() -> None:
    async with listening() as (gateway, url), Caller(url + "/", ManualClock()) as caller:
        answer = await caller.ask("POST", "/a%2Fb?x=%20", headers={"x-lgsp-key": "9"}, body=b"body")
        assert (answer.status, answer.body, answer.outcome, answer.transaction) == (
            404,
            b"no",
            Outcome.BUSINESS_FAULT,
            "7",
        )
        method, path, headers, body = gateway.asked[0]
        assert (method, path, body) == ("POST", "/a%2Fb?x=%20", b"body")
        assert set(headers) == {"host", "x-lgsp-key", "content-length"}
        assert gateway.given == 0


async def test_a_token_is_fetched_once_and_renewed_before_it_ends() -> None:
    clock = ManualClock()
    async with listening() as (gateway, url), Caller(url, clock, credentials=WHO) as caller:
        for _ in range(3):
            await caller.ask("GET", "/a", headers={"authorization": "Bearer of somebody else"})
        await clock.advance(89)
        await caller.ask("GET", "/a", headers={})
        assert gateway.given == 1
        await clock.advance(2)
        await caller.ask("GET", "/a", headers={})
        assert gateway.given == 2
        assert [headers["authorization"] for _, _, headers, _ in gateway.asked] == ["Bearer t1"] * 4 + ["Bearer t2"]


async def test_a_token_that_was_taken_back_costs_no_call() -> None:
    async with listening() as (gateway, url), Caller(url, ManualClock(), credentials=WHO) as caller:
        await caller.ask("GET", "/a", headers={})
        gateway.taken_back.add("t1")
        answer = await caller.ask("GET", "/a", headers={})
        assert (answer.status, gateway.given) == (404, 2)
        gateway.taken_back.add("t2")
        gateway.taken_back.add("t3")
        assert (await caller.ask("GET", "/a", headers={})).status == 401  # and no third try


async def test_a_401_of_the_provider_is_an_answer_and_asked_once() -> None:
    async with listening() as (gateway, url), Caller(url, ManualClock(), credentials=WHO) as caller:
        assert (await caller.ask("POST", "/providers-own", headers={})).status == 401
        assert (len(gateway.asked), gateway.given) == (1, 1)


async def test_who_gets_no_token_is_told_why() -> None:
    async with listening() as (_, url), Caller(url, ManualClock(), credentials=Credentials("a", "wrong")) as caller:
        with pytest.raises(SettingsError, match=r"gives 'a' no token \(401\): no such client"):
            await caller.ask("GET", "/a", headers={})


async def test_no_redirect_is_followed_and_no_cookie_kept() -> None:
    async with listening() as (gateway, url), Caller(url, ManualClock()) as caller:
        for _ in range(2):
            assert (await caller.ask("GET", "/moved", headers={})).status == 302
        assert [path for _, path, _, _ in gateway.asked] == ["/moved", "/moved"]
        assert not any("cookie" in headers for _, _, headers, _ in gateway.asked)


@pytest.mark.parametrize(("path", "error"), [("/broken", ProviderError), ("/a", TimedOut)])
async def test_an_answer_that_does_not_come_is_told_apart(path: str, error: type[DeliveryError]) -> None:
    async with listening() as (_, url), Caller(url, SystemClock()) as caller:
        with pytest.raises(error):
            await caller.ask("GET", path, headers={}, timeout=0.000001 if error is TimedOut else 5)


async def test_nobody_there_is_unreachable() -> None:
    async with Caller("http://127.0.0.1:1", SystemClock()) as caller:
        with pytest.raises(Unreachable, match=r"nobody answers at http://127\.0\.0\.1:1"):
            await caller.ask("GET", "/a", headers={})


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "ok"),
        (302, "ok"),
        (400, "rejected"),
        (404, "business_fault"),
        (429, "rejected"),
        (500, "provider_error"),
        (504, "timeout"),
    ],
)
def test_where_nobody_says_more_a_status_says_the_outcome(status: int, outcome: str) -> None:
    assert outcome_of(status) == outcome
    assert Answer(status, {"x-lgsp-outcome": "bus_error"}, b"").outcome == "bus_error"
    assert Answer(status, {"x-lgsp-outcome": "open"}, b"").outcome == outcome
