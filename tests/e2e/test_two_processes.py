"""Gateway and connectors as two processes on a real RabbitMQ, with the shipped catalogue."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import processes
import pytest

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode
from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Catalogue, Example, Operation, Service
from lgsp.model import Outcome, Request
from lgsp.runtime.behaviours.errors import failure

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

SEED = 766
SHIPPED = processes.REPOSITORY / "config"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped catalogue with latency 0 and timeouts of 2 s."""
    directory = tmp_path_factory.mktemp("config") / "config"
    shutil.copytree(SHIPPED, directory)
    text = (SHIPPED / "services.yaml").read_text()
    text = re.sub(r"(?m)^  timeout: .*$", "  timeout: 2s", text)
    text = re.sub(r"(?m)^  latency: .*$", "  latency: {fixed: 0s}", text)
    (directory / "services.yaml").write_text(text)
    return directory


@dataclass
class Bench:
    node: PrivateNode
    gateway: processes.Process
    connectors: processes.Process
    catalogue: Catalogue
    url: str
    admin: str
    tokens: dict[str, str]
    session: aiohttp.ClientSession

    async def call(
        self, service: Service, operation: Operation, example: Example, *, key: str = "", consumer: str = "tester"
    ) -> tuple[int, str, bytes]:
        asked = example.request
        url = self.url + service.context + asked.path + (f"?{asked.query}" if asked.query else "")
        headers = [*asked.headers.items(), ("authorization", f"Bearer {self.tokens[consumer]}")]
        headers += [("X-Lgsp-Key", key)] if key else []
        async with self.session.request(operation.method, url, data=asked.body or None, headers=headers) as answer:
            return answer.status, answer.headers.get("X-Lgsp-Outcome", ""), await answer.read()

    def counters(self) -> Counter[tuple[str, str]]:
        text = processes.get(f"{self.admin}/metrics")[1].decode()
        rows = re.findall(r'lgsp_transactions_total\{outcome="(\w+)",service="([\w-]+)"\} ([\d.e+]+)', text)
        return Counter({(service, outcome): int(float(count)) for outcome, service, count in rows if float(count)})

    def operations(self) -> list[tuple[Service, Operation]]:
        return [(service, operation) for service in self.catalogue for operation in service.operations.values()]


@pytest.fixture(scope="module")
def node(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateNode]:
    services = [service.id for service in read_catalogue(config)]
    users = [topology.gateway_user("gw1", "g"), topology.connectors_user("connectors", "c", services)]
    with PrivateNode(tmp_path_factory.mktemp("node"), topology.definitions(services, users, salt=b"salt")) as made:
        yield made


@pytest.fixture(scope="module")
def started(
    node: PrivateNode, config: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[processes.Process, processes.Process]]:
    directory = tmp_path_factory.mktemp("processes")
    with (
        processes.gateway(node.url("gw1", "g"), directory, config=config) as gateway,
        processes.connectors(node.url("connectors", "c"), directory, config=config, seed=SEED) as connectors,
    ):
        yield gateway, connectors


@pytest.fixture(scope="module")
def tokens(started: tuple[processes.Process, processes.Process]) -> dict[str, str]:
    gateway, _ = started
    url = json.loads(gateway.output.splitlines()[-1])["url"]
    return {consumer: processes.token_of(url, gateway.state, consumer) for consumer in ("demo", "tester")}


@pytest.fixture
async def bench(
    node: PrivateNode, config: Path, started: tuple[processes.Process, processes.Process], tokens: dict[str, str]
) -> AsyncIterator[Bench]:
    gateway, connectors = started
    url, admin = (json.loads(gateway.output.splitlines()[-1])[name] for name in ("url", "admin"))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Bench(node, gateway, connectors, read_catalogue(config), url, admin, tokens, session)


def is_example(example: Example, body: bytes) -> bool:
    wanted = example.reply.body
    if wanted is None:
        return body == b"null" or body.startswith(b"\x89PNG")
    return body.decode() == wanted if isinstance(wanted, str) else json.loads(body) == wanted


async def test_every_operation_of_all_28_services_answers_its_examples_20_times(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    table: Counter[str] = Counter()
    asked = 0
    for service, operation in bench.operations():
        for example in operation.examples:
            answers = await asyncio.gather(*(bench.call(service, operation, example) for _ in range(20)))
            asked += 20
            for status, outcome, body in answers:
                assert (status, outcome) == (example.reply.status, example.reply.outcome), (
                    operation.name,
                    example.name,
                )
                assert is_example(example, body), (operation.name, example.name, body[:200])
        table[service.id] += 1
    with capsys.disabled():
        print(
            f"\n{len(table)} of 28 services, {sum(table.values())} operations, {asked} answers, each its example's own"
        )
        for service in bench.catalogue:
            print(f"  {service.id:24} {table[service.id]:3} operations")
    assert (len(table), sum(table.values())) == (28, sum(len(service.operations) for service in bench.catalogue))


def predicted(bench: Bench, numbers: range) -> Counter[tuple[str, str]]:
    """Service and outcome of the calls with these keys: the seed and the catalogue say it all."""
    counts: Counter[tuple[str, str]] = Counter()
    for number in numbers:
        service, operation, example = chosen(bench, number)
        request = Request(id="", service=service.id, operation=operation.name, path="", key=str(number))
        assert service.errors
        fate = failure(service.errors, service.id, request, SEED) or example.reply.outcome
        counts[service.id, str(fate)] += 1
    return counts


def chosen(bench: Bench, number: int) -> tuple[Service, Operation, Example]:
    operations = bench.operations()
    service, operation = operations[number % len(operations)]
    return service, operation, operation.examples[number // len(operations) % len(operation.examples)]


@pytest.mark.parametrize("in_flight", [1, 64])
async def test_1000_requests_end_as_seed_and_keys_predict(bench: Bench, in_flight: int) -> None:
    numbers = range(1_000)
    before = bench.counters()
    room = asyncio.Semaphore(in_flight)

    async def one(number: int) -> None:
        async with room:
            await bench.call(*chosen(bench, number), key=str(number), consumer="demo")

    await asyncio.gather(*(one(number) for number in numbers))
    moved = bench.counters() - before
    assert sum(moved.values()) == 1_000
    assert moved == predicted(bench, numbers)
    assert len({outcome for _, outcome in moved}) >= 5


async def test_killed_connectors_cost_their_calls_and_nothing_hangs(bench: Bench) -> None:
    service = bench.catalogue.find("shared-catalog")
    operation = service.operations["GET /dantocs"]

    async def one() -> tuple[int, float]:
        begun = asyncio.get_running_loop().time()
        status, _, _ = await bench.call(service, operation, operation.examples[0])
        return status, asyncio.get_running_loop().time() - begun

    async with asyncio.TaskGroup() as tasks:
        first = [tasks.create_task(one()) for _ in range(50)]
        bench.connectors.kill()
        rest = [tasks.create_task(one()) for _ in range(50)]
    answers = [task.result() for task in first + rest]
    assert {status for status, _ in answers} <= {200, 503, 504}
    assert any(status in {503, 504} for status, _ in answers)
    assert max(took for _, took in answers) < service.timeout + 1
    bench.connectors.start()
    await all_services_end_as_their_keys_predict(bench, within=10)


def asked_of(service: Service) -> Operation:
    """Its first operation that is answered while its caller waits, whatever becomes of it; else its first."""
    known = list(service.operations.values())
    return next((operation for operation in known if operation.delivery == "sync"), known[0])


async def all_services_end_as_their_keys_predict(bench: Bench, *, within: float) -> None:
    """The next 20 calls of each service, from the moment on that its first one is answered."""
    end = asyncio.get_running_loop().time() + within
    for service in bench.catalogue:
        operation = asked_of(service)
        while (await bench.call(service, operation, operation.examples[0]))[1] != "ok":
            assert asyncio.get_running_loop().time() < end, f"{service.id} did not come back within {within} s"
    # What is stored is tried again: its first try says nothing of its end.
    answering = [service for service in bench.catalogue if asked_of(service).delivery == "sync"]
    assert len(answering) > 20
    calls = [(service, n) for service in answering for n in range(20)]

    room = asyncio.Semaphore(64)

    async def one(service: Service, n: int) -> tuple[str, str]:
        operation = asked_of(service)
        key = f"{service.id}/{n}"
        async with room:
            outcome = (await bench.call(service, operation, operation.examples[0], key=key, consumer="demo"))[1]
        request = Request(id="", service=service.id, operation=operation.name, path="", key=key)
        assert service.errors
        return outcome, str(failure(service.errors, service.id, request, SEED) or Outcome.OK)

    pairs = await asyncio.gather(*(one(*call) for call in calls))
    assert [outcome for outcome, _ in pairs] == [fate for _, fate in pairs]


async def test_a_restarted_broker_costs_its_calls_and_all_services_come_back(bench: Bench) -> None:
    service = bench.catalogue.find("shared-catalog")
    operation = service.operations["GET /dantocs"]

    async def one() -> tuple[int, float]:
        begun = asyncio.get_running_loop().time()
        status, _, _ = await bench.call(service, operation, operation.examples[0])
        return status, asyncio.get_running_loop().time() - begun

    async with asyncio.TaskGroup() as tasks:
        first = [tasks.create_task(one()) for _ in range(20)]
        await asyncio.to_thread(bench.node.stop)
        rest = [tasks.create_task(one()) for _ in range(20)]
    answers = [task.result() for task in first + rest]
    assert {status for status, _ in answers} <= {200, 503, 504}
    assert max(took for _, took in answers) < service.timeout + 1
    await asyncio.to_thread(bench.node.start)
    await all_services_end_as_their_keys_predict(bench, within=10)


async def test_the_books_balance_after_all_that(bench: Bench) -> None:
    text = processes.get(f"{bench.admin}/metrics")[1].decode()
    accepted = sum(float(n) for n in re.findall(r"lgsp_transactions_accepted_total\{[^}]*\} ([\d.e+]+)", text))
    still_open = sum(float(n) for n in re.findall(r"lgsp_open_transactions\{[^}]*\} ([\d.e+]+)", text))
    assert still_open == 0
    assert accepted == sum(bench.counters().values())
