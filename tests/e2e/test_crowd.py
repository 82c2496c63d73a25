"""A thousand who dribble and everybody who asks for nonsense: good calls are answered all the same, and nothing is kept of it."""

from __future__ import annotations

import asyncio
import os
import random
import re
import resource
import statistics
import string
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import processes
import pytest

SLOW, STRANGE, GOOD = 1_000, int(os.environ.get("STRANGE", "5000")), 300
CALL = "/cmon/v1.0.0/dantocs"
pytestmark = [pytest.mark.real, pytest.mark.timeout(120 + STRANGE // 100)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[processes.Process]:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8_192), most))
    ports = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    with processes.Process(["up", "--no-traffic", "--calm", *ports], tmp_path / "state", ready="try  ") as process:
        yield process


def series(admin: str) -> set[str]:
    text = processes.get(f"{admin}/metrics")[1].decode()
    return set(re.findall(r"(?m)^(lgsp_\w+(?:\{[^}]*\})?) ", text))


async def dribble(host: str, port: int, number: int) -> asyncio.StreamWriter:
    """A connection on which a request begins, and a byte more whenever it is asked to."""
    _, writer = await asyncio.open_connection(host, port)
    head = f"POST {CALL} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\nX-Slow: "
    writer.write((head if number % 2 else head.replace("X-Slow: ", "\r\n")).encode()[: 20 + number % 90])
    return writer


def strange(chance: random.Random) -> tuple[str, str, dict[str, str]]:
    letters = string.ascii_letters + "/%.-_{}:~"
    path = "/" + "".join(chance.choices(letters, k=chance.randint(1, 40)))
    method = chance.choice(
        ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "".join(chance.choices(string.ascii_uppercase, k=6))]
    )
    who = "".join(chance.choices(letters, k=8))
    return (
        method,
        chance.choice([path, CALL + path, "/population/v1.0.0" + path]),
        {"X-Lgsp-Consumer": who, "apikey": who},
    )


async def good(session: aiohttp.ClientSession, url: str, token: str) -> list[float]:
    """Seconds of each of the good calls, one after the other; every one is answered."""
    took = []
    for _ in range(GOOD):
        begun = time.perf_counter()
        async with session.get(f"{url}{CALL}", headers={"Authorization": f"Bearer {token}"}) as answer:
            assert answer.status == 200
            await answer.read()
        took.append(time.perf_counter() - begun)
    return took


async def crowded(url: str, token: str) -> tuple[list[float], list[float]]:
    host, port = url.removeprefix("http://").split(":")
    chance = random.Random(7)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=16)) as session:
        alone = await good(session, url, token)
        slow = [await dribble(host, int(port), number) for number in range(SLOW)]
        waiting = [strange(chance) for _ in range(STRANGE)]
        statuses: set[int] = set()

        async def stranger() -> None:
            while waiting:
                method, path, headers = waiting.pop()
                given = headers | ({"Authorization": f"Bearer {token}"} if len(waiting) % 2 else {})
                async with session.request(method, f"{url}{path}", headers=given) as answer:
                    statuses.add(answer.status)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(stranger())
            among = await good(session, url, token)
            for writer in slow:
                if not writer.is_closing():
                    writer.write(b"x")
        assert {400, 401, 404, 405} <= statuses
        assert max(statuses) < 500
        for writer in slow:
            writer.close()
        # One of them may have been cut off long ago.
        await asyncio.gather(*(writer.wait_closed() for writer in slow), return_exceptions=True)
    return alone, among


def test_good_calls_are_answered_and_no_series_is_made(running: processes.Process) -> None:
    url, admin = running.found(r"gateway +(\S+)"), running.found(r"admin +(\S+)")
    token = processes.token_of(url, running.state)
    processes.get(f"{url}{CALL}", token)
    before = series(admin)
    alone, among = asyncio.run(crowded(url, token))
    p99 = [statistics.quantiles(each, n=100)[98] * 1e3 for each in (alone, among)]
    print(
        f"p99 of good calls: alone {p99[0]:.1f} ms, among {SLOW} who dribble and {STRANGE} strange calls {p99[1]:.1f} ms"
    )
    made = series(admin) - before
    labels = r'lgsp_http_requests_total\{code="(\d{3})",method="(\w+)",route="(\w+)"\}'
    closed = [re.fullmatch(labels, each) for each in made]
    assert all(closed), "only the edge's own count grows, within its closed sets"
    methods = {match[2] for match in closed if match}
    assert methods <= {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "other"}
    assert series(admin) >= before
