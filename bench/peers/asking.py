"""The asking half of every Python candidate: a closed loop on orders.

An order is the line `IN_FLIGHT WARMUP SECONDS`; the answer is one line of JSON: `per_second`, `p50_ms` and `p99_ms` of
what was answered within the seconds after the warm-up, `transactions` in all, `failed`, and the first failure's `error`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

Ask = Callable[[int], Awaitable[None]]
"""Ask once and check the answer; the argument counts up and says which service's turn it is."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What every candidate is told."""

    role: str
    url: str
    name: str
    services: tuple[str, ...]
    mode: str


def arguments() -> Arguments:
    """From the command line."""
    role, url, name, services, _directory, *mode = sys.argv[1:]
    return Arguments(role, url, name, tuple(f"{name}-{n}" for n in range(int(services))), mode[0] if mode else "")


async def until_told() -> None:
    """Say that this process is up, and wait until its input closes."""
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def obey(ask: Ask) -> None:
    """Say that this process is up, and carry out orders until the input closes."""
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        in_flight, warmup, seconds = line.split()
        print(json.dumps(await closed_loop(ask, int(in_flight), float(warmup), float(seconds))), flush=True)


async def closed_loop(
    ask: Ask, in_flight: int, warmup: float, seconds: float, now: Callable[[], float] = perf_counter
) -> dict[str, Any]:
    """So many askers, each asking again as soon as it was answered; see the module for what comes back."""
    begin = now() + warmup
    end = begin + seconds
    latencies: list[float] = []
    errors: list[str] = []
    sent = 0

    async def worker() -> None:
        nonlocal sent
        while (started := now()) < end:
            sent += 1
            try:
                await ask(sent)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted, and one failure spoils the round
                errors.append(f"{type(error).__name__}: {error}")
                continue
            ended = now()
            if begin <= ended <= end:
                latencies.append(ended - started)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(in_flight):
            tasks.create_task(worker())
    latencies.sort()
    return {
        "per_second": len(latencies) / seconds,
        "p50_ms": _percentile(latencies, 0.50) * 1_000,
        "p99_ms": _percentile(latencies, 0.99) * 1_000,
        "transactions": sent,
        "failed": len(errors),
        "error": errors[0] if errors else "",
    }


def _percentile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0
