"""The composition root: the only place where concrete classes meet."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import logging
import os
import secrets
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import structlog
import uvloop

from lgsp.bus import topology
from lgsp.bus.base import Bus, Troubled
from lgsp.bus.control import Control, MemoryControl, RabbitControl
from lgsp.bus.memory import MemoryBus
from lgsp.bus.node import PrivateNode
from lgsp.bus.provision import provision
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.catalogue.consumer import CONSUMER_FILES, Consumer, read_consumers, strangers
from lgsp.catalogue.live import FILES, Live, Plan
from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Catalogue, Operation, Service
from lgsp.catalogue.watch import Watcher
from lgsp.clock import Clock, SystemClock
from lgsp.dispatch import Dispatcher
from lgsp.edge import orders as ordering
from lgsp.edge.access import Access
from lgsp.edge.admin import Admin, RouteDef
from lgsp.edge.gateway import Gateway, TransactionIds
from lgsp.edge.guard import Guard
from lgsp.edge.oauth import Desk
from lgsp.edge.orders import Orders
from lgsp.edge.pages import Pages
from lgsp.edge.routes import Routes
from lgsp.edge.tls import authority_file, serving
from lgsp.edge.tokens import Returned, Tokens, make_key
from lgsp.edge.transactions import Transactions
from lgsp.edge.welcome import DEMO, OURS, a_curl, a_token_curl, with_secret
from lgsp.errors import CatalogueError, SettingsError
from lgsp.fault import Kind
from lgsp.ledger.base import Ledger
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Reply, Request
from lgsp.runtime.faults import Faults
from lgsp.runtime.host import Host, check_ours
from lgsp.runtime.provider import Upstreams
from lgsp.runtime.state import States
from lgsp.runtime.ward import Ward
from lgsp.settings import Settings, environment, keep_secret, read_secret, refuse_open_by_accident
from lgsp.taps.metrics import (
    CONTENT_TYPE,
    BothMetrics,
    ConnectorMetrics,
    FaultMetrics,
    GatewayMetrics,
    ProcessMetrics,
    UpstreamMetrics,
)
from lgsp.taps.recent import Recent
from lgsp.traffic.driver import Driver, Mix, targets
from lgsp.traffic.scenario import read_scenario

log = structlog.get_logger()
CONNECTORS = "connectors"
STAND_INS = "stand-ins.sqlite"
"""What stand-ins were told, below the state directory."""
ADMIN_FILE = "secrets/admin-token"
_LAG_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class View:
    """What somebody who watches `lgsp up` may look at."""

    recent: Recent
    ledger: Ledger
    gateway: str
    admin: str
    token: str
    """A `curl` that fetches a token ..."""
    curl: str
    """... and one that calls with it."""
    trust: Path | None = None
    """The certificate of our own authority, where the gateway listens by HTTPS."""


Show = Callable[[View], Awaitable[None]]


def run(process: Coroutine[Any, Any, None]) -> None:
    """Run a process to its end on uvloop, with logs as JSON lines on stderr, or coloured where that is a terminal."""
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    uvloop.run(process)


async def up(settings: Settings, *, pace: float | None, seconds: float | None, show: Show | None = None) -> None:
    """Gateway, connectors and demo traffic (`pace` times the scenario's, or none) in this process."""
    _check(settings)
    clock = SystemClock()
    process = ProcessMetrics(importlib.metadata.version("lgsp"), "rabbitmq" if settings.broker else "memory")
    watcher, people = _watcher(settings, clock, process), _people(settings, clock, process, OURS)
    catalogue = watcher.first()
    recent = Recent([service.id for service in catalogue], clock)
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(_ledger(settings, catalogue, clock))
        broker = await stack.enter_async_context(_broker(settings, catalogue))
        asking = GatewayMetrics(process, catalogue, ledger, settings.name)
        answering = ConnectorMetrics(process, catalogue, settings.prefetch)
        upstreams = await stack.enter_async_context(_upstreams(settings, clock, process))
        bus, serving = _buses(settings, broker, clock, asking, answering)
        dispatcher = await stack.enter_async_context(Dispatcher(bus, catalogue, ledger, [asking, recent], clock))
        await stack.enter_async_context(bus)
        if serving is not bus:
            await stack.enter_async_context(serving)
        file = settings.state / STAND_INS if settings.keep else None
        states = await stack.enter_async_context(
            States(clock, file, keep=settings.keep, dropped=answering.state_dropped)
        )
        host, ward = _answering(settings, serving, catalogue, clock, process, answering, states, upstreams)
        await host.serve()
        telling, hearing = await _controls(stack, settings, broker)
        orders = _orders(settings, clock, telling, bus, catalogue)
        await hearing.hear(ward.heard)
        edge = await stack.enter_async_context(_edge(settings, dispatcher, catalogue, people, clock, asking))
        admin = await stack.enter_async_context(
            _admin(
                settings,
                process,
                lambda: ledger.problems() + _problems(bus, serving) + _draining(edge.gateway),
                edge.notes(watcher),
                clock,
                [*_transactions(settings, clock), *orders.routes()],
            )
        )
        token = a_token_curl(edge.url, settings.state)
        curl = a_curl(edge.url, settings.state, catalogue)
        view = View(
            recent, ledger, edge.url, admin.url, token, curl, authority_file(settings.state) if settings.tls else None
        )
        mix = Mix(targets(catalogue), settings.seed)

        async def ready(new: Catalogue, changes: Plan) -> None:
            if broker is not None and changes.added:
                await provision(broker.provisioning, changes.added)
            await host.follow(new)

        live = Live(catalogue, [host, edge.gateway, edge.pages, asking, answering, recent, mix], ready)
        jobs: list[Coroutine[Any, Any, None]] = [
            _measure_lag(process),
            watcher.run(live.take),
            edge.follow(),
            host.tend(),
            orders.run(),
            ward.run(),
        ]
        if pace is not None:
            jobs.append(_demo(settings, dispatcher, mix, edge.access, clock, pace))
        if show is not None:
            jobs.append(_shown(show, view))
        _announce(view, catalogue)
        await _until_stopped(jobs, seconds)


async def gateway(settings: Settings) -> None:
    """A gateway on a broker."""
    _check(settings)
    clock = SystemClock()
    process = ProcessMetrics(importlib.metadata.version("lgsp"), "rabbitmq")
    watcher, people = _watcher(settings, clock, process), _people(settings, clock, process)
    catalogue = watcher.first()
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(_ledger(settings, catalogue, clock))
        metrics = GatewayMetrics(process, catalogue, ledger, settings.name)
        bus = RabbitBus(_url(settings), settings.name, clock, metrics)
        dispatcher = await stack.enter_async_context(Dispatcher(bus, catalogue, ledger, [metrics], clock))
        await stack.enter_async_context(bus)
        control = await stack.enter_async_context(RabbitControl(_url(settings), settings.name))
        orders = _orders(settings, clock, control, bus, catalogue)
        edge = await stack.enter_async_context(_edge(settings, dispatcher, catalogue, people, clock, metrics))
        admin = await stack.enter_async_context(
            _admin(
                settings,
                process,
                lambda: ledger.problems() + bus.problems() + _draining(edge.gateway),
                edge.notes(watcher),
                clock,
                [*_transactions(settings, clock), *orders.routes()],
            )
        )
        live = Live(catalogue, [edge.gateway, edge.pages, metrics], _nothing_to_make)
        log.info("gateway ready", name=settings.name, url=edge.url, admin=admin.url, services=len(catalogue))
        await _until_stopped([_measure_lag(process), watcher.run(live.take), edge.follow(), orders.run()], None)


async def connectors(settings: Settings, *, only: Collection[str]) -> None:
    """Connectors on a broker: all services, or the ones named."""
    _check(settings)
    clock = SystemClock()
    process = ProcessMetrics(importlib.metadata.version("lgsp"), "rabbitmq")
    watcher = _watcher(settings, clock, process)
    catalogue = watcher.first()
    async with AsyncExitStack() as stack:
        metrics = ConnectorMetrics(process, catalogue, settings.prefetch, only)
        upstreams = await stack.enter_async_context(_upstreams(settings, clock, process))
        bus = RabbitBus(_url(settings), settings.name, clock, metrics, asks=False, prefetch=settings.prefetch)
        await stack.enter_async_context(bus)
        # A file even without --keep: another connectors process of this machine may get the next request.
        states = await stack.enter_async_context(
            States(clock, settings.state / STAND_INS, keep=settings.keep, dropped=metrics.state_dropped)
        )
        host, ward = _answering(settings, bus, catalogue, clock, process, metrics, states, upstreams, crash=_crash)
        await host.serve(only)
        control = await stack.enter_async_context(RabbitControl(_url(settings), f"{settings.name}.{os.getpid()}"))
        await control.hear(ward.heard)
        admin = await stack.enter_async_context(_admin(settings, process, bus.problems, watcher.notes, clock))

        async def ready(new: Catalogue, _: Plan) -> None:
            await host.follow(new)

        live = Live(catalogue, [host, metrics], ready)
        log.info("connectors ready", name=settings.name, admin=admin.url, services=len(only) or len(catalogue))
        await _until_stopped([_measure_lag(process), watcher.run(live.take), host.tend(), ward.run()], None)


def _buses(
    settings: Settings, broker: _Broker | None, clock: Clock, asking: GatewayMetrics, answering: ConnectorMetrics
) -> tuple[MemoryBus | RabbitBus, MemoryBus | RabbitBus]:
    """The bus to ask on and the one to serve on in one process: the same one where there is no broker."""
    if broker is None:
        both = MemoryBus(clock, BothMetrics(asking, answering), prefetch=settings.prefetch)
        return both, both
    serving = RabbitBus(broker.serving, CONNECTORS, clock, answering, asks=False, prefetch=settings.prefetch)
    return RabbitBus(broker.asking, settings.name, clock, asking), serving


async def _controls(stack: AsyncExitStack, settings: Settings, broker: _Broker | None) -> tuple[Control, Control]:
    """Where orders are told and heard in one process: over the broker, where other processes may hear them too."""
    if broker is None:
        both = MemoryControl()
        return both, both
    telling = RabbitControl(broker.asking, settings.name)
    hearing = RabbitControl(broker.serving, f"{CONNECTORS}.{os.getpid()}")
    return await stack.enter_async_context(telling), await stack.enter_async_context(hearing)


def _orders(settings: Settings, clock: Clock, control: Control, bus: Troubled, catalogue: Catalogue) -> Orders:
    """Where faults are ordered in this process."""
    return Orders.of(
        settings.name,
        clock,
        control.tell,
        bus.fill,
        lambda: [service.id for service in catalogue],
        settings.state / ordering.FILE,
    )


def _answering(
    settings: Settings,
    bus: MemoryBus | RabbitBus,
    catalogue: Catalogue,
    clock: Clock,
    process: ProcessMetrics,
    metrics: ConnectorMetrics,
    states: States,
    upstreams: Upstreams,
    *,
    crash: Callable[[], None] | None = None,
) -> tuple[Host, Ward]:
    """The answering half, and who looks after its faults. Without `crash` the process does more than answer, and stays."""
    faults = Faults(settings.seed)
    host = Host(
        bus, catalogue, clock, metrics, states, upstreams, seed=settings.seed, calm=settings.calm, faults=faults
    )
    watch = FaultMetrics(process, host.serves, list(Kind))
    return host, Ward(faults, bus, clock, watch, host.serves, crash, clock.now())


def _crash() -> None:
    """What a crash is: nothing is finished, nothing is said."""
    os._exit(70)


async def ask_over_bus(
    url: str,
    service: Service,
    operation: Operation,
    *,
    path: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    consumer: str,
    key: str,
) -> Reply:
    """One request straight over the broker, as a gateway would send it. Raises `DeliveryError`."""
    clock = SystemClock()
    transaction = TransactionIds(clock)()
    request = Request(
        id=transaction,
        service=service.id,
        operation=operation.name,
        path=path,
        query=query,
        consumer=consumer,
        key=key or transaction,
        body=body,
        headers=headers,
        calm=True,
    )
    async with RabbitBus(url, f"cli-{secrets.token_hex(4)}", clock) as bus:
        return await bus.request(request, timeout=service.timeout)


async def provision_services(broker: str, password: str | None, services: Collection[str]) -> None:
    """Make the queues of some services on a broker. Raises `BusUnavailable`."""
    await provision(broker_url(broker, None, password), services)


def definitions(catalogue: Catalogue, passwords: dict[str, str], gateways: Collection[str]) -> dict[str, Any]:
    """RabbitMQ's definitions for a catalogue: an administrator, the gateways, one connectors process for all services."""
    services = [service.id for service in catalogue]
    users = [
        topology.administrator("admin", passwords["admin"]),
        topology.connectors_user(CONNECTORS, passwords[CONNECTORS]),
        *(topology.gateway_user(name, passwords["gateway"]) for name in gateways),
    ]
    return topology.definitions(services, users, salt=secrets.token_bytes(4))


async def _nothing_to_make(_new: Catalogue, _changes: Plan) -> None:
    """A gateway makes nothing on the broker: queues are somebody's who provisions."""


def _watcher(settings: Settings, clock: Clock, process: ProcessMetrics) -> Watcher[Catalogue]:
    return Watcher("services", settings.config, FILES, read_catalogue, clock, process.reloaded)


def _people(
    settings: Settings, clock: Clock, process: ProcessMetrics, ours: Collection[Consumer] = ()
) -> Watcher[list[Consumer]]:
    """The consumers of the configuration, and of `ours` those that it does not name."""

    def read(directory: Path) -> list[Consumer]:
        named = {consumer.id: consumer for consumer in ours} | read_consumers(directory)
        return [with_secret(settings.state, consumer) for consumer in named.values()]

    return Watcher("consumers", settings.config, CONSUMER_FILES, read, clock, process.reloaded)


def _check(settings: Settings) -> None:
    plain = {"the admin port": settings.admin} | ({} if settings.tls else {"the gateway": settings.listen})
    refuse_open_by_accident(plain, is_open=settings.open)
    found = importlib.util.find_spec(CONNECTORS)
    if found is not None and found.origin is not None:
        check_ours(Path(found.origin).parent, Path(__file__).parent)
        problems = importlib.import_module(CONNECTORS).prepare(settings.config)
        if problems:
            raise CatalogueError(problems)
    if settings.open:
        log.warning("open: listening beyond loopback without TLS", listen=str(settings.listen))


def _ledger(settings: Settings, catalogue: Catalogue, clock: Clock) -> SqliteLedger:
    """The account of this gateway; it also keeps a second process of this name away."""
    return SqliteLedger(Files(settings.state, settings.name), [service.id for service in catalogue], clock)


def _transactions(settings: Settings, clock: Clock) -> list[RouteDef]:
    return Transactions(Reader(Files(settings.state, settings.name)), clock).routes()


def _upstreams(settings: Settings, clock: Clock, process: ProcessMetrics) -> Upstreams:
    metrics = UpstreamMetrics(process)
    return Upstreams(
        clock,
        metrics,
        [metrics],
        seed=settings.seed,
        allowed=settings.reach,
        environment=environment(),
        directory=settings.config,
    )


@dataclass(frozen=True, slots=True)
class _Broker:
    """The addresses of one broker, each with the user for its purpose."""

    asking: str
    serving: str
    provisioning: str


@asynccontextmanager
async def _broker(settings: Settings, catalogue: Catalogue) -> AsyncIterator[_Broker | None]:
    """A private node, the broker that was named, or none."""
    if settings.broker is None:
        yield None
    elif settings.broker != "local":
        url = _url(settings)
        await provision(url, [service.id for service in catalogue])
        yield _Broker(url, url, url)
    else:
        passwords = {who: secrets.token_urlsafe(24) for who in ("admin", "gateway", CONNECTORS)}
        directory = settings.state / "broker" / secrets.token_hex(4)
        node = PrivateNode(directory, definitions(catalogue, passwords, [settings.name]))
        try:
            await asyncio.to_thread(node.start)
            log.info("private broker ready", node=repr(node))
            yield _Broker(
                node.url(settings.name, passwords["gateway"]),
                node.url(CONNECTORS, passwords[CONNECTORS]),
                node.url("admin", passwords["admin"]),
            )
        finally:
            await asyncio.to_thread(node.stop)
            await asyncio.to_thread(_remove, directory)


def _remove(directory: Path) -> None:
    for file in sorted(directory.rglob("*"), reverse=True):
        if file.is_dir() and not file.is_symlink():
            file.rmdir()
        else:
            file.unlink()
    directory.rmdir()


def _url(settings: Settings) -> str:
    return broker_url(settings.broker or "", settings.broker_user, settings.broker_password)


def broker_url(broker: str, user: str | None, password: str | None) -> str:
    """The broker's address with the user and password that were given apart from it. Raises `SettingsError`."""
    parts = urlsplit(broker)
    if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
        raise SettingsError(f"{broker!r} is no broker: write it as amqp://127.0.0.1:5672/lgsp, or `local`")
    user = user or parts.username or "guest"
    password = password or parts.password or "guest"
    port = f":{parts.port}" if parts.port else ""
    place = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.hostname}{port}"
    return urlunsplit((parts.scheme, place, parts.path or f"/{topology.VHOST}", parts.query, ""))


@dataclass(frozen=True, slots=True)
class _Edge:
    gateway: Gateway
    pages: Pages
    url: str
    access: Access
    people: Watcher[list[Consumer]]
    catalogue: Catalogue
    returned: Watcher[dict[str, float]]

    async def follow(self) -> None:
        """Put the consumers' files into force whenever they change, and heed what other gateways took back."""

        async def take(consumers: list[Consumer]) -> None:
            self.access.replace(consumers)
            _warn_of_strangers(consumers, self.catalogue)

        async def heed(returned: dict[str, float]) -> None:
            self.access.heed(returned)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.people.run(take))
            tasks.create_task(self.returned.run(heed))

    def notes(self, services: Watcher[Catalogue]) -> Callable[[], list[str]]:
        """What stands in the files and is not in force."""
        return lambda: services.notes() + self.people.notes()


@asynccontextmanager
async def _edge(
    settings: Settings,
    dispatcher: Dispatcher,
    catalogue: Catalogue,
    people: Watcher[list[Consumer]],
    clock: Clock,
    metrics: GatewayMetrics,
) -> AsyncIterator[_Edge]:
    new_id = TransactionIds(clock)
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
    consumers = people.first()
    access.replace(consumers)
    _warn_of_strangers(consumers, catalogue)
    desk = Desk(access, clock, returned.note)
    pages = Pages(catalogue, importlib.metadata.version("lgsp"))
    made = Gateway(
        dispatcher,
        Routes(catalogue),
        access,
        metrics,
        new_id,
        own=pages.by_path() | {"/token": desk.token, "/revoke": desk.revoke},
        names=[name.lower() for name in settings.tls_names] if settings.listen.is_loopback else None,
        max_body=settings.max_body,
        max_in_flight=settings.max_in_flight,
    )
    tls = _tls(settings, clock) if settings.tls else None
    port = await made.start(settings.listen.host, settings.listen.port, tls)
    try:
        scheme = "https" if tls else "http"
        yield _Edge(made, pages, f"{scheme}://{settings.listen.host}:{port}", access, people, catalogue, others)
    finally:
        await made.stop()


@dataclass(frozen=True, slots=True)
class _Door:
    """The admin port: its address, and who lets in."""

    url: str
    guard: Guard

    def link(self) -> str:
        """The address with a code that opens it for one browser."""
        return f"{self.url}/login?code={self.guard.code()}"


def admin_token(settings: Settings) -> str:
    """What changing something on the admin port wants: as it was given, else made once in the state directory."""
    given = read_secret("LGSP_ADMIN_TOKEN", environment())
    made = lambda: secrets.token_urlsafe(32).encode()  # noqa: E731 - one line, used once
    return given or keep_secret(settings.state / ADMIN_FILE, made).decode().strip()


@asynccontextmanager
async def _admin(
    settings: Settings,
    process: ProcessMetrics,
    problems: Callable[[], list[str]],
    notes: Callable[[], list[str]],
    clock: Clock,
    routes: Iterable[RouteDef] = (),
) -> AsyncIterator[_Door]:
    guard = Guard(admin_token(settings), clock.now, loopback=settings.admin.is_loopback)
    always = ["open: plain listening beyond loopback was allowed"] if settings.open else []
    made = Admin(
        process.render,
        CONTENT_TYPE,
        problems,
        lambda: always + notes(),
        loopback=settings.admin.is_loopback,
        guard=guard,
        routes=routes,
    )
    port = await made.start(settings.admin.host, settings.admin.port)
    try:
        yield _Door(f"http://{settings.admin.host}:{port}", guard)
    finally:
        await made.stop()


def _tls(settings: Settings, clock: Clock) -> ssl.SSLContext:
    names = list(settings.tls_names)
    if not settings.listen.is_loopback:
        names += [socket.gethostname(), *([] if settings.listen.is_any else [settings.listen.host])]
    made = serving(settings.state, settings.name, names, clock.now())
    log.info("serving https", names=names, trust=str(authority_file(settings.state)))
    return made


def _warn_of_strangers(consumers: list[Consumer], catalogue: Catalogue) -> None:
    for consumer, scope in strangers(consumers, catalogue):
        log.warning("no such service or operation", consumer=consumer, subscription=scope)


def _problems(bus: Bus, serving: Bus) -> list[str]:
    return bus.problems() + ([] if serving is bus else serving.problems())


def _draining(edge: Gateway) -> list[str]:
    return ["the gateway is going down"] if edge.draining else []


async def _demo(
    settings: Settings,
    dispatcher: Dispatcher,
    mix: Mix,
    access: Access,
    clock: Clock,
    pace: float,
) -> None:
    file = settings.config / "scenarios" / "demo.yaml"
    if not file.is_file():
        log.info("no demo traffic", why=f"{file} is missing")
        return
    consumer = next((consumer.id for consumer in access.consumers() if consumer.behaviour == "field"), DEMO)
    pacer = read_scenario(file).pacer(clock.now(), pace)
    await Driver(dispatcher.send, mix, pacer, clock, new_id=TransactionIds(clock), consumer=consumer).run()


async def _shown(show: Show, view: View) -> None:
    await show(view)


async def _measure_lag(process: ProcessMetrics) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LAG_EVERY
        await asyncio.sleep(_LAG_EVERY)
        process.loop_lag.observe(max(0.0, loop.time() - due))


async def _until_stopped(jobs: list[Coroutine[Any, Any, None]], seconds: float | None) -> None:
    """Run the jobs until a signal comes or the time is over; a second signal ends the process at once."""
    stop = asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(job) for job in jobs]
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            pass
        for task in running:
            task.cancel()


def _announce(view: View, catalogue: Catalogue) -> None:
    lines = [
        f"gateway   {view.gateway}   ({len(catalogue)} services)",
        f"admin     {view.admin}   (/metrics /livez /readyz)",
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
