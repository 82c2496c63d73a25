import asyncio

import pytest
from builders import a_reply, a_request
from hypothesis import given
from hypothesis import strategies as st

from lgsp.bus.waiting import BUCKET, Arrival, Waiting
from lgsp.errors import BusUnavailable, TimedOut


async def test_a_reply_finds_its_waiter_once() -> None:
    waiting = Waiting()
    request = a_request()
    slot = waiting.expect(request.id, "svc", due=5.0)
    reply = a_reply(request)
    assert waiting.resolve(reply) == (Arrival.AWAITED, slot)
    assert await slot.future is reply
    assert waiting.resolve(reply)[0] is Arrival.DUPLICATE
    assert len(waiting) == 0


async def test_a_reply_after_the_deadline_is_late() -> None:
    waiting = Waiting()
    request = a_request()
    slot = waiting.expect(request.id, "svc", due=5.0)
    waiting.sweep(5.0 + 2 * BUCKET)
    with pytest.raises(TimedOut, match="svc did not answer"):
        await slot.future
    assert waiting.resolve(a_reply(request))[0] is Arrival.LATE


@given(st.lists(st.floats(0.0, 100.0), max_size=30), st.lists(st.floats(0.0, 110.0), max_size=30))
async def test_every_wait_ends_at_its_own_deadline_and_no_earlier(dues: list[float], sweeps: list[float]) -> None:
    waiting = Waiting()
    slots = [waiting.expect(str(number), "svc", due) for number, due in enumerate(dues)]
    for now in sorted(sweeps):
        waiting.sweep(now)
        for slot in slots:
            if slot.future.done():
                assert slot.due <= now
            else:
                assert now <= slot.due + BUCKET
    for slot in slots:
        if not slot.future.done():
            slot.future.cancel()


async def test_a_cancelled_waiter_leaves_its_slot_for_another() -> None:
    waiting = Waiting()
    request = a_request()
    slot = waiting.expect(request.id, "svc", due=5.0)
    slot.future.cancel()
    future = waiting.resume(request.id)
    assert future is not None
    waiting.resolve(a_reply(request))
    assert (await future).to == request.id
    assert waiting.resume(request.id) is None


async def test_failing_all_ends_every_wait() -> None:
    waiting = Waiting()
    slots = [waiting.expect(str(number), "svc", due=5.0) for number in range(3)]
    waiting.fail("1", TimedOut("budget_spent"))
    waiting.fail_all(BusUnavailable("shutting_down"))
    ended = await asyncio.gather(*(slot.future for slot in slots), return_exceptions=True)
    assert [type(error) for error in ended] == [BusUnavailable, TimedOut, BusUnavailable]
