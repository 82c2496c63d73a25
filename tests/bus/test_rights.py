"""A connectors process that was taken over, against a real RabbitMQ: what its broker user may, and all that it may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode

pytestmark = [pytest.mark.real, pytest.mark.timeout(90)]
REFUSED = (403, 406)
Do = Callable[[BlockingChannel], object]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateNode]:
    """Two services, a gateway, and a connectors user for the first service alone."""
    users = [
        topology.administrator("admin", "a"),
        topology.gateway_user("gw1", "g"),
        topology.connectors_user("taken", "t", ["mine"]),
    ]
    document = topology.definitions(["mine", "others"], users, salt=b"salt")
    with PrivateNode(tmp_path_factory.mktemp("node"), document) as running:
        with connected(running, "gw1", "g") as gateway:
            gateway.channel().queue_declare("q.reply.gw1", durable=True)
        yield running


def connected(node: PrivateNode, user: str, password: str) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.URLParameters(node.url(user, password)))


def published(exchange: str, key: str, *, user_id: str | None = None) -> Do:
    def do(channel: BlockingChannel) -> None:
        channel.confirm_delivery()
        channel.basic_publish(exchange, key, b"x", pika.BasicProperties(user_id=user_id))

    return do


REFUSALS: dict[str, Do] = {
    "reads the requests of another service": lambda channel: channel.basic_get("q.sync.others"),
    "reads what is stored for another service": lambda channel: channel.basic_get("q.async.others"),
    "reads a gateway's replies": lambda channel: channel.basic_get("q.reply.gw1"),
    "empties another service's queue": lambda channel: channel.queue_purge("q.sync.others"),
    "deletes its own service's queue": lambda channel: channel.queue_delete("q.sync.mine"),
    "deletes another service's queue": lambda channel: channel.queue_delete("q.sync.others"),
    "makes a queue": lambda channel: channel.queue_declare("q.sync.new"),
    "makes an exchange": lambda channel: channel.exchange_declare("new"),
    "binds replies to itself": lambda channel: channel.queue_bind("q.control.taken", topology.REPLY, "gw1"),
    "asks a service": published(topology.REQUEST, "others"),
    "stores a request": published(topology.ASYNC, "others"),
    "fills a queue through the default exchange": published("", "q.sync.others"),
    "orders a fault": published("lgsp.control", ""),
    "answers under another's name": published(topology.REPLY, "gw1", user_id="gw1"),
}


@pytest.mark.parametrize("do", REFUSALS.values(), ids=REFUSALS)
def test_a_connector_that_was_taken_over_is_refused(node: PrivateNode, do: Do) -> None:
    with connected(node, "taken", "t") as connection:
        channel = connection.channel()
        with pytest.raises(ChannelClosedByBroker) as refused:
            do(channel)
        assert refused.value.reply_code in REFUSED


def test_it_may_still_do_its_own_work(node: PrivateNode) -> None:
    with connected(node, "taken", "t") as connection:
        channel = connection.channel()
        assert channel.basic_get("q.sync.mine")[0] is None
        assert channel.basic_get("q.async.mine")[0] is None
        channel.confirm_delivery()
        channel.basic_publish(topology.REPLY, "gw1", b"x", pika.BasicProperties(user_id="taken"))
