"""The gateway that people write: an aiohttp application in front of aio-pika's RPC."""

from __future__ import annotations

import asyncio
import sys

import aio_pika
import uvloop
from aio_pika.patterns import JsonRPC  # noqa: TID251 - the peer that is measured; its JSON form unpickles nothing
from aiohttp import web


async def main(url: str, port: int) -> None:
    """Listen until the input closes."""
    connection = await aio_pika.connect_robust(url)
    async with connection:
        rpc = await JsonRPC.create(await connection.channel())

        async def handle(request: web.Request) -> web.Response:
            answer = await rpc.call(request.match_info["service"], kwargs={"request": await request.json()})
            return web.json_response(answer)

        app = web.Application()
        app.router.add_post("/{service}/echo", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await runner.cleanup()


if __name__ == "__main__":
    (uvloop if sys.argv[3] == "uvloop" else asyncio).run(main(sys.argv[1], int(sys.argv[2])))
