"""Messages that nobody of ours would send, to every consumer on the bus: each is taken once, counted, and hurts nobody."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import processes
import pytest

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode
from lgsp.catalogue.parse import read_catalogue

MESSAGES = int(os.environ.get("HOSTILE", "4000"))
pytestmark = [pytest.mark.real, pytest.mark.timeout(120 + MESSAGES // 50)]
SERVICES = [service.id for service in read_catalogue(processes.REPOSITORY / "config")]
OPERATIONS = [
    f"{service.id} {name}" for service in read_catalogue(processes.REPOSITORY / "config") for name in service.operations
]


def admin_of(process: processes.Process) -> str:
    return process.found('"admin": "([^"]+)"')


@dataclass
class Bus:
    node: PrivateNode
    gateway: processes.Process
    connectors: processes.Process

    def figures(self, process: processes.Process, metric: str) -> Counter[str]:
        """A counter's values by `result`, or by nothing."""
        text = processes.get(f"{admin_of(process)}/metrics")[1].decode()
        found: Counter[str] = Counter()
        for labels, value in re.findall(rf"(?m)^{metric}(?:\{{([^}}]*)\}})? (\S+)", text):
            said = re.search(r'result="(\w+)"', labels)
            found[said[1] if said else ""] += int(float(value))
        return found

    def left(self) -> dict[str, int]:
        """What lies on the broker, ready or taken."""
        said = self.node.command("-q", "list_queues", "-p", "lgsp", "name", "messages")
        lines = (line.split() for line in said.splitlines())
        return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit() and int(words[1])}


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    users = [topology.gateway_user("gw1", "g"), topology.connectors_user("connectors", "c", SERVICES)]
    with PrivateNode(tmp_path / "node", topology.definitions(SERVICES, users, salt=b"salt")) as node:
        gateway = processes.gateway(node.url("gw1", "g"), tmp_path)
        connectors = processes.connectors(node.url("connectors", "c"), tmp_path)
        with gateway, connectors:
            yield Bus(node, gateway, connectors)


def anything(chance: random.Random, deep: int = 0) -> Any:
    """A value of an AMQP table."""
    kinds: list[Any] = [
        chance.randint(-(2**31), 2**31 - 1), chance.randint(-(2**62), 2**62), chance.random() < 0.5, None, "",
        "x" * chance.randint(1, 300), "\u202e\x00\n\ud7ff", chance.choice(OPERATIONS), "../../etc", "-1", "1e309", "NaN",
    ]  # fmt: skip
    if deep < 3:
        kinds += [[anything(chance, deep + 1) for _ in range(3)], {"a": anything(chance, deep + 1)}]
    return chance.choice(kinds)


def a_message(chance: random.Random) -> tuple[pika.BasicProperties, bytes]:
    """Like one of ours, with as many things wrong as the dice say."""

    def either(right: Any, *wrong: Any) -> Any:
        return right if chance.random() < 0.5 else chance.choice([None, *wrong])

    text = "".join(chr(chance.randint(1, 0x2FF)) for _ in range(chance.randint(0, 60)))
    names = ("lgsp-version", "lgsp-path", "lgsp-budget-ms", "lgsp-attempt", "lgsp-key", "lgsp-consumer", "lgsp-calm",
             "lgsp-force", "lgsp-outcome", "lgsp-status", "lgsp-answers", "lgsp-t3-ns", "x-delivery-count", "x-death", text[:20] or "n")  # fmt: skip
    properties = pika.BasicProperties(
        content_type=either("application/json", text, "x" * 200),
        content_encoding=either(None, "gzip", "\x00"),
        headers={name: anything(chance) for name in chance.sample(names, chance.randint(0, 8))} or None,
        delivery_mode=either(1, 2),
        correlation_id=either(f"{chance.getrandbits(64):016x}", "", "t", "x" * 250, text[:80]),
        reply_to=either("gw1", "", "nobody", "q.sync.population", "x" * 200),
        message_id=either(f"{chance.getrandbits(64):016x}.1", "", ".", "1.999999999999", text[:80]),
        type=either(chance.choice(OPERATIONS).partition(" ")[2], "", "GET", "GET  //", text[:100]),
        app_id=either("gw1", text[:40]),
        expiration=either(None, "60000", "86400000"),
    )
    body = chance.choice(
        [b"", b"{}", b"{" * 5_000, b"<" * 999, chance.randbytes(200), b"\x1f\x8b" + chance.randbytes(80), text.encode()]
    )
    return properties, body


def publish(url: str, places: list[tuple[str, str]], count: int, seed: int) -> None:
    """So many to these exchanges and keys in turn."""
    chance = random.Random(seed)
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        for number in range(count):
            exchange, key = places[number % len(places)]
            properties, body = a_message(chance)
            channel.basic_publish(exchange, key, body, properties)


def test_every_message_is_taken_once_and_hurts_nobody(bus: Bus) -> None:
    work = [(exchange, service) for exchange in (topology.REQUEST, topology.ASYNC) for service in SERVICES]
    publish(bus.node.url("gw1", "g"), work, MESSAGES, 7)
    publish(bus.node.url("connectors", "c"), [(topology.REPLY, "gw1"), (topology.RESULT, "gw1")], MESSAGES // 4, 8)

    def taken() -> bool:
        return bus.figures(bus.connectors, "lgsp_connector_messages_total").total() >= MESSAGES and not bus.left()

    processes.until(taken, "everything is taken", 60 + MESSAGES / 50)
    told = bus.figures(bus.connectors, "lgsp_connector_messages_total")
    print(dict(told), dict(bus.figures(bus.gateway, "lgsp_late_replies_total")))
    assert told.total() == MESSAGES
    assert bus.figures(bus.gateway, "lgsp_transactions_total").total() == 0
    for process in (bus.gateway, bus.connectors):
        assert processes.get(f"{admin_of(process)}/readyz")[0] == 200
        log = (process.state / "output.log").read_text()
        assert "Traceback" not in log
        assert "exc_info" not in log
        assert "delivery failed" not in log
