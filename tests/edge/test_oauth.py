"""The token desk over HTTP, on its own port."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from lgsp.catalogue import secret as secrets_kept
from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.secret import hashed
from lgsp.clock import ManualClock
from lgsp.edge import oauth
from lgsp.edge.access import Access
from lgsp.edge.audit import EVERY, ISSUED, Audit
from lgsp.edge.oauth import Desk
from lgsp.edge.tokens import Grant, Tokens, make_key

KEY = make_key()
FORM = {"grant_type": "client_credentials"}


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost next to nothing; what they cost in earnest is the test of another file."""
    monkeypatch.setattr(secrets_kept, "LOG_N", 4)


def line(secret: str) -> str:
    return hashed(secret, b"0123456789abcdef")


def consumers() -> list[Consumer]:
    return [
        Consumer(id="demo", secrets=(line("s1"),)),
        Consumer(id="rotating", key="K_ey.1", secrets=(line("new"), line("old"))),
        Consumer(id="off", secrets=(line("s1"),), disabled=True),
        Consumer(id="bare"),
        Consumer(id="here", secrets=(line("s1"),), networks=("127.0.0.0/8",)),
        Consumer(id="elsewhere", secrets=(line("s1"),), networks=("10.0.0.0/8",)),
        Consumer(id="certified", secrets=(line("s1"),), certificates=("certified.example.org",)),
    ]


@dataclass
class Front:
    session: aiohttp.ClientSession
    port: int
    access: Access
    clock: ManualClock
    audit: Audit | None = None
    returned: list[Grant] = field(default_factory=list)
    events: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)

    async def post(self, path: str = "/token", **more: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
        method = more.pop("method", "POST")
        async with self.session.request(method, f"http://127.0.0.1:{self.port}{path}", **more) as answer:
            return answer.status, json.loads(await answer.read()), dict(answer.headers)

    async def token(self, key: str = "demo", secret: str = "s1") -> str:  # noqa: S107 - made up
        status, answer, _ = await self.post(data=FORM | {"client_id": key, "client_secret": secret})
        assert status == 200, answer
        token: str = answer["access_token"]
        return token


@asynccontextmanager
async def front() -> AsyncIterator[Front]:
    clock = ManualClock()
    numbers = iter(range(1_000))
    access = Access(Tokens(KEY, lambda: str(next(numbers))), clock)
    access.replace(consumers())
    async with aiohttp.ClientSession() as session:
        made = Front(session, 0, access, clock)

        async def note(who: str, what: str, subject: str, detail: Mapping[str, Any]) -> None:
            made.events.append((who, what, subject, dict(detail)))

        made.audit = Audit(clock, note)
        desk = Desk(access, clock, made.audit, made.returned.append)

        async def handle(http: web.BaseRequest) -> web.StreamResponse:
            return await {"/token": desk.token, "/revoke": desk.revoke}[http.path](http, await http.read())

        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        made.port = runner.addresses[0][1]
        try:
            yield made
        finally:
            await session.close()
            await runner.cleanup()


def basic(credentials: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(credentials.encode()).decode()}


@pytest.mark.parametrize(
    "sent",
    [
        {"headers": basic("demo:s1"), "data": FORM},
        {"headers": {"Authorization": "basic  " + basic("demo:s1")["Authorization"][6:]}, "data": FORM},
        {"data": FORM | {"client_id": "demo", "client_secret": "s1"}},
        {"headers": basic("demo:s1"), "data": FORM | {"scope": "default"}},
    ],
)
async def test_key_and_secret_get_a_token_for_an_hour(sent: dict[str, Any]) -> None:
    async with front() as made:
        status, answer, headers = await made.post(**sent)
        assert status == 200
        token = answer.pop("access_token")
        assert answer == {"scope": "am_application_scope default", "token_type": "Bearer", "expires_in": 3600}
        assert made.access.tokens.read(token) == Grant("demo", "0", made.clock.now() + 3600)
        assert headers["Content-Type"] == "application/json"
        assert (headers["Cache-Control"], headers["Pragma"]) == ("no-store", "no-cache")


CLIENT = 401, "invalid_client", {"WWW-Authenticate": 'Basic realm="lgsp"'}
REQUEST = 400, "invalid_request", {}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"data": FORM}, CLIENT),
        ({"data": FORM, "headers": basic("demo:wrong")}, CLIENT),
        ({"data": FORM, "headers": basic("demo:")}, CLIENT),
        ({"data": FORM, "headers": basic("demo")}, CLIENT),
        ({"data": FORM, "headers": basic("nobody:s1")}, CLIENT),
        ({"data": FORM, "headers": basic(":s1")}, CLIENT),
        ({"data": FORM, "headers": basic("bare:")}, CLIENT),
        ({"data": FORM, "headers": basic("off:s1")}, CLIENT),
        ({"data": FORM, "headers": basic("rotating:new")}, CLIENT),
        ({"data": FORM, "headers": {"Authorization": "Basic ***"}}, CLIENT),
        ({"data": FORM, "headers": {"Authorization": "Basic /w=="}}, CLIENT),
        ({"data": FORM, "headers": {"Authorization": "Bearer abc"}}, CLIENT),
        ({"data": FORM, "headers": [*basic("demo:s1").items(), *basic("demo:s1").items()]}, CLIENT),
        ({"data": FORM | {"client_id": "demo"}}, CLIENT),
        ({"data": FORM | {"client_id": "demo", "client_secret": "wrong"}}, CLIENT),
        ({"data": FORM | {"client_secret": "s1"}}, CLIENT),
        ({"data": FORM | {"client_id": "demo", "client_secret": "s1"}, "headers": basic("demo:s1")}, REQUEST),
        ({"data": {"scope": "x"}, "headers": basic("demo:s1")}, REQUEST),
        ({"data": b"", "headers": basic("demo:s1") | {"Content-Type": oauth.FORM}}, REQUEST),
        ({"data": b"grant_type", "headers": basic("demo:s1") | {"Content-Type": oauth.FORM}}, REQUEST),
        ({"data": b"a=1&a=2", "headers": basic("demo:s1") | {"Content-Type": oauth.FORM}}, REQUEST),
        ({"data": b"a=\xff", "headers": basic("demo:s1") | {"Content-Type": oauth.FORM}}, REQUEST),
        ({"data": "&".join(f"a{n}=1" for n in range(17)), "headers": {"Content-Type": oauth.FORM}}, REQUEST),
        ({"json": FORM, "headers": basic("demo:s1")}, REQUEST),
        ({"method": "GET", "headers": basic("demo:s1")}, (405, "invalid_request", {"Allow": "POST"})),
        ({"data": {"grant_type": "password"}, "headers": basic("demo:s1")}, (400, "unsupported_grant_type", {})),
        ({"data": {"grant_type": ""}, "headers": basic("demo:s1")}, (400, "unsupported_grant_type", {})),
    ],
)
async def test_whoever_asks_wrongly_is_told_why(
    sent: dict[str, Any], expected: tuple[int, str, dict[str, str]]
) -> None:
    async with front() as made:
        status, answer, headers = await made.post(**sent)
        assert (status, answer["error"]) == expected[:2]
        assert set(answer) == {"error", "error_description"}
        assert len(answer["error_description"]) > 5
        assert {name: headers.get(name) for name in expected[2]} == expected[2]
        assert ("WWW-Authenticate" in headers) is (status == 401)
        assert (headers["Content-Type"], headers["Cache-Control"]) == ("application/json", "no-store")


async def test_both_secrets_are_live_until_the_old_one_is_taken_out() -> None:
    async with front() as made:
        for secret in ("new", "old"):
            assert made.access.tokens.read(await made.token("K_ey.1", secret))
        made.access.replace([Consumer(id="rotating", key="K_ey.1", secrets=(line("new"),))])
        await made.token("K_ey.1", "new")
        status, answer, _ = await made.post(data=FORM, headers=basic("K_ey.1:old"))
        assert (status, answer["error"]) == (401, "invalid_client")


async def test_an_unknown_key_costs_as_many_checks_as_a_wrong_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def fits(_: str, line: str) -> bool:
        checked.append(line)
        return False

    monkeypatch.setattr(oauth, "fits", fits)
    async with front() as made:
        for key in ("demo", "nobody", "bare", "off"):
            checked.clear()
            await made.post(data=FORM, headers=basic(f"{key}:x"))
            assert len(checked) == 1
    assert secrets_kept.is_hashed(oauth._NOBODY)


async def test_who_tries_too_often_waits_and_harms_nobody_else() -> None:
    async with front() as made:
        for _ in range(10):
            assert (await made.post(data=FORM, headers=basic("demo:guess")))[0] == 401
        status, answer, headers = await made.post(data=FORM, headers=basic("demo:s1"))
        assert (status, answer["error"], headers["Retry-After"]) == (429, "temporarily_unavailable", "1")
        await made.token("K_ey.1", "new")
        await made.clock.advance(0.1)
        await made.token()


async def test_keys_that_are_not_known_share_one_patience() -> None:
    async with front() as made:
        asked = [(await made.post(data=FORM, headers=basic(f"k{n}:x")))[0] for n in range(11)]
        assert asked == [401] * 10 + [429]


async def test_more_in_line_than_there_is_room_for_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "IN_LINE", 0)
    async with front() as made:
        status, answer, headers = await made.post(data=FORM, headers=basic("demo:s1"))
        assert (status, answer["error"], headers["Retry-After"]) == (503, "temporarily_unavailable", "1")


async def test_a_mistake_of_ours_is_said_and_gives_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    def fits(_: str, __: str) -> bool:
        raise MemoryError

    monkeypatch.setattr(oauth, "fits", fits)
    async with front() as made:
        for _ in range(3):
            status, answer, _ = await made.post(data=FORM, headers=basic("demo:s1"))
            assert (status, answer["error"]) == (500, "server_error")
        monkeypatch.undo()
        await made.token("demo", "s1")


async def test_a_token_that_is_given_back_is_revoked_and_noted_once() -> None:
    async with front() as made:
        token = await made.token()
        for _ in range(2):
            assert (await made.post("/revoke", data={"token": token}, headers=basic("demo:s1")))[:2] == (200, {})
        assert made.returned == [Grant("demo", "0", made.clock.now() + 3600)]
        assert set(made.access.revoked) == {"0"}


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        ({"data": {"token": "abc"}, "headers": basic("demo:s1")}, 200, None),
        ({"data": {"token": "abc"}, "headers": basic("demo:wrong")}, 401, "invalid_client"),
        ({"data": {"token": "abc"}}, 401, "invalid_client"),
        ({"data": {"x": "y"}, "headers": basic("demo:s1")}, 400, "invalid_request"),
        ({"method": "GET"}, 405, "invalid_request"),
    ],
)
async def test_what_is_no_token_is_given_back_in_peace(sent: dict[str, Any], status: int, error: str | None) -> None:
    async with front() as made:
        got, answer, _ = await made.post("/revoke", **sent)
        assert (got, answer.get("error")) == (status, error)
        assert made.returned == []


async def test_nobody_gives_back_the_token_of_another() -> None:
    async with front() as made:
        token = await made.token()
        status, answer, _ = await made.post("/revoke", data={"token": token}, headers=basic("K_ey.1:new"))
        assert (status, answer["error"]) == (400, "unauthorized_client")
        assert made.access.revoked == {}


async def test_a_token_that_is_over_needs_no_note() -> None:
    async with front() as made:
        token = await made.token()
        await made.clock.advance(3_600)
        assert (await made.post("/revoke", data={"token": token}, headers=basic("demo:s1")))[0] == 200
        assert made.access.revoked == {}


async def test_a_stolen_secret_is_worth_nothing_elsewhere_and_the_answer_does_not_say_why() -> None:
    async with front() as made:
        assert await made.token("here")
        made.events.clear()
        with capture_logs() as logs:
            said = [
                await made.post(data=FORM | {"client_id": key, "client_secret": secret})
                for key, secret in (
                    ("elsewhere", "s1"),
                    ("certified", "s1"),
                    ("elsewhere", "wrong"),
                    ("demo", "wrong"),
                    ("nobody", "s1"),
                )
            ]
        no_client = "A valid OAuth client could not be found: check key and secret"
        assert {(status, answer["error"], answer["error_description"]) for status, answer, _ in said} == {
            (401, "invalid_client", no_client)
        }
        why = "its secret, from where it may not come or without its certificate"
        assert made.events == [
            (who, "consumer.refused", "/token", {"address": "127.0.0.1", "why": why})
            for who in ("elsewhere", "certified")
        ]
        assert [(log["event"], log["why"], log["address"], log["asked"]) for log in logs] == [
            ("caller refused", told, "127.0.0.1", "/token")
            for told in ("a wrong secret of elsewhere", "a wrong secret of demo", no_client)
        ]


async def test_every_decision_of_the_desk_is_one_event_and_none_holds_a_secret_or_a_token() -> None:
    async with front() as made:
        with capture_logs() as logs:
            token = await made.token()
            await made.post("/revoke", data={"token": token}, headers=basic("demo:s1"))
            await made.post("/revoke", data={"token": token}, headers=basic("demo:s1"))  # it is given back already
            other = await made.token("K_ey.1", "new")
            await made.post("/revoke", data={"token": other}, headers=basic("demo:s1"))
            await made.post(data=FORM, headers=basic("off:s1"))
            await made.post(data=FORM, headers=basic("demo:hunter2"))
            await made.post(data={"grant_type": "password"}, headers=basic("demo:s1"))  # nothing was decided
        here = {"address": "127.0.0.1"}
        assert made.events == [
            ("demo", "token.issued", "demo", here | {"token": "0"}),
            ("demo", "token.returned", "demo", here | {"token": "0"}),
            ("rotating", "token.issued", "rotating", here | {"token": "1"}),
            ("demo", "consumer.refused", "/revoke", here | {"why": "The token was not issued to this client"}),
            (
                "off",
                "consumer.refused",
                "/token",
                here | {"why": "This client is disabled: ask the operator of the gateway"},
            ),
        ]
        assert [(log["event"], log["why"]) for log in logs] == [("caller refused", "a wrong secret of demo")]
        written = repr(made.events) + repr(logs)
        assert not any(secret in written for secret in (token, other, "s1", "hunter2", "new"))


async def test_who_fetches_a_token_for_each_call_is_a_number_and_not_as_many_events() -> None:
    async with front() as made:
        assert made.audit is not None
        for _ in range(ISSUED + 3):
            await made.clock.advance(0.1)
            await made.token()
        await made.token("K_ey.1", "new")
        assert [who for who, *_ in made.events] == ["demo"] * ISSUED + ["rotating"]
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(made.audit.run())
            await made.clock.advance(EVERY)
            telling.cancel()
        assert made.events[ISSUED + 1 :] == [("demo", "token.issued", "demo", {"address": "127.0.0.1", "more": 3})]
