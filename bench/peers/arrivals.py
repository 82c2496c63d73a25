"""A server that notes when each request comes, on its own clock, and answers two octets at once."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

_END = b"\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
_seen: list[int] = []


class Noting(asyncio.Protocol):
    """One connection of requests without bodies."""

    _rest = b""

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - the loop gives what it likes
        """Called by the loop."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Note them, answer them."""
        now = time.monotonic_ns()
        *whole, self._rest = (self._rest + data).split(_END)
        _seen.extend([now] * len(whole))
        self._transport.write(_ANSWER * len(whole))


async def main(port: int) -> None:
    """For each line on standard input: what came since the last, in nanoseconds, as one line; until the input closes."""
    await asyncio.get_running_loop().create_server(Noting, "127.0.0.1", port)
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps({"arrivals": _seen}), flush=True)
        _seen.clear()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
