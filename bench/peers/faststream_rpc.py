"""Request and reply over RabbitMQ with FastStream."""

from __future__ import annotations

import asyncio
import sys

from closed_loop import BODY, measure
from faststream.rabbit import RabbitBroker, RabbitQueue


async def main(mode: str, port: str, vhost: str, queue: str, *load: str) -> None:
    """`serve` until killed, or `ask` with so many in flight for so many seconds."""
    broker = RabbitBroker(f"amqp://bench:bench@127.0.0.1:{port}/{vhost}", logger=None)
    if mode == "serve":

        @broker.subscriber(RabbitQueue(queue, auto_delete=True))
        async def echo(body: str) -> str:
            return body

        await broker.start()
        print("ready", flush=True)
        await asyncio.Future()
    text = BODY.decode()
    async with broker:
        await measure(lambda: broker.request(text, queue, timeout=30), int(load[0]), float(load[1]))


asyncio.run(main(*sys.argv[1:]))
