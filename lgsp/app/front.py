"""What `lgsp up` and `lgsp gateway` have in common: a gateway before an account, and the doors through which people look in.

account --> dispatcher (on a bus that the process brings) --> front: forwarder, edge, console, admin port
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from lgsp.app.account import Account
from lgsp.app.asking import (
    Edge,
    callbacks_of,
    draining,
    edge_of,
    forwarder_of,
    orders_of,
    transactions_of,
)
from lgsp.app.console import console_of
from lgsp.app.demo import Traffic, demo, mix_of
from lgsp.app.door import Door, door_of
from lgsp.app.process import measure_lag
from lgsp.app.recording import CAPTURES, keep_to_retention
from lgsp.bus.control import Control
from lgsp.bus.memory import MemoryBus
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.catalogue.live import Taker
from lgsp.dispatch import Dispatcher
from lgsp.edge.admin import RouteDef
from lgsp.edge.audit import Audit
from lgsp.edge.recording import Recordings
from lgsp.ledger.events import Events
from lgsp.taps.stored import StoredMetrics


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
    settings, clock, metrics = account.settings, account.clock, account.metrics
    async with AsyncExitStack() as stack:
        events = Events(account.ledger, clock)
        audit = Audit(clock, events.note)
        stack.push_async_callback(audit.settle)
        stored = StoredMetrics(account.process, account.catalogue)
        callbacks = await stack.enter_async_context(callbacks_of(account, stored))
        forwarder = await stack.enter_async_context(
            forwarder_of(account, bus, stored, callbacks, bus_forgets=bus_forgets)
        )
        orders = orders_of(account, control, bus, events)
        edge = await stack.enter_async_context(edge_of(account, dispatcher, forwarder, callbacks, events, audit))

        def every_problem() -> list[str]:
            return account.ledger.problems() + problems() + draining(edge.gateway)

        console, search = console_of(account, orders, edge, every_problem)
        doors = [
            *transactions_of(account, forwarder, callbacks, events),
            *orders.routes(),
            *console.routes(),
            *search.routes(),
            *Recordings(account.recorder, clock, settings.capture_days, events.note).routes(),
            *routes,
        ]
        admin = await stack.enter_async_context(
            door_of(settings, account.process, every_problem, edge.notes(account.services), clock, audit, doors)
        )
        mix = mix_of(account.catalogue, settings.seed, traffic)
        jobs = [
            measure_lag(account.process),
            edge.follow(),
            orders.run(),
            account.recorder.run(),
            console.run(),
            audit.run(),
            keep_to_retention(settings.state / CAPTURES, settings.capture_days, clock, events.note),
        ]
        if traffic is not None:
            jobs.append(demo(traffic, dispatcher, metrics, mix, edge.access, clock))
        yield Front(edge, admin, [edge.gateway, edge.pages, metrics, stored, mix, console], jobs)
