"""The one way to ask.

send --> ledger.open --> bus.request --> ledger.close --> every tap
|
a reply, or a DeliveryError: either way exactly one outcome
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from types import TracebackType
from typing import Self

import structlog

from lgsp.bus.base import Bus
from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.errors import DeliveryError
from lgsp.ledger.base import Ledger
from lgsp.model import Outcome, Reply, Request, Tap, Transaction

log = structlog.get_logger()


class Dispatcher:
    """Makes one transaction with exactly one outcome of every request, whatever happens to bus, caller or taps."""

    def __init__(self, bus: Bus, catalogue: Catalogue, ledger: Ledger, taps: Sequence[Tap], clock: Clock) -> None:
        self._bus = bus
        self._catalogue = catalogue
        self._ledger = ledger
        self._taps = taps
        self._clock = clock
        self._orphans = asyncio.TaskGroup()
        self._under_way = 0
        self.lost_notes = 0
        """Notes that taps failed to take."""

    def __repr__(self) -> str:
        return f"<Dispatcher {self._under_way} under way>"

    async def __aenter__(self) -> Self:
        await self._orphans.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until the transactions whose callers went away have their outcomes; the bus bounds how long that is."""
        # Not told of an error of the body: a task group would wrap it, and it is not one of its tasks'.
        await self._orphans.__aexit__(None, None, None)

    async def send(self, request: Request) -> Transaction:
        """The finished transaction of `request`.

        Raises `UnknownService` and `LedgerUnavailable`, which open no transaction. A caller that is cancelled ends its own wait only: the
        transaction runs to its own outcome.
        """
        service = self._catalogue.find(request.service)
        started = self._clock.now()
        await self._ledger.open(request)
        self._under_way += 1
        if service.mode == "disabled":
            return await self._finish(request, started, None, Outcome.REJECTED, "service_blocked")
        sent = self._clock.now()
        try:
            return await self._conclude(request, started, sent, self._bus.request(request, timeout=service.timeout))
        except asyncio.CancelledError:
            self._orphans.create_task(self._conclude(request, started, sent, self._bus.resume(request.id)))
            raise

    def give_up(self) -> None:
        """End what still waits for its provider, as `bus_error`, `shutting_down`: each caller is answered."""
        self._bus.give_up()

    async def refuse(self, request: Request, outcome: Outcome, reason: str) -> Transaction:
        """The transaction of a request that ends before the bus: we have no room for it, or its consumer no right to it.

        Raises `LedgerUnavailable`, which opens no transaction.
        """
        started = self._clock.now()
        await self._ledger.open(request)
        self._under_way += 1
        return await self._finish(request, started, None, outcome, reason)

    async def _conclude(self, request: Request, started: float, sent: float, answer: Awaitable[Reply]) -> Transaction:
        try:
            reply = await answer
        except DeliveryError as error:
            return await self._finish(request, started, None, Outcome(error.code), error.reason, sent)
        except Exception as error:
            log.exception("bus failed", transaction=request.id, service=request.service, error=type(error).__name__)
            return await self._finish(request, started, None, Outcome.BUS_ERROR, "internal", sent)
        return await self._finish(request, started, reply, reply.outcome, reply.reason, sent)

    async def _finish(
        self, request: Request, started: float, reply: Reply | None, outcome: Outcome, reason: str, sent: float = 0.0
    ) -> Transaction:
        transaction = Transaction(request, reply, outcome, reason, started, self._clock.now() - started, sent)
        self._under_way -= 1
        if await self._ledger.close(transaction):
            for tap in self._taps:
                try:
                    tap.saw(transaction)
                except Exception as error:
                    self.lost_notes += 1
                    log.exception("tap failed", tap=type(tap).__name__, error=type(error).__name__)
        return transaction
