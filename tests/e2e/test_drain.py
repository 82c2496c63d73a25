"""SIGTERM under load, on either side: nothing is lost, nothing is done twice, and the process is gone in time."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import aiohttp
import processes
import pytest

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.ledger.verify import verify

pytestmark = [pytest.mark.real, pytest.mark.timeout(1_500)]
SERVICE = """\
drained:
  title: drained
  connector: executor
  operations:
    POST /items/{nonce}: {}
    PUT /items/{nonce}: {delivery: store-and-forward}
"""
CONSUMER = """\
caller:
  local: true
  subscriptions: ["*"]
  behaviour: calm
"""
CALLERS = 16
LONGEST = 30.0


@dataclass
class Bench:
    """A broker, a gateway, and two connectors processes that write down what they carry out."""

    gateway: processes.Process
    connectors: list[processes.Process]
    executions: Path
    answered: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """By nonce: status, outcome and transaction of each call that was answered."""
    sent: int = 0

    @property
    def url(self) -> str:
        return str(json.loads(self.gateway.output.splitlines()[-1])["url"])

    def executed(self) -> Counter[str]:
        """How often each nonce was carried out."""
        return Counter(line.split()[1] for line in self.executions.read_text().splitlines())

    @asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """Callers without a pause, until the end of the block, or until the gateway takes no more."""
        enough = asyncio.Event()
        token = processes.token_of(self.url, self.gateway.state, "caller")
        headers, url = {"Authorization": f"Bearer {token}"}, self.url

        async def caller(session: aiohttp.ClientSession, method: str) -> None:
            while not enough.is_set():
                nonce = uuid4().hex
                self.sent += 1
                try:
                    async with session.request(method, f"{url}/drained/items/{nonce}", headers=headers) as got:
                        await got.read()
                        said = got.headers
                        self.answered[nonce] = got.status, said["X-Lgsp-Outcome"], said["X-Transaction-Id"]
                except (aiohttp.ClientError, OSError):
                    return

        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
            asyncio.TaskGroup() as callers,
        ):
            for number in range(CALLERS):
                callers.create_task(caller(session, "PUT" if number % 4 == 0 else "POST"))
            try:
                yield
            finally:
                enough.set()

    async def until_answered(self, more: int) -> None:
        async with asyncio.timeout(60):
            wanted = len(self.answered) + more
            while len(self.answered) < wanted:  # noqa: ASYNC110 - the callers tell nobody
                await asyncio.sleep(0.01)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    config = tmp_path / "config"
    config.mkdir()
    (config / "services.yaml").write_text(SERVICE)
    (config / "consumers.yaml").write_text(CONSUMER)
    executions = tmp_path / "executions"
    executions.touch()
    chaos = str(processes.REPOSITORY / "tests" / "chaos")
    env = os.environ | {"PYTHONPATH": chaos, "CHAOS_EXECUTIONS": str(executions)}
    users = [topology.gateway_user("gw1", "g"), topology.connectors_user("connectors", "c", ["drained"])]
    with PrivateNode(tmp_path / "node", topology.definitions(["drained"], users, salt=b"salt")) as node:
        broker = node.url("connectors", "c")
        arguments = ["connectors", "--admin", "127.0.0.1:0", "--broker", broker, "--config", str(config)]
        both = [
            processes.Process(arguments, tmp_path / f"c{number}", ready="connectors ready", env=env)
            for number in range(2)
        ]
        gateway = processes.gateway(node.url("gw1", "g"), tmp_path, config=config)
        gateway._env = env
        with gateway, both[0], both[1]:
            yield Bench(gateway, both, executions)


async def end(process: processes.Process) -> float:
    """SIGTERM; how long it took. It ends by itself, without an error."""
    begun = time.monotonic()
    assert await asyncio.to_thread(process.end) == 0
    return time.monotonic() - begun


TIMES = [4, pytest.param(100, marks=pytest.mark.proof)]


@pytest.mark.parametrize("times", TIMES)
async def test_connectors_that_go_down_under_load_lose_nothing_and_do_nothing_twice(bench: Bench, times: int) -> None:
    took = []
    async with bench.load():
        for number in range(times):
            await bench.until_answered(50)
            process = bench.connectors[number % 2]
            took.append(await end(process))
            await asyncio.to_thread(process.start)
        await bench.until_answered(50)
    assert max(took) < LONGEST
    assert {(status, outcome) for status, outcome, _ in bench.answered.values()} <= {
        (200, "ok"),
        (404, "business_fault"),
    }
    assert len(bench.answered) == bench.sent
    assert bench.executed() == Counter(dict.fromkeys(bench.answered, 1))
    print(f"{times} SIGTERMs, {bench.sent} calls: lost 0, doubled 0; gone after {max(took):.2f} s at most")


@pytest.mark.parametrize("times", TIMES)
async def test_a_gateway_that_goes_down_under_load_answers_and_accounts_for_what_it_took(
    bench: Bench, times: int
) -> None:
    took = []
    for _ in range(times):
        async with bench.load():
            await bench.until_answered(50)
            took.append(await end(bench.gateway))
        await asyncio.to_thread(bench.gateway.start)
    assert max(took) < LONGEST
    await asyncio.to_thread(processes.until, lambda: not still_open(bench), "everything ended", 60)
    await end(bench.gateway)
    rows = {row.id: row for row in Reader(Files(bench.gateway.state, "gw1")).rows()}
    lost = [id_ for _, _, id_ in bench.answered.values() if id_ not in rows]
    wrong = [o for s, o, id_ in bench.answered.values() if s != 202 and str(rows[id_].outcome) != o]
    assert (lost, wrong) == ([], [])
    # What came by an open connection while it went down was refused, and not begun.
    assert {row.reason for row in rows.values()} <= {"", "nobody", "shutting_down"}
    assert set(bench.executed().values()) == {1}
    refused = {nonce for nonce, (status, _, _) in bench.answered.items() if status == 503}
    assert bench.executed().keys() & refused == set()
    assert bench.answered.keys() - refused <= bench.executed().keys()
    assert verify(Files(bench.gateway.state, "gw1")).problems == []
    print(f"{times} SIGTERMs, {len(rows)} rows: lost 0, doubled 0; gone after {max(took):.2f} s at most")


def still_open(bench: Bench) -> bool:
    admin = json.loads(bench.gateway.output.splitlines()[-1])["admin"]
    text = processes.get(f"{admin}/metrics")[1].decode()
    [line] = [line for line in text.splitlines() if line.startswith("lgsp_open_transactions{")]
    return float(line.rpartition(" ")[2]) > 0
