from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from builders import a_reply, a_request, a_service, an_operation, nowhere
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.catalogue.service import (
    Catalogue,
    Comparison,
    Condition,
    Fixed,
    FollowUp,
    Form,
    Latency,
    Lognormal,
    Service,
)
from lgsp.clock import ManualClock
from lgsp.errors import TimedOut
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.follows import RESULTS, Follows, Limits
from lgsp.runtime.host import Host
from lgsp.runtime.state import States
from lgsp.taps.answering import FOLLOWED

START = 1_000.0
URL = "http://127.0.0.1:9/told"


@dataclass
class Other:
    """The other side and the counts: what came and when, why it is not taken, how long it takes to say so."""

    clock: ManualClock
    why: str = ""
    refused: str = ""
    seconds: float = 0.0
    came: list[tuple[float, str, bytes, dict[str, str], str]] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    now_owed: int = 0

    async def send(self, url: str, id_: str, body: bytes, headers: dict[str, str], secret_file: str) -> str:
        assert url == URL
        self.came.append((self.clock.now() - START, id_, body, headers, secret_file))
        await self.clock.sleep(self.seconds)
        return self.why

    def refusal(self, url: str) -> str:
        assert url == URL
        return self.refused

    def owed(self, service: str, change: int) -> None:
        assert service == "svc"
        self.now_owed += change

    def follow_up(self, service: str, result: str) -> None:
        assert service == "svc"
        self.counted[result] += 1

    @property
    def times(self) -> list[float]:
        return [at for at, *_ in self.came]


def a_follow(after: float = 30.0, body: object = None, **fields: Any) -> FollowUp:
    latency = Latency(distribution=Fixed(seconds=after))
    return FollowUp(**{"after": latency, "post": URL, "form": Form(body=body), "where": "x.yaml:7"} | fields)


def serving(*follows: FollowUp, **fields: Any) -> Service:
    return a_service("svc", an_operation("POST /x", follows=follows), **fields)


def asked(**fields: Any) -> Request:
    return a_request(**{"operation": "POST /x", "body": b'{"ma": "HS-1"}'} | fields)


@asynccontextmanager
async def stage(limits: Limits | None = None, **fields: Any) -> AsyncIterator[tuple[Follows, Other]]:
    clock = ManualClock(START)
    other = Other(clock, **fields)
    async with Follows(other.send, other.refusal, clock, other, seed=7, limits=limits) as follows:
        yield follows, other


async def test_what_follows_comes_in_its_own_time_with_what_was_asked_and_answered() -> None:
    body = {"ma": "{{ body.ma }}", "phieu": "{{ reply.phieu }}", "luc": "{{ now() }}"}
    form = Form(body=body, headers={"x-kind": "{{ body.ma }}"})
    service = serving(a_follow(form=form, secret_file="secrets/desk"), zone="Asia/Ho_Chi_Minh")
    async with stage() as (follows, other):
        request = asked(id="t-1")
        follows.began(service, request, Reply.of_json(request, {"phieu": 17}))
        await other.clock.advance(29.9)
        assert (other.came, other.now_owed) == ([], 1)
        await other.clock.advance(0.1)
        [(at, id_, sent, headers, secret_file)] = other.came
        assert (at, id_, secret_file) == (30.0, "t-1.1", "secrets/desk")
        # 1,030 s after the epoch, where Vietnam stood at +08: the moment of sending, not of the answer.
        assert json.loads(sent) == {"ma": "HS-1", "phieu": 17, "luc": "1970-01-01T08:17:10+08:00"}
        assert headers == {"x-kind": "HS-1", "content-type": "application/json; charset=utf-8"}
        assert (other.counted, other.now_owed) == ({"sent": 1}, 0)


async def test_what_is_not_taken_is_tried_four_times_and_given_up() -> None:
    async with stage(why="it answered 500") as (follows, other):
        request = asked(key="k")
        with structlog.testing.capture_logs() as lines:
            follows.began(serving(a_follow()), request, a_reply(request))
            await other.clock.advance(400)
        first, *pauses = [b - a for a, b in zip([0.0, *other.times], other.times, strict=False)]
        assert first == 30.0
        for pause, usual in zip(pauses, (5.0, 30.0, 120.0), strict=True):
            assert 0.8 * usual <= pause <= 1.2 * usual
        assert len({id_ for _, id_, *_ in other.came}) == 1
        assert (other.counted, other.now_owed) == ({"failed": 3, "gave_up": 1}, 0)
        assert [line["event"] for line in lines] == ["follow-ups do not arrive"]  # once for an address, not for each


async def test_what_is_taken_at_last_is_sent() -> None:
    async with stage(why="nobody there") as (follows, other):
        request = asked()
        follows.began(serving(a_follow(0)), request, a_reply(request))
        await other.clock.advance(1)
        other.why = ""
        await other.clock.advance(10)
        assert (other.counted, len(other.came)) == ({"failed": 1, "sent": 1}, 2)


async def test_nobody_is_told_who_is_not_allowed() -> None:
    async with stage(refused="desk.example:80 is not allowed") as (follows, other):
        request = asked()
        follows.began(serving(a_follow()), request, a_reply(request))
        await other.clock.advance(400)
        assert (other.came, other.counted) == ([], {"refused": 1})


ONLY = Condition(written="body.ma", of="body", name=("ma",), tests=(Comparison(word="equals", value="HS-1"),))


@pytest.mark.parametrize(
    ("service", "request_", "reply", "count"),
    [
        ({}, {}, {}, 1),
        ({"mode": "spy"}, {}, {}, 0),
        ({}, {"operation": "GET /x"}, {}, 0),
        ({}, {"body": b'{"ma": "HS-2"}'}, {}, 0),
        ({}, {}, {"outcome": Outcome.BUSINESS_FAULT}, 0),
        ({}, {}, {"outcome": Outcome.PROVIDER_ERROR}, 0),
    ],
    ids=["as it should be", "a real provider", "another operation", "another request", "a fault", "a failure"],
)
async def test_what_ended_well_and_meets_its_conditions_is_followed(
    service: dict[str, Any], request_: dict[str, Any], reply: dict[str, Any], count: int
) -> None:
    async with stage() as (follows, other):
        request = asked(**request_)
        follows.began(serving(a_follow(when=(ONLY,)), **service), request, a_reply(request, **reply))
        await other.clock.advance(400)
        assert (len(other.came), other.counted["sent"], other.counted.total()) == (count, count, count)


async def test_the_same_transaction_begins_once() -> None:
    async with stage() as (follows, other):
        request = asked()
        for _ in range(3):
            follows.began(serving(a_follow(1), a_follow(2)), request, a_reply(request))
        await other.clock.advance(10)
        follows.began(serving(a_follow(1), a_follow(2)), request, a_reply(request))
        await other.clock.advance(10)
        assert other.times == [1.0, 2.0]


async def test_a_value_that_is_missing_drops_it_with_its_line() -> None:
    async with stage() as (follows, other):
        request = asked()
        with structlog.testing.capture_logs() as lines:
            follows.began(serving(a_follow(body="{{ reply.phieu }}")), request, a_reply(request, body=b"no JSON"))
            await other.clock.advance(60)
        assert (other.came, other.counted, other.now_owed) == ([], {"dropped": 1}, 0)
        assert [(line["event"], line["at"]) for line in lines] == [("follow-up cannot be made", "x.yaml:7")]


@pytest.mark.parametrize(("limits", "sent"), [(Limits(items=2), 2), (Limits(bytes=11), 1), (Limits(items=9), 5)])
async def test_what_has_no_room_is_dropped(limits: Limits, sent: int) -> None:
    async with stage(limits) as (follows, other):
        for _ in range(5):
            request = asked()
            follows.began(serving(a_follow(body="12345678")), request, a_reply(request))  # ten bytes as JSON
        await other.clock.advance(60)
        assert other.counted == Counter(sent=sent, dropped=5 - sent)
        request = asked()
        follows.began(serving(a_follow(body="12345678")), request, a_reply(request))
        await other.clock.advance(60)
        assert other.counted["sent"] == sent + 1  # there is room again


async def test_at_the_end_what_is_under_way_is_finished_and_the_rest_dropped() -> None:
    clock = ManualClock(START)
    other = Other(clock, seconds=3.0)
    follows = await Follows(other.send, other.refusal, clock, other, seed=7).__aenter__()
    for after in (1.0, 60.0):
        request = asked()
        follows.began(serving(a_follow(after)), request, a_reply(request))
    await clock.advance(2)
    async with asyncio.TaskGroup() as group:
        ending = group.create_task(follows.__aexit__(None, None, None))
        await clock.advance(0.5)
        assert (ending.done(), other.counted) == (False, {"dropped": 1})
        await clock.advance(2)
    assert (other.counted, other.now_owed, other.times) == ({"dropped": 1, "sent": 1}, 0, [1.0])
    request = asked()
    follows.began(serving(a_follow()), request, a_reply(request))
    assert other.counted["dropped"] == 2  # whoever answers after the end is told of nothing


async def test_the_times_are_drawn_by_key_whatever_the_order_and_the_transaction() -> None:
    law = Latency(distribution=Lognormal(p50=20.0, p99=180.0), maximum=86_400.0)

    async def times(run: str, keys: list[str]) -> dict[str, list[float]]:
        came: dict[str, list[float]] = {}
        async with stage(why="it answered 500") as (follows, other):
            for key in keys:
                request = asked(id=f"{run}-{key}", key=key)
                follows.began(serving(FollowUp(after=law, post=URL)), request, a_reply(request))
            await other.clock.advance(86_400)
            for at, id_, *_ in other.came:
                came.setdefault(id_.removeprefix(f"{run}-"), []).append(at)
        return came

    keys = [str(number) for number in range(200)]
    one, two = await times("a", keys), await times("b", keys[::-1])
    assert one == two
    assert {len(each) for each in one.values()} == {4}
    assert 15 < sorted(first for first, *_ in one.values())[100] < 27


STEPS = st.lists(st.tuples(st.floats(0, 300), st.sampled_from(["", "500"]), st.floats(0, 200)), max_size=12)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(STEPS)
def test_everything_that_began_comes_to_one_end(steps: list[tuple[float, str, float]]) -> None:
    async def ended() -> tuple[int, int]:
        async with stage(Limits(items=4)) as (follows, other):
            for after, why, moved in steps:
                request = asked()
                follows.began(serving(a_follow(after)), request, a_reply(request))
                other.why = why
                await other.clock.advance(moved)
        return sum(count for result, count in other.counted.items() if result != "failed"), other.now_owed

    assert asyncio.run(ended()) == (len(steps), 0)


async def test_a_host_tells_of_what_it_answered_only() -> None:
    service = serving(a_follow(1))
    async with stage() as (follows, other):
        host = Host(
            None,  # type: ignore[arg-type]  # nothing is served on it
            Catalogue({"svc": service}),
            other.clock,
            Quiet(),
            States(other.clock),
            nowhere(other.clock),
            seed=7,
            follows=follows,
        )

        async def fine(request: Request) -> Reply:
            return a_reply(request)

        async def silent(_: Request) -> Reply:
            raise TimedOut("budget_spent")

        for answer in (fine, silent):
            await host.answer(service, Connects(answer))(asked(budget=30.0))  # type: ignore[arg-type]  # as a module is
        await other.clock.advance(10)
        assert other.counted == {"sent": 1}


class Quiet:
    def busy(self, service: str, change: int) -> None:
        pass

    def duration(self, service: str, seconds: float) -> None:
        pass


@dataclass
class Connects:
    answer: Any


def test_every_result_is_counted() -> None:
    assert FOLLOWED == RESULTS
