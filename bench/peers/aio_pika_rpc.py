"""Request and reply over RabbitMQ with aio-pika's own RPC pattern (JSON, not pickle)."""

from __future__ import annotations

import asyncio
import sys

import aio_pika
from aio_pika.patterns import JsonRPC
from closed_loop import BODY, measure


async def echo(*, body: str) -> str:
    """The provider: gives back what it got."""
    return body


async def main(mode: str, port: str, vhost: str, queue: str, *load: str) -> None:
    """`serve` until killed, or `ask` with so many in flight for so many seconds."""
    connection = await aio_pika.connect_robust(f"amqp://bench:bench@127.0.0.1:{port}/{vhost}")
    async with connection:
        rpc = await JsonRPC.create(await connection.channel())
        if mode == "serve":
            await rpc.channel.set_qos(prefetch_count=512)
            await rpc.register(queue, echo, auto_delete=True)
            print("ready", flush=True)
            await asyncio.Future()
        text = BODY.decode()
        await measure(lambda: rpc.call(queue, {"body": text}), int(load[0]), float(load[1]))


asyncio.run(main(*sys.argv[1:]))
