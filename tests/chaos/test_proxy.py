"""The proxy: bytes come through as they are in every manner, and not at all in the black one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from proxy import Manner, Proxy


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(repeat, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize("manner", ["through", "sliced", "slow"])
async def test_every_byte_comes_through_in_order(echo: int, manner: Manner) -> None:
    sent = bytes(range(256)) * 8
    async with Proxy(("127.0.0.1", echo), seed=1) as proxy:
        proxy.behave(manner)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(sent)
        assert await reader.readexactly(len(sent)) == sent
        assert proxy.carried >= len(sent)
        writer.close()


async def test_a_black_hole_keeps_what_it_gets_until_it_heals(echo: int) -> None:
    async with Proxy(("127.0.0.1", echo)) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        proxy.behave("black")
        writer.write(b"within")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        proxy.behave("through")
        assert await reader.readexactly(6) == b"within"
        writer.close()


async def test_a_reset_ends_every_connection_and_new_ones_are_taken(echo: int) -> None:
    async with Proxy(("127.0.0.1", echo)) as proxy:
        connections = [await asyncio.open_connection("127.0.0.1", proxy.port) for _ in range(3)]
        for reader, writer in connections:
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
        proxy.reset()
        for reader, writer in connections:
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
            writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"y")
        assert await reader.readexactly(1) == b"y"
        writer.close()


async def test_where_nobody_listens_the_connection_ends() -> None:
    async with Proxy(("127.0.0.1", 1), ("127.0.0.1", 2)) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()


async def test_of_several_places_the_first_that_takes_it_has_the_connection(echo: int) -> None:
    async with Proxy(("127.0.0.1", 1), ("127.0.0.1", echo), ("127.0.0.1", 2)) as proxy:
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(b"there")
            assert await reader.readexactly(5) == b"there"
            writer.close()
