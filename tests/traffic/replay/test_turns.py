from __future__ import annotations

import asyncio

import pytest

from lgsp.capture.record import Asked, Record
from lgsp.traffic.replay.place import Said
from lgsp.traffic.replay.turns import Queue, parse_turns

RECORD = Record(t=0, consumer="desk", service="", tx="t1", request=Asked("GET", "/"))
SAID = Said((("X-Case", "7"),), b'{"id":"H47"}', "/a")


@pytest.mark.parametrize(
    ("text", "turn"),
    [
        ("none", None),
        ("global", ""),
        ("key:consumer", "desk"),
        ("key:service", None),
        ("key:tx", "t1"),
        ("key:header:x-case", "7"),
        ("key:$.id", "H47"),
        ("key:$.none", None),
    ],
)
def test_what_calls_have_in_common_is_their_turn(text: str, turn: str | None) -> None:
    assert parse_turns(text).of(RECORD, SAID) == turn


@pytest.mark.parametrize("text", ["", "all", "key", "key:", "key:outcome", "global:x"])
def test_what_is_no_order_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no (order|place): write"):
        parse_turns(text)


async def test_calls_of_one_turn_go_one_after_the_other_and_the_rest_goes_by() -> None:
    queue, log = Queue(), list[str]()
    gates = {name: asyncio.Event() for name in ("a1", "a2", "b1", "x")}

    async def call(name: str, turn: str | None) -> None:
        async with queue.turn(turn):
            log.append(f"+{name}")
            await gates[name].wait()
            log.append(f"-{name}")

    async with asyncio.TaskGroup() as tasks:
        for name, turn in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("x", None)):
            tasks.create_task(call(name, turn))
        await asyncio.sleep(0)
        assert log == ["+a1", "+b1", "+x"]
        for name in ("x", "b1", "a1", "a2"):
            gates[name].set()
    assert log.index("-a1") < log.index("+a2")
    assert repr(queue) == "<Queue of 0 turns>"


async def test_a_call_that_fails_lets_the_next_one_go() -> None:
    queue = Queue()
    with pytest.raises(KeyError):
        async with queue.turn("a"):
            raise KeyError
    async with asyncio.timeout(1), queue.turn("a"):
        pass
