from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from builders import a_reply, a_request, an_operation

from lgsp.catalogue.service import Example, ExampleReply, ExampleRequest
from lgsp.clock import ManualClock
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours.forced import ForcedBehaviour

ASKED = ExampleRequest(path="/x")
FOUND = Example(name="found", request=ASKED, reply=ExampleReply(body={"tên": "An"}))
NOBODY = Example(
    name="nobody", request=ASKED, reply=ExampleReply(outcome=Outcome.BUSINESS_FAULT, status=200, body="<a>không</a>")
)
OPERATION = an_operation(examples=(FOUND, NOBODY))


class InItsOwnWords:
    async def answer(self, request: Request) -> Reply:
        return a_reply(request)

    def refuse(self, request: Request, outcome: Outcome) -> Reply:
        return a_reply(request, outcome=outcome, status=418, reason="own", body=f"own words: {outcome}".encode())


async def never(request: Request) -> Reply:
    raise AssertionError(f"{request.id} went on")


def forced(connector: object = None) -> ForcedBehaviour:
    return ForcedBehaviour(OPERATION, connector, ManualClock())


async def test_a_request_that_nobody_forces_goes_on_as_it_is() -> None:
    request = a_request()
    asked = []

    async def answer(one: Request) -> Reply:
        asked.append(one)
        return a_reply(one, reason="its own")

    reply = await forced()(request, answer)
    assert asked == [request]
    assert reply.reason == "its own"


@pytest.mark.parametrize(
    ("outcome", "status", "body"),
    [
        (Outcome.BUSINESS_FAULT, 200, "<a>không</a>"),
        (Outcome.REJECTED, 418, "own words: rejected"),
        (Outcome.PROVIDER_ERROR, 418, "own words: provider_error"),
        (Outcome.TIMEOUT, 504, ""),
        (Outcome.UNREACHABLE, 503, ""),
        (Outcome.BUS_ERROR, 503, ""),
    ],
)
async def test_every_outcome_comes_in_the_contracts_own_words_where_there_are_any(
    outcome: Outcome, status: int, body: str
) -> None:
    request = a_request(force=f"outcome={outcome}")
    reply = await forced(InItsOwnWords())(request, never)
    assert (reply.to, reply.outcome, reply.status, reply.reason) == (request.id, outcome, status, "forced")
    assert reply.body.decode() == body


async def test_xml_is_sent_as_xml() -> None:
    reply = await forced()(a_request(force="outcome=business_fault"), never)
    assert reply.headers["content-type"] == "text/xml; charset=utf-8"


async def test_ok_is_what_the_connector_says_without_chance() -> None:
    request = a_request(force="outcome=ok")
    asked: list[Request] = []

    async def answer(one: Request) -> Reply:
        asked.append(one)
        return a_reply(one)

    reply = await forced()(request, answer)
    assert asked == [replace(request, force="", calm=True)]
    assert (reply.outcome, reply.body, reply.reason) == (Outcome.OK, b"answer", "forced")


async def test_ok_is_the_operations_example_where_the_connector_says_something_else() -> None:
    async def answer(request: Request) -> Reply:
        return a_reply(request, outcome=Outcome.BUSINESS_FAULT)

    reply = await forced()(a_request(force="outcome=ok"), answer)
    assert (reply.outcome, reply.status, reply.reason) == (Outcome.OK, 200, "forced")
    assert json.loads(reply.body) == {"tên": "An"}


@pytest.mark.parametrize(("delay", "budget", "waits"), [("2s", 30.0, 2.0), ("40s", 30.0, 30.0)])
async def test_it_waits_as_long_as_was_asked_for_and_never_past_the_budget(
    delay: str, budget: float, waits: float
) -> None:
    clock = ManualClock()
    request = a_request(force=f"outcome=timeout, delay={delay}", budget=budget)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(ForcedBehaviour(OPERATION, None, clock)(request, never))
        await clock.advance(waits - 0.001)
        assert not task.done()
        await clock.advance(0.001)
    assert task.result().outcome is Outcome.TIMEOUT
