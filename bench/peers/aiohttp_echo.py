"""An HTTP echo on aiohttp and uvloop: the ceiling of any gateway that is built on aiohttp."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web


async def echo(request: web.Request) -> web.Response:
    """Give back the body."""
    return web.Response(body=await request.read(), content_type="application/json")


async def serve(port: int) -> None:
    """Serve on loopback until killed."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Future()


uvloop.run(serve(int(sys.argv[1])))
