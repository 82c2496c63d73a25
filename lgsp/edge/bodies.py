"""Bodies in and out, as fast as the other side sends and reads them: what is in our hands is counted, and nobody may dawdle."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from lgsp.edge import faults
from lgsp.edge.admission import Full, Room
from lgsp.edge.answers import Refused

MAX_HELD = 256 * 1024 * 1024
"""Bytes of bodies that are in our hands at once."""
_BODY_SECONDS = 10.0
_SEND_SECONDS, _SEND_RATE = 30.0, 65_536
"""Who does not take a large answer within so many seconds, and so many bytes in each further one, is cut off."""
_LARGE = 65_536
"""Of a larger answer somebody has to read before all of it is out of our hands."""
_BODILESS = frozenset({"GET", "HEAD", "DELETE"})


class NoRoom(Exception):
    """A body came for which there is no memory; `full` says whose."""

    def __init__(self, full: Full) -> None:
        super().__init__(full.reason)
        self.full = full


async def read(http: web.BaseRequest, at_most: int, room: Room, consumer: str) -> bytes:
    """The body of a request; its bytes are held in `room` for its consumer until who asked lets go of them.

    Raises `Refused`, and `NoRoom`; then nothing is held.
    """
    if http.method in _BODILESS and not http.can_read_body:
        return b""
    try:
        if http.content.is_eof():  # it came with the head, as small ones do: no timer, no wait
            body = http.content.read_nowait()
            room.hold(consumer, len(body))
        elif (http.content_length or 0) > at_most:
            raise Refused(faults.TOO_LARGE, "refused")
        else:
            body = await _awaited(http, at_most, room, consumer)
    except TimeoutError as error:
        raise Refused(faults.TOO_SLOW, "refused", {"Connection": "close"}) from error
    except (OSError, HttpProcessingError) as error:
        raise Refused(faults.INCOMPLETE, "refused") from error
    if len(body) > at_most:
        room.hold(consumer, -len(body))
        raise Refused(faults.TOO_LARGE, "refused")
    return body


async def _awaited(http: web.BaseRequest, at_most: int, room: Room, consumer: str) -> bytes:
    """The body as it comes; of one that is too large, no more than shows it. Raises `TimeoutError`, `NoRoom`."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            if http.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
                await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                http.writer.output_size = 0  # the answer itself has not begun
            async for piece in http.content.iter_any():
                full = room.out_of_memory(consumer)
                if full is not None:
                    raise NoRoom(full)  # noqa: TRY301 - what is held already is let go below
                body += piece
                room.hold(consumer, len(piece))
                if len(body) > at_most:
                    break
    except BaseException:
        room.hold(consumer, -len(body))
        raise
    return bytes(body)


async def send(http: web.BaseRequest, answer: web.Response, room: Room, consumer: str) -> None:
    """Send a large answer, which is held until it is read; whoever reads it too slowly is cut off. A small one goes by itself."""
    size = len(answer.body) if isinstance(answer.body, bytes) else 0
    if size <= _LARGE:
        return
    room.hold(consumer, size)
    try:
        async with asyncio.timeout(_SEND_SECONDS + size / _SEND_RATE):
            await answer.prepare(http)
            await answer.write_eof()
    except TimeoutError:
        if http.transport is not None:
            http.transport.abort()
    finally:
        room.hold(consumer, -size)
