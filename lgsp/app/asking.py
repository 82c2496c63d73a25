"""The asking half: ledger, gateway, consumers, and where faults are ordered."""

from __future__ import annotations

import asyncio
import importlib.metadata
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from lgsp.app.answering import failures_of
from lgsp.app.process import files_at_most
from lgsp.bus.base import Bus, Troubled
from lgsp.bus.control import Control
from lgsp.catalogue.calendar import read_zone
from lgsp.catalogue.consumer import CONSUMER_FILES, Consumer, changes, read_consumers, strangers
from lgsp.catalogue.service import Catalogue
from lgsp.catalogue.watch import Watcher
from lgsp.clock import Clock
from lgsp.dispatch import Dispatcher
from lgsp.edge import orders as ordering
from lgsp.edge.access import Access
from lgsp.edge.admin import RouteDef
from lgsp.edge.answers import STATUS, status_path
from lgsp.edge.audit import Audit
from lgsp.edge.gateway import Gateway
from lgsp.edge.incoming import TransactionIds
from lgsp.edge.oauth import Desk
from lgsp.edge.orders import Orders
from lgsp.edge.pages import Pages
from lgsp.edge.parked import Parked
from lgsp.edge.routes import Routes
from lgsp.edge.status import Status
from lgsp.edge.tls import authority_file, listening, serving, wants_to_see
from lgsp.edge.tokens import Returned, Tokens, make_key
from lgsp.edge.transactions import Transactions
from lgsp.edge.welcome import with_secret
from lgsp.errors import LedgerUnavailable
from lgsp.forwarding.callbacks import Callbacks
from lgsp.forwarding.forwarder import Forwarder
from lgsp.forwarding.post import HttpPost
from lgsp.ledger.calls import Calls
from lgsp.ledger.events import FILES, Events
from lgsp.ledger.files import Files
from lgsp.ledger.outbox import Outbox
from lgsp.ledger.reader import Reader
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Tap
from lgsp.settings import Settings, keep_secret
from lgsp.taps.metrics import GatewayMetrics, ProcessMetrics
from lgsp.taps.stored import StoredMetrics

log = structlog.get_logger()


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


def forwarder_of(
    settings: Settings,
    bus: Bus,
    ledger: SqliteLedger,
    clock: Clock,
    metrics: GatewayMetrics,
    stored: StoredMetrics,
    taps: Sequence[Tap],
    callbacks: Callbacks,
    *,
    bus_forgets: bool = False,
) -> Forwarder:
    """What brings stored requests to their end."""
    return Forwarder(
        bus,
        Outbox(ledger, clock),
        [*taps, stored],
        metrics,
        stored,
        clock,
        seed=settings.seed,
        bus_forgets=bus_forgets,
        debts=callbacks,
    )


@asynccontextmanager
async def callbacks_of(
    settings: Settings, ledger: SqliteLedger, clock: Clock, stored: StoredMetrics, consumers: Iterable[Consumer]
) -> AsyncIterator[Callbacks]:
    """What tells consumers that something has ended."""
    async with HttpPost(settings.call_back) as post:
        made = Callbacks(Calls(ledger), post, stored, clock, settings.config, status_path, seed=settings.seed)
        made.replace(consumers)
        async with made:
            yield made


def transactions_of(
    settings: Settings, clock: Clock, forwarder: Forwarder, callbacks: Callbacks, events: Events
) -> list[RouteDef]:
    """The pages that say what happened to a call, and keep what was given up."""
    found = Transactions(Reader(Files(settings.state, settings.name)), clock).routes()
    return [*found, *Parked(forwarder, callbacks, events, TransactionIds(clock)).routes()]


def orders_of(
    settings: Settings, clock: Clock, control: Control, bus: Troubled, catalogue: Catalogue, events: Events
) -> Orders:
    """Where faults are ordered in this process."""
    return Orders.of(
        settings.name,
        clock,
        control.tell,
        bus.fill,
        lambda: [service.id for service in catalogue],
        settings.state / ordering.FILE,
        events.note,
    )


def people_of(
    settings: Settings, clock: Clock, process: ProcessMetrics, ours: Collection[Consumer] = ()
) -> Watcher[list[Consumer]]:
    """The consumers of the configuration, and of `ours` those that it does not name."""

    def read(directory: Path) -> list[Consumer]:
        named = {consumer.id: consumer for consumer in ours} | read_consumers(directory)
        return [with_secret(settings.state, consumer) for consumer in named.values()]

    return Watcher("consumers", settings.config, CONSUMER_FILES, read, clock, process.reloaded)


@dataclass(frozen=True, slots=True)
class Edge:
    """A gateway that listens at `url`, and what follows the files that it works by."""

    gateway: Gateway
    pages: Pages
    url: str
    access: Access
    people: Watcher[list[Consumer]]
    catalogue: Catalogue
    callbacks: Callbacks
    events: Events
    returned: Watcher[dict[str, float]]

    async def follow(self) -> None:
        """Put the consumers' files into force whenever they change, and heed what other gateways took back."""

        async def take(consumers: list[Consumer]) -> None:
            known = {consumer.id: consumer for consumer in self.access.consumers()}
            self.access.replace(consumers)
            for name, what, keys in changes(known, {consumer.id: consumer for consumer in consumers}):
                await self._note(name, what, keys)
            self.callbacks.replace(consumers)
            _warn_of_strangers(consumers, self.catalogue)

        async def heed(returned: dict[str, float]) -> None:
            self.access.heed(returned)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.people.run(take))
            tasks.create_task(self.returned.run(heed))

    async def _note(self, name: str, what: str, keys: list[str]) -> None:
        try:
            await self.events.note(FILES, f"consumer.{what}", name, {"keys": keys} if keys else {})
        except LedgerUnavailable as error:
            log.warning("change not in the ledger", consumer=name, what=what, why=str(error))

    def notes(self, services: Watcher[Catalogue]) -> Callable[[], list[str]]:
        """What stands in the files and is not in force."""
        return lambda: services.notes() + self.people.notes()


@asynccontextmanager
async def edge_of(
    settings: Settings,
    dispatcher: Dispatcher,
    forwarder: Forwarder,
    callbacks: Callbacks,
    events: Events,
    catalogue: Catalogue,
    people: Watcher[list[Consumer]],
    clock: Clock,
    metrics: GatewayMetrics,
    audit: Audit,
) -> AsyncIterator[Edge]:
    """The gateway of this process, listening; it drains at the end."""
    new_id = TransactionIds(clock)
    access, returned, others = _access_of(settings, catalogue, people.first(), clock, new_id)
    desk = Desk(access, clock, audit, returned.note)
    pages = Pages(catalogue, importlib.metadata.version("lgsp"), failures_of)
    status = Status(access, forwarder, Reader(Files(settings.state, settings.name)), audit)
    made = Gateway(
        dispatcher,
        forwarder,
        Routes(catalogue),
        access,
        metrics,
        new_id,
        audit,
        own=pages.by_path() | {"/token": desk.token, "/revoke": desk.revoke, STATUS: status.show},
        names=[name.lower() for name in settings.tls_names] if settings.listen.is_loopback else None,
        max_body=settings.max_body,
        max_in_flight=settings.max_in_flight,
        max_held=settings.max_held,
        max_connections=min(settings.max_connections, files_at_most() // 2),
    )
    tls = _tls(settings, clock) if settings.tls else None
    if tls is not None and settings.client_authority is not None:
        wants_to_see(tls, settings.client_authority)
    port = await made.start(settings.listen.host, settings.listen.port, tls)
    try:
        scheme = "https" if tls else "http"
        yield Edge(
            made,
            pages,
            f"{scheme}://{settings.listen.host}:{port}",
            access,
            people,
            catalogue,
            callbacks,
            events,
            others,
        )
    finally:
        await made.stop()


def _access_of(
    settings: Settings, catalogue: Catalogue, consumers: list[Consumer], clock: Clock, new_id: TransactionIds
) -> tuple[Access, Returned, Watcher[dict[str, float]]]:
    """Who may call what; which tokens were given back here, and what tells of those that others took."""
    given = settings.token_key
    key = given.encode() if given else keep_secret(settings.state / "secrets" / "token-key.pem", make_key)
    returned = Returned(settings.state / "secrets" / "returned-tokens")
    returned.shorten(clock.now())
    others = Watcher(
        "returned tokens",
        returned.file.parent,
        (returned.file.name,),
        lambda _: returned.read(clock.now()),
        clock,
        lambda _: None,
    )
    access = Access(Tokens(key, new_id), clock, others.first())
    access.replace(consumers)
    access.serve(catalogue)
    _warn_of_strangers(consumers, catalogue)
    return access, returned, others


def _tls(settings: Settings, clock: Clock) -> ssl.SSLContext:
    if settings.tls_certificate is not None:
        return listening(settings.tls_certificate)
    names = list(settings.tls_names)
    if not settings.listen.is_loopback:
        names += [socket.gethostname(), *([] if settings.listen.is_any else [settings.listen.host])]
    made = serving(settings.state, settings.name, names, clock.now())
    log.info("serving https", names=names, trust=str(authority_file(settings.state)))
    return made


def _warn_of_strangers(consumers: list[Consumer], catalogue: Catalogue) -> None:
    for consumer, scope in strangers(consumers, catalogue):
        log.warning("no such service or operation", consumer=consumer, subscription=scope)


def draining(edge: Gateway) -> list[str]:
    """Why a gateway takes nothing new, in words for `/readyz`."""
    return ["the gateway is going down"] if edge.draining else []
