from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from builders import a_reply, a_request, a_service, an_operation

from lgsp.bus.base import Odd
from lgsp.clock import ManualClock
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Kept, State
from lgsp.runtime.inbox import RETRY, Inbox, can_try_again
from lgsp.runtime.state import States

SERVICE = a_service("svc", an_operation("POST /x"), an_operation("GET /x"), timeout=3.0)
PROXY = SERVICE.model_copy(update={"mode": "proxy"})


def stored(**fields: object) -> Request:
    return a_request(**{"operation": "POST /x", "stored": True, "budget": 3_600.0} | fields)


@pytest.fixture
async def states() -> AsyncIterator[States]:
    async with States(ManualClock()) as made:
        yield made


class Counting:
    """Answers, and says how often it did."""

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Reply:
        self.asked.append(request)
        return a_reply(request, **self.fields)


async def test_what_was_answered_is_answered_the_same_again_without_being_done_again(states: States) -> None:
    inbox, answer, request = Inbox(states), Counting(body=b"received", status=201), stored()
    replies = [await inbox.answer(SERVICE, replace(request, redelivered=n > 0), answer) for n in range(3)]
    assert replies == [a_reply(request, body=b"received", status=201)] * 3
    assert len(answer.asked) == 1


async def test_it_has_the_services_own_time_and_not_its_whole_age(states: States) -> None:
    answer = Counting()
    await Inbox(states).answer(SERVICE, stored(), answer)
    assert answer.asked[0].budget == 3.0


async def test_two_at_once_are_one(states: States) -> None:
    inbox, begun, go_on, request = Inbox(states), [], asyncio.Event(), stored()

    async def slow(asked: Request) -> Reply:
        begun.append(asked)
        await go_on.wait()
        return a_reply(asked)

    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(inbox.answer(SERVICE, request, slow)) for _ in range(2)]
        await asyncio.sleep(0)
        go_on.set()
    assert [task.result() for task in both] == [a_reply(request)] * 2
    assert len(begun) == 1


async def test_what_may_end_better_is_asked_for_again_and_done_again(states: States) -> None:
    inbox, request = Inbox(states), stored()
    away = Counting(outcome=Outcome.UNREACHABLE, status=503, body=b"")
    first = await inbox.answer(SERVICE, request, away)
    assert isinstance(first, Reply)
    assert (first.outcome, first.reason) == (Outcome.UNREACHABLE, RETRY)
    assert await inbox.answer(SERVICE, request, Counting()) == a_reply(request)


async def test_silence_asks_for_another_try_where_that_does_no_harm(states: States) -> None:
    async def silent(_: Request) -> None:
        return None

    reasons = [
        (await Inbox(states).answer(service, stored(operation=operation), silent)).reason  # type: ignore[union-attr]  # one reply
        for service, operation in ((SERVICE, "POST /x"), (PROXY, "GET /x"), (PROXY, "POST /x"))
    ]
    assert reasons == [RETRY, RETRY, "budget_spent"]


async def test_a_real_provider_is_not_asked_twice_for_what_is_not_idempotent(states: States) -> None:
    answer = Counting()
    await Inbox(states).answer(PROXY, stored(redelivered=True), answer)
    await Inbox(states).answer(SERVICE, stored(redelivered=True), answer)
    assert [asked.redelivered for asked in answer.asked] == [True, False]


async def test_a_connector_that_breaks_leaves_nothing_behind(states: States) -> None:
    async def breaks(_: Request) -> Reply:
        raise ZeroDivisionError

    inbox, request = Inbox(states), stored()
    with pytest.raises(ZeroDivisionError):
        await inbox.answer(SERVICE, request, breaks)
    assert await inbox.answer(SERVICE, request, Counting()) == a_reply(request)


async def test_of_several_replies_the_first_is_kept(states: States) -> None:
    async def twice(request: Request) -> Odd:
        return Odd((a_reply(request, body=b"1"), a_reply(request, body=b"2")))

    inbox, request = Inbox(states), stored()
    await inbox.answer(SERVICE, request, twice)
    assert await inbox.answer(SERVICE, request, twice) == a_reply(request, body=b"1")


class Adds:
    """Counts in its state."""

    STATE: ClassVar = {"count": Kept(60)}

    @staticmethod
    def answer_with(request: Request, state: State) -> Reply:
        count = (state.get("count", "x") or 0) + 1
        state.put("count", "x", count)
        return a_reply(request, body=str(count).encode())


@pytest.mark.parametrize("shared", [False, True])
async def test_the_effect_and_the_note_of_it_are_one(shared: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    clock, file = ManualClock(), tmp_path / "state.sqlite" if shared else None
    request = stored()
    async with States(clock, file) as states:
        answer = states.answering("svc", Adds())

        async def lost(asked: Request) -> Reply:
            await answer(asked)
            raise ConnectionError  # what a connector killed after its effect leaves

        with pytest.raises(ConnectionError):
            await Inbox(states).answer(SERVICE, request, lost)
        bodies = [(await Inbox(states).answer(SERVICE, request, answer)).body for _ in range(2)]  # type: ignore[union-attr]  # one reply
        other = await Inbox(states).answer(SERVICE, stored(), answer)
    assert bodies == [b"1", b"1"]
    assert isinstance(other, Reply)
    assert other.body == b"2"


async def test_what_was_answered_outlives_the_process_and_is_forgotten_in_the_end(tmp_path: Path) -> None:
    clock, request = ManualClock(), stored()
    counting = Counting()
    for hours, times in ((0, 1), (24, 1), (49, 2)):
        async with States(clock, tmp_path / "state.sqlite") as states:
            await Inbox(states).answer(SERVICE, request, counting)
            await Inbox(states).answer(SERVICE, stored(), Counting())
        assert len(counting.asked) == times, hours
        await clock.advance(25 * 3_600.0)


@pytest.mark.parametrize(
    ("outcome", "body", "repeatable", "again"),
    [
        (Outcome.OK, b"", True, False),
        (Outcome.BUSINESS_FAULT, b"", True, False),
        (Outcome.REJECTED, b"", True, False),
        (Outcome.PROVIDER_ERROR, b"", True, True),
        (Outcome.PROVIDER_ERROR, b"in its own words", True, False),
        (Outcome.PROVIDER_ERROR, b"", False, False),
        (Outcome.TIMEOUT, b"", True, True),
        (Outcome.TIMEOUT, b"", False, False),
        (Outcome.UNREACHABLE, b"away", True, True),
        (Outcome.UNREACHABLE, b"", False, True),
        (Outcome.BUS_ERROR, b"", True, False),
        (None, b"", True, True),
        (None, b"", False, False),
    ],
)
@pytest.mark.parametrize("force", ["", "outcome=timeout"])
def test_what_may_be_tried_again(
    outcome: Outcome | None,
    body: bytes,
    repeatable: bool,  # noqa: FBT001 - a case
    again: bool,  # noqa: FBT001 - a case
    force: str,
) -> None:
    request = stored(force=force)
    reply = None if outcome is None else a_reply(request, outcome=outcome, body=body)
    assert can_try_again(request, reply, repeatable=repeatable) is (again and not force)
