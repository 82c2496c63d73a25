"""Everything in one process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lgsp.app.account import Account, account_of
from lgsp.app.answering import STAND_INS, answering_of, follows_of, upstreams_of
from lgsp.app.broker import CONNECTORS, Broker, broker_of
from lgsp.app.demo import Traffic
from lgsp.app.front import Front, front_of
from lgsp.app.past import tell_past
from lgsp.app.process import check, until_stopped
from lgsp.bus.base import Bus
from lgsp.bus.control import Control, MemoryControl, RabbitControl
from lgsp.bus.memory import MemoryBus
from lgsp.bus.provision import provision
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.capture.record import CONNECTOR, UPSTREAM
from lgsp.catalogue.live import Live, Plan
from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.edge.exchanged import Exchanged
from lgsp.edge.exchanges import Exchanges
from lgsp.edge.tls import authority_file
from lgsp.edge.welcome import OURS, a_curl, a_token_curl
from lgsp.ledger.base import Ledger
from lgsp.runtime.host import Host
from lgsp.runtime.state import States
from lgsp.runtime.ward import Ward
from lgsp.settings import Settings
from lgsp.taps.answering import BothMetrics, ConnectorMetrics
from lgsp.taps.metrics import GatewayMetrics
from lgsp.taps.recent import Recent
from lgsp.taps.recorder import Recorder


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
    recent: list[Recent] = []

    def for_the_table(catalogue: Catalogue, clock: Clock) -> list[Recent]:
        recent.append(Recent([service.id for service in catalogue], clock))
        return recent

    async with AsyncExitStack() as stack:
        account = await stack.enter_async_context(
            account_of(settings, "rabbitmq" if settings.broker else "memory", ours=OURS, beside=for_the_table)
        )
        broker = await stack.enter_async_context(broker_of(settings, account.catalogue))
        answering = ConnectorMetrics(account.process, account.catalogue, settings.prefetch)
        bus, serving = _buses(settings, broker, account.clock, account.metrics, answering)
        dispatcher = await stack.enter_async_context(account.dispatcher(bus))
        host, ward = await _answering(stack, account, answering, bus, serving)
        telling, hearing = await _controls(stack, settings, broker)
        await hearing.hear(ward.heard)
        exchanges = Exchanges(account.recorder, account.catalogue)
        front = await stack.enter_async_context(
            front_of(
                account,
                dispatcher,
                bus,
                telling,
                traffic,
                problems=partial(_problems, bus, serving),
                bus_forgets=settings.broker in {None, "local"},
                # As they were said: of a calm bus only, on which nobody's real traffic is.
                routes=[*exchanges.routes(), *Exchanged(exchanges).routes()] if settings.calm else (),
            )
        )
        view = _view(account, front, recent[0])

        async def provisioned(new: Catalogue, changes: Plan) -> None:
            if broker is not None and changes.added:
                await provision(broker.provisioning, changes.added)
            await host.follow(new)

        live = Live(account.catalogue, [host, answering, recent[0], exchanges, *front.takers], provisioned)
        jobs = [*front.jobs, account.services.run(live.take), host.tend(), ward.run()]
        if show is not None:
            jobs.append(_shown(show, view))
        if past:
            jobs.append(tell_past(settings.config, settings.state))
        told = partial(_is_up, view, account, ready, guest=stop is not None)
        await until_stopped(jobs, told, seconds, stop)


async def _answering(
    stack: AsyncExitStack,
    account: Account,
    metrics: ConnectorMetrics,
    bus: MemoryBus | RabbitBus,
    serving: MemoryBus | RabbitBus,
) -> tuple[Host, Ward]:
    """The connectors of this process, serving; both buses are open from here on."""
    settings, clock, process = account.settings, account.clock, account.process
    spied = [account.recorder.tap(UPSTREAM)]
    upstreams = await stack.enter_async_context(upstreams_of(settings, clock, process, spied))
    file = settings.state / STAND_INS if settings.keep else None
    states = await stack.enter_async_context(States(clock, file, keep=settings.keep, dropped=metrics.state_dropped))
    follows = await stack.enter_async_context(follows_of(settings, clock, metrics))
    await stack.enter_async_context(bus)
    if serving is not bus:
        await stack.enter_async_context(serving)
    taps = [account.recorder.tap(CONNECTOR)]
    host, ward = answering_of(
        settings,
        serving,
        account.catalogue,
        clock,
        process,
        metrics,
        states,
        upstreams,
        taps=taps,
        follows=follows,
    )
    await host.serve()
    return host, ward


def _view(account: Account, front: Front, recent: Recent) -> View:
    settings, url = account.settings, front.edge.url
    token, curl = a_token_curl(url, settings.state), a_curl(url, settings.state, account.catalogue)
    trust = authority_file(settings.state) if settings.tls and settings.tls_certificate is None else None
    return View(recent, account.ledger, url, front.admin.url, front.admin.link(), token, curl, trust)


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


def _problems(bus: Bus, serving: Bus) -> list[str]:
    return bus.problems() + ([] if serving is bus else serving.problems())


async def _shown(show: Show, view: View) -> None:
    await show(view)


def _is_up(view: View, account: Account, ready: Callable[[View, Recorder], None] | None, *, guest: bool) -> None:
    if not guest:
        _announce(view, account.catalogue)
    if ready is not None:
        ready(view, account.recorder)


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
