"""What of an HTTP request goes on, and how its body is taken."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from gateways import stage

from lgsp.clock import SystemClock
from lgsp.edge import bodies
from lgsp.edge.incoming import CARRIED, TransactionIds


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


async def test_json_that_nests_too_deep_goes_nowhere_and_is_let_go_of() -> None:
    async with stage() as made:
        fine, deep = b"[" * 32 + b"]" * 32, b"[" * 33 + b"]" * 33
        assert (await made.ask("POST", "/svc/x", data=fine)).status == 200
        got = await made.ask("POST", "/svc/x", data=deep, headers={"Content-Type": "text/plain"})
        assert (got.status, got.fault["code"]) == (400, 400)
        assert [request.body for request in made.bus.arrived] == [fine]
        assert made.watch.answered[1:] == [("refused", "POST", 400)]
        assert made.gateway.room.held == 0


@pytest.mark.parametrize("packed", [b"Content-Encoding: gzip\r\n", b"Transfer-Encoding: gzip, chunked\r\n"])
async def test_a_packed_body_is_refused_before_it_is_read(packed: bytes) -> None:
    async with stage() as made:
        token = made.token("tester").encode()
        got = await made.raw(
            b"POST /svc/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer "
            + token + b"\r\n" + packed + b"Expect: 100-continue\r\n"
            + (b"" if b"chunked" in packed else b"Content-Length: 900000000\r\n") + b"\r\n"
        )  # fmt: skip
        assert got.startswith(b"HTTP/1.1 415 ")
        assert b"100 Continue" not in got
        assert made.bus.arrived == []


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


async def test_the_callers_own_id_goes_with_the_request() -> None:
    async with stage() as made:
        await made.ask("POST", "/svc/x", data=b"<ns:MaYeuCau>YC-1</ns:MaYeuCau>")
        await made.ask("POST", "/svc/x?MaYeuCau=YC-2")
        await made.ask()
        assert [request.asked_as for request in made.bus.arrived] == ["YC-1", "YC-2", ""]


def test_transaction_ids_are_uuids_of_version_7_and_never_the_same() -> None:
    new_id = TransactionIds(SystemClock())
    ids = [new_id() for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    assert all(name[14] == "7" and len(name) == 36 for name in ids)
    stamps = [name[:13] for name in ids]
    assert stamps == sorted(stamps)
