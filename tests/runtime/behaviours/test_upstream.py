"""The way to a real provider, against a real HTTP server on loopback that misbehaves in every way of the table."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from builders import a_request, a_service, an_operation
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from lgsp.breaker import USUAL
from lgsp.bus.node import free_port
from lgsp.catalogue.service import Operation, Upstream
from lgsp.clock import ManualClock, SystemClock
from lgsp.edge.tls import hand_out, make_authority, make_certificate
from lgsp.errors import CatalogueError, MalformedRequest, TimedOut, Unreachable
from lgsp.model import Outcome, Reply, Request, Transaction
from lgsp.runtime.behaviours.upstream import UpstreamBehaviour, outcome_of, target_of, wait_before
from lgsp.runtime.provider import Upstreams

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FIRST_PAUSE, RUNNING = USUAL.pause, USUAL.failures
GET, POST, PUT = "GET /x/{id}", "POST /x", "PUT /x"


class Prompt(ManualClock):
    """A clock whose sleeps are over at once, and are remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.advance(seconds)


@dataclass
class Noted:
    """A watch and a tap that remember."""

    attempts: list[Outcome] = field(default_factory=list)
    circuits: list[bool] = field(default_factory=list)
    seen: list[Transaction] = field(default_factory=list)

    def provider(self, service: str) -> None:
        assert service == "svc"

    def attempt(self, service: str, outcome: Outcome) -> None:
        assert service == "svc"
        self.attempts.append(outcome)

    def circuit(self, service: str, *, is_open: bool) -> None:
        assert service == "svc"
        self.circuits.append(is_open)

    def saw(self, transaction: Transaction) -> None:
        self.seen.append(transaction)


@dataclass
class Stage:
    """A provider, and the behaviour that asks it."""

    world: Upstreams
    clock: Prompt
    noted: Noted
    upstream: Upstream
    came: list[web.Request]
    bodies: list[bytes]

    def behaviour(self, operation: Operation, mode: Any = "proxy") -> UpstreamBehaviour:
        service = a_service("svc", operation, mode=mode, upstream=self.upstream, where="services.yaml:1")
        return UpstreamBehaviour(self.world.of(service), operation, self.world, spies=mode == "spy")

    async def ask(self, name: str = GET, *, mode: str = "proxy", **fields: Any) -> Reply:
        operation = an_operation(name, **({"idempotent": fields.pop("idempotent")} if "idempotent" in fields else {}))
        given = {"operation": name, "path": "/x/1" if name == GET else "/x", "budget": 5.0} | fields
        return await self.behaviour(operation, mode)(a_request(**given), nobody)


async def nobody(_: Request) -> Reply:
    raise AssertionError("the stand-in is not asked")


@asynccontextmanager
async def stage(
    answer: Handler, *, environment: dict[str, str] | None = None, tls: ssl.SSLContext | None = None, **block: Any
) -> AsyncIterator[Stage]:
    came: list[web.Request] = []
    bodies: list[bytes] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        came.append(request)
        bodies.append(await request.read())
        return await answer(request)

    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.001)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    clock, noted = Prompt(), Noted()
    block = {"url": f"http{'s' if tls else ''}://127.0.0.1:{port}/base", "timeout": 2.0, "retries": 0} | block
    options = {"allowed": ("127.0.0.1",), "environment": environment or {}, "directory": Path(), "max_reply": 100_000}
    try:
        async with Upstreams(clock, noted, [noted], seed=7, **options) as world:  # type: ignore[arg-type]  # options of many kinds
            yield Stage(world, clock, noted, Upstream(**block), came, bodies)
    finally:
        await runner.cleanup()


def status(code: int, **more: Any) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, **({"text": f"says {code}"} | more))

    return answer


def raw(sent: bytes) -> Handler:
    """Bytes straight onto the connection, which then breaks."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.write(sent)
        request.transport.close()
        return web.Response()

    return answer


async def silent(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b"x" * 50_000)
    except ConnectionError:
        return response


async def fine(_: web.Request) -> web.StreamResponse:
    return web.json_response({"ok": True}, headers={"X-Own": "1", "Set-Cookie": "a=b", "Server": "theirs"})


def turns(*answers: Handler) -> Handler:
    """One answer after the other, the last for ever."""
    left = list(answers)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


TABLE: list[tuple[str, Handler, Outcome, int, str]] = [
    ("200", status(200), Outcome.OK, 200, ""),
    ("201", status(201), Outcome.OK, 201, ""),
    ("204", status(204, text=None), Outcome.OK, 204, ""),
    ("302 elsewhere", status(302, headers={"Location": "http://127.0.0.2/"}), Outcome.PROVIDER_ERROR, 502, "bad_reply"),
    ("304", status(304, text=None), Outcome.PROVIDER_ERROR, 502, "bad_reply"),
    ("400", status(400), Outcome.REJECTED, 400, "bad_request"),
    ("401", status(401), Outcome.REJECTED, 401, "bad_request"),
    ("403", status(403), Outcome.REJECTED, 403, "bad_request"),
    ("404", status(404), Outcome.BUSINESS_FAULT, 404, ""),
    ("409", status(409), Outcome.BUSINESS_FAULT, 409, ""),
    ("410", status(410), Outcome.BUSINESS_FAULT, 410, ""),
    ("422", status(422), Outcome.REJECTED, 422, "bad_request"),
    ("429", status(429), Outcome.REJECTED, 429, "bad_request"),
    ("500", status(500), Outcome.PROVIDER_ERROR, 500, "provider_fault"),
    ("503", status(503), Outcome.PROVIDER_ERROR, 503, "provider_fault"),
    ("599", status(599), Outcome.PROVIDER_ERROR, 599, "provider_fault"),
    ("closed without a word", raw(b""), Outcome.PROVIDER_ERROR, 502, "receive_failed"),
    ("no HTTP", raw(b"SSH-2.0-x\r\n\r\n"), Outcome.PROVIDER_ERROR, 502, "protocol_violation"),
    (
        "a body that breaks off",
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nxx"),
        Outcome.PROVIDER_ERROR,
        502,
        "receive_failed",
    ),
    (
        "a chunk that lies",
        raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
        Outcome.PROVIDER_ERROR,
        502,
        "protocol_violation",
    ),
    (
        "a header without end",
        raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 99_999),
        Outcome.PROVIDER_ERROR,
        502,
        "protocol_violation",
    ),
    ("a body without end", endless, Outcome.PROVIDER_ERROR, 502, "bad_reply"),
]


@pytest.mark.parametrize(("what", "answer", "outcome", "code", "reason"), TABLE, ids=[row[0] for row in TABLE])
async def test_what_comes_back_has_one_outcome(
    what: str, answer: Handler, outcome: Outcome, code: int, reason: str
) -> None:
    async with stage(answer) as made:
        reply = await made.ask()
        assert (reply.outcome, reply.status, reply.reason) == (outcome, code, reason), what
        assert len(made.came) == 1
        assert made.noted.attempts == [outcome]
        if code not in {204, 502}:
            assert reply.body == f"says {code}".encode()


async def test_silence_is_a_timeout_of_the_attempt() -> None:
    async with stage(silent, timeout=0.05) as made:
        reply = await made.ask()
        assert (reply.outcome, reply.status, reply.reason) == (Outcome.TIMEOUT, 504, "budget_spent")


async def test_at_the_end_of_the_budget_nobody_answers_at_all() -> None:
    clocks: list[Prompt] = []

    async def late(request: web.Request) -> web.StreamResponse:
        await clocks[0].advance(5.0)
        return await silent(request)

    async with stage(late, timeout=0.05) as made:
        clocks.append(made.clock)
        with pytest.raises(TimedOut):
            await made.ask(budget=5.0)


@pytest.mark.parametrize("port", [free_port()], ids=["nobody listens"])
async def test_a_refused_connection_is_unreachable(port: int) -> None:
    async with stage(fine, url=f"http://127.0.0.1:{port}") as made:
        reply = await made.ask()
        assert (reply.outcome, reply.status, reply.reason) == (Outcome.UNREACHABLE, 503, "provider_down")
        assert made.came == []


async def test_a_connection_that_nobody_takes_is_unreachable_for_a_reason_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:  # what the backlog does not hold stays unanswered
            filler.settimeout(0)
            filler.connect_ex(full.getsockname())
        async with stage(fine, url=f"http://127.0.0.1:{full.getsockname()[1]}", connect_timeout=0.05) as made:
            reply = await made.ask()
        assert (reply.outcome, reply.status, reply.reason) == (Outcome.UNREACHABLE, 503, "connect_timeout")
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize(
    ("code", "here", "outcome"),
    [
        (404, {"404": Outcome.REJECTED}, Outcome.REJECTED),
        (404, {"4xx": Outcome.PROVIDER_ERROR}, Outcome.PROVIDER_ERROR),
        (404, {"4xx": Outcome.PROVIDER_ERROR, "404": Outcome.OK}, Outcome.OK),
        (418, {}, Outcome.REJECTED),
        (299, {"2xx": Outcome.BUSINESS_FAULT}, Outcome.BUSINESS_FAULT),
        (101, {}, Outcome.PROVIDER_ERROR),
        (999, {}, Outcome.PROVIDER_ERROR),
    ],
)
def test_a_service_has_its_own_word_for_a_status(code: int, here: dict[str, Outcome], outcome: Outcome) -> None:
    assert outcome_of(code, here) is outcome


@given(st.integers(0, 999))
def test_every_status_has_an_outcome_of_an_answer(code: int) -> None:
    assert outcome_of(code, {}) in {Outcome.OK, Outcome.BUSINESS_FAULT, Outcome.REJECTED, Outcome.PROVIDER_ERROR}


@given(st.integers(1, 5), st.floats(0, 10), st.floats(0, 1))
def test_waits_double_with_chance_in_them_and_fit_into_what_is_left(retry: int, left: float, u: float) -> None:
    wait = wait_before(retry, left=left, u=u)
    whole = 0.1 * 2 ** (retry - 1)
    assert wait is None or (whole / 2 <= wait <= whole and wait < left)
    assert (wait is None) == (whole * (0.5 + u / 2) >= left)


async def test_request_and_reply_go_through_as_they_are() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        squeezed = gzip.compress(b"plain")
        return web.Response(body=squeezed, headers={"Content-Encoding": "gzip", "X-A": "1", "Set-Cookie": "a=b"})

    async with stage(answer) as made:
        body = "<tên/>".encode()
        headers = {"content-type": "text/xml", "soapaction": '"s"', "traceparent": "00-1-2-01"}
        reply = await made.ask(POST, query="a=1&b=%20", body=body, headers=headers)
        (came,) = made.came
        assert (came.method, came.raw_path, made.bodies) == ("POST", "/base/x?a=1&b=%20", [body])
        assert {name: came.headers[name] for name in headers} == headers
        assert "Cookie" not in came.headers
        assert gzip.decompress(reply.body) == b"plain"
        assert reply.headers["content-encoding"] == "gzip"
        assert (reply.headers["x-a"], reply.headers["x-lgsp-source"]) == ("1", "upstream")
        assert not {"set-cookie", "server", "date", "content-length"} & reply.headers.keys()
        await made.ask(POST)
        assert "Cookie" not in made.came[1].headers


async def test_secrets_come_from_environment_and_files_and_show_nowhere(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush-file\n")
    headers = {"authorization": SecretStr("Bearer ${MOJ_TOKEN}"), "x-plain": SecretStr("hush-plain")}
    files = {"x-secret": str(tmp_path / "key")}
    with structlog.testing.capture_logs() as logs:
        async with stage(
            status(500), environment={"MOJ_TOKEN": "hush-env"}, headers=headers, headers_file=files
        ) as made:
            replies = [await made.ask(headers={"authorization": "the caller's"}) for _ in range(RUNNING)]
            sent = made.came[0].headers
            assert (sent["Authorization"], sent["X-Plain"], sent["X-Secret"]) == (
                "Bearer hush-env",
                "hush-plain",
                "hush-file",
            )
            assert sent.getall("Authorization") == ["Bearer hush-env"]
            told = f"{logs} {made.world!r} {made.world._providers} {made.upstream!r} {replies}"
    assert "hush" not in told
    assert "circuit opened" in told


@pytest.mark.parametrize(
    ("name", "idempotent", "answer", "asked"),
    [
        (GET, True, status(503), 3),
        (GET, True, status(502), 3),
        (GET, True, status(504), 3),
        (GET, True, raw(b""), 3),
        (GET, True, status(500), 1),
        (GET, True, status(404), 1),
        (GET, True, raw(b"no HTTP\r\n\r\n"), 1),
        (GET, True, status(503, headers={"Retry-After": "9"}), 1),
        (POST, True, status(503), 3),
        (POST, False, status(503), 1),
        (POST, False, raw(b""), 1),
        (PUT, False, raw(b""), 1),
    ],
)
async def test_only_what_may_be_repeated_is_asked_again(
    name: str, answer: Handler, asked: int, *, idempotent: bool
) -> None:
    async with stage(answer, retries=2) as made:
        await made.ask(name, idempotent=idempotent)
        assert len(made.came) == asked
        assert len(made.clock.slept) == asked - 1


async def test_a_put_that_may_not_be_repeated_goes_out_once_even_where_a_kept_connection_died() -> None:
    async with stage(turns(fine, fine, raw(b"")), retries=2) as made:
        for _ in range(2):
            assert (await made.ask(PUT, idempotent=False)).outcome is Outcome.OK
        assert (await made.ask(PUT, idempotent=False)).outcome is Outcome.PROVIDER_ERROR
        assert len(made.came) == 3


async def test_a_second_attempt_that_is_well_is_the_answer() -> None:
    async with stage(turns(status(503), fine), retries=1) as made:
        assert (await made.ask()).outcome is Outcome.OK
        assert made.noted.attempts == [Outcome.PROVIDER_ERROR, Outcome.OK]


async def test_no_attempt_begins_that_the_budget_has_no_room_for() -> None:
    async with stage(status(503), retries=5) as made:
        reply = await made.ask(budget=0.3)
        assert reply.status == 503
        assert sum(made.clock.slept) < 0.3
        assert len(made.came) == len(made.clock.slept) + 1 < 5


async def test_the_breaker_opens_answers_for_the_provider_and_closes_by_itself() -> None:
    async with stage(turns(*[status(500)] * RUNNING, status(500), fine)) as made:
        for _ in range(RUNNING):
            await made.ask()
        with pytest.raises(Unreachable) as caught:
            await made.ask()
        assert caught.value.reason == "suspended"
        assert len(made.came) == RUNNING
        await made.clock.advance(FIRST_PAUSE)
        assert (await made.ask()).status == 500  # the probe fails: twice the pause
        await made.clock.advance(FIRST_PAUSE)
        with pytest.raises(Unreachable):
            await made.ask()
        await made.clock.advance(FIRST_PAUSE)
        assert [(await made.ask()).outcome for _ in range(3)] == [Outcome.OK] * 3
        assert made.noted.circuits == [True, False]


async def test_a_breaker_that_opens_between_attempts_ends_them() -> None:
    async with stage(status(503), retries=5) as made:
        assert [(await made.ask()).status for _ in range(1)] == [503]
        assert len(made.came) == RUNNING


async def test_half_open_lets_one_through_and_the_others_not() -> None:
    go = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await go.wait()
        return await fine(request)

    async with stage(turns(*[status(500)] * RUNNING, slow)) as made:
        for _ in range(RUNNING):
            await made.ask()
        await made.clock.advance(FIRST_PAUSE)
        results: list[Reply | BaseException] = []

        async def one() -> None:
            try:
                results.append(await made.ask())
            except Unreachable as error:
                results.append(error)
                if len(results) == 9:
                    go.set()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(10):
                tasks.create_task(one())
        assert Counter(type(result).__name__ for result in results) == {"Unreachable": 9, "Reply": 1}
        assert len(made.came) == RUNNING + 1


async def test_a_probe_whose_caller_goes_away_does_not_keep_the_breaker_open() -> None:
    arrived = asyncio.Event()

    async def noted(request: web.Request) -> web.StreamResponse:
        arrived.set()
        return await silent(request)

    async with stage(turns(*[status(500)] * RUNNING, noted, fine)) as made:
        for _ in range(RUNNING):
            await made.ask()
        await made.clock.advance(FIRST_PAUSE)
        async with asyncio.TaskGroup() as tasks:
            probe = tasks.create_task(made.ask())
            await arrived.wait()
            probe.cancel()
        assert (await made.ask()).outcome is Outcome.OK


async def test_the_same_service_keeps_its_breaker_and_another_address_begins_anew() -> None:
    async with stage(status(500)) as made:
        for _ in range(RUNNING):
            await made.ask()
        with pytest.raises(Unreachable):
            await made.ask()
        made.upstream = made.upstream.model_copy(update={"url": made.upstream.url + "/v2"})
        assert (await made.ask()).status == 500


async def test_a_redirect_within_the_host_is_followed_and_no_other() -> None:
    def sends(place: str) -> Handler:
        return status(302, headers={"Location": place})

    async with stage(turns(sends("/elsewhere"), fine)) as made:
        assert (await made.ask()).outcome is Outcome.OK
        assert [request.path for request in made.came] == ["/base/x/1", "/elsewhere"]
    for place in (
        "http://127.0.0.2:1/",
        "//evil.example/x",
        "https://127.0.0.1/",
        "http://[bad/",
        "file:///etc/passwd",
    ):
        async with stage(sends(place)) as made:
            assert (await made.ask()).reason == "bad_reply", place
            assert len(made.came) == 1
    async with stage(sends("/again")) as made:
        assert (await made.ask()).reason == "bad_reply"
        assert len(made.came) == 4
    async with stage(sends("/elsewhere")) as made:
        assert (await made.ask(POST)).reason == "bad_reply"
        assert len(made.came) == 1


async def test_a_spy_tells_the_taps_what_was_asked_and_said_and_a_proxy_does_not() -> None:
    async with stage(fine) as made:
        await made.ask()
        assert made.noted.seen == []
        reply = await made.ask(mode="spy", key="k")
        (seen,) = made.noted.seen
        assert (seen.request.key, seen.reply, seen.outcome) == ("k", reply, Outcome.OK)


async def test_a_broken_tap_does_not_cost_the_reply() -> None:
    class Broken:
        def saw(self, transaction: Transaction) -> None:
            raise ZeroDivisionError(transaction)

    async with stage(fine) as made:
        made.world.taps = [Broken(), made.noted]
        assert (await made.ask(mode="spy")).outcome is Outcome.OK
        assert len(made.noted.seen) == 1


@pytest.mark.parametrize(
    "path",
    ["/..", "/x/../y", "/%2e%2e/y", "/x/%2E", "/a%2f..%2fb", "/a b", "/a\r\nHost: x", "/a#b", "/a?b", "x", "", "/ă"],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(MalformedRequest):
        target_of("http://127.0.0.1/base", a_request(path=path))


@pytest.mark.parametrize("query", ["a b", "a\r\nX: y", "a#b", "ă"])
def test_so_is_a_query_with_signs_that_cannot_stand_there(query: str) -> None:
    with pytest.raises(MalformedRequest):
        target_of("http://127.0.0.1/base", a_request(path="/x", query=query))


@pytest.mark.parametrize("path", ["/x", "/x/12%2F2023", "/x/a%20b", "/x/...", "/x/;v=1,2"])
def test_a_path_goes_on_spelt_as_called(path: str) -> None:
    assert str(target_of("http://127.0.0.1/base", a_request(path=path))) == f"http://127.0.0.1/base{path}"


@given(st.text(st.characters(codec="ascii"), max_size=12))
def test_no_path_leaves_the_provider_s_own_tree(text: str) -> None:
    try:
        target = target_of("http://127.0.0.1/base", a_request(path=f"/{text}", query=text))
    except MalformedRequest:
        return
    assert (target.host, target.port) == ("127.0.0.1", 80)
    assert target.raw_path.startswith("/base/")
    assert ".." not in target.path.split("/")


def a_server(tmp_path: Path, content: bytes, clients: Path | None = None) -> ssl.SSLContext:
    """What a provider listens with; with `clients`, it wants to see a certificate of that authority."""
    (tmp_path / "shown.pem").write_bytes(content)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tmp_path / "shown.pem")
    if clients is not None:
        made.load_verify_locations(clients)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("expired", "its certificate has expired"),
        ("another name", "its certificate is for another name"),
        ("another authority", "its certificate comes from an authority that is not trusted here"),
    ],
)
async def test_a_provider_that_is_not_the_one_meant_is_unreachable_and_named(
    tmp_path: Path, who: str, says: str
) -> None:
    now, names = SystemClock().now(), ["127.0.0.1"]
    authority = hand_out(tmp_path, {}, (), now)["authority"]
    pem = (tmp_path / "authority.pem").read_bytes()
    shown = {
        "expired": lambda: make_certificate(pem, names, now - 3 * 86_400, days=1),
        "another name": lambda: make_certificate(pem, ["moj.example.org"], now),
        "another authority": lambda: make_certificate(make_authority(now), names, now),
    }[who]()
    async with stage(status(200), tls=a_server(tmp_path, shown), authority=str(authority)) as made:
        with structlog.testing.capture_logs() as logs:
            replies = [await made.ask(POST), await made.ask(POST)]
        assert [(reply.outcome, reply.reason) for reply in replies] == [(Outcome.UNREACHABLE, "provider_down")] * 2
        assert made.came == []
        [log] = [log for log in logs if log["event"] == "provider not trusted"]
        assert (log["service"], log["why"].startswith(says)) == ("svc", True)


async def test_a_provider_is_asked_over_tls_with_our_certificate_and_refuses_us_without(tmp_path: Path) -> None:
    made = hand_out(tmp_path / "tls", {"provider": ()}, ["us"], SystemClock().now())
    tls = a_server(tmp_path, made["provider"].read_bytes(), clients=made["authority"])
    authority = str(made["authority"])
    async with stage(status(200), tls=tls, authority=authority, certificate=str(made["us"])) as shown:
        assert (await shown.ask()).body == b"says 200"
        assert shown.came[0].get_extra_info("peercert")["subjectAltName"] == (("DNS", "us"),)
    async with stage(status(200), tls=tls, authority=authority) as bare:
        assert (await bare.ask()).outcome in {Outcome.PROVIDER_ERROR, Outcome.UNREACHABLE}
        assert bare.came == []


async def test_a_plain_listener_is_not_asked_plainly(tmp_path: Path) -> None:
    made = hand_out(tmp_path, {}, (), SystemClock().now())
    async with stage(status(200)) as plain:
        url = plain.upstream.url.replace("http:", "https:")
        plain.upstream = Upstream(url=url, authority=str(made["authority"]), retries=0)
        assert (await plain.ask(POST)).outcome is Outcome.UNREACHABLE
        assert plain.came == []


def test_files_that_hold_no_certificate_are_named_when_the_service_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("no certificate")
    for name, says in (("none", "cannot be read"), ("bad", "holds no authority's certificate")):
        world = Upstreams(Prompt(), Noted(), seed=7, allowed=["x"], environment={}, directory=tmp_path)
        service = a_service("svc", mode="proxy", upstream=Upstream(url="https://x", authority=name), where="s.yaml:1")
        with pytest.raises(CatalogueError, match=f"s.yaml:1: svc / upstream / .*{says}"):
            world.of(service)
