"""HTTP to HTTP through RabbitMQ the usual way: aiohttp in front of aio-pika's RPC pattern, on uvloop."""

from __future__ import annotations

import asyncio
import sys

import aio_pika
import uvloop
from aio_pika.patterns import JsonRPC
from aiohttp import web


async def serve(port: int, amqp: str, vhost: str, queue: str) -> None:
    """A gateway on loopback; `aio_pika_rpc.py serve` answers behind it."""
    connection = await aio_pika.connect_robust(f"amqp://bench:bench@127.0.0.1:{amqp}/{vhost}")
    rpc = await JsonRPC.create(await connection.channel())

    async def call(request: web.Request) -> web.Response:
        answer = await rpc.call(queue, {"body": (await request.read()).decode()})
        return web.Response(text=answer, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", call)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Future()


uvloop.run(serve(int(sys.argv[1]), *sys.argv[2:5]))
