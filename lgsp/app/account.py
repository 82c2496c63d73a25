"""The account of a gateway's process: what it reads, what it counts in, and who notes beside it what ended."""

from __future__ import annotations

import importlib.metadata
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lgsp.app.process import watcher_of
from lgsp.app.recording import recorder_of
from lgsp.bus.memory import MemoryBus
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.capture.record import GATEWAY
from lgsp.catalogue.calendar import read_zone
from lgsp.catalogue.consumer import CONSUMER_FILES, Consumer, read_consumers
from lgsp.catalogue.service import Catalogue
from lgsp.catalogue.watch import Watcher
from lgsp.clock import Clock, SystemClock
from lgsp.dispatch import Dispatcher
from lgsp.edge.welcome import with_secret
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Tap
from lgsp.settings import Settings
from lgsp.taps.metrics import GatewayMetrics, ProcessMetrics
from lgsp.taps.pulse import Pulse
from lgsp.taps.recorder import Recorder


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

    def reader(self) -> Reader:
        """What looks calls up in the ledger's file."""
        return Reader(Files(self.settings.state, self.settings.name))

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


def ledger_of(settings: Settings, catalogue: Catalogue, clock: Clock) -> SqliteLedger:
    """The account of this gateway; it also keeps a second process of this name away."""
    services = [service.id for service in catalogue]
    return SqliteLedger(
        Files(settings.state, settings.name),
        services,
        clock,
        copies=settings.checkpoints,
        retention_days=settings.retention_days,
        zone=read_zone(settings.config),
        capacity=settings.journal_places,
    )


def people_of(
    settings: Settings, clock: Clock, process: ProcessMetrics, ours: Collection[Consumer] = ()
) -> Watcher[list[Consumer]]:
    """The consumers of the configuration, and of `ours` those that it does not name."""

    def read(directory: Path) -> list[Consumer]:
        named = {consumer.id: consumer for consumer in ours} | read_consumers(directory)
        return [with_secret(settings.state, consumer) for consumer in named.values()]

    return Watcher("consumers", settings.config, CONSUMER_FILES, read, clock, process.reloaded)
