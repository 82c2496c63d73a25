from __future__ import annotations

import asyncio
import json

import pytest
from builders import a_reply, a_request, a_service, an_operation, nowhere

from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.catalogue.service import Catalogue, Upstream
from lgsp.clock import ManualClock
from lgsp.errors import CatalogueError, TimedOut, Unreachable
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours import behaviours_of
from lgsp.runtime.behaviours.recorded import RecordedBehaviour
from lgsp.runtime.behaviours.upstream import UpstreamBehaviour
from lgsp.runtime.provider import Upstreams
from lgsp.runtime.recorded import OnMiss, Recorded

OPERATION = an_operation("GET /x/{id}")
SERVICE = a_service("svc", OPERATION, context="/svc")


def a_record(number: int, seconds: float = 0.25, outcome: str = "ok") -> Record:
    return Record(
        t=0,
        request=Asked("GET", f"/svc/x/{number}"),
        reply=Answered(200, body=Body.of(b"recorded %d" % number)),
        times={"total": int(seconds * 1e9)},
        outcome=outcome,
    )


def recorded(on_miss: OnMiss, *records: Record) -> Recorded:
    return Recorded(records or (a_record(1), a_record(2)), Catalogue({"svc": SERVICE}), on_miss)


async def forward(request: Request) -> Reply:
    return a_reply(request, body=b"stand-in")


async def answered(found: Recorded, path: str = "/x/1", *, calm: bool = True, moves: float = 0) -> tuple[Reply, float]:
    clock = ManualClock()
    start, ended = clock.now(), []
    request = a_request(service="svc", operation="GET /x/{id}", path=path, calm=calm, budget=30)

    async def ask() -> Reply:
        reply = await RecordedBehaviour(found, clock)(request, forward)
        ended.append(clock.now() - start)
        return reply

    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(ask())
        await clock.advance(moves)
    return asking.result(), ended[0]


@pytest.mark.parametrize("on_miss", ["fail", "nearest", "simulate", "upstream"])
@pytest.mark.parametrize(("calm", "took"), [(True, 0), (False, 0.25)])
async def test_what_was_recorded_is_said_again_in_its_time(on_miss: OnMiss, *, calm: bool, took: float) -> None:
    reply, seconds = await answered(recorded(on_miss), calm=calm, moves=1)
    assert (reply.body, seconds) == (b"recorded 1", pytest.approx(took))


async def test_what_was_not_recorded_is_refused_with_the_name_of_the_nearest() -> None:
    reply, _ = await answered(recorded("fail"), "/x/3")
    assert (reply.outcome, reply.status, reply.reason) == (Outcome.PROVIDER_ERROR, 502, "not_recorded")
    told = json.loads(reply.body)
    assert (told["asked"], told["nearest"]) == ("GET /x/3", "GET /x/1")


@pytest.mark.parametrize("on_miss", ["fail", "nearest"])
async def test_where_nothing_is_near_it_is_refused(on_miss: OnMiss) -> None:
    reply, _ = await answered(recorded(on_miss), "/x/3/4")
    assert (reply.reason, json.loads(reply.body)["nearest"]) == ("not_recorded", None)


@pytest.mark.parametrize(
    ("on_miss", "body"), [("nearest", b"recorded 1"), ("simulate", b"stand-in"), ("upstream", b"stand-in")]
)
async def test_something_else_answers_what_was_not_recorded(on_miss: OnMiss, body: bytes) -> None:
    assert (await answered(recorded(on_miss), "/x/3"))[0].body == body


@pytest.mark.parametrize(("outcome", "error"), [("timeout", TimedOut), ("unreachable", Unreachable)])
async def test_an_absent_provider_is_absent_again(outcome: str, error: type[Exception]) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await answered(recorded("fail", a_record(1, outcome=outcome)))
    assert caught.value.subgroup(error) is not None


def test_the_real_provider_stands_behind_only_where_it_was_asked_for() -> None:
    clock = ManualClock()
    real = SERVICE.model_copy(update={"upstream": Upstream(url="http://127.0.0.1:9")})
    reached = Upstreams(
        clock, nowhere(clock).watch, seed=7, allowed=["127.0.0.1"], environment={}, directory=nowhere(clock)._directory
    )

    def kinds(on_miss: OnMiss) -> list[type]:
        behaviours = behaviours_of(real, OPERATION, object(), clock, 7, reached, None, recorded(on_miss))  # type: ignore[arg-type]  # asked nothing
        return [type(behaviour) for behaviour in behaviours]

    assert kinds("upstream")[1:] == [RecordedBehaviour, UpstreamBehaviour]
    assert kinds("simulate")[1:] == [RecordedBehaviour]
    with pytest.raises(CatalogueError, match="needs an `upstream`"):
        list(behaviours_of(SERVICE, OPERATION, object(), clock, 7, reached, None, recorded("upstream")))  # type: ignore[arg-type]  # as above
