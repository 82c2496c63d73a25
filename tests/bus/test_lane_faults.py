"""The lane against a real broker that closes, cancels, blocks and dies: every message is accounted for."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable

import pytest
from builders import a_reply, a_request
from conftest import Broker

from lgsp.bus.base import Silent
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.clock import SystemClock
from lgsp.errors import BusUnavailable, DeliveryError
from lgsp.model import Reply, Request

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]


class Seen(Silent):
    """A watch that counts connections that came and went, and duplicate replies."""

    def __init__(self) -> None:
        self.ups: Counter[bool] = Counter()
        self.duplicates = 0
        self._changed = asyncio.Event()

    def connection(self, component: str, *, up: bool) -> None:
        if component == "publish":
            self.ups[up] += 1
            self._changed.set()

    def duplicate_reply(self, service: str) -> None:
        del service
        self.duplicates += 1

    async def until(self, *, up: bool, times: int) -> None:
        while self.ups[up] < times:
            self._changed.clear()
            await self._changed.wait()


async def echo(request: Request) -> Reply:
    return a_reply(request, body=request.body)


async def outcome(bus: RabbitBus, request: Request, *, timeout: float) -> str:
    """What became of a request: the reply's body, or the reason."""
    try:
        return (await bus.request(request, timeout=timeout)).body.decode()
    except DeliveryError as error:
        return error.reason


def abort(bus: RabbitBus) -> None:
    """The socket is reset, as by a network."""
    relay = bus._link._relay
    assert relay is not None
    relay.transport.abort()


async def test_a_busy_connection_is_not_taken_for_dead(broker: Broker, unique: Callable[[str], str]) -> None:
    """aiormq gives up after 3 x (heartbeat + 1) s without a frame, and a busy broker sends no heartbeat."""
    service = unique("busy")
    broker.provision(service)
    clock, watch = SystemClock(), Seen()
    async with (
        RabbitBus(broker.url, unique("gw"), clock, watch, heartbeat=1) as asking,
        RabbitBus(broker.url, unique("c"), clock, watch, asks=False, heartbeat=1) as serving,
    ):
        await serving.serve(service, echo)
        end = clock.now() + 8
        while clock.now() < end:
            await asking.request(a_request(service=service), timeout=5)
        assert watch.ups == {True: 2}, "two connections came, and none went"


async def test_a_backlog_is_answered_whole_across_resets_of_the_connector(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    service = unique("reset")
    broker.provision(service)
    clock, watch, seen = SystemClock(), Seen(), Seen()
    begun: Counter[str] = Counter()
    async with (
        RabbitBus(broker.url, unique("gw"), clock, seen) as asking,
        RabbitBus(broker.url, unique("c"), clock, watch, asks=False, prefetch=64, retry=0.1) as serving,
    ):

        async def answer(request: Request) -> Reply:
            begun[request.id] += 1
            if len(begun) in {100, 250, 400} and begun[request.id] == 1:
                abort(serving)
            return a_reply(request, body=request.id.encode())

        requests = [a_request(service=service) for _ in range(500)]
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(outcome(asking, request, timeout=30)) for request in requests]
            await serving.serve(service, answer)
        assert [task.result() for task in asked] == [request.id for request in requests]
        assert len(begun) == 500
        assert watch.ups[False] == 3
        assert max(begun.values()) <= 4
    with broker.connect() as connection:
        left = connection.channel().queue_declare(f"q.sync.{service}", passive=True).method.message_count
    assert left == 0


async def test_a_gateway_whose_socket_is_reset_loses_no_reply_of_what_was_confirmed(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    service = unique("gone")
    broker.provision(service)
    clock, watch = SystemClock(), Seen()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Reply:
        begun.set()
        await go_on.wait()
        return a_reply(request, body=b"late")

    async with (
        RabbitBus(broker.url, unique("gw"), clock, watch, retry=0.1) as asking,
        RabbitBus(broker.url, unique("c"), clock, asks=False) as serving,
    ):
        await serving.serve(service, slow)
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(outcome(asking, a_request(service=service), timeout=20))
            await begun.wait()
            abort(asking)
            await watch.until(up=True, times=2)
            go_on.set()
        assert asked.result() == "late"


async def test_a_consumer_that_the_broker_cancels_is_back_at_once(broker: Broker, unique: Callable[[str], str]) -> None:
    service = unique("cancelled")
    broker.provision(service)
    clock = SystemClock()
    async with (
        RabbitBus(broker.url, unique("gw"), clock) as asking,
        RabbitBus(broker.url, unique("c"), clock, asks=False) as serving,
    ):
        await serving.serve(service, echo)
        for turn in range(5):
            await asyncio.to_thread(broker.delete_queue, service)
            await asyncio.to_thread(broker.provision, service)
            request = a_request(service=service, body=str(turn).encode())
            assert await outcome(asking, request, timeout=10) == str(turn)


async def test_an_error_on_the_serving_channel_leaves_the_asking_one_alone(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    service = unique("both")
    broker.provision(service)
    clock, watch = SystemClock(), Seen()
    async with RabbitBus(broker.url, unique("gw"), clock, watch) as bus:
        await bus.serve(service, echo)
        asking, serving = bus._asking, bus._serving._channel
        assert serving is not None
        serving._write(
            [b"\x01" + serving._number.to_bytes(2) + bytes.fromhex("0000000d003c0050") + bytes(7) + b"\x63\x00\xce"]
        )
        async with asyncio.timeout(10):
            while serving.is_open:
                await outcome(bus, a_request(service=service, body=b"x"), timeout=5)
        assert await outcome(bus, a_request(service=service, body=b"after"), timeout=10) == "after"
        assert (bus._asking is asking, bus._serving._channel is serving) == (True, False)
        assert watch.ups == {True: 1}, "a 406 on one channel is no matter of the connection"


async def test_an_alarm_is_told_at_once_and_forgotten_when_it_ends(private_broker: Broker) -> None:
    clock = SystemClock()
    async with (
        RabbitBus(private_broker.url, "gw", clock) as asking,
        RabbitBus(private_broker.url, "c", clock, asks=False) as serving,
    ):
        await serving.serve("svc", echo)
        assert asking.problems() == []
        await asyncio.to_thread(private_broker.node.command, "set_vm_memory_high_watermark", "absolute", "1MB")
        async with asyncio.timeout(20):
            # The broker tells a connection of its alarm when that publishes.
            while await outcome(asking, a_request(), timeout=0.2) != "bus_blocked":
                pass
        begun = clock.now()
        with pytest.raises(BusUnavailable, match="memory or its disk is full"):
            await asking.request(a_request(), timeout=10)
        assert clock.now() - begun < 1
        assert asking.problems() == ["the broker takes no messages: its memory or its disk is full"]
        await asyncio.to_thread(private_broker.node.command, "set_vm_memory_high_watermark", "0.4")
        async with asyncio.timeout(20):
            while asking.problems():  # noqa: ASYNC110 - the broker tells in its own time
                await asyncio.sleep(0.05)
        assert await outcome(asking, a_request(body=b"again"), timeout=5) == "again"


async def test_a_frozen_broker_costs_bounded_memory_and_says_overloaded(private_broker: Broker) -> None:
    guard = private_broker.node._guard
    assert guard is not None
    async with RabbitBus(private_broker.url, "gw", SystemClock()) as bus:
        os.killpg(guard.pid, signal.SIGSTOP)
        try:
            async with asyncio.TaskGroup() as tasks:
                asked = [
                    tasks.create_task(outcome(bus, a_request(body=bytes(100_000)), timeout=1.5)) for _ in range(400)
                ]
            reasons = Counter(task.result() for task in asked)
        finally:
            os.killpg(guard.pid, signal.SIGCONT)
        assert set(reasons) <= {"overloaded", "unconfirmed", "budget_spent"}
        assert reasons["overloaded"] > 200, "of 40 MB some 8 wait here, and some stand in the socket"
