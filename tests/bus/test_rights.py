"""A connectors process that was taken over, against a real RabbitMQ: what its broker user may, and all that it may not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pika
import pytest
from builders import a_request
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.clock import SystemClock
from lgsp.model import Outcome, Reply

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
        topology.connectors_user("theirs", "o", ["others"]),
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


def taken_from(node: PrivateNode, queue: str) -> pika.BasicProperties:
    """The properties of the next message there, as the process sees them that serves it."""
    with connected(node, "theirs", "o") as connection:
        channel = connection.channel()
        for _, properties, _ in channel.consume(queue, auto_ack=True, inactivity_timeout=10):
            assert properties is not None, "no request within 10 s"
            channel.cancel()
            return properties
    raise AssertionError


def answered(node: PrivateNode, exchange: str, user: str, password: str, body: bytes, **said: Any) -> None:
    with connected(node, user, password) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(exchange, "gw1", body, pika.BasicProperties(**said), mandatory=True)


GUISES = [
    {"app_id": app_id, "user_id": user_id}
    for app_id, user_id in (("others", "taken"), ("others", None), ("mine", "taken"), (None, "taken"), (None, None))
]
NAMED = {"taken": ["mine"], "theirs": ["others"]}


async def test_it_cannot_answer_for_another_service_though_it_learnt_the_transaction(node: PrivateNode) -> None:
    async with (
        RabbitBus(node.url("gw1", "g"), "gw1", SystemClock(), answerers=NAMED) as bus,
        asyncio.TaskGroup() as group,
    ):
        asking = group.create_task(bus.request(a_request(service="others"), timeout=30))
        asked = await asyncio.to_thread(taken_from, node, "q.sync.others")
        known = {"correlation_id": asked.correlation_id, "headers": {"lgsp-answers": asked.message_id}}
        for guise in GUISES:
            await asyncio.to_thread(answered, node, topology.REPLY, "taken", "t", b"wrong", **known, **guise)
        right = {"app_id": "others", "user_id": "theirs"}
        await asyncio.to_thread(answered, node, topology.REPLY, "theirs", "o", b"right", **known, **right)
        assert (await asking).body == b"right"


async def test_it_cannot_end_what_was_stored_for_another_service(node: PrivateNode) -> None:
    results: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(reply: Reply, _: int) -> bool:
        await results.put(reply.body)
        return True

    async with RabbitBus(node.url("gw1", "g"), "gw1", SystemClock(), answerers=NAMED) as bus:
        await bus.collect(take)
        await bus.submit(a_request(service="others"), publish=1, age=60)
        asked = await asyncio.to_thread(taken_from, node, "q.async.others")
        known = {"correlation_id": asked.correlation_id, "headers": {"lgsp-answers": asked.message_id}}
        gone = {"correlation_id": asked.correlation_id, "headers": {"x-first-death-reason": "expired"}}
        for guise in (each for each in GUISES if each["app_id"] != "mine"):
            await asyncio.to_thread(answered, node, topology.RESULT, "taken", "t", b"wrong", **known, **guise)
            await asyncio.to_thread(answered, node, topology.RESULT, "taken", "t", b"wrong", **gone, **guise)
        right = {"app_id": "others", "user_id": "theirs"}
        await asyncio.to_thread(answered, node, topology.RESULT, "theirs", "o", b"right", **known, **right)
        async with asyncio.timeout(10):
            assert await results.get() == b"right"


async def test_what_the_broker_itself_gave_up_is_told_to_who_sent_it(node: PrivateNode) -> None:
    results: asyncio.Queue[Reply] = asyncio.Queue()

    async def take(reply: Reply, _: int) -> bool:
        await results.put(reply)
        return True

    async with RabbitBus(node.url("gw1", "g"), "gw1", SystemClock(), answerers=NAMED) as bus:
        await bus.collect(take)
        request = a_request(service="mine")
        await bus.submit(request, publish=1, age=0.05)
        async with asyncio.timeout(15):
            notice = await results.get()
        assert (notice.to, notice.outcome, notice.reason) == (request.id, Outcome.TIMEOUT, "max_age")
