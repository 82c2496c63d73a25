"""A process consumes from the queues that are there, once each, and notices where the broker has forgotten it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import aiormq
import pytest

from lgsp.bus.base import Answer
from lgsp.bus.channel import Delivery
from lgsp.bus.consuming import Consuming
from lgsp.bus.link import Link

ANSWER = cast("Answer", object())


class Broker:
    """A link and its channel: the queues that are there, and how many consume from each."""

    def __init__(self, *queues: str) -> None:
        self.consuming = dict.fromkeys(queues, 0)
        self.ours: dict[str, Callable[[Any], None]] = {}
        self.opened: list[tuple[bool, int]] = []
        self.is_open = True
        self.is_gone = False

    async def channel(self, _owner: object, *, confirms: bool, prefetch: int) -> Broker:
        self.opened.append((confirms, prefetch))
        self.is_open, self.ours = True, {}
        return self

    async def consumers(self, queue: str) -> int | None:
        return self.consuming.get(queue)

    def consumes(self, queue: str) -> bool:
        return queue in self.ours

    async def consume(self, queue: str, deliver: Callable[[Any], None]) -> None:
        self.ours[queue] = deliver
        self.consuming[queue] += 1

    async def cancel(self, queue: str | None = None) -> None:
        if self.is_gone:
            raise aiormq.exceptions.ChannelInvalidStateError
        for each in [queue] if queue else list(self.ours):
            del self.ours[each]


class Taking(Consuming):
    def __init__(self, broker: Broker) -> None:
        super().__init__(cast("Link", broker), cast("Any", None), "q.{}".format, prefetch=7, confirms=True)
        self.came: list[tuple[str, Any, Any]] = []

    def _arrived(self, service: str, answer: Answer, delivery: Delivery) -> None:
        self.came.append((service, answer, delivery))


async def test_every_queue_that_is_there_is_consumed_from_once() -> None:
    broker = Broker("q.a", "q.b")
    taking = Taking(broker)
    assert taking.missing(["a", "b", "c"]) == ["a", "b", "c"]
    for _again in range(2):
        await taking.restore({"a": ANSWER, "b": ANSWER, "c": ANSWER})
    assert (broker.opened, broker.consuming) == ([(True, 7)], {"q.a": 1, "q.b": 1})
    assert taking.missing(["a", "b", "c"]) == ["c"]
    broker.ours["q.b"]("a delivery")
    assert taking.came == [("b", ANSWER, "a delivery")]


async def test_where_nothing_is_served_no_channel_is_opened() -> None:
    broker = Broker("q.a")
    await Taking(broker).restore({})
    assert broker.opened == []


async def test_what_the_broker_forgot_is_consumed_from_again() -> None:
    broker = Broker("q.a", "q.b")
    taking = Taking(broker)
    await taking.restore({"a": ANSWER, "b": ANSWER})
    broker.consuming["q.a"] = 0
    await taking.look({"a": ANSWER, "b": ANSWER})
    assert broker.consuming == {"q.a": 1, "q.b": 1}
    assert taking.missing(["a", "b"]) == []


async def test_a_service_that_leaves_is_taken_from_no_more() -> None:
    broker = Broker("q.a", "q.b")
    taking = Taking(broker)
    await taking.restore({"a": ANSWER, "b": ANSWER})
    await taking.leave("a")
    assert taking.missing(["a", "b"]) == ["a"]
    await taking.stop()
    assert taking.missing(["a", "b"]) == ["a", "b"]


async def test_after_a_loss_everything_is_consumed_from_on_a_new_channel() -> None:
    broker = Broker("q.a")
    taking = Taking(broker)
    await taking.restore({"a": ANSWER})
    taking.lost()
    assert taking.missing(["a"]) == ["a"]
    await taking.restore({"a": ANSWER})
    assert (len(broker.opened), taking.missing(["a"])) == (2, [])


@pytest.mark.parametrize("leave", [lambda taking: taking.leave("a"), lambda taking: taking.stop()])
async def test_a_connection_that_goes_while_it_leaves_is_no_mistake(leave: Callable[[Taking], Any]) -> None:
    broker = Broker("q.a")
    taking = Taking(broker)
    await taking.restore({"a": ANSWER})
    broker.is_gone = True
    await leave(taking)
    assert broker.ours.keys() == {"q.a"}, "nothing was cancelled, and nothing raised"
