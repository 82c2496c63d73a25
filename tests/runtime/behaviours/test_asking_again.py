"""Asking a real provider again: what may be, when, and when nobody is asked for a while."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from providers import FIRST_PAUSE, GET, POST, PUT, RUNNING, Handler, fine, raw, silent, stage, status, turns

from lgsp.errors import Unreachable
from lgsp.model import Outcome, Reply
from lgsp.runtime.behaviours.upstream import wait_before


@given(st.integers(1, 5), st.floats(0, 10), st.floats(0, 1))
def test_waits_double_with_chance_in_them_and_fit_into_what_is_left(retry: int, left: float, u: float) -> None:
    wait = wait_before(retry, left=left, u=u)
    whole = 0.1 * 2 ** (retry - 1)
    assert wait is None or (whole / 2 <= wait <= whole and wait < left)
    assert (wait is None) == (whole * (0.5 + u / 2) >= left)


@pytest.mark.parametrize(
    ("name", "idempotent", "answer", "asked"),
    [
        (GET, True, status(503), 3),
        (GET, True, status(502), 3),
        (GET, True, status(504), 3),
        (GET, True, raw(b""), 3),
        (GET, True, status(500), 1),
        (GET, True, status(404), 1),
        (GET, True, raw(b"no HTTP\r\n\r\n"), 1),
        (GET, True, status(503, headers={"Retry-After": "9"}), 1),
        (POST, True, status(503), 3),
        (POST, False, status(503), 1),
        (POST, False, raw(b""), 1),
        (PUT, False, raw(b""), 1),
    ],
)
async def test_only_what_may_be_repeated_is_asked_again(
    name: str, answer: Handler, asked: int, *, idempotent: bool
) -> None:
    async with stage(answer, retries=2) as made:
        await made.ask(name, idempotent=idempotent)
        assert len(made.came) == asked
        assert len(made.clock.slept) == asked - 1


async def test_a_put_that_may_not_be_repeated_goes_out_once_even_where_a_kept_connection_died() -> None:
    async with stage(turns(fine, fine, raw(b"")), retries=2) as made:
        for _ in range(2):
            assert (await made.ask(PUT, idempotent=False)).outcome is Outcome.OK
        assert (await made.ask(PUT, idempotent=False)).outcome is Outcome.PROVIDER_ERROR
        assert len(made.came) == 3


async def test_a_second_attempt_that_is_well_is_the_answer() -> None:
    async with stage(turns(status(503), fine), retries=1) as made:
        assert (await made.ask()).outcome is Outcome.OK
        assert made.noted.attempts == [Outcome.PROVIDER_ERROR, Outcome.OK]


async def test_no_attempt_begins_that_the_budget_has_no_room_for() -> None:
    async with stage(status(503), retries=5) as made:
        reply = await made.ask(budget=0.3)
        assert reply.status == 503
        assert sum(made.clock.slept) < 0.3
        assert len(made.came) == len(made.clock.slept) + 1 < 5


async def test_the_breaker_opens_answers_for_the_provider_and_closes_by_itself() -> None:
    async with stage(turns(*[status(500)] * RUNNING, status(500), fine)) as made:
        for _ in range(RUNNING):
            await made.ask()
        with pytest.raises(Unreachable) as caught:
            await made.ask()
        assert caught.value.reason == "suspended"
        assert len(made.came) == RUNNING
        await made.clock.advance(FIRST_PAUSE)
        assert (await made.ask()).status == 500  # the probe fails: twice the pause
        await made.clock.advance(FIRST_PAUSE)
        with pytest.raises(Unreachable):
            await made.ask()
        await made.clock.advance(FIRST_PAUSE)
        assert [(await made.ask()).outcome for _ in range(3)] == [Outcome.OK] * 3
        assert made.noted.circuits == [True, False]


async def test_a_breaker_that_opens_between_attempts_ends_them() -> None:
    async with stage(status(503), retries=5) as made:
        assert [(await made.ask()).status for _ in range(1)] == [503]
        assert len(made.came) == RUNNING


async def test_half_open_lets_one_through_and_the_others_not() -> None:
    go = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await go.wait()
        return await fine(request)

    async with stage(turns(*[status(500)] * RUNNING, slow)) as made:
        for _ in range(RUNNING):
            await made.ask()
        await made.clock.advance(FIRST_PAUSE)
        results: list[Reply | BaseException] = []

        async def one() -> None:
            try:
                results.append(await made.ask())
            except Unreachable as error:
                results.append(error)
                if len(results) == 9:
                    go.set()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(10):
                tasks.create_task(one())
        assert Counter(type(result).__name__ for result in results) == {"Unreachable": 9, "Reply": 1}
        assert len(made.came) == RUNNING + 1


async def test_a_probe_whose_caller_goes_away_does_not_keep_the_breaker_open() -> None:
    arrived = asyncio.Event()

    async def noted(request: web.Request) -> web.StreamResponse:
        arrived.set()
        return await silent(request)

    async with stage(turns(*[status(500)] * RUNNING, noted, fine)) as made:
        for _ in range(RUNNING):
            await made.ask()
        await made.clock.advance(FIRST_PAUSE)
        async with asyncio.TaskGroup() as tasks:
            probe = tasks.create_task(made.ask())
            await arrived.wait()
            probe.cancel()
        assert (await made.ask()).outcome is Outcome.OK


async def test_the_same_service_keeps_its_breaker_and_another_address_begins_anew() -> None:
    async with stage(status(500)) as made:
        for _ in range(RUNNING):
            await made.ask()
        with pytest.raises(Unreachable):
            await made.ask()
        made.upstream = made.upstream.model_copy(update={"url": made.upstream.url + "/v2"})
        assert (await made.ask()).status == 500
