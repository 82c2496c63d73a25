"""FastStream's `broker.request`, as it comes; in an environment of its own."""

from __future__ import annotations

import asyncio
import json

from faststream.rabbit import RabbitBroker, RabbitQueue  # type: ignore[import-not-found]  # not in our environment

from bench.peers.asking import Arguments, arguments, obey, until_told
from bench.peers.payload import REPLY, REQUEST

QUESTION = json.loads(REQUEST)
ANSWER = json.loads(REPLY)


async def echo(body: dict[str, object]) -> dict[str, object]:
    """The answer of a provider that needs no time."""
    return dict(ANSWER) if body else {}


async def main(given: Arguments) -> None:
    """`ask` or `answer`."""
    broker = RabbitBroker(given.url, logger=None)
    if given.role == "answer":
        for service in given.services:
            broker.subscriber(RabbitQueue(service, auto_delete=True))(echo)
        await broker.start()
        await until_told()
        await broker.stop()
        return
    await broker.start()

    async def ask(turn: int) -> None:
        reply = await broker.request(QUESTION, given.services[turn % len(given.services)], timeout=30)
        if await reply.decode() != ANSWER:
            raise ValueError("another answer")

    await obey(ask)
    await broker.stop()


if __name__ == "__main__":
    asyncio.run(main(arguments()))
