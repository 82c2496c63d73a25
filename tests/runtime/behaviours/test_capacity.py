from __future__ import annotations

import asyncio
import json

import pytest
from builders import a_reply, a_request

from lgsp.catalogue.service import Capacity, Overflow
from lgsp.clock import ManualClock
from lgsp.errors import TimedOut
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours.capacity import CapacityBehaviour
from lgsp.runtime.behaviours.errors import fail


class Provider:
    """What stands behind the behaviour: each call takes a second; it remembers whom it served when, and with what budget."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.began: list[tuple[str, float, float]] = []
        self.at_once = self.most = 0

    async def __call__(self, request: Request) -> Reply:
        self.began.append((request.key, self.clock.now() - 1_684_886_400, request.budget))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.clock.sleep(1)
        finally:
            self.at_once -= 1
        return a_reply(request)


class InItsOwnWords:
    def refuse(self, request: Request, outcome: Outcome) -> Reply:
        return a_reply(request, outcome=outcome, status=418, body=b"own words")


class Stage:
    def __init__(self, connector: object = None, **capacity: object) -> None:
        self.clock = ManualClock()
        self.provider = Provider(self.clock)
        self.behaviour = CapacityBehaviour("svc", Capacity(**capacity), self.clock, connector)  # type: ignore[arg-type]  # as each test has it
        self.ended: dict[str, tuple[float, Reply | TimedOut]] = {}

    async def call(self, key: str, **fields: object) -> None:
        result: Reply | TimedOut
        try:
            result = await self.behaviour(a_request(**{"key": key, "budget": 30.0} | fields), self.provider)
        except TimedOut as error:
            result = error
        self.ended[key] = (self.clock.now() - 1_684_886_400, result)

    async def calls(self, *keys: str, moves: float = 60, **fields: object) -> None:
        """The calls come at once, in this order, and the clock moves on until all have ended."""
        async with asyncio.TaskGroup() as tasks:
            for key in keys:
                tasks.create_task(self.call(key, **fields))
            await self.clock.advance(0)
            await self.clock.advance(moves)

    def times(self) -> dict[str, float]:
        return {key: at for key, (at, _) in self.ended.items()}

    def reply(self, key: str) -> Reply:
        reply = self.ended[key][1]
        assert isinstance(reply, Reply)
        return reply


async def test_calls_wait_for_a_worker_in_their_order_and_answers_come_the_later() -> None:
    stage = Stage(workers=2, queue=10)
    await stage.calls("a", "b", "c", "d", "e")
    assert stage.times() == pytest.approx({"a": 1, "b": 1, "c": 2, "d": 2, "e": 3})
    assert [key for key, _, _ in stage.provider.began] == ["a", "b", "c", "d", "e"]
    assert stage.provider.most == 2


async def test_what_waited_has_that_much_less_of_its_budget() -> None:
    stage = Stage(workers=1, queue=10)
    await stage.calls("a", "b", "c")
    assert [budget for _, _, budget in stage.provider.began] == pytest.approx([30, 29, 28])


async def test_who_finds_no_place_is_told_at_once() -> None:
    stage = Stage(workers=1, queue=1, overflow=Overflow(status=503, retry_after=1.5))
    await stage.calls("a", "b", "c")
    assert stage.times() == pytest.approx({"c": 0, "a": 1, "b": 2})
    told = stage.reply("c")
    assert (told.outcome, told.status, told.reason) == (Outcome.PROVIDER_ERROR, 503, "provider_overloaded")
    assert told.headers["retry-after"] == "2"
    assert json.loads(told.body)["code"] == "provider_overloaded"


@pytest.mark.parametrize(("connector", "status"), [(InItsOwnWords(), 418), (None, 500)])
async def test_without_words_of_its_own_the_contract_s_are_said(connector: object, status: int) -> None:
    stage = Stage(connector, workers=1, queue=0)
    await stage.calls("a", "b")
    told = stage.reply("b")
    assert (told.outcome, told.status, told.reason) == (Outcome.PROVIDER_ERROR, status, "provider_overloaded")
    assert told.body == fail(Outcome.PROVIDER_ERROR, "svc", a_request(), connector).body


async def test_an_overflow_of_the_caller_s_making_is_rejected() -> None:
    stage = Stage(workers=1, queue=0, overflow=Overflow(status=429))
    await stage.calls("a", "b")
    told = stage.reply("b")
    assert (told.outcome, told.status, "retry-after" in told.headers) == (Outcome.REJECTED, 429, False)


async def test_whose_time_is_up_in_the_line_is_never_served() -> None:
    stage = Stage(workers=1, queue=10)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.call("a"))
        await stage.clock.advance(0)
        tasks.create_task(stage.call("b", budget=0.5))
        tasks.create_task(stage.call("c"))
        await stage.clock.advance(0)
        await stage.clock.advance(10)
    assert isinstance(stage.ended["b"][1], TimedOut)
    assert [key for key, _, _ in stage.provider.began] == ["a", "c"]


async def test_a_call_that_is_cancelled_leaves_its_place_and_its_worker_to_others() -> None:
    stage = Stage(workers=1, queue=10)
    async with asyncio.TaskGroup() as tasks:
        serving, waiting = tasks.create_task(stage.call("a")), tasks.create_task(stage.call("b"))
        tasks.create_task(stage.call("c"))
        await stage.clock.advance(0.25)
        waiting.cancel()
        await stage.clock.advance(0.25)
        serving.cancel()
        await stage.clock.advance(10)
    assert stage.times() == pytest.approx({"c": 1.5})


async def test_a_call_that_is_cancelled_when_its_turn_has_come_passes_it_on() -> None:
    stage = Stage(workers=1, queue=10)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.call("a"))
        waiting = tasks.create_task(stage.call("b"))
        tasks.create_task(stage.call("c"))
        await stage.clock.advance(0)
        stage.behaviour._next()  # as when a call ends: the turn is b's, which has not run yet
        waiting.cancel()
        await stage.clock.advance(10)
    assert "b" not in stage.ended
    assert "c" in stage.ended


async def test_a_call_that_is_cancelled_when_its_time_was_up_has_no_worker_to_pass_on() -> None:
    stage = Stage(workers=1, queue=10)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.call("a"))
        waiting = tasks.create_task(stage.call("b", budget=0.5))
        await stage.clock.advance(0)
        assert stage.behaviour._workers is not None
        stage.behaviour._workers._drop(stage.clock.now() + 0.5)  # b is told, and has not run yet
        waiting.cancel()
        await stage.clock.advance(0.25)
        assert repr(stage.behaviour) == "<CapacityBehaviour svc <Workers 0 free, 0 wait>>"
        await stage.clock.advance(10)
    assert repr(stage.behaviour) == "<CapacityBehaviour svc <Workers 1 free, 0 wait>>"


async def test_a_failure_frees_its_worker() -> None:
    stage = Stage(workers=1, queue=0)

    async def breaks(_: Request) -> Reply:
        raise TimedOut("budget_spent")

    for _ in range(3):
        with pytest.raises(TimedOut):
            await stage.behaviour(a_request(), breaks)
    assert repr(stage.behaviour) == "<CapacityBehaviour svc <Workers 1 free, 0 wait>>"


async def test_calm_calls_wait_for_nobody() -> None:
    stage = Stage(workers=1, queue=0, rate=(1, 60.0))
    await stage.calls("a", "b", "c", calm=True)
    assert stage.times() == pytest.approx({"a": 1, "b": 1, "c": 1})
    assert stage.reply("c").headers == {}


async def test_who_asks_too_often_gets_429_and_the_headers_say_what_is_left() -> None:
    stage = Stage(rate=(50, 1.0), burst=100)
    await stage.calls(*map(str, range(101)), consumer="a", moves=1)
    assert {stage.reply(str(n)).status for n in range(100)} == {200}
    first, last, over = (stage.reply(key) for key in ("0", "99", "100"))
    assert (
        first.headers | {"ratelimit-limit": "100", "ratelimit-remaining": "99", "ratelimit-reset": "1"} == first.headers
    )
    assert (last.headers["ratelimit-remaining"], last.headers["ratelimit-reset"]) == ("0", "2")
    assert (over.outcome, over.status, over.reason) == (Outcome.REJECTED, 429, "provider_throttled")
    assert (over.headers["retry-after"], over.headers["ratelimit-remaining"]) == ("1", "0")
    assert len(stage.provider.began) == 100
    await stage.calls(*(f"later {n}" for n in range(60)), consumer="a", moves=1)
    assert [stage.reply(f"later {n}").status for n in range(60)].count(200) == 50


@pytest.mark.parametrize(("per", "passing"), [("consumer", 2), ("service", 1)])
async def test_calls_are_counted_by_consumer_or_all_together(per: str, passing: int) -> None:
    stage = Stage(rate=(1, 60.0), per=per)
    await stage.calls("a", consumer="one", moves=1)
    await stage.calls("b", consumer="other", moves=1)
    assert len(stage.provider.began) == passing
