"""Where the calls of a replay come in: at a gateway, at the bus as a gateway would put them there, or at the stand-ins themselves."""

from __future__ import annotations

import asyncio
import importlib.metadata
import secrets
import ssl
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol, Self

from lgsp.app.answering import upstreams_of
from lgsp.bus.base import Answer as Answering
from lgsp.bus.base import Odd
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.service import Catalogue, Service
from lgsp.clock import Clock
from lgsp.edge.asked import asked_as
from lgsp.edge.incoming import CARRIED, TransactionIds
from lgsp.edge.routes import NoRoute, Routes
from lgsp.errors import TimedOut, Unroutable
from lgsp.model import Reply, Request
from lgsp.runtime.host import Host
from lgsp.runtime.state import States
from lgsp.settings import Settings
from lgsp.taps.answering import ConnectorMetrics
from lgsp.taps.metrics import ProcessMetrics
from lgsp.traffic.caller import Answer, Caller, Credentials
from lgsp.traffic.replay.plan import Planned

_PATIENCE = 65.0
"""Seconds until a target that does not answer is given up: longer than any service's timeout."""


class Entrance(Protocol):
    """One way in."""

    async def __aenter__(self) -> Self:
        """Raises `DeliveryError` where nobody is there, `SettingsError` where one may not come in."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def ask(self, call: Planned) -> Answer:
        """The answer to a call. Raises `DeliveryError`."""
        ...


class AtGateway:
    """Over HTTP, with the caller's own token."""

    def __init__(self, url: str, credentials: Credentials | None, trust: ssl.SSLContext | None, clock: Clock) -> None:
        self._caller = Caller(url, clock, credentials=credentials, trust=trust)

    async def __aenter__(self) -> Self:
        await self._caller.__aenter__()
        try:
            await self._caller.begin()
        except BaseException:
            await self._caller.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._caller.__aexit__(kind, error, trace)

    async def ask(self, call: Planned) -> Answer:
        """See `Entrance`."""
        headers = {**call.headers, "x-lgsp-key": call.key}
        return await self._caller.ask(call.method, call.target, headers=headers, body=call.body, timeout=_PATIENCE)


class OnBus:
    """Over the broker, with the properties that a gateway would give; no token is asked for, and no ledger knows of it."""

    def __init__(self, url: str, catalogue: Catalogue, consumer: Consumer, clock: Clock) -> None:
        self._bus = RabbitBus(url, f"replay-{secrets.token_hex(4)}", clock)
        self._accepting = _Accepting(catalogue, consumer, clock)

    async def __aenter__(self) -> Self:
        await self._bus.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._bus.__aexit__(kind, error, trace)

    async def ask(self, call: Planned) -> Answer:
        """See `Entrance`. A call of which the catalogue has no operation goes nowhere."""
        request, service = self._accepting.take(call)
        return _answer(await self._bus.request(request, timeout=service.timeout))


class AtConnectors:
    """Straight to the stand-ins of a catalogue, in this process: no gateway, no bus, no limit but their own.

    What they were told before the replay they do not know, and what it told them is gone with it.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue, consumer: Consumer, clock: Clock) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._clock = clock
        self._accepting = _Accepting(catalogue, consumer, clock)
        self._answers: dict[str, Answering] = {}
        self._tasks = asyncio.TaskGroup()
        self._working: set[asyncio.Task[Reply | Odd | None]] = set()
        self._stack = AsyncExitStack()

    def __repr__(self) -> str:
        return f"<AtConnectors {len(self._answers)} services, {len(self._working)} busy>"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            process = ProcessMetrics(importlib.metadata.version("lgsp"), None)
            watch = ConnectorMetrics(process, self._catalogue, self._settings.prefetch)
            upstreams = await stack.enter_async_context(upstreams_of(self._settings, self._clock, process))
            states = await stack.enter_async_context(States(self._clock))
            host = Host(
                self,
                self._catalogue,
                self._clock,
                watch,
                states,
                upstreams,
                seed=self._settings.seed,
                calm=self._settings.calm,
            )
            await host.serve()
            await self._tasks.__aenter__()
            # Whatever ends the replay is no error of these tasks, and stays what it is.
            stack.push_async_callback(self._tasks.__aexit__, None, None, None)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._working:
            task.cancel()  # nobody waits for it any more
        await self._stack.__aexit__(kind, error, trace)

    async def serve(self, service: str, answer: Answering) -> None:
        """See `Served`."""
        self._answers[service] = answer

    async def leave(self, service: str) -> None:
        """See `Served`."""
        del self._answers[service]

    async def ask(self, call: Planned) -> Answer:
        """See `Entrance`. A stand-in that says nothing within its service's timeout has timed out, as on a bus."""
        request, service = self._accepting.take(call)
        if service.id not in self._answers:
            raise Unroutable("unroutable", f"nobody serves {service.id}: its mode is {service.mode}")
        limit = self._tasks.create_task(self._clock.sleep(service.timeout))
        answering = self._tasks.create_task(self._heard(service.id, request))
        self._working.add(answering)
        answering.add_done_callback(self._working.discard)
        try:
            await asyncio.wait({answering, limit}, return_when=asyncio.FIRST_COMPLETED)
            reply = answering.result() if answering.done() else None
            if not isinstance(reply, Reply):
                await limit  # it was silent: whoever asked waits to the end
                raise TimedOut("budget_spent", f"{service.id} did not answer within {service.timeout:g} s")
        finally:
            limit.cancel()
        return _answer(reply)

    async def _heard(self, service: str, request: Request) -> Reply | Odd | None:
        return await self._answers[service](request)


class _Accepting:
    """Takes calls in as a gateway does: finds service and operation by the path, and says whose they are."""

    def __init__(self, catalogue: Catalogue, consumer: Consumer, clock: Clock) -> None:
        self._routes = Routes(catalogue)
        self._consumer = consumer
        self._ids = TransactionIds(clock)

    def take(self, call: Planned) -> tuple[Request, Service]:
        """What goes to the connector of which service. Raises `Unroutable`."""
        path, _, query = call.target.partition("?")
        route = self._routes.find(call.method, path)
        if isinstance(route, NoRoute):
            raise Unroutable("unroutable", f"{call.method} {path} is no operation of this configuration")
        request = Request(
            id=self._ids(),
            service=route.service.id,
            operation=route.operation.name,
            path=route.path,
            query=query,
            consumer=self._consumer.id,
            key=call.key,
            body=call.body,
            headers={name: value for name, value in call.headers.items() if _goes_on(name, value)},
            calm=self._consumer.behaviour == "calm",
            budget=route.service.timeout,
            asked_as=asked_as(route.service.request_id, query, call.body),
        )
        return request, route.service


def _answer(reply: Reply) -> Answer:
    said = {name.lower(): value for name, value in reply.headers.items()}
    return Answer(reply.status, {**said, "x-lgsp-outcome": str(reply.outcome)}, reply.body)


def _goes_on(name: str, value: str) -> bool:
    return name in CARRIED or (name == "authorization" and value.startswith("Basic "))
