"""What every bus promises, run on every bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from builders import a_reply, a_request

from lgsp.bus import memory, stored
from lgsp.bus.base import Bus, Odd, Troubled
from lgsp.bus.memory import MemoryBus
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.clock import SystemClock
from lgsp.errors import BusUnavailable, DeliveryError, TimedOut, Unroutable
from lgsp.model import EXECUTING, Outcome, Reply, Request, Stamps


@dataclass
class Noted:
    """A watch that remembers, and lets a test wait for the moment."""

    seen: list[tuple[str, ...]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, *what: str) -> None:
        self.seen.append(what)
        self.changed.set()

    async def until(self, *what: str, times: int = 1) -> None:
        while self.seen.count(what) < times:
            self.changed.clear()
            await self.changed.wait()

    def late_reply(self, service: str) -> None:
        self.note("late", service)

    def duplicate_reply(self, service: str) -> None:
        self.note("duplicate", service)

    def unroutable(self, service: str) -> None:
        self.note("unroutable", service)

    def confirmed(self, seconds: float) -> None:
        assert seconds >= 0

    def delivery(self, service: str, result: str) -> None:
        self.note(result, service)

    def queue_wait(self, service: str, seconds: float) -> None:
        assert seconds >= 0
        self.note("waited", service)

    def connection(self, component: str, *, up: bool) -> None:
        self.note("connection", component, str(up))


@dataclass
class Stage:
    """A bus to ask on, one to serve on (the same, in memory), a service, and what both saw."""

    asking: Bus
    serving: Bus
    service: str
    watch: Noted
    another: Callable[[], Bus]

    def request(self, **fields: object) -> Request:
        return a_request(service=self.service, **fields)


@pytest.fixture(params=["memory", *(pytest.param(way, marks=pytest.mark.real) for way in ("lane", "plain"))])
async def stage(request: pytest.FixtureRequest, unique: Callable[[str], str]) -> AsyncIterator[Stage]:
    watch = Noted()
    clock = SystemClock()
    service = unique("contract")
    if request.param == "memory":
        async with MemoryBus(clock, watch) as bus:
            yield Stage(bus, bus, service, watch, lambda: MemoryBus(clock, watch, drain=0.1))
        return
    broker = request.getfixturevalue("broker")
    broker.provision(service)

    def a_bus(stem: str, **options: Any) -> RabbitBus:
        return RabbitBus(broker.url, unique(stem), clock, watch, lane=request.param == "lane", **options)

    async with a_bus("gw") as asking, a_bus("conn", asks=False) as serving:
        assert ("hot" in repr(asking)) is (request.param == "lane")
        yield Stage(asking, serving, service, watch, lambda: a_bus("gw", drain=0.1))


async def echo(request: Request) -> Reply:
    return a_reply(request, body=request.body)


async def test_a_reply_reaches_its_own_request_among_many(stage: Stage) -> None:
    await stage.serving.serve(stage.service, echo)
    requests = [stage.request(body=str(number).encode()) for number in range(500)]
    replies = await asyncio.gather(*(stage.asking.request(request, timeout=15) for request in requests))
    assert [(reply.to, reply.body) for reply in replies] == [(request.id, request.body) for request in requests]


async def test_a_request_arrives_as_it_was_sent(stage: Stage) -> None:
    arrived: list[Request] = []

    async def answer(request: Request) -> Reply:
        arrived.append(request)
        return a_reply(request)

    await stage.serving.serve(stage.service, answer)
    sent = stage.request(
        operation="POST /vehicles/{plate}",
        path="/vehicles/30A-%C4%90",
        query="a=1&b=%20",
        consumer="tester",
        key="seven",
        attempt=3,
        calm=True,
        body=b"\x00\xff{",
        headers={"content-type": "text/xml", "soapaction": '""', "traceparent": "00-ab-cd-01"},
    )
    await stage.asking.request(sent, timeout=15)
    [got] = arrived
    for name in (
        "id",
        "service",
        "operation",
        "path",
        "query",
        "consumer",
        "key",
        "attempt",
        "calm",
        "body",
        "headers",
    ):
        assert getattr(got, name) == getattr(sent, name), name
    assert 14 < got.budget <= 15
    assert 0 <= got.waited < 1
    assert not got.redelivered


async def test_a_reply_arrives_as_it_was_handed_back(stage: Stage) -> None:
    async def answer(request: Request) -> Reply:
        return a_reply(
            request,
            outcome="business_fault",
            status=404,
            reason="not_found",
            body="không tìm thấy".encode(),
            headers={"content-type": "text/plain; charset=utf-8", "retry-after": "5"},
            stamps=Stamps(1, 2, 3, 4),
        )

    await stage.serving.serve(stage.service, answer)
    request = stage.request()
    expected = await answer(request)
    assert await stage.asking.request(request, timeout=15) == expected


@pytest.mark.parametrize("size", [0, 1, 300, 131_064, 1_000_000])
async def test_bodies_of_any_size_are_carried_untouched(stage: Stage, size: int) -> None:
    await stage.serving.serve(stage.service, echo)
    body = bytes(number % 251 for number in range(1_000)) * (size // 1_000 + 1)
    reply = await stage.asking.request(stage.request(body=body[:size]), timeout=15)
    assert reply.body == body[:size]


async def test_a_request_that_nobody_serves_comes_back_at_once(stage: Stage) -> None:
    with pytest.raises(Unroutable) as caught:
        await stage.asking.request(a_request(service="nobody"), timeout=15)
    assert caught.value.reason == "unroutable"
    assert ("unroutable", "nobody") in stage.watch.seen


async def test_silence_ends_at_the_budget(stage: Stage) -> None:
    async def silent(request: Request) -> None:
        del request

    await stage.serving.serve(stage.service, silent)
    with pytest.raises(TimedOut) as caught:
        await stage.asking.request(stage.request(), timeout=0.3)
    assert caught.value.reason == "budget_spent"
    assert ("ack", stage.service) in stage.watch.seen


async def test_a_late_reply_is_counted_and_given_to_nobody(stage: Stage) -> None:
    may_answer = asyncio.Event()

    async def slow(request: Request) -> Reply:
        await may_answer.wait()
        return a_reply(request, to=request.id)

    await stage.serving.serve(stage.service, slow)
    with pytest.raises(TimedOut):
        await stage.asking.request(stage.request(), timeout=0.3)
    may_answer.set()
    await stage.watch.until("ack", stage.service)
    # Over RabbitMQ a host does not even send what nobody waits for; in memory it is counted.
    assert stage.watch.seen.count(("late", stage.service)) == (1 if stage.asking.kind == "memory" else 0)


async def test_a_cancelled_caller_leaves_a_request_that_another_can_wait_for(stage: Stage) -> None:
    begun, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Reply:
        begun.set()
        await may_answer.wait()
        return a_reply(request)

    await stage.serving.serve(stage.service, slow)
    request = stage.request()
    async with asyncio.TaskGroup() as tasks:
        caller = tasks.create_task(stage.asking.request(request, timeout=15))
        await begun.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    may_answer.set()
    reply = await stage.asking.resume(request.id)
    assert (reply.to, reply.body) == (request.id, b"answer")


async def test_servers_of_one_service_share_its_requests(stage: Stage) -> None:
    served = {"first": 0, "second": 0}

    def counting(name: str) -> Callable[[Request], object]:
        async def answer(request: Request) -> Reply:
            served[name] += 1
            await asyncio.sleep(0)
            return a_reply(request)

        return answer

    await stage.serving.serve(stage.service, counting("first"))
    if stage.asking.kind == "memory":
        await stage.serving.serve(stage.service, counting("second"))
    else:
        await stage.asking.serve(stage.service, counting("second"))
    await asyncio.gather(*(stage.asking.request(stage.request(), timeout=15) for _ in range(200)))
    assert served["first"] + served["second"] == 200
    assert min(served.values()) > 20


async def test_a_request_that_expired_in_the_queue_is_never_started(stage: Stage) -> None:
    started: list[str] = []
    block = asyncio.Event()

    async def answer(request: Request) -> Reply:
        started.append(request.id)
        await block.wait()
        return a_reply(request)

    first = stage.request()
    async with asyncio.TaskGroup() as tasks:
        await stage.serving.serve(stage.service, answer)
        # Fill every place of the server, so that the next request waits in the queue.
        for _ in range(256):
            tasks.create_task(swallow(stage.asking.request(stage.request(), timeout=8)))
        await stage.watch.until("waited", stage.service, times=256)
        with pytest.raises(TimedOut):
            await stage.asking.request(first, timeout=0.2)
        block.set()
    probe = stage.request()
    await stage.asking.request(probe, timeout=8)
    assert first.id not in started
    assert probe.id in started


async def swallow(answer: object) -> None:
    try:
        await answer  # type: ignore[misc]  # any awaitable of a test
    except (TimedOut, BusUnavailable):
        return


async def test_closing_fails_who_still_waits_and_ends_what_hangs(stage: Stage) -> None:
    begun = asyncio.Event()

    async def never(_: Request) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks, stage.another() as bus:
        await bus.serve(stage.service, never)
        caller = tasks.create_task(caught(bus.request(stage.request(), timeout=15)))
        await begun.wait()
    assert caller.result() == "shutting_down"
    assert await caught(bus.request(stage.request(), timeout=15)) == "shutting_down"


async def caught(answer: object) -> str:
    with pytest.raises(BusUnavailable) as error:
        await answer  # type: ignore[misc]  # any awaitable of a test
    return error.value.reason


async def test_a_bus_that_is_ready_has_no_problems(stage: Stage) -> None:
    await stage.serving.serve(stage.service, echo)
    assert stage.asking.problems() == []
    assert stage.serving.problems() == []


async def test_a_service_that_was_left_takes_nothing_more_and_ends_what_it_began(stage: Stage) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Reply:
        began.set()
        await go_on.wait()
        return a_reply(request)

    await stage.serving.serve(stage.service, slow)
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(stage.asking.request(stage.request(), timeout=15))
        await began.wait()
        await stage.serving.leave(stage.service)
        go_on.set()
    assert asked.result().outcome is Outcome.OK
    with pytest.raises(DeliveryError):
        await stage.asking.request(stage.request(), timeout=0.5)
    assert stage.serving.problems() == []


async def test_a_service_that_was_left_can_be_served_again(stage: Stage) -> None:
    await stage.serving.serve(stage.service, echo)
    await stage.serving.leave(stage.service)
    await stage.serving.leave(stage.service)  # once more changes nothing
    await stage.serving.serve(stage.service, echo)
    assert (await stage.asking.request(stage.request(body=b"again"), timeout=15)).body == b"again"


async def test_a_second_reply_to_one_request_changes_only_its_count(stage: Stage) -> None:
    async def twice(request: Request) -> Odd:
        return Odd((a_reply(request, body=b"first"), a_reply(request, body=b"second")))

    await stage.serving.serve(stage.service, twice)
    reply = await stage.asking.request(stage.request(), timeout=5)
    assert reply.body == b"first"
    await stage.watch.until("duplicate", stage.service)
    await stage.watch.until("ack", stage.service)


async def test_a_reply_may_go_out_after_the_caller_was_told_that_none_came(stage: Stage) -> None:
    gone = asyncio.Event()

    async def late(request: Request) -> Odd:
        await gone.wait()
        return Odd((a_reply(request),), late=True)

    await stage.serving.serve(stage.service, late)
    with pytest.raises(TimedOut):
        await stage.asking.request(stage.request(), timeout=0.3)
    gone.set()
    await stage.watch.until("late", stage.service)


async def test_a_server_that_rests_leaves_its_queue_standing(stage: Stage) -> None:
    bus = stage.serving
    assert isinstance(bus, Troubled)
    await bus.serve(stage.service, echo)
    assert (await stage.asking.request(stage.request(body=b"1"), timeout=5)).body == b"1"
    await bus.rest(stage.service, resting=True)
    with pytest.raises(TimedOut):
        await stage.asking.request(stage.request(body=b"2"), timeout=0.3)
    assert bus.problems() == []
    waiting = asyncio.ensure_future(stage.asking.request(stage.request(body=b"3"), timeout=10))  # noqa: TID251 - held by the test
    await bus.rest(stage.service, resting=False)
    assert (await waiting).body == b"3"


async def test_a_full_queue_takes_nothing_until_what_fills_it_is_over(stage: Stage) -> None:
    asking, serving = stage.asking, stage.serving
    assert isinstance(asking, Troubled)
    assert isinstance(serving, Troubled)
    await serving.serve(stage.service, echo)
    await serving.rest(stage.service, resting=True)
    await asking.fill(stage.service, 30.0)
    with pytest.raises(BusUnavailable, match=r"full|wait"):
        await asking.request(stage.request(), timeout=5)
    await serving.rest(stage.service, resting=False)
    await stage.watch.until("reject", stage.service, times=1_000)
    assert (await asking.request(stage.request(body=b"again"), timeout=5)).body == b"again"


@dataclass
class Taker:
    """Takes what becomes of submitted requests; unwilling so many times at first."""

    unwilling: int = 0
    took: list[tuple[Reply, int]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, reply: Reply, number: int) -> bool:
        async with self.changed:
            self.took.append((reply, number))
            self.changed.notify_all()
        self.unwilling -= 1
        return self.unwilling < 0

    async def until(self, times: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.took) >= times)


async def test_what_becomes_of_a_submitted_request_comes_to_who_collects(stage: Stage) -> None:
    arrived: list[Request] = []

    async def answer(request: Request) -> Reply:
        arrived.append(request)
        return a_reply(request, status=201, body=request.body, headers={"content-type": "text/plain"})

    taker = Taker()
    await stage.asking.collect(taker)
    await stage.serving.serve(stage.service, answer)
    sent = stage.request(operation="POST /x", body=b"stored", attempt=2)
    await stage.asking.submit(sent, publish=3, age=60)
    await taker.until(1)
    [(reply, number)] = taker.took
    assert (reply.to, reply.status, reply.body, number) == (sent.id, 201, b"stored", 3)
    [got] = arrived
    assert (got.stored, got.attempt, got.operation, got.consumer) == (True, 2, "POST /x", sent.consumer)
    assert 59 < got.budget <= 60


async def test_a_connector_that_takes_a_while_says_that_it_is_at_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (memory, stored):
        monkeypatch.setattr(module, "SLOW", 0.0)
    may_end = asyncio.Event()

    async def slow(request: Request) -> Reply:
        await may_end.wait()
        return a_reply(request, body=b"done")

    taker = Taker()
    await stage.asking.collect(taker)
    await stage.serving.serve(stage.service, slow)
    sent = stage.request()
    await stage.asking.submit(sent, publish=3, age=60)
    await taker.until(1)
    may_end.set()
    await taker.until(2)
    told = [(reply.to, reply.outcome, reply.status, reply.reason, number) for reply, number in taker.took]
    assert told == [(sent.id, *EXECUTING, 3), (sent.id, Outcome.OK, 200, "", 3)]


async def test_a_result_that_is_not_taken_comes_again(stage: Stage) -> None:
    taker = Taker(unwilling=1)
    await stage.asking.collect(taker)
    await stage.serving.serve(stage.service, echo)
    await stage.asking.submit(stage.request(body=b"again"), publish=1, age=60)
    await taker.until(2)
    assert [reply.body for reply, _ in taker.took] == [b"again", b"again"]


async def test_silence_of_a_submitted_request_asks_for_another_try(stage: Stage) -> None:
    async def silent(request: Request) -> None:
        del request

    taker = Taker()
    await stage.asking.collect(taker)
    await stage.serving.serve(stage.service, silent)
    await stage.asking.submit(stage.request(), publish=1, age=60)
    await taker.until(1)
    assert [(reply.outcome, reply.reason) for reply, _ in taker.took] == [(Outcome.TIMEOUT, "retry")]


async def test_a_submitted_request_waits_for_somebody_who_serves(stage: Stage) -> None:
    bus = stage.serving
    assert isinstance(bus, Troubled)
    taker = Taker()
    await stage.asking.collect(taker)
    await bus.serve(stage.service, echo)
    await bus.rest(stage.service, resting=True)
    await stage.asking.submit(stage.request(body=b"later"), publish=1, age=60)
    assert taker.took == []
    await bus.rest(stage.service, resting=False)
    await taker.until(1)
    assert [reply.body for reply, _ in taker.took] == [b"later"]


async def test_a_submitted_request_that_nobody_has_a_queue_for_comes_back(stage: Stage) -> None:
    with pytest.raises(Unroutable):
        await stage.asking.submit(a_request(service="nobody"), publish=1, age=60)


async def test_nothing_is_submitted_to_a_bus_that_closes(stage: Stage) -> None:
    async with stage.another() as bus:
        pass
    assert await caught(bus.submit(stage.request(), publish=1, age=60)) == "shutting_down"


async def test_many_submitted_requests_all_have_their_results(stage: Stage) -> None:
    taker = Taker()
    await stage.asking.collect(taker)
    await stage.serving.serve(stage.service, echo)
    requests = [stage.request(body=str(number).encode()) for number in range(300)]
    async with asyncio.TaskGroup() as tasks:
        for request in requests:
            tasks.create_task(stage.asking.submit(request, publish=1, age=60))
    await taker.until(300)
    assert {(reply.to, reply.body) for reply, _ in taker.took} == {(each.id, each.body) for each in requests}
