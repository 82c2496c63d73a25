"""A thousand identifiers of citizens go through a running gateway in every place and encoding, and stand nowhere afterwards.

Nowhere: in no log line, metric, ledger, capture, console, look-up or list of what is parked. The one exception is the body of
what is parked, which waits for a person in the outbox and is shown to nobody.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import re
import sqlite3
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
import processes
import pytest
from click.testing import CliRunner

from lgsp.cli import lgsp
from lgsp.ledger.files import Files

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

CANARIES = tuple(f"0{n % 90 + 10:02d}{n % 4}{(n * 7919 + 13) % 10**8:08d}" for n in range(1_000))
STORED, CENSUS = "/hotline-1022/v1.0.0/phananh", "/population/v1.0.0"
Call = tuple[str, str, dict[str, str], bytes]
"""Method, path and query, headers, body."""


def packed(one: str) -> str:
    return base64.b64encode(f'{{"x":"{one}"}}'.encode()).decode()


def calls_with(one: str) -> Iterator[Call]:
    """Calls that have an identifier in every place a caller can put one, accepted, refused and malformed ones."""
    percent = "".join(f"%3{digit}" for digit in one)
    escaped = "".join(f"\\u003{digit}" for digit in one)
    wide = "".join(chr(0xFF10 + int(digit)) for digit in one)
    ids = {
        "Idempotency-Key": one,
        "traceparent": f"00-{one}{'a' * 20}-{one}aaaa-01",
        "X-Request-ID": one,
        "X-Lgsp-Key": one,
    }
    other = {
        "X-Anything": packed(one),
        "Cookie": f"id={one}",
        "Referer": f"http://a/{one}",
        "User-Agent": f"agent {one}",
    }
    report = json.dumps(
        {"noiDung": f"Đường hỏng, CCCD {one}", "dienThoai": "0900012345", "nguoiGui": {"SoDinhDanh": one, one: [one]}}
    )
    yield "POST", STORED, ids, report.encode()
    yield "POST", STORED, {"Prefer": "respond-async", "X-Lgsp-Force": "outcome=provider_error"}, report.encode()
    yield (
        "POST",
        f"{CENSUS}/traCuuThongTinCongDan",
        {"Content-Type": "application/json"},
        f'{{"id":"{escaped}"}}'.encode(),
    )
    yield "POST", f"{CENSUS}/xacThucThongTinCongDan", {"Content-Type": "text/xml"}, f"<a v='{one}'>{one}</a>".encode()
    yield "GET", f"/{one}/{percent}?a={one}&b={packed(one)}", other, b""
    yield "GET", f"{STORED}/moi?{percent}={wide}&{packed(one)}", {"Authorization": f"Bearer {one}"}, b""
    yield "DELETE", f"{STORED}/{one}", other, b""
    yield "GET", f"{STORED}/{one}?ma={one}", {}, b""
    yield "PUT", f"{STORED}/{one}/ketqua", {"Content-Encoding": "gzip"}, gzip.compress(report.encode())
    yield (
        "POST",
        f"/token?client_id={one}",
        {"Content-Type": "application/x-www-form-urlencoded"},
        f"client_id={one}".encode(),
    )
    yield "POST", STORED, {"X-Lgsp-Force": one, "Content-Type": f"text/{one}"}, one.encode("utf-16")
    yield "GET", f"/lgsp/v1/transactions/{one}", {"X-Lgsp-Consumer": one}, b""


async def called(url: str, credentials: tuple[str, str]) -> set[int]:
    """The statuses of all of them, 32 at once."""
    statuses: set[int] = set()
    connector = aiohttp.TCPConnector(limit=32)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        basic = {"Authorization": "Basic " + base64.b64encode(":".join(credentials).encode()).decode()}
        async with session.post(f"{url}/token", data={"grant_type": "client_credentials"}, headers=basic) as answer:
            token = (await answer.json())["access_token"]

        async def ask(call: Call) -> None:
            method, path, headers, body = call
            with contextlib.suppress(aiohttp.ClientPayloadError):
                given = {"Authorization": f"Bearer {token}"} | headers
                async with session.request(method, f"{url}{path}", headers=given, data=body or None) as answer:
                    statuses.add(answer.status)

        waiting = [call for one in CANARIES for call in calls_with(one)]

        async def worker() -> None:
            while waiting:
                await ask(waiting.pop())

        await asyncio.gather(*(worker() for _ in range(32)))
    return statuses


def unfolded(text: str) -> Iterator[str]:
    """A text, and what can be read out of it by looking harder."""
    yield text
    yield urllib.parse.unquote(text)
    yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    yield text.translate({0xFF10 + digit: str(digit) for digit in range(10)})
    for piece in re.findall(r"[A-Za-z0-9+/_-]{16,}={0,2}", text):
        with contextlib.suppress(ValueError):
            yield base64.b64decode(
                piece + "=" * (-len(piece) % 4), altchars=b"-_" if set(piece) & {"-", "_"} else None
            ).decode("latin-1")


def found_in(text: str, canaries: Sequence[str] = CANARIES) -> set[str]:
    wanted = set(canaries)
    runs = (run for each in unfolded(text) for run in re.findall(r"\d{12,}", each))
    return {run[at : at + 12] for run in runs for at in range(len(run) - 11)} & wanted


def lgsp_says(*arguments: str) -> str:
    said = CliRunner().invoke(lgsp, list(arguments))
    return said.output + said.stderr


def nothing_is_open(admin: str) -> bool:
    text = processes.get(f"{admin}/metrics")[1].decode()
    return not any(map(float, re.findall(r"(?m)^lgsp_open_transactions\{[^}]*\} (\S+)", text)))


def ledger_of(state: Path) -> str:
    """Every table of the book but the body and the request of the outbox."""
    with contextlib.closing(sqlite3.connect(Files(state, "gw1").book)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        told = []
        for name in names:
            columns = [column[1] for column in db.execute(f"PRAGMA table_info({name})")]
            shown = [column for column in columns if name != "outbox" or column not in {"body", "request"}]
            told += [repr(row) for row in db.execute(f"SELECT {', '.join(shown)} FROM {name}")]  # noqa: S608 - as above
    return "\n".join(told)


def test_the_search_finds_what_is_hidden() -> None:
    for one in CANARIES[:50]:
        for _, path, headers, body in list(calls_with(one))[:8]:
            hidden = f"{path} {headers} {body.decode()}"
            assert found_in(hidden) == {one}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[processes.Process]:
    ports = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    with processes.Process(["up", "--no-traffic", *ports], tmp_path / "state", ready="try  ") as process:
        yield process


def test_of_a_thousand_canaries_none_stands_anywhere(running: processes.Process) -> None:
    url, admin, state = running.found(r"gateway +(\S+)"), running.found(r"admin +(\S+)"), running.state
    places = ["--state", str(state)]
    lgsp_says("record", "start", "--admin", admin, *places)
    statuses = asyncio.run(called(url, ("tester", (state / "secrets/consumers/tester").read_text().strip())))
    assert {200, 202, 400, 401, 404, 405, 415, 500} <= statuses
    processes.until(lambda: nothing_is_open(admin), "everything has ended")
    shown = {
        path: processes.get(admin + path)[1].decode()
        for path in (
            "/metrics",
            "/?format=json",
            "/?format=csv",
            "/",
            "/transactions",
            "/lgsp/v1/transactions",
            "/lgsp/v1/parked",
            "/lgsp/v1/recording",
        )
    }
    shown["record"] = lgsp_says("record", "stop", "--admin", admin, *places)
    shown["parked"] = lgsp_says("parked", "ls", "--admin", admin, "--json", *places)
    shown["transactions"] = lgsp_says("transaction", "ls", "--json", *places)
    shown["export"] = lgsp_says("ledger", "export", *places)
    shown["ledger"] = ledger_of(state)
    for file in state.rglob("*"):
        if file.is_file() and file.suffix not in {".sqlite", ".sqlite-wal", ".sqlite-shm"}:
            data = file.read_bytes()
            shown[str(file.relative_to(state))] = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode(
                "latin-1"
            )
    print({name: len(text) for name, text in shown.items()})
    assert {name: len(found_in(text)) for name, text in shown.items() if found_in(text)} == {}
