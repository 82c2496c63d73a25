"""A file dropped into `services.d/` is a service, and no request ever meets half of a change."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import processes
import pytest
from builders import Unstored, nowhere

from lgsp.bus import topology
from lgsp.bus.memory import MemoryBus
from lgsp.bus.node import PrivateNode
from lgsp.catalogue.consumer import Consumer
from lgsp.catalogue.live import FILES, Live, Plan
from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Catalogue
from lgsp.catalogue.watch import Reload, Watcher
from lgsp.clock import ManualClock
from lgsp.dispatch import Dispatcher
from lgsp.edge.access import Access
from lgsp.edge.audit import Audit
from lgsp.edge.gateway import Gateway
from lgsp.edge.incoming import TransactionIds
from lgsp.edge.routes import Routes
from lgsp.edge.tokens import Tokens, make_key
from lgsp.ledger.memory import MemoryLedger
from lgsp.runtime.host import Host
from lgsp.runtime.state import States
from lgsp.taps.answering import BothMetrics, ConnectorMetrics
from lgsp.taps.metrics import GatewayMetrics, ProcessMetrics

NINE_LINES = """vehicle-registry:
  title: Đăng ký phương tiện
  operations:
    GET /vehicles/{plate}:
      reply:
        plate: "{{ path.plate }}"
        owner: "{{ fake.name }}"
  latency: {p50: 80ms, p99: 900ms}
  errors: {provider_error: 1%, timeout: 0.2%}
"""
BASE = "always:\n  title: Luôn có\n  operations: [GET /x]\n"
SLOW = """slow:
  title: Chậm
  operations:
    GET /x: {reply: {version: "%s", again: "{{ query.n }}-%s"}}
  latency: {fixed: 10s}
"""


@dataclass
class Bus:
    """A whole bus in this process on a clock that the test moves, with its configuration on disk."""

    config: Path
    clock: ManualClock
    watcher: Watcher[Catalogue]
    live: Live
    host: Host
    gateway: Gateway
    ledger: MemoryLedger
    url: str
    session: aiohttp.ClientSession
    reloads: list[Reload]

    async def reload(self, text: str) -> bool:
        """Put a version into the file; true where it came into force."""
        (self.config / "services.d" / "slow.yaml").write_text(text)
        while not await self.watcher.look(self.live.take):
            pass
        return self.watcher.last.successful

    async def until_accepted(self, count: int) -> None:
        while sum(self.ledger.accepted().values()) < count:  # noqa: ASYNC110 - they come through the kernel, on its time
            await asyncio.sleep(0)

    async def ask(self, number: int) -> tuple[int, object]:
        async with self.session.get(f"{self.url}/slow/x?n={number}") as answer:
            return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def a_bus(config: Path) -> AsyncIterator[Bus]:
    clock = ManualClock()
    process = ProcessMetrics("0", "memory")
    reloads: list[Reload] = []
    watcher = Watcher("services", config, FILES, read_catalogue, clock, reloads.append)
    catalogue = watcher.first()
    ledger = MemoryLedger([])
    asking, answering = GatewayMetrics(process, catalogue, ledger, "gw1"), ConnectorMetrics(process, catalogue, 1_000)
    bus = MemoryBus(clock, BothMetrics(asking, answering), prefetch=1_000)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        Dispatcher(bus, catalogue, ledger, [asking], clock) as dispatcher,
        bus,
    ):
        host = Host(bus, catalogue, clock, answering, States(clock), nowhere(clock), seed=1)
        await host.serve()
        new_id = TransactionIds(clock)
        access = Access(Tokens(make_key(), new_id), clock)
        access.replace([Consumer(id="demo", behaviour="field", subscriptions=("*",))])
        limits = {"max_body": 1_000, "max_in_flight": 1_000}
        gateway = Gateway(
            dispatcher, Unstored(), Routes(catalogue), access, asking, new_id, Audit(clock), own={}, names=(), **limits
        )

        async def ready(new: Catalogue, _: Plan) -> None:
            await host.follow(new)

        live = Live(catalogue, [host, gateway, asking, answering], ready)
        port = await gateway.start("127.0.0.1", 0)
        session.headers["Authorization"] = f"Bearer {access.tokens.issue('demo', clock.now())}"
        url = f"http://127.0.0.1:{port}"
        try:
            yield Bus(config, clock, watcher, live, host, gateway, ledger, url, session, reloads)
        finally:
            await session.close()
            await gateway.stop()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "config" / "services.d").mkdir(parents=True)
    (tmp_path / "config" / "services.yaml").write_text(BASE)
    return tmp_path / "config"


async def test_200_requests_in_flight_across_50_reloads_half_of_them_broken(config: Path) -> None:
    (config / "services.d" / "slow.yaml").write_text(SLOW % ("v00", "v00"))
    async with a_bus(config) as bus, asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(bus.ask(number)) for number in range(200)]
        await bus.until_accepted(200)
        in_force = ["v00"]
        for number in range(1, 51):
            version = f"v{number:02}"
            broken = number % 2 == 0
            text = SLOW % (version, version)
            assert await bus.reload(text.replace("fixed: 10s", "fixed: 10") if broken else text) is not broken
            if not broken:
                in_force.append(version)
            # One second a reload: each request sees about ten of them, and 20 come as 20 go.
            asked += [tasks.create_task(bus.ask(len(asked) + n)) for n in range(20)]
            await bus.until_accepted(len(asked))
            await bus.clock.advance(1)
        while not all(task.done() for task in asked):
            await bus.clock.advance(1)
            await asyncio.sleep(0)
    answers = [task.result() for task in asked]
    assert {status for status, _ in answers} == {200}
    bodies = [json.loads(json.dumps(body)) for _, body in answers]
    assert [body["again"] for body in bodies] == [f"{n}-{body['version']}" for n, body in enumerate(bodies)]
    seen = {body["version"] for body in bodies}
    assert seen <= set(in_force)
    assert len(seen) >= 25
    assert len(bus.reloads) == 51
    assert sum(reload.successful for reload in bus.reloads) == 26
    assert sum(bus.ledger.totals().values()) == len(asked) == sum(bus.ledger.accepted().values())


async def test_a_service_that_goes_is_404_at_once_and_what_is_in_flight_is_answered(config: Path) -> None:
    file = config / "services.d" / "slow.yaml"
    file.write_text(SLOW % ("v1", "v1"))
    async with a_bus(config) as bus, asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(bus.ask(number)) for number in range(20)]
        await bus.until_accepted(20)
        file.unlink()
        while not await bus.watcher.look(bus.live.take):
            pass
        assert (await bus.ask(99))[0] == 404
        await bus.clock.advance(10)
    assert {task.result()[0] for task in asked} == {200}
    assert bus.ledger.accepted()["slow"] == 20


async def test_a_body_that_was_still_coming_is_answered_by_the_version_that_is_then_in_force(config: Path) -> None:
    file = config / "services.d" / "slow.yaml"
    file.write_text("slow:\n  title: x\n  operations: {POST /x: {reply: old}}\n")
    async with a_bus(config) as bus, asyncio.TaskGroup() as tasks:
        reading, go_on = asyncio.Event(), asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield b"a"
            reading.set()
            await go_on.wait()
            yield b"b"

        async def post() -> tuple[int, bytes]:
            async with bus.session.post(f"{bus.url}/slow/x", data=body()) as answer:
                return answer.status, await answer.read()

        asked = tasks.create_task(post())
        await reading.wait()
        assert await bus.reload("slow:\n  title: x\n  operations: {GET /x: {reply: new}}\n")
        go_on.set()
    assert asked.result()[0] == 405


# Real processes


def answer_of(url: str, token: str, status: int, seconds: float) -> tuple[bytes, float]:
    """The body once `url` answers with `status`, and how long that took."""
    start = time.monotonic()

    def answered() -> tuple[int, bytes] | None:
        answer = processes.get(url, token)
        return answer if answer[0] == status else None

    answer = processes.until(answered, f"{url} answers {status}", seconds)
    assert answer
    return answer[1], time.monotonic() - start


def dropped_in_and_taken_away(config: Path, url: str, token: str, admin: str, say: Callable[[str], None]) -> None:
    path = f"{url}/vehicle-registry/vehicles/30A-12345"
    assert processes.get(path, token)[0] == 404
    file = config / "services.d" / "vehicle-registry.yaml"
    file.write_text(NINE_LINES)
    body, took = answer_of(path, token, 200, 10)
    assert json.loads(body)["plate"] == "30A-12345"
    file.write_text(NINE_LINES.replace("latency", "latncy"))
    notes = processes.until(lambda: processes.get_json(f"{admin}/readyz?verbose")["notes"], "the mistake is said", 10)
    assert len(notes) == 1
    assert "not in force: services.d/vehicle-registry.yaml:8:3: vehicle-registry: unknown key 'latncy'" in notes[0]
    assert processes.get(path, token)[0] == 200
    metrics = processes.get(f"{admin}/metrics")[1].decode()
    assert 'lgsp_config_last_reload_successful{config="services"} 0.0' in metrics
    assert 'lgsp_transactions_total{outcome="ok",service="vehicle-registry"} 2.0' in metrics
    file.unlink()
    _, went = answer_of(path, token, 404, 10)
    assert processes.get_json(f"{admin}/readyz?verbose")["notes"] == []
    say(f"\n200 after {took:.2f} s, 404 after {went:.2f} s\n")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def aloud(text: str) -> None:
        with capsys.disabled():
            print(text, end="")

    return aloud


def up(config: Path, directory: Path, *arguments: str) -> processes.Process:
    places = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--config", str(config)]
    return processes.Process(["up", "--no-traffic", "--calm", *places, *arguments], directory, ready="try  ")


@pytest.fixture(params=["memory", "rabbitmq"])
def running(request: pytest.FixtureRequest, config: Path, tmp_path: Path) -> Iterator[processes.Process]:
    with up(config, tmp_path / "up", *(["--broker", "local"] if request.param == "rabbitmq" else [])) as process:
        yield process


@pytest.mark.real
@pytest.mark.timeout(60)
def test_nine_lines_dropped_in_are_a_service_and_taken_away_are_none(
    running: processes.Process, config: Path, say: Callable[[str], None]
) -> None:
    pid = running.pid
    url, admin = (running.found(rf"{word} +(http://\S+)") for word in ("gateway", "admin"))
    dropped_in_and_taken_away(config, url, processes.token_of(url, running.state), admin, say)
    assert running.pid == pid
    assert processes.get(f"{admin}/livez")[0] == 200


SLOW_REPLY = """vehicle-registry:
  title: Đăng ký phương tiện
  operations:
    GET /vehicles/{plate}:
      replies:
        - {when: {path.plate: slow}, delay: 12s, body: {plate: late}}
        - {body: {plate: "{{ path.plate }}"}}
"""


@pytest.mark.real
@pytest.mark.timeout(120)
def test_a_service_added_by_command_is_served_by_processes_of_their_own_and_ends_what_it_began(
    config: Path, tmp_path: Path, say: Callable[[str], None]
) -> None:
    users = [
        topology.gateway_user("gw1", "g"),
        topology.connectors_user("connectors", "c"),
        topology.administrator("a", "a"),
    ]
    document = topology.definitions(["always"], users, salt=b"salt")
    file = tmp_path / "vehicle-registry.yaml"
    file.write_text(SLOW_REPLY)
    (config / "consumers.yaml").write_text("tester: {local: true, behaviour: calm, subscriptions: [always]}\n")
    with (
        PrivateNode(tmp_path / "node", document) as node,
        processes.gateway(node.url("gw1", "g"), tmp_path, config=config) as gateway,
        processes.connectors(node.url("connectors", "c"), tmp_path, config=config) as connectors,
        ThreadPoolExecutor(1) as pool,
    ):
        started = (gateway.pid, connectors.pid)
        url, admin = (json.loads(gateway.output.splitlines()[-1])[name] for name in ("url", "admin"))
        token = processes.token_of(url, gateway.state)
        path = f"{url}/vehicle-registry/vehicles"
        broker = ("--broker", node.url("a", "a"), "--subscribe", "tester")
        lgsp(config, gateway.state, "services", "add", str(file), *broker, "--admin", admin)
        body, took = answer_of(f"{path}/30A-12345", token, 200, 10)
        assert json.loads(body) == {"plate": "30A-12345"}
        slow = pool.submit(patiently, f"{path}/slow", token)
        is_open = b'lgsp_open_transactions{service="vehicle-registry"} 1.0'
        processes.until(lambda: is_open in processes.get(f"{admin}/metrics")[1], "one call is open", 5)
        said = lgsp(config, gateway.state, "services", "rm", "vehicle-registry", "--admin", admin)
        assert "1 of its transactions are open: they are answered" in said
        # A path that the service does not have: 403 as long as it is there, and no transaction.
        _, went = answer_of(f"{url}/vehicle-registry/nothing/here", token, 404, 10)
        assert not slow.done()
        assert slow.result() == (200, b'{"plate":"late"}')
        assert (gateway.pid, connectors.pid) == started
        metrics = processes.get(f"{admin}/metrics")[1].decode()
        assert 'lgsp_transactions_total{outcome="ok",service="vehicle-registry"} 2.0' in metrics
        assert 'lgsp_open_transactions{service="vehicle-registry"} 0.0' in metrics
    say(f"\nadded by command: 200 after {took:.2f} s, 404 after {went:.2f} s, what was in flight answered\n")


def patiently(url: str, token: str) -> tuple[int, bytes]:
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=40) as answer:
        return answer.status, answer.read()


def lgsp(config: Path, state: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "lgsp", *words, "--config", str(config), "--state", str(state)],
        capture_output=True,
        text=True,
        check=False,
        cwd=processes.REPOSITORY,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr
