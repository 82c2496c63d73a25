"""What stands before an account: forwarder, callbacks, gateway, and where faults are ordered."""

from __future__ import annotations

import asyncio
import importlib.metadata
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from lgsp.app.account import Account
from lgsp.app.answering import failures_of
from lgsp.app.process import files_at_most
from lgsp.bus.base import Bus, Troubled
from lgsp.bus.control import Control
from lgsp.catalogue.consumer import Consumer, changes, strangers
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
from lgsp.errors import LedgerUnavailable
from lgsp.forwarding.callbacks import Callbacks
from lgsp.forwarding.forwarder import Forwarder
from lgsp.forwarding.post import HttpPost
from lgsp.ledger.calls import Calls
from lgsp.ledger.events import FILES, Events
from lgsp.ledger.outbox import Outbox
from lgsp.settings import Settings, keep_secret
from lgsp.taps.stored import StoredMetrics

log = structlog.get_logger()


def forwarder_of(
    account: Account, bus: Bus, stored: StoredMetrics, callbacks: Callbacks, *, bus_forgets: bool = False
) -> Forwarder:
    """What brings stored requests to their end."""
    return Forwarder(
        bus,
        Outbox(account.ledger, account.clock),
        [*account.taps, stored],
        account.metrics,
        stored,
        account.clock,
        seed=account.settings.seed,
        bus_forgets=bus_forgets,
        debts=callbacks,
    )


@asynccontextmanager
async def callbacks_of(account: Account, stored: StoredMetrics) -> AsyncIterator[Callbacks]:
    """What tells consumers that something has ended."""
    settings, clock = account.settings, account.clock
    async with HttpPost(settings.call_back) as post:
        made = Callbacks(Calls(account.ledger), post, stored, clock, settings.config, status_path, seed=settings.seed)
        made.replace(account.people.first())
        async with made:
            yield made


def transactions_of(account: Account, forwarder: Forwarder, callbacks: Callbacks, events: Events) -> list[RouteDef]:
    """The pages that say what happened to a call, and keep what was given up."""
    found = Transactions(account.reader(), account.clock).routes()
    return [*found, *Parked(forwarder, callbacks, events, TransactionIds(account.clock)).routes()]


def orders_of(account: Account, control: Control, bus: Troubled, events: Events) -> Orders:
    """Where faults are ordered in this process."""
    return Orders.of(
        account.settings.name,
        account.clock,
        control.tell,
        bus.fill,
        lambda: [service.id for service in account.catalogue],
        account.settings.state / ordering.FILE,
        events.note,
    )


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
    account: Account,
    dispatcher: Dispatcher,
    forwarder: Forwarder,
    callbacks: Callbacks,
    events: Events,
    audit: Audit,
) -> AsyncIterator[Edge]:
    """The gateway of this process, listening; it drains at the end."""
    settings, clock, catalogue, people = account.settings, account.clock, account.catalogue, account.people
    new_id = TransactionIds(clock)
    access, returned, others = _access_of(settings, catalogue, people.first(), clock, new_id)
    desk = Desk(access, clock, audit, returned.note)
    pages = Pages(catalogue, importlib.metadata.version("lgsp"), failures_of)
    status = Status(access, forwarder, account.reader(), audit)
    made = Gateway(
        dispatcher,
        forwarder,
        Routes(catalogue),
        access,
        account.metrics,
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
