"""A gateway on a broker."""

from __future__ import annotations

import importlib.metadata
from contextlib import AsyncExitStack

import structlog

from lgsp.app.asking import (
    callbacks_of,
    draining,
    edge_of,
    forwarder_of,
    ledger_of,
    orders_of,
    people_of,
    transactions_of,
)
from lgsp.app.broker import url_of
from lgsp.app.console import console_of
from lgsp.app.demo import Traffic, demo, mix_of
from lgsp.app.door import door_of
from lgsp.app.process import check, measure_lag, until_stopped, watcher_of
from lgsp.app.recording import recorder_of
from lgsp.bus.control import RabbitControl
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.capture.record import GATEWAY
from lgsp.catalogue.live import Live, Plan
from lgsp.catalogue.service import Catalogue
from lgsp.clock import SystemClock
from lgsp.dispatch import Dispatcher
from lgsp.edge.recording import Recordings
from lgsp.ledger.events import Events
from lgsp.settings import Settings
from lgsp.taps.metrics import GatewayMetrics, ProcessMetrics
from lgsp.taps.pulse import Pulse
from lgsp.taps.stored import StoredMetrics

log = structlog.get_logger()


async def gateway(settings: Settings, *, traffic: Traffic | None = None) -> None:
    """A gateway on a broker, with demo traffic where that is wanted."""
    check(settings)
    clock = SystemClock()
    process = ProcessMetrics(importlib.metadata.version("lgsp"), "rabbitmq")
    watcher, people = watcher_of(settings, clock, process), people_of(settings, clock, process)
    catalogue = watcher.first()
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(ledger_of(settings, catalogue, clock))
        events = Events(ledger, clock)
        metrics = GatewayMetrics(process, catalogue, ledger, settings.name)
        bus = RabbitBus(url_of(settings), settings.name, clock, metrics)
        pulse = Pulse(clock)
        recorder = recorder_of(settings, catalogue, clock, process)
        seen = recorder.tap(GATEWAY)
        dispatcher = await stack.enter_async_context(
            Dispatcher(bus, catalogue, ledger, [metrics, pulse, seen], clock, metrics)
        )
        await stack.enter_async_context(bus)
        stored = StoredMetrics(process, catalogue)
        callbacks = await stack.enter_async_context(callbacks_of(settings, ledger, clock, stored, people.first()))
        forwarder = await stack.enter_async_context(
            forwarder_of(settings, bus, ledger, clock, metrics, stored, [metrics, pulse, seen], callbacks)
        )
        control = await stack.enter_async_context(RabbitControl(url_of(settings), settings.name))
        orders = orders_of(settings, clock, control, bus, catalogue, events)
        edge = await stack.enter_async_context(
            edge_of(settings, dispatcher, forwarder, callbacks, events, catalogue, people, clock, metrics)
        )

        def problems() -> list[str]:
            return ledger.problems() + bus.problems() + draining(edge.gateway)

        console, search = console_of(
            settings, metrics, catalogue, ledger, pulse, orders, edge.access, edge.url, problems, clock
        )
        admin = await stack.enter_async_context(
            door_of(
                settings,
                process,
                problems,
                edge.notes(watcher),
                clock,
                [
                    *transactions_of(settings, clock, forwarder, callbacks, events),
                    *orders.routes(),
                    *console.routes(),
                    *search.routes(),
                    *Recordings(recorder, clock).routes(),
                ],
            )
        )
        mix = mix_of(catalogue, settings.seed, traffic)
        live = Live(catalogue, [edge.gateway, edge.pages, metrics, stored, mix, console], _nothing_to_make)
        said = {"name": settings.name, "url": edge.url, "admin": admin.url, "services": len(catalogue)}
        jobs = [
            measure_lag(process),
            watcher.run(live.take),
            edge.follow(),
            orders.run(),
            recorder.run(),
            console.run(),
        ]
        if traffic is not None:
            jobs.append(demo(traffic, dispatcher, metrics, mix, edge.access, clock))
        await until_stopped(jobs, lambda: log.info("gateway ready", **said))


async def _nothing_to_make(_new: Catalogue, _changes: Plan) -> None:
    """A gateway makes nothing on the broker: queues are somebody's who provisions."""
