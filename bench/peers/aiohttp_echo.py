"""The ceiling of an aiohttp gateway: it reads the body and answers at once. As an application, or on the low-level server."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web

from bench.peers.payload import REPLY


async def echo(request: web.BaseRequest) -> web.Response:
    """The answer of a provider that needs no time."""
    await request.read()
    return web.Response(body=REPLY, headers={"Content-Type": "application/json"})


def runner_of(mode: str) -> web.BaseRunner:
    """`application`, as people write it, or `server`, the documented low-level one."""
    if mode == "server":
        return web.ServerRunner(web.Server(echo, access_log=None))
    app = web.Application()
    app.router.add_post("/{service}/echo", echo)
    return web.AppRunner(app, access_log=None)


async def main(port: int, mode: str) -> None:
    """Listen until the input closes."""
    runner = runner_of(mode)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
