"""The connection: where the lane is attached, where it cannot be, and over what."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import aiormq
import pytest
import uvloop
from builders import a_reply, a_request
from conftest import Broker
from structlog.testing import capture_logs

from lgsp.bus.rabbitmq import RabbitBus
from lgsp.bus.topology import sync_queue
from lgsp.clock import SystemClock
from lgsp.errors import BusUnavailable
from lgsp.model import Reply, Request


async def echo(request: Request) -> Reply:
    return a_reply(request, body=request.body)


async def test_an_amqps_address_is_spoken_to_in_tls_and_hears_no_password() -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(65_536))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BusUnavailable, match="no broker answers"):
            await RabbitBus(f"amqps://user:geheim@127.0.0.1:{port}/lgsp", "gw", SystemClock()).__aenter__()
    assert heard
    assert all(first.startswith(b"\x16\x03") for first in heard), "a TLS hello, whole, and nothing else"
    assert not any(b"geheim" in first or b"AMQP" in first for first in heard)


async def exchanged(url: str, service: str, gateway: str) -> tuple[str, int]:
    """How the bus of a gateway shows itself, and how many of some requests of all sizes came back as they were."""
    clock = SystemClock()
    async with RabbitBus(url, gateway, clock) as asking, RabbitBus(url, "conn", clock, asks=False) as serving:
        await serving.serve(service, echo)
        bodies = [b"x" * size for size in (0, 1, 1_000, 131_064, 131_065, 1_000_000) for _ in range(5)]
        replies = await asyncio.gather(
            *(asking.request(a_request(service=service, body=body), timeout=15) for body in bodies)
        )
        return repr(asking), sum(reply.body == body for reply, body in zip(replies, bodies, strict=True))


@pytest.mark.real
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_the_lane_runs_on_both_loops(
    broker: Broker, unique: Callable[[str], str], loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    service = unique("loop")
    broker.provision(service)
    with asyncio.Runner(loop_factory=loop) as runner:
        shown, right = runner.run(exchanged(broker.url, service, unique("gw")))
    assert ("hot" in shown, right) == (True, 30)


@pytest.mark.real
async def test_another_aiormq_means_the_plain_way_and_one_line_that_says_so(
    broker: Broker, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = aiormq.Connection.__init__

    def without_our_place(self: aiormq.Connection, *args: object, **kwargs: object) -> None:
        kwargs.pop("transport_factory", None)
        original(self, *args, **kwargs)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(aiormq.Connection, "__init__", without_our_place)
    service = unique("plain")
    broker.provision(service)
    with capture_logs() as logs:
        shown, right = await exchanged(broker.url, service, unique("gw"))
    assert ("plain" in shown, right) == (True, 30)
    assert [(log["event"], log["log_level"]) for log in logs] == [("fast lane not attached", "warning")] * 2, (
        "one a bus"
    )


@pytest.mark.real
async def test_looking_at_a_queue_leaves_nothing_behind(broker: Broker, unique: Callable[[str], str]) -> None:
    service = unique("looked")
    broker.provision(service)

    def futures() -> int:
        gc.collect()
        return sum(isinstance(each, asyncio.Future) for each in gc.get_objects())

    async with RabbitBus(broker.url, "conn", SystemClock(), asks=False) as bus:
        await bus.serve(service, echo)
        assert await bus._link.consumers(sync_queue(service)) == 1
        before = futures()
        for _ in range(20):
            assert await bus._link.consumers(sync_queue(service)) == 1
            assert await bus._link.consumers("q.sync.nobody") is None
        assert futures() < before + 10
