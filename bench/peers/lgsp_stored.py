"""lgsp's own store-and-forward over the bus: persistent and confirmed on both ways, without gateway, outbox and ledger."""

from __future__ import annotations

import asyncio
from itertools import count

import uvloop

from bench.peers.asking import Arguments, arguments, obey, until_told
from bench.peers.lgsp_bus import CLOCK, JSON, echo
from bench.peers.payload import REPLY, REQUEST
from lgsp.app.process import spare_the_collector
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.chance import uuid7
from lgsp.model import Reply, Request


async def ask_on(bus: RabbitBus, given: Arguments) -> None:
    """Obey orders on a bus: submit, and wait for the result."""
    numbers = count()
    waiting: dict[str, asyncio.Future[Reply]] = {}

    async def take(reply: Reply, _: int) -> bool:
        waiter = waiting.get(reply.to)
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)
        return True

    async def ask(turn: int) -> None:
        transaction = uuid7(int(CLOCK.now() * 1_000), next(numbers))
        service = given.services[turn % len(given.services)]
        request = Request(
            transaction, service, "POST /echo", "/echo", consumer="bench", key=transaction, body=REQUEST, headers=JSON
        )
        waiter = waiting[transaction] = asyncio.get_running_loop().create_future()
        try:
            await bus.submit(request, publish=1, age=3_600)
            reply = await asyncio.wait_for(waiter, 30)
        finally:
            del waiting[transaction]
        if len(reply.body) != len(REPLY):
            raise ValueError(f"a result of {len(reply.body)} bytes")

    await bus.collect(take)
    await obey(ask)


async def main() -> None:
    """`ask` or `answer`."""
    given = arguments()
    if given.role == "ask":
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
