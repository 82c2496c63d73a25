from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from lgsp.forwarding import post as module
from lgsp.forwarding.post import HttpPost, is_inner, refusal


@asynccontextmanager
async def a_consumer(status: int = 204, headers: dict[str, str] | None = None) -> AsyncIterator[tuple[int, list[Any]]]:
    """A server on loopback that takes what is posted to it, or not."""
    came: list[Any] = []

    async def take(request: web.BaseRequest) -> web.Response:
        came.append((request.method, request.path, dict(request.headers), await request.read()))
        return web.Response(status=status, headers=headers)

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1], came
    finally:
        await runner.cleanup()


async def test_a_body_goes_out_with_its_headers() -> None:
    async with a_consumer() as (port, came), HttpPost(["127.0.0.1"]) as post:
        assert await post(f"http://127.0.0.1:{port}/told", b"{}", {"webhook-id": "t"}) == ""
        [(method, path, headers, body)] = came
        assert (method, path, headers["webhook-id"], body) == ("POST", "/told", "t", b"{}")


@pytest.mark.parametrize("status", [301, 302, 307, 400, 500])
async def test_anything_but_yes_is_no_and_no_redirect_is_followed(status: int) -> None:
    async with a_consumer() as (other, elsewhere):
        location = {"Location": f"http://127.0.0.1:{other}/"}
        async with a_consumer(status, location) as (port, came), HttpPost(["127.0.0.1"]) as post:
            assert await post(f"http://127.0.0.1:{port}/", b"{}", {}) == f"it answered {status}"
            assert (len(came), elsewhere) == (1, [])


async def test_nobody_is_called_who_is_not_allowed_by_name() -> None:
    async with a_consumer() as (port, came), HttpPost(["desk.example", f"127.0.0.1:{port + 1}"]) as post:
        assert "--call-back 127.0.0.1" in await post(f"http://127.0.0.1:{port}/", b"{}", {})
        assert came == []


async def test_a_name_that_leads_inside_is_refused_whatever_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_consumer() as (port, came), HttpPost(["desk.example", "localhost"]) as post:

        async def inside(*_: object, **__: object) -> list[dict[str, object]]:
            found = {"host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0, "hostname": "desk.example"}
            return [found]

        monkeypatch.setattr(module.aiohttp.ThreadedResolver, "resolve", inside)
        assert "leads to this machine" in await post(f"http://desk.example:{port}/", b"{}", {})
        assert came == []
        assert await post(f"http://localhost:{port}/", b"{}", {}) == ""  # allowed by its own name


async def test_nobody_there_is_a_failure_with_its_name() -> None:
    async with a_consumer() as (port, _):
        pass
    async with HttpPost(["127.0.0.1"]) as post:
        assert "ConnectorError" in await post(f"http://127.0.0.1:{port}/", b"{}", {})


@pytest.mark.parametrize(
    ("url", "allowed", "goes"),
    [
        ("https://desk.example/x", [], False),
        ("https://desk.example/x", ["desk.example"], True),
        ("https://DESK.example/x", ["desk.example:443"], True),
        ("http://desk.example/x", ["desk.example:443"], False),
        ("https://desk.example.evil/x", ["desk.example"], False),
        ("http://169.254.169.254/", ["desk.example"], False),
        ("http://[::1]:80/", ["::1"], True),
    ],
)
def test_who_is_allowed(url: str, allowed: list[str], goes: bool) -> None:  # noqa: FBT001 - a row of the table
    assert (refusal(url, allowed) == "") == goes


@pytest.mark.parametrize(
    ("address", "inner"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("169.254.169.254", True), ("fe80::1%eth0", True),
        ("0.0.0.0", True), ("::ffff:127.0.0.1", True), ("224.0.0.1", True), ("203.0.113.9", False), ("10.0.0.9", False),
    ],
)  # fmt: skip
def test_what_lies_inside(address: str, inner: bool) -> None:  # noqa: FBT001 - a row of the table
    assert is_inner(address) == inner
