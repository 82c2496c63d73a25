"""A TCP proxy between a process and the broker: as it should be, or reset, black, slow, cut into slices."""

from __future__ import annotations

import asyncio
import random
from typing import Literal, Self

Manner = Literal["through", "black", "slow", "sliced"]
_PIECE = 65_536
_SLOW_PIECE, _SLOW_WAIT = 1_024, 0.05
"""20 KB/s."""
_REACHED = 1.0


class Proxy:
    """Forwards every connection to a port of this machine; how it does can be changed at any time.

    Of several `places` each new connection begins with another one, and goes to the first that takes it.
    """

    def __init__(self, *places: tuple[str, int], seed: int = 0) -> None:
        self._places = places
        self._turn = seed
        self._chance = random.Random(seed)
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None] | None] = set()
        self._manner: Manner = "through"
        self._clear = asyncio.Event()
        self._clear.set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.carried = 0
        """Bytes that went through."""

    def behave(self, manner: Manner) -> None:
        """From now on."""
        self._manner = manner
        if manner == "black":
            self._clear.clear()
        else:
            self._clear.set()

    def reset(self) -> None:
        """Cut every connection, as a peer that vanished."""
        for writer in list(self._open):
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        self.behave("through")
        while serving := [task for task in self._serving if task is not None]:
            self.reset()
            await asyncio.wait(serving, timeout=0.1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            await self._clear.wait()
            there_reader, there = await self._reach()
            self._open.add(there)
            try:
                async with asyncio.TaskGroup() as ways:
                    ways.create_task(self._carry(reader, there))
                    ways.create_task(self._carry(there_reader, writer))
            finally:
                self._open.discard(there)
                there.transport.abort()
        except OSError:
            pass  # nobody listens there; the connection ends here too
        finally:
            self._serving.discard(task)
            self._open.discard(writer)
            writer.transport.abort()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._turn += 1
        for number in range(len(self._places)):
            host, port = self._places[(self._turn + number) % len(self._places)]
            try:
                async with asyncio.timeout(_REACHED):
                    return await asyncio.open_connection(host, port)
            except OSError:
                continue
        raise ConnectionRefusedError("nobody listens")

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_SLOW_PIECE if self._manner == "slow" else _PIECE):
                await self._clear.wait()
                for piece in self._pieces(data):
                    writer.write(piece)
                    await writer.drain()
                if self._manner == "slow":
                    await asyncio.sleep(_SLOW_WAIT)
                self.carried += len(data)
        except OSError:
            pass  # a reset: both ways end
        writer.transport.abort()

    def _pieces(self, data: bytes) -> list[bytes]:
        if self._manner != "sliced":
            return [data]
        pieces, at = [], 0
        while at < len(data):
            size = self._chance.randint(1, 24)
            pieces.append(data[at : at + size])
            at += size
        return pieces
