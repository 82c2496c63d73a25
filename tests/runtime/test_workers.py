"""Who waits how long: against what queueing theory says, on moments that nobody waits for."""

from __future__ import annotations

import heapq
import math
import random

import pytest

from lgsp.runtime.workers import Came, Workers


def erlang_wait(workers: int, rate: float, mean: float) -> float:
    """Mean wait of M/M/c, in seconds."""
    load = rate * mean
    below = sum(load**k / math.factorial(k) for k in range(workers))
    top = load**workers / math.factorial(workers) * workers / (workers - load)
    return top / (below + top) * mean / (workers - load)


def simulate(workers: Workers[float], rate: float, mean: float, calls: int, seed: int) -> tuple[list[float], float]:
    """Waits of those who were served, and the last moment: Poisson arrivals, exponential service, one event after the other."""
    chance = random.Random(seed)
    waits: list[float] = []
    ends: list[float] = []
    now = arrival = 0.0
    come = 0
    while come < calls or ends:
        if come < calls and (not ends or arrival <= ends[0]):
            now = arrival
            come += 1
            arrival += chance.expovariate(rate)
            if workers.come(now, now, math.inf) is Came.SERVED:
                waits.append(0.0)
                heapq.heappush(ends, now + chance.expovariate(1 / mean))
        else:
            now = heapq.heappop(ends)
            waiter = workers.leave(now)
            if waiter is not None:
                waits.append(now - waiter)
                heapq.heappush(ends, now + chance.expovariate(1 / mean))
    return waits, now


def nobody(call: float) -> None:
    raise AssertionError(call)


def test_the_formula_gives_the_known_value() -> None:
    assert erlang_wait(8, 64, 0.1) == pytest.approx(0.0286, abs=0.00005)


def test_200000_calls_wait_as_long_as_erlang_says() -> None:
    waits, _ = simulate(Workers(8, 1_000_000, nobody), 64, 0.1, 200_000, seed=7)
    assert len(waits) == 200_000
    assert sum(waits) / len(waits) == pytest.approx(0.0286, rel=0.1)


def test_one_worker_waits_as_long_as_theory_says_too() -> None:
    waits, _ = simulate(Workers(1, 1_000_000, nobody), 5, 0.1, 100_000, seed=7)
    assert sum(waits) / len(waits) == pytest.approx(erlang_wait(1, 5, 0.1), rel=0.1)


def test_beyond_what_workers_can_do_the_rest_finds_no_room() -> None:
    waits, end = simulate(Workers(8, 200, nobody), 120, 0.1, 60_000, seed=7)
    assert len(waits) / end == pytest.approx(80, rel=0.02)
    assert max(waits) == pytest.approx(200 / 80, rel=0.5)


def test_first_come_first_served() -> None:
    workers: Workers[str] = Workers(1, 2, lambda _: None)
    came = [workers.come(call, 0, 9) for call in ("a", "b", "c", "d")]
    assert came == [Came.SERVED, Came.WAITS, Came.WAITS, Came.FULL]
    assert [workers.leave(1), workers.leave(2), workers.leave(3)] == ["b", "c", None]
    assert workers.come("e", 4, 9) is Came.SERVED


def test_without_a_line_nobody_waits() -> None:
    workers: Workers[str] = Workers(2, 0, lambda _: None)
    assert [workers.come(call, 0, 9) for call in "abc"] == [Came.SERVED, Came.SERVED, Came.FULL]


def test_who_waited_too_long_is_told_and_takes_no_place_and_no_worker() -> None:
    gone: list[str] = []
    workers: Workers[str] = Workers(1, 2, gone.append)
    for call, until in (("a", 9.0), ("b", 5.0), ("c", 5.0)):
        workers.come(call, 0, until)
    assert workers.come("d", 4.9, 9) is Came.FULL
    assert workers.come("e", 5.0, 9) is Came.WAITS
    assert gone == ["b", "c"]
    assert workers.leave(6) == "e"
    assert workers.leave(7) is None
    assert repr(workers) == "<Workers 1 free, 0 wait>"
