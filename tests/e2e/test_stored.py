"""Store-and-forward through processes of their own: what was answered 202 has its outcome, whatever is killed."""

from __future__ import annotations

import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import processes
import pytest

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode
from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Example
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.ledger.verify import verify

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

SERVICE, OPERATION = "national-documents", "POST /sendEdoc"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Bench:
    """A gateway, connectors and a broker of their own, each to be killed and started again."""

    node: PrivateNode
    config: Path
    directory: Path
    gateway: processes.Process
    connectors: processes.Process
    context: str
    examples: tuple[Example, ...]
    token: str = ""

    @property
    def url(self) -> str:
        return str(json.loads(self.gateway.output.splitlines()[-1])["url"])

    def send(self, example: Example, **headers: str) -> Answer:
        asked = example.request
        given = {**asked.headers, **headers, "Authorization": f"Bearer {self.token}"}
        url = f"{self.url}{self.context}/sendEdoc"
        return self._ask(urllib.request.Request(url, data=asked.body, headers=given, method="POST"))

    def get(self, path: str, token: str = "") -> Answer:
        given = {"Authorization": f"Bearer {token or self.token}"}
        return self._ask(urllib.request.Request(self.url + path, headers=given))

    @staticmethod
    def _ask(request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())

    def ended(self, location: str, seconds: float = 60.0) -> dict[str, Any]:
        """What became of it, once it has ended."""

        def told() -> dict[str, Any] | None:
            said: dict[str, Any] = json.loads(self.get(location).body)
            return said if said["outcome"] else None

        return processes.until(told, f"{location} has ended", seconds)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    config = tmp_path / "config"
    shutil.copytree(processes.REPOSITORY / "config", config)
    text = (config / "services.yaml").read_text()
    text = re.sub(r"(?m)^  timeout: .*$", "  timeout: 2s", text)
    text = re.sub(r"(?m)^  latency: .*$", "  latency: {fixed: 0s}", text)
    text = text.replace(f"    {OPERATION}:\n", f"    {OPERATION}:\n      delivery: store-and-forward\n")
    (config / "services.yaml").write_text(text)
    service = read_catalogue(config).find(SERVICE)
    services = [each.id for each in read_catalogue(config)]
    users = [topology.gateway_user("gw1", "g"), topology.connectors_user("connectors", "c", services)]
    with PrivateNode(tmp_path / "node", topology.definitions(services, users, salt=b"salt")) as node:
        gateway = processes.gateway(node.url("gw1", "g"), tmp_path, config=config)
        connectors = processes.connectors(node.url("connectors", "c"), tmp_path, config=config)
        examples = service.operations[OPERATION].examples
        made = Bench(node, config, tmp_path, gateway, connectors, service.context, examples)
        with gateway, connectors:
            made.token = processes.token_of(made.url, gateway.state)
            yield made


def test_the_contracts_own_codes_come_in_the_first_reply_and_an_outage_is_answered_202(bench: Bench) -> None:
    codes = {}
    for example in bench.examples:
        got = bench.send(example)
        body: Any = example.reply.body
        assert (got.status, json.loads(got.body)) == (example.reply.status, body), example.name
        assert got.headers["X-Lgsp-Outcome"] == example.reply.outcome
        codes[body["errorCode"]] = bench.ended(got.headers["Location"])["outcome"]
    assert len(codes) > 3
    bench.connectors.kill()
    late = bench.send(bench.examples[0])
    assert (late.status, late.headers["X-Lgsp-Outcome"]) == (202, "open")
    location = late.headers["Location"]
    assert json.loads(bench.get(location).body)["state"] == "queued"
    bench.connectors.start()
    told = bench.ended(location)
    assert (told["outcome"], told["state"]) == ("ok", "ended")
    result = bench.get(told["result"])
    assert (result.status, json.loads(result.body)) == (200, bench.examples[0].reply.body)
    stranger = processes.token_of(bench.url, bench.gateway.state, "demo")
    assert [bench.get(path, stranger).status for path in (location, told["result"])] == [404, 404]
    assert bench.get("/lgsp/v1/transactions/019a0000-0000-7000-8000-000000000000").status == 404


def test_nothing_answered_202_is_lost_when_gateway_connectors_and_broker_are_killed(bench: Bench) -> None:
    where: list[str] = []

    def send(number: int) -> None:
        got = bench.send(bench.examples[0], Prefer="respond-async", **{"Idempotency-Key": f"n-{len(where)}-{number}"})
        assert got.status == 202
        where.append(got.headers["Location"])

    def killed_between(process: processes.Process) -> None:
        for number in range(10):
            send(number)
        process.kill()
        process.start()

    killed_between(bench.connectors)
    killed_between(bench.gateway)
    for number in range(10):
        send(number)
    bench.node.stop()  # by SIGKILL
    for number in range(5):  # the intent is on disk: the broker is not asked
        send(number)
    bench.gateway.kill()
    bench.node.start()
    bench.gateway.start()
    bench.connectors.kill()
    bench.connectors.start()
    assert {bench.ended(location)["outcome"] for location in where} == {"ok"}
    assert len(set(where)) == 35
    bench.gateway.end()
    rows = list(Reader(Files(bench.gateway.state, "gw1")).rows())
    assert {f"/lgsp/v1/transactions/{row.id}" for row in rows} == set(where)
    assert len(rows) == 35
    assert verify(Files(bench.gateway.state, "gw1")).problems == []
