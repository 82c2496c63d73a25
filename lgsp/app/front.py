"""What `lgsp up` and `lgsp gateway` have in common: an account, a gateway before it, and the doors through which people look in.

account --> dispatcher (on a bus that the process brings) --> front: forwarder, edge, console, admin port
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from lgsp.app.asking import (
    Edge,
    callbacks_of,
    draining,
    edge_of,
    forwarder_of,
    ledger_of,
    orders_of,
    people_of,
    transactions_of,
)
from lgsp.app.console import console_of
from lgsp.app.demo import Traffic, demo, mix_of
from lgsp.app.door import Door, door_of
from lgsp.app.process import measure_lag, watcher_of
from lgsp.app.recording import CAPTURES, keep_to_retention, recorder_of
from lgsp.bus.control import Control
from lgsp.bus.memory import MemoryBus
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.capture.record import GATEWAY
from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.live import Taker
from lgsp.catalogue.service import Catalogue
from lgsp.catalogue.watch import Watcher
from lgsp.clock import Clock, SystemClock
from lgsp.dispatch import Dispatcher
from lgsp.edge.admin import RouteDef
from lgsp.edge.audit import Audit
from lgsp.edge.recording import Recordings
from lgsp.ledger.events import Events
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Tap
from lgsp.settings import Settings
from lgsp.taps.metrics import GatewayMetrics, ProcessMetrics
from lgsp.taps.pulse import Pulse
from lgsp.taps.recorder import Recorder
from lgsp.taps.stored import StoredMetrics


@dataclass(frozen=True, slots=True)
class Account:
    """The account of a gateway, open, and those who note beside it what ended. `catalogue` is the one of the start."""

    settings: Settings
    clock: Clock
    process: ProcessMetrics
    services: Watcher[Catalogue]
    people: Watcher[list[Consumer]]
    catalogue: Catalogue
    ledger: SqliteLedger
    metrics: GatewayMetrics
    pulse: Pulse
    recorder: Recorder
    taps: Sequence[Tap]

    def dispatcher(self, bus: MemoryBus | RabbitBus) -> Dispatcher:
        """The one way to ask on this account."""
        return Dispatcher(bus, self.catalogue, self.ledger, list(self.taps), self.clock, self.metrics)


@asynccontextmanager
async def account_of(
    settings: Settings,
    bus: str,
    *,
    ours: Collection[Consumer] = (),
    beside: Callable[[Catalogue, Clock], Iterable[Tap]] = lambda _catalogue, _clock: (),
) -> AsyncIterator[Account]:
    """Read the configuration and open the account of a process whose bus is of this kind.

    `ours` are consumers that exist where the configuration names none of their id; `beside` gives taps of the process's own.
    """
    clock = SystemClock()
    process = ProcessMetrics(importlib.metadata.version("lgsp"), bus)
    services, people = watcher_of(settings, clock, process), people_of(settings, clock, process, ours)
    catalogue = services.first()
    async with ledger_of(settings, catalogue, clock) as ledger:
        metrics = GatewayMetrics(process, catalogue, ledger, settings.name)
        pulse = Pulse(clock)
        recorder = recorder_of(settings, catalogue, clock, process)
        taps: list[Tap] = [metrics, pulse, recorder.tap(GATEWAY), *beside(catalogue, clock)]
        yield Account(settings, clock, process, services, people, catalogue, ledger, metrics, pulse, recorder, taps)


@dataclass(frozen=True, slots=True)
class Front:
    """A gateway that listens, with its admin port. `takers` follow the catalogue, `jobs` are to be run."""

    edge: Edge
    admin: Door
    takers: list[Taker]
    jobs: list[Coroutine[Any, Any, None]]


@asynccontextmanager
async def front_of(
    account: Account,
    dispatcher: Dispatcher,
    bus: MemoryBus | RabbitBus,
    control: Control,
    traffic: Traffic | None,
    *,
    problems: Callable[[], list[str]],
    bus_forgets: bool = False,
    routes: Iterable[RouteDef] = (),
) -> AsyncIterator[Front]:
    """Everything that stands before an account, open until the end of the block.

    `problems` are those of the process's buses; `routes` is what its admin port has besides; `bus_forgets` as in `Forwarder`.
    """
    settings, clock, metrics, catalogue = account.settings, account.clock, account.metrics, account.catalogue
    async with AsyncExitStack() as stack:
        events = Events(account.ledger, clock)
        audit = Audit(clock, events.note)
        stack.push_async_callback(audit.settle)
        stored = StoredMetrics(account.process, catalogue)
        callbacks = await stack.enter_async_context(
            callbacks_of(settings, account.ledger, clock, stored, account.people.first())
        )
        forwarder = await stack.enter_async_context(
            forwarder_of(
                settings,
                bus,
                account.ledger,
                clock,
                metrics,
                stored,
                account.taps,
                callbacks,
                bus_forgets=bus_forgets,
            )
        )
        orders = orders_of(settings, clock, control, bus, catalogue, events)
        edge = await stack.enter_async_context(
            edge_of(
                settings, dispatcher, forwarder, callbacks, events, catalogue, account.people, clock, metrics, audit
            )
        )

        def every_problem() -> list[str]:
            return account.ledger.problems() + problems() + draining(edge.gateway)

        console, search = console_of(
            settings,
            metrics,
            catalogue,
            account.ledger,
            account.pulse,
            orders,
            edge.access,
            edge.url,
            every_problem,
            clock,
        )
        doors = [
            *transactions_of(settings, clock, forwarder, callbacks, events),
            *orders.routes(),
            *console.routes(),
            *search.routes(),
            *Recordings(account.recorder, clock, settings.capture_days, events.note).routes(),
            *routes,
        ]
        admin = await stack.enter_async_context(
            door_of(settings, account.process, every_problem, edge.notes(account.services), clock, audit, doors)
        )
        mix = mix_of(catalogue, settings.seed, traffic)
        jobs = [measure_lag(account.process), edge.follow(), orders.run(), account.recorder.run(), console.run()]
        jobs.append(audit.run())
        jobs.append(keep_to_retention(settings.state / CAPTURES, settings.capture_days, clock, events.note))
        if traffic is not None:
            jobs.append(demo(traffic, dispatcher, metrics, mix, edge.access, clock))
        yield Front(edge, admin, [edge.gateway, edge.pages, metrics, stored, mix, console], jobs)
