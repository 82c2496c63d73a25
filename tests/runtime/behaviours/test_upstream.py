"""The way to a real provider, against a real HTTP server on loopback that misbehaves in every way of the table."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path

import pytest
import structlog
from aiohttp import web
from builders import a_request
from hypothesis import given
from hypothesis import strategies as st
from providers import POST, RUNNING, Handler, Prompt, endless, fine, raw, silent, stage, status, turns
from pydantic import SecretStr

from lgsp.bus.node import free_port
from lgsp.errors import MalformedRequest, TimedOut
from lgsp.model import Outcome, Transaction
from lgsp.runtime.behaviours.upstream import outcome_of, target_of

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
