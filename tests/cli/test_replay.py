"""`lgsp replay` against systems of this process: what it puts in anew, and what it says."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner

from connectors import population
from lgsp import testing
from lgsp.capture.files import Writer
from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.cli import lgsp
from lgsp.clock import SystemClock
from lgsp.errors import SettingsError

MS = 1_000_000


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(lgsp, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


@contextmanager
def served(app: Callable[[], web.Application]) -> Iterator[str]:
    """An application on a thread and a free port of its own; its address."""
    told: list[str] = []
    up, down = threading.Event(), threading.Event()

    async def serve() -> None:
        runner = web.AppRunner(app(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        told.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        up.set()
        await asyncio.to_thread(down.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert up.wait(10)
    try:
        yield told[0]
    finally:
        down.set()
        thread.join(10)


class Desk:
    """A system that gives random tokens and numbers, and refuses all others."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._tokens: set[str] = set()
        self._tickets: set[str] = set()

    def answer(self, method: str, path: str, token: str) -> tuple[int, dict[str, object]]:
        if path == "/login":
            self._tokens.add(new := f"{self._chance.getrandbits(128):032x}")
            return 200, {"user": "clerk", "token": new}
        if token not in self._tokens:
            return 401, {"says": "who are you"}
        if (method, path) == ("POST", "/tickets"):
            self._tickets.add(ticket := f"T-{self._chance.getrandbits(40)}")
            return 201, {"ticket": ticket}
        known = path.removeprefix("/tickets/") in self._tickets
        return (200, {"state": "open"}) if known else (404, {"says": "no such ticket"})

    def app(self) -> web.Application:
        async def handle(http: web.Request) -> web.Response:
            token = http.headers.get("authorization", "").removeprefix("Bearer ")
            status, body = self.answer(http.method, http.path, token)
            return web.json_response(body, status=status)

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handle)
        return app


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A day at the desk: three log-ins, a ticket for each clerk's call, each looked at twice."""
    path, desk, records = tmp_path / "day.lgsp.jsonl", Desk(1), list[Record]()

    def ask(method: str, target: str, token: str = "") -> dict[str, object]:
        status, body = desk.answer(method, target, token)
        headers = (("Authorization", f"Bearer {token}"),) if token else ()
        reply = Answered(status, body=Body.of(json.dumps(body).encode()))
        records.append(Record(t=len(records) * MS, request=Asked(method, target, headers), reply=reply))
        return body

    for _ in range(3):
        token = str(ask("POST", "/login")["token"])
        for _ in range(20):
            ticket = ask("POST", "/tickets", token)["ticket"]
            for _ in range(2):
                ask("GET", f"/tickets/{ticket}", token)
    with Writer.create(path, {}) as writer:
        writer.write(*records)
    return path


def test_tokens_and_numbers_are_taken_from_replies_by_what_the_capture_proposes(recorded: Path, tmp_path: Path) -> None:
    to = ("--speed", "max", "--allow-writes", "--max-lag", "1h", "--json", "--state", tmp_path)
    code, proposed = run("capture", "info", recorded, "--correlate", "--state", tmp_path)
    assert code == 0
    (tmp_path / "bind.yaml").write_text(proposed)
    with served(lambda: Desk(2).app()) as url:
        code, said = run("replay", recorded, "--to", url, *to)
        assert (code, json.loads(said)["outcomes"]) == (0, {"ok": 3, "rejected": 180})
        for in_flight in (1, 64):
            code, said = run(
                "replay", recorded, "--to", url, *to, "--bind", tmp_path / "bind.yaml", "--max-in-flight", in_flight
            )
            told = json.loads(said)
            assert (code, told["outcomes"], told["books"]["sent"]) == (0, {"ok": 183}, 183)


def test_a_call_whose_value_never_came_fails_and_is_told(recorded: Path, tmp_path: Path) -> None:
    script = tmp_path / "bind.yaml"
    script.write_text('bind:\n  token: {from: POST /login, take: $.token, put: ["header:Authorization"]}\n')

    def silent() -> web.Application:
        app = web.Application()

        async def nothing(_: web.Request) -> web.Response:
            return web.json_response({})

        app.router.add_route("*", "/{rest:.*}", nothing)
        return app

    with served(silent) as url:
        code, said = run("replay", recorded, "--to", url, "--speed", "max", "--allow-writes", "--max-lag", "1h", "--json", "--bind", script, "--state", tmp_path)  # fmt: skip
    books = json.loads(said)["books"]
    assert (code, books["sent"], books["failed"], books["records"]) == (1, 3, 180, 183)
    assert books["why"] == {"no reply gave its 'token'": 180}


YESTERDAY = SystemClock().now() - 86_400
"""A signature of population holds for five minutes of the real clock."""


def signed_calls() -> Iterator[Record]:
    """Calls as they were signed yesterday; those of payment with the secret of another place."""
    stamp = datetime.fromtimestamp(YESTERDAY, timezone(timedelta(hours=7))).strftime("%Y%m%d%H%M%S")
    password = population.signature("/xacThucThongTinCongDan", "qnam", stamp, population.ACCOUNTS["qnam"])
    basic = f"Basic {b64encode(f'qnam:{password}'.encode()).decode()}"
    inside = (
        "<n:MaYeuCau>YC-1</n:MaYeuCau><n:SoDinhDanh>049085001234</n:SoDinhDanh><n:HoVaTen>PHAN CÔNG KHOA</n:HoVaTen>"
    )
    element = (
        f'<n:XacThucThongTinCongDanRequest xmlns:n="{population.VERIFY}">{inside}</n:XacThucThongTinCongDanRequest>'
    )
    soap = f'<e:Envelope xmlns:e="{population.SOAP}"><e:Body>{element}</e:Body></e:Envelope>'
    headers = (("Content-Type", "text/xml"), ("Timestamp", stamp), ("Authorization", basic))
    path = "/population/v1.0.0/xacThucThongTinCongDan"
    for number in range(10):
        at = int((YESTERDAY + number) * 1e9)
        yield Record(t=at, request=Asked("POST", path, headers, Body.of(soap.encode())))
        fields = {"MaDoiTac": "QNM", "MaThamChieu": f"QNM230524{number:04}", "SoTien": "150000", "ThoiGianGD": stamp}
        fields["MaXacThuc"] = sha256(f"{fields} of another secret".encode()).hexdigest()
        body = Body.of(json.dumps(fields).encode())
        asked = Asked("POST", "/payment-platform/v1.0.0/initPayment", (("Content-Type", "application/json"),), body)
        yield Record(t=at + 1, request=asked)


@pytest.mark.timeout(60)
def test_calls_that_were_signed_yesterday_are_refused_unless_they_are_signed_again(tmp_path: Path) -> None:
    with Writer.create(tmp_path / "signed.lgsp.jsonl", {}) as writer:
        writer.write(*signed_calls())
    outcomes = []
    with testing.bus() as bus:
        (tmp_path / "secret").write_text(bus.secret)
        to = (
            "--to",
            bus.url,
            "--as",
            bus.key,
            "--secret-file",
            tmp_path / "secret",
            "--state",
            tmp_path,
            "--max-lag",
            "1h",
        )
        for sign in ((), ("--bind", "population", "--bind", "payment-platform")):
            code, said = run(
                "replay", tmp_path / "signed.lgsp.jsonl", *to, "--speed", "max", "--allow-writes", "--json", *sign
            )
            outcomes.append((code, json.loads(said)["outcomes"]))
        told = [json.loads(call.reply)["MaLoi"] for call in bus.calls("payment-platform")]
    assert outcomes == [(0, {"rejected": 20}), (0, {"ok": 20})]
    assert told == ["02"] * 10 + ["00"] * 10


def test_a_file_that_is_not_there_is_named(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"--bind nowhere: there is no such file, and none of that name in .*replay"
    ):
        run("replay", recorded, "--to", "http://127.0.0.1:1", "--bind", "nowhere", "--state", tmp_path)
