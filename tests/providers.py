"""A provider that a test plays, and the behaviour that asks it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from builders import a_request, a_service, an_operation

from lgsp.breaker import USUAL
from lgsp.catalogue.service import Operation, Upstream
from lgsp.clock import ManualClock
from lgsp.model import Outcome, Reply, Request, Transaction
from lgsp.runtime.behaviours.upstream import UpstreamBehaviour
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
