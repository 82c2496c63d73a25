"""The one way to ask.

send --> ledger.open --> breaker --> bus.request --> ledger.close --> every tap
                                          |
               a reply, or a DeliveryError: either way exactly one outcome
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from types import TracebackType
from typing import NamedTuple, Protocol, Self

import structlog

from lgsp.breaker import Circuit
from lgsp.bus.base import Bus
from lgsp.catalogue.service import Catalogue, Service
from lgsp.clock import Clock
from lgsp.errors import DeliveryError
from lgsp.ledger.base import Ledger
from lgsp.model import Outcome, Reply, Request, Tap, Transaction

log = structlog.get_logger()
_FAILED = frozenset({Outcome.PROVIDER_ERROR, Outcome.TIMEOUT, Outcome.UNREACHABLE})
SUSPENDED = "suspended"


class Watch(Protocol):
    """Told which services are not asked any more. Nothing here may block or raise."""

    def circuit(self, service: str, *, is_open: bool) -> None:
        """The breaker of a service opened or closed."""
        ...


class _Pass(NamedTuple):
    """What a breaker gave a call on its way."""

    circuit: Circuit
    turn: int


class Dispatcher:
    """Makes one transaction with exactly one outcome of every request, whatever happens to bus, caller or taps.

    A service that fails again and again is not asked for a while: `unreachable`, `suspended` at once. Calls that are calm,
    forced or replayed neither open a breaker nor heed it: the same request has the same answer.
    """

    def __init__(
        self,
        bus: Bus,
        catalogue: Catalogue,
        ledger: Ledger,
        taps: Sequence[Tap],
        clock: Clock,
        watch: Watch | None = None,
    ) -> None:
        self._bus = bus
        self._catalogue = catalogue
        self._ledger = ledger
        self._taps = taps
        self._clock = clock
        self._watch = watch
        self._circuits: dict[str, Circuit] = {}
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
        let = None
        circuit = self._circuit(service, request)
        if circuit is not None:
            turn = circuit.admit(started)
            if turn is None:
                return await self._finish(request, started, None, Outcome.UNREACHABLE, SUSPENDED)
            let = _Pass(circuit, turn)
        sent = self._clock.now()
        try:
            return await self._conclude(
                request, started, sent, self._bus.request(request, timeout=service.timeout), let
            )
        except asyncio.CancelledError:
            self._orphans.create_task(self._conclude(request, started, sent, self._bus.resume(request.id), let))
            raise

    def opens_in(self, service: str) -> float:
        """Seconds until a service that is suspended is asked again; 0 where it is not."""
        circuit = self._circuits.get(service)
        return 0.0 if circuit is None else circuit.opens_in(self._clock.now())

    def _circuit(self, service: Service, request: Request) -> Circuit | None:
        terms = service.breaker
        if terms is None or request.calm or request.force or request.origin != "live":
            return None
        circuit = self._circuits.get(service.id)
        if circuit is None or (circuit.terms is not terms and circuit.terms != terms):
            circuit = self._circuits[service.id] = Circuit(terms)
            self._tell(service.id, circuit)
        return circuit

    def _tell(self, service: str, circuit: Circuit) -> None:
        if self._watch is not None:
            self._watch.circuit(service, is_open=circuit.is_open)

    def _note(self, transaction: Transaction, let: _Pass) -> None:
        """Tell the breaker how a call ended; what was ours, and what a connector did not even try, says nothing."""
        outcome, service = transaction.outcome, transaction.request.service
        is_silent = outcome is Outcome.BUS_ERROR or transaction.reason == SUSPENDED
        failed = None if is_silent else outcome in _FAILED
        now = transaction.started_at + transaction.seconds
        if let.circuit.ended(let.turn, now, failed=failed, began=transaction.started_at):
            self._tell(service, let.circuit)
            event = "service suspended" if let.circuit.is_open else "service asked again"
            log.warning(event, service=service, outcome=str(outcome), reason=transaction.reason)

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

    async def _conclude(
        self, request: Request, started: float, sent: float, answer: Awaitable[Reply], let: _Pass | None
    ) -> Transaction:
        reply = None
        try:
            reply = await answer
            outcome, reason = reply.outcome, reply.reason
        except DeliveryError as error:
            outcome, reason = Outcome(error.code), error.reason
        except Exception as error:
            log.exception("bus failed", transaction=request.id, service=request.service, error=type(error).__name__)
            outcome, reason = Outcome.BUS_ERROR, "internal"
        transaction = await self._finish(request, started, reply, outcome, reason, sent)
        if let is not None:
            self._note(transaction, let)
        return transaction

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
