"""What only a real broker can do to us: queues that go and come, a broker that freezes, users it does not know."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_reply, a_request
from conftest import Broker

from lgsp.bus.base import Silent
from lgsp.bus.link import without_password
from lgsp.bus.rabbitmq import RabbitBus, some
from lgsp.clock import SystemClock
from lgsp.errors import BusUnavailable, TimedOut, Unroutable
from lgsp.model import Reply, Request

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]


class Counted(Silent):
    """A watch that counts what it is told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, ...]] = []
        self._changed = asyncio.Event()

    def _note(self, *what: str) -> None:
        self.seen.append(what)
        self._changed.set()

    async def until(self, *what: str) -> None:
        while what not in self.seen:
            self._changed.clear()
            await self._changed.wait()

    def unroutable(self, service: str) -> None:
        self._note("unroutable", service)

    def delivery(self, service: str, result: str) -> None:
        self._note(result, service)

    def connection(self, component: str, *, up: bool) -> None:
        self._note(component, "up" if up else "down")


async def echo(request: Request) -> Reply:
    return a_reply(request, body=request.body)


async def until_answered(bus: RabbitBus, service: str, *, within: float) -> Reply:
    async with asyncio.timeout(within):
        while True:
            try:
                return await bus.request(a_request(service=service), timeout=1)
            except (BusUnavailable, Unroutable, TimedOut):
                await asyncio.sleep(0.1)  # the broker tells nobody when a consumer is back


def until_stopped(group: int) -> None:
    """Return when no process of the group runs any more: a signal needs its moment, and a fast request needs less."""
    while any(state not in "TtZ" for state in states_of(group)):
        os.sched_yield()


def states_of(group: int) -> list[str]:
    """What each process of a group is doing, by the letters of proc(5)."""
    fields = [file.read_text().rpartition(")")[2].split() for file in Path("/proc").glob("[0-9]*/stat")]
    return [state for state, _, of, *_ in fields if int(of) == group]


async def test_a_queue_that_is_deleted_and_made_again_is_served_again(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    service = unique("deleted")
    broker.provision(service)
    clock = SystemClock()
    async with (
        RabbitBus(broker.url, unique("gw"), clock) as asking,
        RabbitBus(broker.url, unique("c"), clock, asks=False) as serving,
    ):
        await serving.serve(service, echo)
        assert (await asking.request(a_request(service=service, body=b"1"), timeout=5)).body == b"1"
        await asyncio.to_thread(broker.delete_queue, service)
        with pytest.raises(Unroutable):
            await asking.request(a_request(service=service), timeout=5)
        await asyncio.to_thread(broker.provision, service)
        await until_answered(asking, service, within=10)


async def test_a_queue_that_is_missing_is_named_and_taken_up_when_it_comes(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    service, other = unique("late"), unique("there")
    broker.provision(other)
    clock = SystemClock()
    async with (
        RabbitBus(broker.url, unique("gw"), clock) as asking,
        RabbitBus(broker.url, unique("c"), clock, asks=False) as serving,
    ):
        await serving.serve(service, echo)
        await serving.serve(other, echo)
        assert serving.problems() == [f"the queue q.{side}.{service} is missing" for side in ("sync", "async")]
        assert (await asking.request(a_request(service=other, body=b"2"), timeout=5)).body == b"2", (
            "the others are not touched"
        )
        await asyncio.to_thread(broker.provision, service)
        await until_answered(asking, service, within=10)
        async with asyncio.timeout(10):
            while serving.problems():  # noqa: ASYNC110 - a queue that comes tells nobody
                await asyncio.sleep(0.05)


async def test_a_frozen_broker_costs_a_request_its_own_budget_and_no_more(private_broker: Broker) -> None:
    clock = SystemClock()
    guard = private_broker.node._guard
    assert guard is not None
    async with RabbitBus(private_broker.url, "gw", clock) as bus:
        os.killpg(guard.pid, signal.SIGSTOP)
        until_stopped(guard.pid)
        try:
            begun = clock.now()
            with pytest.raises(BusUnavailable) as caught:
                await bus.request(a_request(), timeout=1)
            assert clock.now() - begun < 2
        finally:
            os.killpg(guard.pid, signal.SIGCONT)
    assert caught.value.reason == "unconfirmed"


async def test_a_dead_broker_is_unavailable_at_once_and_back_when_it_is_back(private_broker: Broker) -> None:
    clock, watch = SystemClock(), Counted()
    async with (
        RabbitBus(private_broker.url, "gw", clock, watch, retry=0.5) as asking,
        RabbitBus(private_broker.url, "c", clock, asks=False, retry=0.5) as serving,
    ):
        await serving.serve("svc", echo)
        await asyncio.to_thread(private_broker.node.stop)
        await watch.until("publish", "down")
        begun = clock.now()
        with pytest.raises(BusUnavailable) as caught:
            await asking.request(a_request(), timeout=5)
        assert (caught.value.reason, clock.now() - begun < 1) == ("bus_unavailable", True)
        assert any("no broker connection" in problem for problem in asking.problems())
        await asyncio.to_thread(private_broker.node.start)
        await until_answered(asking, "svc", within=10)
        assert asking.problems() == []


async def test_a_user_that_the_broker_does_not_know_is_told_so_in_words(broker: Broker) -> None:
    bus = RabbitBus(broker.node.url("nobody", "geheim"), "gw", SystemClock())
    with pytest.raises(BusUnavailable, match="does not let us in: check user, password and vhost") as caught:
        await bus.__aenter__()
    assert "geheim" not in str(caught.value)


async def test_a_reply_whose_gateway_is_gone_is_counted_and_its_request_done(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    service = unique("orphan")
    broker.provision(service)
    clock, watch = SystemClock(), Counted()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Reply:
        begun.set()
        await go_on.wait()
        return a_reply(request)

    name = unique("gw")
    async with RabbitBus(broker.url, unique("c"), clock, watch, asks=False) as serving:
        await serving.serve(service, slow)
        async with RabbitBus(broker.url, name, clock) as asking, asyncio.TaskGroup() as tasks:
            caller = tasks.create_task(_refused(asking, service))
            await begun.wait()
            with broker.connect() as connection:
                connection.channel().queue_delete(f"q.reply.{name}")
            go_on.set()
            await watch.until("ack", service)
            caller.cancel()
    assert ("unroutable", service) in watch.seen


async def _refused(bus: RabbitBus, service: str) -> None:
    await bus.request(a_request(service=service), timeout=20)


def test_an_address_for_people_has_no_password() -> None:
    assert without_password("amqp://u:p%40ss@host:5672/lgsp?x=1") == "amqp://u@host:5672/lgsp"


async def test_a_reply_queue_that_somebody_made_otherwise_is_told_in_words(
    broker: Broker, unique: Callable[[str], str]
) -> None:
    name = unique("gw")
    with broker.connect() as connection:
        connection.channel().queue_declare(f"q.reply.{name}", durable=False)
        with pytest.raises(BusUnavailable, match=f"the broker refused {name} its channels: .*PRECONDITION_FAILED"):
            await RabbitBus(broker.url, name, SystemClock()).__aenter__()


async def test_a_cancellation_that_is_lost_while_the_broker_is_asked_does_not_keep_the_bus_from_closing(
    broker: Broker, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, asked = unique("closing"), asyncio.Event()
    broker.provision(service)
    monkeypatch.setattr("lgsp.bus.rabbitmq._CANARY", 0.01)
    async with RabbitBus(broker.url, unique("conn"), SystemClock(), asks=False) as bus:
        await bus.serve(service, echo)

        async def lost(_: str) -> int:
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return 1  # as aio-pika does now and then
            return 1

        monkeypatch.setattr(bus._link, "consumers", lost)
        async with asyncio.timeout(5):
            await asked.wait()
    assert bus.problems() != []


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 64])
@pytest.mark.parametrize("at_most", [1, 3, 64])
def test_each_service_is_looked_at_as_often_as_the_others(count: int, at_most: int) -> None:
    services = [f"s{n}" for n in range(count)]
    first, seen = 0, Counter[str]()
    for _ in range(2 * count):
        names, first = some(services, first, at_most)
        assert len(names) == len(set(names)) == min(count, at_most)
        seen.update(names)
    assert set(seen.values()) == ({2 * min(count, at_most)} if count else set())


def test_a_turn_goes_on_where_services_were_taken_away() -> None:
    names, first = some(["a", "b", "c", "d"], 0, 3)
    assert (names, some(["a", "d"], first, 3)[0]) == (["a", "b", "c"], ["d", "a"])
