"""HTTP at the gateway's door: names, ports, broken requests, clients that dawdle or hang up."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest
from builders import a_reply
from gateways import a_second_one, blocked, stage

from lgsp.errors import (
    SettingsError,
)
from lgsp.model import Outcome, Reply, Request


async def test_a_loopback_listener_takes_the_names_it_was_given() -> None:
    async with stage(names=("api.example.org",)) as made:
        assert (await made.ask(headers={"Host": "API.example.org:8243"})).status == 200
        assert (await made.ask(headers={"Host": "api.example.com"})).status == 421


async def test_a_listener_beyond_loopback_takes_any_name() -> None:
    async with stage(names=None) as made:
        assert (await made.ask(headers={"Host": "lgsp.example.org"})).status == 200


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
        b"GET /svc/x/1 HTTP/0.9\r\n" + HEADERS + b"\r\n",
        b"GET /svc/x/1 HTTP/2.0\r\n" + HEADERS + b"\r\n",
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
        assert re.match(rb"HTTP/(?:1\.[01]|0\.9|2\.0) 4", got), got
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
