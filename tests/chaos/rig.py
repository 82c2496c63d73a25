"""Everything that a chaos run is done to: one broker, two gateways, two connectors processes, a proxy before each.

callers --HTTP--> gw1, gw2 --proxy--> RabbitMQ <--proxy-- c1, c2 --> the execution log
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import pika
from cluster import Cluster
from parts import Part
from proxy import Proxy

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode

BUDGET = 2.0
SERVICES = tuple(f"chaos-{number:02}" for number in range(1, 29))
KEEPERS = SERVICES[20:]
"""Services with an operation that is stored and forwarded."""
GATEWAYS = ("gw1", "gw2")
CONNECTORS = ("c1", "c2")
_SERVICE = """\
{name}:
  title: {name}
  connector: {connector}
  timeout: 2s
  operations:
    GET /items/{{nonce}}: {{}}
    POST /items/{{nonce}}: {delivery}
"""
_CONSUMER = """\
chaos:
  title: chaos
  organisation: "000.00.00.H47"
  local: true
  subscriptions: ["*"]
  behaviour: calm
"""


class Rig:
    """Started and ended as a whole; its parts can be hurt one by one. `bug` is planted into every process."""

    def __init__(
        self, directory: Path, *, seed: int = 0, bug: str = "-", node: PrivateNode | Cluster | None = None
    ) -> None:
        self.directory = directory
        self.executions = directory / "executions.log"
        self.stand_ins = directory / "connectors" / "stand-ins.sqlite"
        self.parts: dict[str, Part] = {}
        self.proxies: dict[str, Proxy] = {}
        self._seed = seed
        self._bug = bug
        self._stack = AsyncExitStack()
        self._given = node
        self.node = node or a_node(directory / "rabbitmq")

    async def __aenter__(self) -> Self:
        config = self.directory / "config"
        config.mkdir(parents=True)
        (config / "services.yaml").write_text("".join(map(_service, SERVICES)))
        (config / "consumers.yaml").write_text(_CONSUMER)
        if self._given is None:
            await asyncio.to_thread(self.node.start)
            self._stack.callback(self.node.stop)
        listening = [("127.0.0.1", self.node.port)] if isinstance(self.node, PrivateNode) else self.node.places
        for number, name in enumerate(GATEWAYS + CONNECTORS):
            proxy = await self._stack.enter_async_context(Proxy(*listening, seed=self._seed + number))
            self.proxies[name] = proxy
            user, password = login(name)
            kind = ["gateway", "--listen", "127.0.0.1:0"] if name in GATEWAYS else ["connectors", "--keep"]
            broker = f"amqp://{user}:{password}@127.0.0.1:{proxy.port}/lgsp"
            places = ["--name", user, "--admin", "127.0.0.1:0", "--broker", broker, "--config", str(config)]
            own = self.directory / name
            # Two connectors processes of a machine share what their stand-ins were told, and what was answered.
            state = own if name in GATEWAYS else self.stand_ins.parent
            self.parts[name] = Part(name, [*kind, *places], own, state, self.executions, self._bug)
        self._stack.callback(self._kill_all)
        async with asyncio.TaskGroup() as starting:
            for part in self.parts.values():
                starting.create_task(asyncio.to_thread(part.start))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _kill_all(self) -> None:
        for part in self.parts.values():
            part.kill()

    async def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` says."""
        return await asyncio.to_thread(self.node.command, *arguments)

    @property
    def single(self) -> PrivateNode:
        """The broker of a run without a cluster."""
        assert isinstance(self.node, PrivateNode)
        return self.node

    @property
    def cluster(self) -> Cluster:
        """The broker of a run with one."""
        assert isinstance(self.node, Cluster)
        return self.node

    def signal_broker(self, number: signal.Signals) -> None:
        """To the node and everything it started."""
        assert self.single._guard
        os.killpg(self.single._guard.pid, number)

    def provision(self, service: str) -> None:
        """A queue that is gone, as an operator brings it back."""
        user, password = login("admin")
        with pika.BlockingConnection(pika.URLParameters(self.single.url(user, password))) as connection:
            channel = connection.channel()
            queue = topology.sync_queue(service)
            channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "classic"})
            channel.queue_bind(queue, topology.REQUEST, service)

    async def queues(self) -> dict[str, int]:
        """Messages on the broker by queue, as it tells them itself."""
        said = await self.control("-q", "list_queues", "-p", "lgsp", "name", "messages")
        lines = (line.split() for line in said.splitlines())
        return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}


def _service(name: str) -> str:
    if name in KEEPERS:
        return _SERVICE.format(name=name, connector="keeper", delivery="{delivery: store-and-forward}")
    return _SERVICE.format(name=name, connector="executor", delivery="{}")


def login(name: str) -> tuple[str, str]:
    """User and password of a process on the broker."""
    user = "connectors" if name in CONNECTORS else name
    return user, f"secret of {user}".replace(" ", "-")


def a_node(directory: Path) -> PrivateNode:
    """A broker with the topology of the run, not started."""
    return PrivateNode(directory, topology.definitions(SERVICES, _users(), salt=b"lgsp"))


def a_cluster(directory: Path) -> Cluster:
    """Three of them as one."""
    return Cluster(directory, topology.definitions(SERVICES, _users(), salt=b"lgsp", cluster=True))


def _users() -> list[topology.User]:
    return [
        topology.administrator(*login("admin")),
        topology.connectors_user(*login("c1"), services=SERVICES),
        *(topology.gateway_user(*login(name)) for name in GATEWAYS),
    ]
