"""Where the calls of a replay come in: at a gateway, or straight at the bus as a gateway would put them there."""

from __future__ import annotations

import secrets
from types import TracebackType
from typing import Protocol, Self

from lgsp.bus.rabbitmq import RabbitBus
from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.edge.asked import asked_as
from lgsp.edge.incoming import CARRIED, TransactionIds
from lgsp.errors import UnknownService, Unroutable
from lgsp.model import Request
from lgsp.traffic.caller import Answer, Caller
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

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

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
        self._catalogue = catalogue
        self._consumer = consumer
        self._ids = TransactionIds(clock)

    async def __aenter__(self) -> Self:
        await self._bus.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._bus.__aexit__(kind, error, trace)

    async def ask(self, call: Planned) -> Answer:
        """See `Entrance`. A call whose service or operation the catalogue does not have goes nowhere."""
        try:
            service = self._catalogue.find(call.service)
        except UnknownService as error:
            raise Unroutable("unroutable", str(error)) from error
        path, _, query = call.target.partition("?")
        if call.operation not in service.operations or not path.startswith(service.context):
            raise Unroutable("unroutable", f"{call.method} {path} is no operation of {service.id}")
        request = Request(
            id=self._ids(),
            service=service.id,
            operation=call.operation,
            path=path.removeprefix(service.context),
            query=query,
            consumer=self._consumer.id,
            key=call.key,
            body=call.body,
            headers={name: value for name, value in call.headers.items() if _goes_on(name, value)},
            calm=self._consumer.behaviour == "calm",
            asked_as=asked_as(service.request_id, query, call.body),
        )
        reply = await self._bus.request(request, timeout=service.timeout)
        said = {name.lower(): value for name, value in reply.headers.items()}
        return Answer(reply.status, {**said, "x-lgsp-outcome": str(reply.outcome)}, reply.body)


def _goes_on(name: str, value: str) -> bool:
    return name in CARRIED or (name == "authorization" and value.startswith("Basic "))
