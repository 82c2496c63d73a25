"""Every service, every operation, five consumers: through a real gateway, allowed exactly where subscribed."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from builders import a_reply, shipped
from structlog.testing import capture_logs

from lgsp.bus.memory import MemoryBus
from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.service import Catalogue, Operation, Service
from lgsp.clock import SystemClock
from lgsp.dispatch import Dispatcher
from lgsp.edge import faults
from lgsp.edge.access import Access
from lgsp.edge.audit import Audit
from lgsp.edge.gateway import Gateway
from lgsp.edge.incoming import TransactionIds
from lgsp.edge.routes import Routes
from lgsp.edge.tls import hand_out, listening, make_authority, make_certificate, wants_to_see
from lgsp.edge.tokens import Tokens, make_key
from lgsp.forwarding.forwarder import Receipt
from lgsp.ledger.memory import MemoryLedger
from lgsp.model import Outcome, Reply, Request
from lgsp.taps.metrics import GatewayMetrics, ProcessMetrics
from lgsp.trust import context_of

CATALOGUE = shipped()
EVERY = [(service, operation) for service in CATALOGUE for operation in service.operations.values()]
SOME_SERVICES = {service.id for number, service in enumerate(CATALOGUE) if number % 2}
SOME_OPERATIONS = {(s.id, o.name) for number, (s, o) in enumerate(EVERY) if number % 3 == 0}
MAY: dict[str, set[tuple[str, str]]] = {
    "all": {(s.id, o.name) for s, o in EVERY},
    "none": set(),
    "services": {(s.id, o.name) for s, o in EVERY if s.id in SOME_SERVICES},
    "operations": SOME_OPERATIONS,
    "mixed": {(s.id, o.name) for s, o in EVERY if s.id == "population"} | SOME_OPERATIONS,
}
"""What each of the five may ask, said without the code that judges it."""
CONSUMERS = (
    Consumer(id="all", subscriptions=("*",)),
    Consumer(id="none"),
    Consumer(id="services", subscriptions=tuple(sorted(SOME_SERVICES))),
    Consumer(id="operations", subscriptions=tuple(f"{s} {o}" for s, o in sorted(SOME_OPERATIONS))),
    Consumer(id="mixed", subscriptions=("population", *(f"{s} {o}" for s, o in sorted(SOME_OPERATIONS)))),
)


class Straight:
    """A forwarder that stores nothing: who may ask is judged before it."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def refusal(self, _: str) -> str:
        return ""

    async def send(self, request: Request, *, wait: float, age: float | None = None) -> Receipt:
        assert wait > 0
        assert age == 86_400
        return Receipt(request.id, await self._dispatcher.send(request))

    def release(self) -> None: ...


@dataclass
class Edge:
    url: str
    session: aiohttp.ClientSession
    access: Access
    ledger: MemoryLedger
    metrics: ProcessMetrics

    def token(self, consumer: str) -> str:
        return self.access.tokens.issue(consumer, self.access.clock.now())

    async def ask(self, service: Service, operation: Operation, headers: dict[str, str]) -> tuple[int, str]:
        path = service.context + operation.template.replace("{", "x-").replace("}", "")
        async with self.session.request(operation.method, self.url + path, headers=headers) as answer:
            body = await answer.read()
            says = "answered" if body == b"answer" else answer.headers.get("X-Lgsp-Outcome", "no transaction")
            return answer.status, says


@asynccontextmanager
async def an_edge(consumers: Iterable[Consumer], tls: Callable[[], ssl.SSLContext] | None) -> AsyncIterator[Edge]:
    clock = SystemClock()
    new_id, ledger = TransactionIds(clock), MemoryLedger(s.id for s in CATALOGUE)
    process = ProcessMetrics("0", "memory")
    metrics = GatewayMetrics(process, CATALOGUE, ledger, "gw1")
    access = Access(Tokens(make_key(), new_id), clock)
    access.replace(consumers)

    async def answer(request: Request) -> Reply:
        return a_reply(request)

    async with AsyncExitStack() as stack:
        bus, audit = MemoryBus(clock, metrics), Audit(clock)
        dispatcher = await stack.enter_async_context(Dispatcher(bus, CATALOGUE, ledger, [metrics], clock))
        await stack.enter_async_context(bus)
        for service in CATALOGUE:
            await bus.serve(service.id, answer)
        gateway = Gateway(
            dispatcher,
            Straight(dispatcher),
            Routes(CATALOGUE),
            access,
            metrics,
            new_id,
            audit,
            own={},
            names=(),
            max_body=1_000,
            max_in_flight=100,
        )
        port = await gateway.start("127.0.0.1", 0, tls() if tls else None)
        stack.push_async_callback(gateway.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield Edge(f"http{'s' if tls else ''}://127.0.0.1:{port}", session, access, ledger, process)


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with an_edge(CONSUMERS, None) as made:
        yield made


@dataclass
class Passports:
    """Certificates of a test authority, in a directory."""

    place: Path

    def of(self, name: str, *, authority: str = "ours", days: int = 1, age: float = 0.0) -> Path:
        """One for this name."""
        file = self.place / f"{authority}-{name}-{days}.pem"
        now = SystemClock().now() - age
        file.write_bytes(
            make_certificate(self.authority(authority).read_bytes(), [name], now, is_client=True, days=days)
        )
        return file

    def authority(self, name: str = "ours") -> Path:
        file = self.place / f"{name}.pem"
        if not file.exists():
            file.write_bytes(make_authority(SystemClock().now()))
        return file

    def listening(self) -> ssl.SSLContext:
        """What the gateway listens with."""
        made = hand_out(self.place / "gateway", {"gateway": ()}, (), SystemClock().now())
        context = listening(made["gateway"])
        wants_to_see(context, self.authority())
        return context

    def session(self, certificate: Path | None) -> aiohttp.ClientSession:
        """Of a caller who shows this certificate."""
        context = context_of(self.place / "gateway" / "authority.crt", certificate)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))


@pytest.fixture
def passports(tmp_path: Path) -> Passports:
    return Passports(tmp_path)


def certified(consumer: Consumer) -> Consumer:
    return consumer.model_copy(update={"certificates": (f"{consumer.id}.example.org",)})


@pytest.mark.parametrize("known_by", ["token", "certificate", "both"])
async def test_allowed_exactly_where_subscribed(passports: Passports, known_by: str) -> None:
    is_certified = known_by != "token"
    consumers = [certified(consumer) if is_certified else consumer for consumer in CONSUMERS]
    async with an_edge(consumers, passports.listening if is_certified else None) as edge:
        for consumer, may in MAY.items():
            headers = {} if known_by == "certificate" else {"Authorization": f"Bearer {edge.token(consumer)}"}
            async with AsyncExitStack() as stack:
                if is_certified:
                    shown = passports.of(f"{consumer}.example.org")
                    edge.session = await stack.enter_async_context(passports.session(shown))
                got = {(s.id, o.name): await edge.ask(s, o, headers) for s, o in EVERY}
            wanted = {each: (200, "answered") if each in may else (403, "rejected") for each in got}
            assert got == wanted, consumer
        _all_counted(edge)


def _all_counted(edge: Edge) -> None:
    totals = Counter[Outcome]()
    for (_, outcome), count in edge.ledger.totals().items():
        totals[outcome] += count
    allowed = sum(map(len, MAY.values()))
    assert totals == {Outcome.OK: allowed, Outcome.REJECTED: 5 * len(EVERY) - allowed} | dict.fromkeys(
        set(Outcome) - {Outcome.OK, Outcome.REJECTED}, 0
    )
    assert 0 < len(MAY["operations"]) < len(MAY["mixed"]) < len(MAY["all"])


async def test_who_shows_a_certificate_that_is_no_consumers_gets_nowhere(passports: Passports) -> None:
    service, operation = EVERY[0]
    async with an_edge(map(certified, CONSUMERS), passports.listening) as edge:
        token = {"Authorization": f"Bearer {edge.token('all')}"}
        with capture_logs() as logs:
            for shown, headers in ((None, {}), (None, token), ("none", token), ("stranger", {}), ("stranger", token)):
                async with passports.session(passports.of(f"{shown}.example.org") if shown else None) as edge.session:
                    assert await edge.ask(service, operation, headers) == (401, "no transaction"), shown
        assert [(log["event"], log.get("who", ""), log["why"], log["address"]) for log in logs] == [
            ("caller refused", "", faults.NO_TOKEN.description, "127.0.0.1"),
            ("decided", "all", faults.NO_CERTIFICATE.description, "127.0.0.1"),
            ("caller refused", "", faults.STRANGE_CERTIFICATE.description, "127.0.0.1"),
        ]
        with capture_logs() as logs:
            for shown in (
                passports.of("all.example.org", authority="another"),
                passports.of("all.example.org", age=3 * 86_400),
            ):
                async with passports.session(shown) as edge.session:
                    with pytest.raises(aiohttp.ClientError):
                        await edge.ask(service, operation, {})
        assert [log["why"].partition(" (")[0] for log in logs] == [
            "its certificate comes from an authority that is not trusted here",
            "its certificate has expired",
        ]
        assert sum(edge.ledger.accepted().values()) == 0


@pytest.mark.parametrize("sent", ["", "Bearer abc", "Basic YWxsOng=", "stolen"])
async def test_nobody_gets_anywhere_and_leaves_no_trace_in_the_books(edge: Edge, sent: str) -> None:
    forged = Tokens(make_key(), lambda: "1").issue("all", edge.access.clock.now())
    value = f"Bearer {forged}" if sent == "stolen" else sent
    headers = {"Authorization": value} if value else {}
    got = Counter([await edge.ask(s, o, headers) for s, o in EVERY])
    assert got == {(401, "no transaction"): len(EVERY)}
    assert sum(edge.ledger.accepted().values()) == 0
    refused = [line for line in edge.metrics.hold()().decode().splitlines() if 'route="refused"' in line]
    assert sum(float(line.rpartition(" ")[2]) for line in refused) == len(EVERY)


def test_the_matrix_is_of_the_whole_catalogue() -> None:
    assert isinstance(CATALOGUE, Catalogue)
    assert len({s.id for s, _ in EVERY}) == 28
    assert len(EVERY) >= 126
