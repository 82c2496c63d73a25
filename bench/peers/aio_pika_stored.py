"""Store-and-forward as people write it with aio-pika, on lgsp's own exchanges and queues, on uvloop.

Persistent and confirmed on both ways; a message is acknowledged when what it gives rise to is confirmed.
"""

from __future__ import annotations

import asyncio
from itertools import count

import aio_pika
import uvloop
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from bench.peers.asking import Arguments, arguments, obey, until_told
from bench.peers.payload import REPLY, REQUEST
from lgsp.bus import topology


def persistent(body: bytes, correlation: str, reply_to: str = "") -> aio_pika.Message:
    """A message that survives its broker."""
    return aio_pika.Message(
        body,
        correlation_id=correlation,
        reply_to=reply_to or None,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


async def answer_on(channel: AbstractChannel, given: Arguments) -> None:
    """Answer from every service's queue."""
    results = await channel.get_exchange(topology.RESULT)

    async def answer(message: AbstractIncomingMessage) -> None:
        result = persistent(REPLY, message.correlation_id or "")
        await results.publish(result, routing_key=message.reply_to or "")
        await message.ack()

    for service in given.services:
        queue = await channel.get_queue(topology.async_queue(service))
        await queue.consume(answer)
    await until_told()


async def ask_on(channel: AbstractChannel, given: Arguments) -> None:
    """Obey orders: publish, and wait for the result."""
    requests = await channel.get_exchange(topology.ASYNC)
    queue = await channel.declare_queue(
        topology.result_queue(given.name), durable=True, arguments={"x-queue-type": "quorum"}
    )
    await queue.bind(topology.RESULT, given.name)
    numbers = count()
    waiting: dict[str, asyncio.Future[bytes]] = {}

    async def take(message: AbstractIncomingMessage) -> None:
        waiter = waiting.get(message.correlation_id or "")
        if waiter is not None and not waiter.done():
            waiter.set_result(message.body)
        await message.ack()

    async def ask(turn: int) -> None:
        number = str(next(numbers))
        waiter = waiting[number] = asyncio.get_running_loop().create_future()
        service = given.services[turn % len(given.services)]
        try:
            await requests.publish(persistent(REQUEST, number, given.name), routing_key=service)
            body = await asyncio.wait_for(waiter, 30)
        finally:
            del waiting[number]
        if len(body) != len(REPLY):
            raise ValueError(f"a result of {len(body)} bytes")

    await queue.consume(take)
    await obey(ask)


async def main(given: Arguments) -> None:
    """`ask` or `answer`."""
    connection = await aio_pika.connect_robust(given.url)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.set_qos(prefetch_count=256)
        await (answer_on if given.role == "answer" else ask_on)(channel, given)


if __name__ == "__main__":
    uvloop.run(main(arguments()))
