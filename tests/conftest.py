from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pika
import pytest
from hypothesis import settings

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode

_numbers = count()
# How long an example takes is the machine's business: a busy one is no mistake of the code.
settings.register_profile("lgsp", deadline=None)
settings.load_profile("lgsp")


class Broker:
    """A private RabbitMQ node for the tests: services are added as an operator would, over AMQP."""

    def __init__(self, node: PrivateNode) -> None:
        self.node = node
        self.url = node.url("tests", "tests")

    def provision(self, *services: str) -> None:
        """Queue and binding of each service."""
        with self.connect() as connection:
            channel = connection.channel()
            for service in services:
                queue = topology.sync_queue(service)
                channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "classic"})
                channel.queue_bind(queue, topology.REQUEST, service)
                stored = topology.async_queue(service)
                channel.queue_declare(stored, durable=True, arguments={"x-queue-type": "quorum"})
                channel.queue_bind(stored, topology.ASYNC, service)

    def delete_queue(self, service: str) -> None:
        """As an operator's slip of the hand."""
        with self.connect() as connection:
            connection.channel().queue_delete(topology.sync_queue(service))

    def connect(self) -> pika.BlockingConnection:
        """A plain client that is not lgsp's code."""
        return pika.BlockingConnection(pika.URLParameters(self.url))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One RabbitMQ node for the whole run; tests use service and gateway names of their own."""
    users = [topology.administrator("tests", "tests")]
    document = topology.definitions([], users, salt=b"lgsp")
    with PrivateNode(tmp_path_factory.mktemp("rabbitmq"), document, metrics=True) as node:
        yield Broker(node)


@pytest.fixture
def private_broker(tmp_path: Path) -> Iterator[Broker]:
    """A node of the test's own, to be killed."""
    document = topology.definitions(["svc"], [topology.administrator("tests", "tests")], salt=b"lgsp")
    with PrivateNode(tmp_path / "rabbitmq", document) as node:
        yield Broker(node)


@pytest.fixture
def unique() -> Callable[[str], str]:
    """A name that no other test uses."""
    return lambda stem: f"{stem}-{next(_numbers)}"
