"""Everything in one process."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from lgsp.app.answering import STAND_INS, answering_of, upstreams_of
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
from lgsp.app.broker import CONNECTORS, Broker, broker_of
from lgsp.app.console import console_of
from lgsp.app.demo import Traffic, demo, mix_of
from lgsp.app.door import Door, door_of
from lgsp.app.past import tell_past
from lgsp.app.process import check, measure_lag, until_stopped, watcher_of
from lgsp.app.recording import recorder_of
from lgsp.bus.base import Bus
from lgsp.bus.control import Control, MemoryControl, RabbitControl
from lgsp.bus.memory import MemoryBus
from lgsp.bus.provision import provision
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.capture.record import CONNECTOR, GATEWAY
from lgsp.catalogue.live import Live, Plan
from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock, SystemClock
from lgsp.dispatch import Dispatcher
from lgsp.edge.exchanges import Exchanges
from lgsp.edge.recording import Recordings
from lgsp.edge.tls import authority_file
from lgsp.edge.welcome import OURS, a_curl, a_token_curl
from lgsp.ledger.base import Ledger
from lgsp.ledger.events import Events
from lgsp.runtime.state import States
from lgsp.settings import Settings
from lgsp.taps.answering import BothMetrics, ConnectorMetrics
from lgsp.taps.metrics import GatewayMetrics, ProcessMetrics
from lgsp.taps.pulse import Pulse
from lgsp.taps.recent import Recent
from lgsp.taps.recorder import Recorder
from lgsp.taps.stored import StoredMetrics

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class View:
    """What somebody who watches `lgsp up` may look at."""

    recent: Recent
    ledger: Ledger
    gateway: str
    admin: str
    console: str
    """The console, with the code that lets one browser inject faults."""
    token: str
    """A `curl` that fetches a token ..."""
    curl: str
    """... and one that calls with it."""
    trust: Path | None = None
    """The certificate of our own authority, where the gateway listens by HTTPS."""


Show = Callable[[View], Awaitable[None]]


async def up(
    settings: Settings,
    *,
    traffic: Traffic | None,
    seconds: float | None,
    show: Show | None = None,
    past: bool = False,
    ready: Callable[[View, Recorder], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Gateway, connectors and demo traffic (or none) in this process; with `past`, one is told beside them where none is.

    `ready` is told when it is up. With `stop` it is a guest (see `until_stopped`), and prints nothing.
    """
    check(settings)
    clock = SystemClock()
    process = ProcessMetrics(importlib.metadata.version("lgsp"), "rabbitmq" if settings.broker else "memory")
    watcher, people = watcher_of(settings, clock, process), people_of(settings, clock, process, OURS)
    catalogue = watcher.first()
    recent = Recent([service.id for service in catalogue], clock)
    pulse = Pulse(clock)
    recorder = recorder_of(settings, catalogue, clock, process)
    seen = recorder.tap(GATEWAY)
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(ledger_of(settings, catalogue, clock))
        events = Events(ledger, clock)
        broker = await stack.enter_async_context(broker_of(settings, catalogue))
        asking = GatewayMetrics(process, catalogue, ledger, settings.name)
        answering = ConnectorMetrics(process, catalogue, settings.prefetch)
        upstreams = await stack.enter_async_context(upstreams_of(settings, clock, process))
        bus, serving = _buses(settings, broker, clock, asking, answering)
        dispatcher = await stack.enter_async_context(
            Dispatcher(bus, catalogue, ledger, [asking, recent, pulse, seen], clock, asking)
        )
        states = await stack.enter_async_context(
            States(
                clock,
                settings.state / STAND_INS if settings.keep else None,
                keep=settings.keep,
                dropped=answering.state_dropped,
            )
        )
        await stack.enter_async_context(bus)
        if serving is not bus:
            await stack.enter_async_context(serving)
        host, ward = answering_of(
            settings, serving, catalogue, clock, process, answering, states, upstreams, taps=[recorder.tap(CONNECTOR)]
        )
        await host.serve()
        stored = StoredMetrics(process, catalogue)
        callbacks = await stack.enter_async_context(callbacks_of(settings, ledger, clock, stored, people.first()))
        forwarder = await stack.enter_async_context(
            forwarder_of(
                settings,
                bus,
                ledger,
                clock,
                asking,
                stored,
                [asking, recent, pulse, seen],
                callbacks,
                bus_forgets=settings.broker in {None, "local"},
            )
        )
        telling, hearing = await _controls(stack, settings, broker)
        orders = orders_of(settings, clock, telling, bus, catalogue, events)
        await hearing.hear(ward.heard)
        edge = await stack.enter_async_context(
            edge_of(settings, dispatcher, forwarder, callbacks, events, catalogue, people, clock, asking)
        )
        problems = partial(_problems, ledger, bus, serving, edge)
        console, search = console_of(
            settings, asking, catalogue, ledger, pulse, orders, edge.access, edge.url, problems, clock
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
                    # As they were said: of a calm bus only, on which nobody's real traffic is.
                    *(Exchanges(recorder).routes() if settings.calm else ()),
                ],
            )
        )
        view = _view(settings, catalogue, edge.url, admin, recent, ledger)
        mix = mix_of(catalogue, settings.seed, traffic)

        async def provisioned(new: Catalogue, changes: Plan) -> None:
            if broker is not None and changes.added:
                await provision(broker.provisioning, changes.added)
            await host.follow(new)

        live = Live(
            catalogue, [host, edge.gateway, edge.pages, asking, stored, answering, recent, mix, console], provisioned
        )
        jobs: list[Coroutine[Any, Any, None]] = [
            measure_lag(process),
            watcher.run(live.take),
            edge.follow(),
            host.tend(),
            orders.run(),
            ward.run(),
            recorder.run(),
            console.run(),
        ]
        if traffic is not None:
            jobs.append(demo(traffic, dispatcher, asking, mix, edge.access, clock))
        if show is not None:
            jobs.append(_shown(show, view))
        if past:
            jobs.append(tell_past(settings.config, settings.state))
        await until_stopped(
            jobs, partial(_is_up, view, recorder, catalogue, ready, guest=stop is not None), seconds, stop
        )


def _view(
    settings: Settings,
    catalogue: Catalogue,
    gateway: str,
    admin: Door,
    recent: Recent,
    ledger: Ledger,
) -> View:
    token, curl = a_token_curl(gateway, settings.state), a_curl(gateway, settings.state, catalogue)
    trust = authority_file(settings.state) if settings.tls else None
    return View(recent, ledger, gateway, admin.url, admin.link(), token, curl, trust)


def _buses(
    settings: Settings, broker: Broker | None, clock: Clock, asking: GatewayMetrics, answering: ConnectorMetrics
) -> tuple[MemoryBus | RabbitBus, MemoryBus | RabbitBus]:
    """The bus to ask on and the one to serve on in one process: the same one where there is no broker."""
    if broker is None:
        both = MemoryBus(clock, BothMetrics(asking, answering), prefetch=settings.prefetch)
        return both, both
    serving = RabbitBus(broker.serving, CONNECTORS, clock, answering, asks=False, prefetch=settings.prefetch)
    return RabbitBus(broker.asking, settings.name, clock, asking), serving


async def _controls(stack: AsyncExitStack, settings: Settings, broker: Broker | None) -> tuple[Control, Control]:
    """Where orders are told and heard in one process: over the broker, where other processes may hear them too."""
    if broker is None:
        both = MemoryControl()
        return both, both
    telling = RabbitControl(broker.asking, settings.name)
    hearing = RabbitControl(broker.serving, f"{CONNECTORS}.{os.getpid()}")
    return await stack.enter_async_context(telling), await stack.enter_async_context(hearing)


def _problems(ledger: Ledger, bus: Bus, serving: Bus, edge: Edge) -> list[str]:
    both = bus.problems() + ([] if serving is bus else serving.problems())
    return ledger.problems() + both + draining(edge.gateway)


async def _shown(show: Show, view: View) -> None:
    await show(view)


def _is_up(
    view: View,
    recorder: Recorder,
    catalogue: Catalogue,
    ready: Callable[[View, Recorder], None] | None,
    *,
    guest: bool,
) -> None:
    if not guest:
        _announce(view, catalogue)
    if ready is not None:
        ready(view, recorder)


def _announce(view: View, catalogue: Catalogue) -> None:
    lines = [
        f"gateway   {view.gateway}   ({len(catalogue)} services)",
        f"admin     {view.admin}   (/metrics /livez /readyz)",
        f"console   {view.console}   (opens once, within ten minutes; then {view.admin}/)",
        f"token     {view.token}",
        f"try       {view.curl}",
    ]
    if view.trust is not None:
        lines.insert(
            2,
            f"trust     {view.trust}   (copy to /usr/local/share/ca-certificates/lgsp.crt, then update-ca-certificates; "
            "or curl --cacert)",
        )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
