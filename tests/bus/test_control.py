from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from lgsp.bus.control import MemoryControl, RabbitControl
from lgsp.errors import BusUnavailable

if TYPE_CHECKING:
    from conftest import Broker


async def test_everybody_in_the_process_hears_an_order() -> None:
    control = MemoryControl()
    heard: list[tuple[int, bytes]] = []
    await control.tell(b"nobody hears")
    for number in (1, 2):
        await control.hear(lambda order, number=number: heard.append((number, order)))  # type: ignore[misc]  # a default
    await control.tell(b"order")
    assert heard == [(1, b"order"), (2, b"order")]


@pytest.mark.real
async def test_every_process_on_the_broker_hears_an_order(broker: Broker, unique: Callable[[str], str]) -> None:
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    async with (
        RabbitControl(broker.url, unique("teller")) as teller,
        RabbitControl(broker.url, unique("first")) as first,
        RabbitControl(broker.url, unique("second")) as second,
    ):
        await first.hear(lambda order: heard.put_nowait(("first", order)))
        await second.hear(lambda order: heard.put_nowait(("second", order)))
        await teller.tell(b"order")
        async with asyncio.timeout(5):
            assert {await heard.get(), await heard.get()} == {("first", b"order"), ("second", b"order")}


@pytest.mark.real
async def test_the_queue_goes_with_its_process(broker: Broker, unique: Callable[[str], str]) -> None:
    name = unique("short")
    async with RabbitControl(broker.url, name) as short:
        await short.hear(lambda _: None)
        assert f"q.control.{name}" in broker.node.command("list_queues", "-q", "-p", "lgsp", "name")
    assert f"q.control.{name}" not in broker.node.command("list_queues", "-q", "-p", "lgsp", "name")


@pytest.mark.real
async def test_without_a_broker_it_says_so_without_the_password() -> None:
    with pytest.raises(BusUnavailable, match="no orders can be heard") as caught:
        await RabbitControl("amqp://user:secret-word@127.0.0.1:1/lgsp", "x").__aenter__()
    assert "secret-word" not in str(caught.value)
