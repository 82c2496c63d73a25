"""What the way of stored messages decides by itself; the way is held by tests/contract/test_bus.py on every bus."""

from __future__ import annotations

import asyncio

import pytest

from lgsp.bus.message import Message
from lgsp.bus.stored import Sent, _notice
from lgsp.errors import BusUnavailable
from lgsp.model import Outcome


@pytest.mark.parametrize(
    ("why", "outcome", "reason"),
    [
        ("expired", Outcome.TIMEOUT, "max_age"),
        ("delivery_limit", Outcome.PROVIDER_ERROR, "poison"),
        ("rejected", Outcome.PROVIDER_ERROR, "poison"),
    ],
)
def test_a_message_that_the_broker_gave_up_has_its_outcome(why: str, outcome: Outcome, reason: str) -> None:
    message = Message(correlation_id="t", headers={"x-first-death-reason": why})
    reply = _notice(message)
    assert reply is not None
    assert (reply.to, reply.outcome, reply.reason) == ("t", outcome, reason)


def test_a_result_is_no_notice() -> None:
    assert _notice(Message(correlation_id="t", headers={})) is None


async def test_a_confirm_counts_once_whatever_comes_after() -> None:
    taken = Sent("t", "svc", 1.0, asyncio.get_running_loop().create_future())
    taken.settle(None)
    taken.settle(BusUnavailable("bus_unavailable"))
    assert (await taken.future).to == "t"
    refused = Sent("t", "svc", 1.0, asyncio.get_running_loop().create_future())
    refused.settle(BusUnavailable("overloaded"))
    refused.settle(None)
    with pytest.raises(BusUnavailable, match="overloaded"):
        await refused.future
