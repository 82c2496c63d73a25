from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count

import pytest
from builders import a_service, a_transaction, an_operation

from lgsp.catalogue.service import Catalogue, Example, ExampleReply, ExampleRequest, Form, RequestRule, Service
from lgsp.clock import ManualClock
from lgsp.model import Outcome, Request, Transaction
from lgsp.traffic.driver import Driver, Mix, Target, a_request, targets
from lgsp.traffic.pacer import Constant


def an_example(name: str, outcome: Outcome = Outcome.OK) -> Example:
    request = ExampleRequest(path=f"/x/{name}", query="a=1", headers={"accept": "text/xml"}, body=name.encode())
    return Example(name=name, request=request, reply=ExampleReply(outcome=outcome))


def services() -> list[Service]:
    one, two, three = (an_example(name) for name in "123")
    return [
        a_service(
            "busy",
            an_operation("GET /a", weight=3, examples=(one, two)),
            an_operation("GET /b", weight=1, examples=(three,)),
            an_operation("GET /never", weight=0, examples=(one,)),
            an_operation("GET /bare"),
            share=80,
        ),
        a_service("calm", an_operation("GET /a", examples=(one,)), share=20),
        a_service("none", an_operation("GET /a", examples=(one,)), share=0),
        a_service("bare", an_operation("GET /bare"), share=50, connector="connectors.bare"),
    ]


def test_a_share_is_split_by_weight_and_then_evenly() -> None:
    found = {(t.service, t.operation, t.example.name): t.weight for t in targets(services())}
    assert found == {
        ("busy", "GET /a", "1"): 30,
        ("busy", "GET /a", "2"): 30,
        ("busy", "GET /b", "3"): 20,
        ("calm", "GET /a", "1"): 20,
    }


def test_a_service_of_the_yaml_alone_without_examples_is_asked_plainly() -> None:
    schema = RequestRule(json_schema={}, invalid=Form())
    operations = [an_operation("GET /a/{x}/b"), an_operation("POST /a"), an_operation("GET /c", request=schema)]
    found = targets([a_service("svc", *operations, share=1)])
    assert [(t.operation, t.example.request.path, t.weight) for t in found] == [("GET /a/{x}/b", "/a/x/b", 1)]


async def test_a_mix_follows_the_catalogue_and_nothing_is_asked_where_there_is_nothing() -> None:
    mix = Mix([], seed=7)
    assert mix.pick(1) is None
    mix.prepare(Catalogue({"new": a_service("new", share=1)}))()
    picked = mix.pick(1)
    assert picked is not None
    assert picked.service == "new"


def test_a_few_questions_are_answered_with_no_and_refusals_are_left_to_the_behaviour() -> None:
    examples = (
        an_example("yes"),
        an_example("also yes"),
        an_example("no such citizen", Outcome.BUSINESS_FAULT),
        an_example("no right", Outcome.REJECTED),
        an_example("broken", Outcome.PROVIDER_ERROR),
    )
    only_faults = an_operation("GET /b", examples=(an_example("no", Outcome.BUSINESS_FAULT),))
    found = targets([a_service("svc", an_operation("GET /a", examples=examples), only_faults, share=100)])
    assert {target.example.name: target.weight for target in found} == pytest.approx(
        {"yes": 47.5, "also yes": 47.5, "no such citizen": 5.0}
    )


def test_the_weights_hold() -> None:
    mix = Mix(services(), seed=7)
    draws = 50_000
    seen = Counter((t.service, t.operation, t.example.name) for t in (mix.pick(number) for number in range(draws)))
    assert len(mix) == len(seen) == 4
    for target in targets(services()):
        part = target.weight / 100
        got = seen[target.service, target.operation, target.example.name] / draws
        assert got == pytest.approx(part, abs=4 * (part * (1 - part) / draws) ** 0.5)


def test_call_number_n_is_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[Target]:
        mix = Mix(services(), seed)
        return [mix.pick(number) for number in range(100)]

    assert run(7) == run(7)
    assert run(7) != run(8)


def test_an_example_is_sent_as_it_is_written() -> None:
    [target] = targets([services()[1]])
    request = a_request(target, new_id="t-1", key="9", consumer="demo", calm=True)
    assert request == Request(
        id="t-1",
        service="calm",
        operation="GET /a",
        path="/x/1",
        query="a=1",
        consumer="demo",
        key="9",
        body=b"1",
        headers={"accept": "text/xml"},
        calm=True,
    )


class For:
    """A pacer that ends after so many sends, and notes what it was asked."""

    def __init__(self, calls: int, per_second: float = 100.0) -> None:
        self._calls = calls
        self._inner = Constant(per_second)

    def next(self, elapsed: float, sent: int) -> float | None:
        return None if sent >= self._calls else self._inner.next(elapsed, sent)

    def rate(self, elapsed: float) -> float:
        return self._inner.rate(elapsed)


Answering = Callable[[Request], Awaitable[None]]


class Sent:
    """Who is asked: notes each request, and how many are under way."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self.requests: list[Request] = []
        self.under_way = 0
        self.most = 0

    async def __call__(self, request: Request) -> Transaction:
        self.requests.append(request)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self._answer(request)
        finally:
            self.under_way -= 1
        return a_transaction(request=request)


def a_driver(sent: Sent, clock: ManualClock, pacer: For, **more: int) -> Driver:
    ids = count(1)
    mix = Mix(services(), seed=7)
    return Driver(sent, mix, pacer, clock, new_id=lambda: f"t-{next(ids)}", consumer="demo", **more)  # type: ignore[arg-type]  # only the limit is left


async def driven(driver: Driver, clock: ManualClock, step: float = 0.01) -> float:
    """Seconds that the run took."""
    start = clock.now()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(driver.run())
        while not running.done():
            await clock.advance(step)
    return clock.now() - start


async def test_calls_go_out_at_the_pacers_tempo_and_their_keys_are_their_numbers() -> None:
    clock = ManualClock()
    times: list[float] = []

    async def note(_: Request) -> None:
        times.append(clock.now())

    sent = Sent(note)
    driver = a_driver(sent, clock, For(300))
    assert await driven(driver, clock) == pytest.approx(3.0, abs=0.03)
    assert [request.key for request in sent.requests] == [str(number) for number in range(300)]
    assert len({request.id for request in sent.requests}) == 300
    assert {request.consumer for request in sent.requests} == {"demo"}
    assert [time - times[0] for time in times] == pytest.approx([number / 100 for number in range(300)], abs=0.011)
    assert driver.sent == 300


async def test_never_more_than_so_many_are_under_way_and_all_of_them_end() -> None:
    clock = ManualClock()

    async def slow(_: Request) -> None:
        await clock.sleep(1)

    sent = Sent(slow)
    driver = a_driver(sent, clock, For(60), max_in_flight=7)
    took = await driven(driver, clock)
    assert sent.most == 7
    assert (len(sent.requests), sent.under_way) == (60, 0)
    assert took == pytest.approx(9, abs=0.2)  # 60 calls, 7 at a time, 1 s each
    assert repr(driver) == "<Driver 60 sent, 0 in flight>"


async def test_the_run_ends_with_its_last_call() -> None:
    clock = ManualClock()

    async def slow(_: Request) -> None:
        await clock.sleep(5)

    assert await driven(a_driver(Sent(slow), clock, For(1)), clock) == pytest.approx(5, abs=0.02)


async def test_a_late_driver_catches_up_without_holding_the_loop() -> None:
    clock = ManualClock()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def at_once(_: Request) -> None:
        return

    sent = Sent(at_once)
    driver = a_driver(sent, clock, For(1_000, per_second=1e9), max_in_flight=10_000)
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(tick())
        await driven(driver, clock)
        ticking.cancel()
    assert len(sent.requests) == 1_000
    assert ticks >= 1_000 // 64


def test_a_scenario_s_shares_go_before_the_services_own() -> None:
    own = {target.service: target.weight for target in targets(services())}
    first = next(iter(own))
    shared = targets(services(), {first: 0.0})
    assert {target.service for target in shared} == own.keys() - {first}
    doubled = sum(target.weight for target in targets(services(), {first: 2.0}) if target.service == first)
    assert doubled == pytest.approx(2.0)
