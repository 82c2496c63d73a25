"""aio-pika's own RPC in its JSON form, as it comes (or on uvloop)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import aio_pika
import uvloop
from aio_pika.patterns import JsonRPC  # noqa: TID251 - the peer that is measured; its JSON form unpickles nothing

from bench.peers.asking import Arguments, arguments, obey, until_told
from bench.peers.payload import REPLY, REQUEST

QUESTION = json.loads(REQUEST)
ANSWER = json.loads(REPLY)


def an_echo() -> Callable[..., Awaitable[object]]:
    """The answer of a provider that needs no time; a function of its own for each service, as the RPC wants it."""

    async def echo(*, request: object) -> object:
        return ANSWER if request else None

    return echo


async def main(given: Arguments) -> None:
    """`ask` or `answer`."""
    connection = await aio_pika.connect_robust(given.url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=256)
        rpc = await JsonRPC.create(channel)
        if given.role == "answer":
            for service in given.services:
                await rpc.register(service, an_echo(), auto_delete=True)
            await until_told()
            return

        async def ask(turn: int) -> None:
            service = given.services[turn % len(given.services)]
            if await rpc.call(service, kwargs={"request": QUESTION}) != ANSWER:
                raise ValueError("another answer")

        await obey(ask)


if __name__ == "__main__":
    told = arguments()
    (uvloop if told.mode == "uvloop" else asyncio).run(main(told))
