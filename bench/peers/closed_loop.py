"""A fixed number of callers, each sending its next request when it has its reply; shared by the peers in Python."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

WARM_UP = 0.3
BODY = b'{"filler":"' + b"x" * 287 + b'"}'


async def measure(call: Callable[[], Awaitable[object]], in_flight: int, seconds: float) -> None:
    """Call for `seconds` after a short warm-up with `in_flight` at a time; print count, seconds, p50, p99 as JSON."""
    took: list[float] = []
    begin = time.perf_counter() + WARM_UP
    end = begin + seconds

    async def caller() -> None:
        while (start := time.perf_counter()) < end:
            await call()
            if start >= begin:
                took.append(time.perf_counter() - start)

    async with asyncio.TaskGroup() as callers:
        for _ in range(in_flight):
            callers.create_task(caller())
    spent = time.perf_counter() - begin
    took.sort()
    p50, p99 = took[len(took) // 2], took[-1 - len(took) // 100]
    print(json.dumps({"count": len(took), "seconds": spent, "p50": p50, "p99": p99}))
