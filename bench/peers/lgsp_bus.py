"""lgsp's own RabbitBus on both sides, everything on that it has; its connector answers at once.

The collector is spared as in the processes that lgsp starts.
"""

from __future__ import annotations

from itertools import count

import uvloop

from bench.peers.asking import Arguments, arguments, obey, until_told
from bench.peers.payload import REPLY, REQUEST
from lgsp.app.process import spare_the_collector
from lgsp.bus.base import Bus
from lgsp.bus.memory import MemoryBus
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.chance import uuid7
from lgsp.clock import SystemClock
from lgsp.model import Reply, Request

JSON = {"content-type": "application/json"}
CLOCK = SystemClock()


async def echo(request: Request) -> Reply:
    """The answer of a provider that needs no time."""
    return Reply(request.id, body=REPLY, headers=JSON)


async def ask_on(bus: Bus, given: Arguments) -> None:
    """Obey orders on a bus, each request a transaction with an id of its own."""
    numbers = count()

    async def ask(turn: int) -> None:
        transaction = uuid7(int(CLOCK.now() * 1_000), next(numbers))
        service = given.services[turn % len(given.services)]
        request = Request(
            transaction,
            service,
            "POST /echo",
            "/echo",
            consumer="bench",
            key=transaction,
            body=REQUEST,
            headers=JSON,
            calm=True,
        )
        reply = await bus.request(request, timeout=30)
        if len(reply.body) != len(REPLY):
            raise ValueError(f"a reply of {len(reply.body)} bytes")

    await obey(ask)


async def main() -> None:
    """`ask`, `answer`, or both in one process on the embedded bus."""
    given = arguments()
    if given.mode == "embedded":
        async with MemoryBus(CLOCK) as memory:
            for service in given.services:
                await memory.serve(service, echo)
            spare_the_collector()
            await ask_on(memory, given)
    elif given.role == "ask":
        async with RabbitBus(given.url, given.name, CLOCK) as bus:
            spare_the_collector()
            await ask_on(bus, given)
    else:
        async with RabbitBus(given.url, f"{given.name}-connectors", CLOCK, asks=False) as bus:
            for service in given.services:
                await bus.serve(service, echo)
            spare_the_collector()
            await until_told()


if __name__ == "__main__":
    uvloop.run(main())
