from __future__ import annotations

import asyncio

import pytest
from builders import a_reply, a_request

from lgsp.bus.base import Odd
from lgsp.clock import ManualClock
from lgsp.errors import DeliveryError
from lgsp.fault import Fault, Kind, check
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.faults import Faults, hits, refusing, spoilt, suffer


def a_fault(kind: Kind = Kind.OUTAGE, **fields: object) -> Fault:
    given = {"id": "f1", "service": "svc", "kind": kind, "start": 100.0, "end": 200.0} | fields
    return check(Fault(**given))  # type: ignore[arg-type]  # names of its fields


async def forward(request: Request) -> Reply:
    return a_reply(request, body=b'{"a": 1}')


async def suffered(clock: ManualClock, *faults: Fault, budget: float = 10.0) -> Reply | Odd:
    request = a_request(id="t-1", budget=budget)
    work = asyncio.ensure_future(suffer(faults, request, forward=forward, refuse=refusing(None), clock=clock))  # noqa: TID251 - held by the test
    await clock.advance(100)
    return await work


@pytest.mark.parametrize(("kind", "code"), [(Kind.OUTAGE, "unreachable"), (Kind.NO_REPLY, "timeout")])
async def test_nobody_answers(kind: Kind, code: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        await suffered(ManualClock(), a_fault(kind))
    assert caught.value.code == code


@pytest.mark.parametrize(("value", "budget", "took"), [(2.5, 10.0, 2.5), (20.0, 10.0, 10.0)])
async def test_latency_comes_before_the_connector_and_never_beyond_the_budget(
    value: float, budget: float, took: float
) -> None:
    clock = ManualClock()
    ended: list[float] = []

    async def noted(request: Request) -> Reply:
        ended.append(clock.now())
        return a_reply(request)

    start = clock.now()
    request = a_request(budget=budget)
    work = asyncio.ensure_future(  # noqa: TID251 - held by the test
        suffer([a_fault(Kind.LATENCY, value=value)], request, forward=noted, refuse=refusing(None), clock=clock)
    )
    await clock.advance(60)
    assert (await work) == a_reply(request)
    assert ended == [pytest.approx(start + took)]


async def test_an_error_is_the_provider_s_with_the_status_that_was_asked_for() -> None:
    reply = await suffered(ManualClock(), a_fault(Kind.ERROR, value=503.0))
    assert isinstance(reply, Reply)
    assert (reply.to, reply.outcome, reply.status, reply.reason) == (
        "t-1",
        Outcome.PROVIDER_ERROR,
        503,
        "provider_fault",
    )


async def test_an_error_is_in_the_contract_s_own_words_where_it_has_any() -> None:
    class Polite:
        def refuse(self, request: Request, outcome: Outcome) -> Reply:
            return Reply(request.id, outcome, 200, "status_0", b"its own words")

        async def answer(self, request: Request) -> Reply:
            return a_reply(request)

    own = refusing(Polite())(a_request(), 500)
    assert (own.status, own.body) == (200, b"its own words")
    assert refusing(Polite())(a_request(), 502).status == 502


@pytest.mark.parametrize(
    ("how", "outcome", "status", "body"),
    [
        ("unreadable", Outcome.PROVIDER_ERROR, 502, b""),
        ("truncated", Outcome.OK, 200, b'{"a"'),
        ("empty", Outcome.OK, 200, b""),
    ],
)
async def test_a_bad_reply_is_bad_in_its_way(how: str, outcome: Outcome, status: int, body: bytes) -> None:
    reply = await suffered(ManualClock(), a_fault(Kind.BAD_REPLY, how=how))
    assert isinstance(reply, Reply)
    assert (reply.outcome, reply.status, reply.body) == (outcome, status, body)


async def test_a_reply_to_another_transaction_goes_out_as_it_is() -> None:
    odd = await suffered(ManualClock(), a_fault(Kind.BAD_REPLY, how="wrong-transaction"))
    assert isinstance(odd, Odd)
    assert [reply.to for reply in odd.replies] == ["t-1-other"]


async def test_twice_is_twice_and_late_is_after_the_budget() -> None:
    twice = await suffered(ManualClock(), a_fault(Kind.DUPLICATE_REPLY))
    assert isinstance(twice, Odd)
    assert ([reply.to for reply in twice.replies], twice.late) == (["t-1", "t-1"], False)
    clock = ManualClock()
    start = clock.now()
    work = asyncio.ensure_future(  # noqa: TID251 - held by the test
        suffer([a_fault(Kind.LATE_REPLY)], a_request(budget=3.0), forward=forward, refuse=refusing(None), clock=clock)
    )
    await clock.advance(3.9)
    assert not work.done()
    await clock.advance(0.2)
    late = await work
    assert isinstance(late, Odd)
    assert (len(late.replies), late.late) == (1, True)
    assert clock.now() - start == pytest.approx(4.1)


def test_what_is_bad_keeps_the_rest_of_the_reply() -> None:
    reply = a_reply(a_request(), body=b"1234", headers={"x": "y"}, status=201)
    assert (spoilt(reply, "truncated").status, spoilt(reply, "truncated").headers) == (201, {"x": "y"})


def test_a_part_of_the_calls_is_hit_always_the_same_and_a_retry_may_escape() -> None:
    fault = a_fault(p=0.3)
    struck = [hits(fault, a_request(key=str(n)), seed=1) for n in range(4_000)]
    assert sum(struck) / len(struck) == pytest.approx(0.3, abs=0.03)
    assert struck == [hits(fault, a_request(key=str(n)), seed=1) for n in range(4_000)]
    assert struck != [hits(fault, a_request(key=str(n), attempt=2), seed=1) for n in range(4_000)]
    assert all(hits(a_fault(), a_request(key=str(n)), seed=1) for n in range(100))
    assert not hits(a_fault(when="POST *"), a_request(operation="GET /x"), seed=1)


def test_a_process_knows_what_each_teller_told_last() -> None:
    known = Faults(seed=1)
    request = a_request(service="svc")
    assert list(known.on(request, 150.0)) == []
    known.tell("gw1", [a_fault(id="a"), a_fault(id="b", service="other")], now=150.0)
    known.tell("gw2", [a_fault(Kind.LATENCY, id="c")], now=150.0)
    assert [fault.id for fault in known.on(request, 150.0)] == ["a", "c"]
    assert sorted(fault.id for fault in known.active(150.0)) == ["a", "b", "c"]
    known.tell("gw1", [], now=151.0)
    assert [fault.id for fault in known.active(151.0)] == ["c"]


def test_a_fault_ends_by_itself_and_with_who_told_of_it() -> None:
    known = Faults(seed=1)
    request = a_request(service="svc")
    known.tell("gw1", [a_fault()], now=190.0)
    assert len(known.on(request, 199.9)) == 1
    assert len(known.on(request, 200.0)) == 0
    known.tell("gw1", [a_fault(end=1_000.0)], now=300.0)
    known.tend(315.0)
    assert len(list(known.active(315.0))) == 1
    known.tend(315.1)
    assert list(known.active(315.1)) == []


def test_what_hits_a_service_as_a_whole_hits_no_single_call() -> None:
    known = Faults(seed=1)
    known.tell("gw1", [a_fault(Kind.STOP_CONSUMING), a_fault(Kind.SLOW_CONSUMER, id="f2")], now=150.0)
    assert list(known.on(a_request(service="svc"), 150.0)) == []
    assert known.whole("svc", 150.0).keys() == {Kind.STOP_CONSUMING, Kind.SLOW_CONSUMER}
    assert known.whole("svc", 200.0) == {}
    assert known.whole("other", 150.0) == {}
