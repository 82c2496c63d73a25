"""Bytes that are nearly HTTP: refused or answered, by nobody's traceback, in bounded time and memory."""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import processes
import pytest

MUTATIONS = int(os.environ.get("MUTATIONS", "3000"))
pytestmark = [pytest.mark.real, pytest.mark.timeout(120 + MUTATIONS // 50)]
CALL = "/cmon/v1.0.0/dantocs"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[processes.Process]:
    ports = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    with processes.Process(["up", "--no-traffic", "--calm", *ports], tmp_path / "state", ready="try  ") as process:
        yield process


def requests(token: str) -> list[bytes]:
    """Right ones, of every form that a request takes."""
    head = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
    chunked = "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
    form = "grant_type=client_credentials&client_id=tester&client_secret=x"
    return [
        f"GET {CALL}?x=1 HTTP/1.1\r\n{head}\r\n".encode(),
        f"POST {CALL} HTTP/1.1\r\n{head}Content-Length: 4\r\n\r\nbody".encode(),
        f"POST {CALL} HTTP/1.1\r\n{head}{chunked}".encode(),
        f"POST {CALL} HTTP/1.1\r\n{head}Expect: 100-continue\r\nContent-Length: 4\r\n\r\nbody".encode(),
        f"POST /token HTTP/1.1\r\n{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}".encode(),
        f"OPTIONS * HTTP/1.0\r\n{head}\r\n".encode(),
    ]


def mutated(chance: random.Random, data: bytes) -> bytes:
    """None to two changes: a byte, a piece gone, doubled, moved, or something that parsers trip over."""
    for _ in range(chance.randint(0, 2)):
        at, long = chance.randrange(len(data) + 1), chance.randint(0, 24)
        piece = data[at : at + long]
        put = chance.choice(
            [
                bytes([chance.randrange(256)]), b"", piece * 2, piece[::-1], b"\r\n", b"\n", b"\x00", b"\r\n\r\n", b": ",
                b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
                b"Host: a\r\nHost: b\r\n", b"HTTP/9.9", b"%00%ff%", b"/../" * 20, b"x" * 9_000, b"\xff\xfe", b"FFFFFFFFFFFFFFFFF\r\n",
            ]
        )  # fmt: skip
        data = data[:at] + put + data[at + long :]
    return data


async def say(host: str, port: int, data: bytes) -> str:
    """The status of the first answer; `closed` where there is none, `waits` where more was announced than was sent."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(data)
        async with asyncio.timeout(1):
            answer = await reader.read()
    except ConnectionError:
        return "closed"
    except TimeoutError:
        return "waits"
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    found = re.match(rb"(?:HTTP/1\.1 100 Continue\r\n\r\n)?HTTP/\d\.\d (\d{3}) ", answer)
    assert found or not answer, answer[:200]
    return found[1].decode() if found else "closed"


async def said(url: str, token: str) -> Counter[str]:
    host, port = url.removeprefix("http://").split(":")
    chance = random.Random(7)
    waiting = [mutated(chance, chance.choice(requests(token))) for _ in range(MUTATIONS)]
    statuses: Counter[str] = Counter()

    async def one() -> None:
        while waiting:
            statuses[await say(host, int(port), waiting.pop())] += 1

    await asyncio.gather(*(one() for _ in range(48)))
    return statuses


def test_what_is_nearly_http_is_refused_or_answered(running: processes.Process) -> None:
    url = running.found(r"gateway +(\S+)")
    token = processes.token_of(url, running.state)
    assert processes.get(f"{url}{CALL}", token)[0] == 200
    before = running.resident()
    statuses = asyncio.run(said(url, token))
    print(dict(statuses), f"{before} -> {running.resident()} MiB")
    assert statuses["200"] > 0
    assert statuses["400"] > 0
    assert set(statuses) <= {
        "200",
        "400",
        "401",
        "403",
        "404",
        "405",
        "408",
        "411",
        "413",
        "414",
        "415",
        "417",
        "421",
        "431",
        "closed",
        "waits",
    }
    assert running.resident() - before < 48
    assert processes.get(f"{url}{CALL}", token)[0] == 200
    assert "Traceback" not in (running.state / "output.log").read_text()
