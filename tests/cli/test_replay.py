"""`lgsp replay` against systems of this process: what it puts in anew, and what it says."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import threading
import urllib.request
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from click.testing import CliRunner
from structlog.testing import capture_logs

from connectors import population
from lgsp import testing
from lgsp.capture.files import Writer
from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Catalogue
from lgsp.cli import lgsp
from lgsp.cli.expecting import records_of
from lgsp.clock import SystemClock
from lgsp.edge.exchanges import PATH
from lgsp.errors import SettingsError
from lgsp.settings import find_config
from lgsp.traffic.caller import Caller, Credentials

MS = 1_000_000


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(lgsp, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


@pytest.fixture(autouse=True)
def _nothing_logged() -> Iterator[None]:
    """What a bus on another thread logs does not stand in what a command says."""
    with capture_logs():
        yield


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


def test_dates_and_ids_of_the_calls_are_those_of_today(tmp_path: Path) -> None:
    path, seen = tmp_path / "old.lgsp.jsonl", list[dict[str, str]]()
    body = Body.of(b'{"day":"2023-05-24","born":"1985-06-05","ref":"R-100"}')
    with Writer.create(path, {}) as writer:
        writer.write(
            *(Record(t=int((1_684_918_800 + n) * 1e9), request=Asked("POST", "/", (), body)) for n in range(2))
        )

    def app() -> web.Application:
        async def note(http: web.Request) -> web.Response:
            seen.append(await http.json())
            return web.json_response({})

        made = web.Application()
        made.router.add_post("/", note)
        return made

    options = ("--shift-dates", "weeks", "--new-ids", "$.ref", "--speed", "max", "--allow-writes", "--max-lag", "1h")
    today = datetime.fromtimestamp(SystemClock().now(), UTC)
    with served(app) as url:
        assert run("replay", path, "--to", url, *options, "--state", tmp_path)[0] == 0
    assert seen[0] == seen[1]
    day = datetime.fromisoformat(seen[0]["day"]).replace(tzinfo=UTC)
    assert abs(day - today) <= timedelta(days=4)
    assert day.weekday() == 2  # as the 24th of May 2023 was
    assert seen[0]["born"] == "1985-06-05"
    assert seen[0]["ref"] != "R-100"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--order", "key:"), "--order: 'key:' is no order"),
        (("--new-ids", "id"), "--new-ids: 'id' is no place"),
        (("--rate", "5", "--speed", "2"), "--rate and --speed both say when"),
        (("--via", "connector"), "--via connector asks the stand-ins of --config in this process: leave --to away"),
        (("--calm",), "--seed and --calm are for --via connector: http://127.0.0.1:1 has its own"),
        (("--seed", "7"), "--seed and --calm are for --via connector: http://127.0.0.1:1 has its own"),
    ],
)
def test_what_options_cannot_mean_is_said(options: tuple[str, ...], says: str, recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=says):
        run("replay", recorded, "--to", "http://127.0.0.1:1", *options, "--state", tmp_path)


def test_where_it_goes_has_to_be_said_and_who_asks_has_to_be_known(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"say where it is asked again: --to http://.*, or --via connector"):
        run("replay", recorded, "--state", tmp_path)
    with pytest.raises(SettingsError, match="--via connector wants --as with a consumer of the configuration: demo, t"):
        run("replay", recorded, "--via", "connector", "--as", "me", "--allow-writes", "--state", tmp_path)


def test_a_file_for_findings_wants_something_that_finds(recorded: Path, tmp_path: Path) -> None:
    for option in ("--junit", "--html"):
        with pytest.raises(SettingsError, match="--junit and --html hold what --diff or --expect finds: ask for one"):
            run("replay", recorded, "--to", "http://127.0.0.1:1", option, tmp_path / "f", "--state", tmp_path)
    assert not (tmp_path / "f").exists()


def test_a_file_that_is_not_there_is_named(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"--bind nowhere: there is no such file, and none of that name in .*replay"
    ):
        run("replay", recorded, "--to", "http://127.0.0.1:1", "--bind", "nowhere", "--state", tmp_path)


BUS = """
people:
  title: People
  operations:
    GET /people/{id}: {reply: {id: "{{ path.id }}"}}
payment:
  title: Payment
  operations:
    POST /pay: {reply: {paid: "{{ body.amount }}"}}
land:
  title: Land
  operations:
    GET /parcels/{id}: {reply: {owner: "{{ path.id }}"}}
"""
CALLER = web.AppKey("caller", Caller)
PLANTED = {"missing": 1, "extra": 2, "different": 3, "out of order": 4}
"""Each change, and the citizen for whom it is made."""


def the_system(bus: testing.Bus, planted: Collection[str]) -> web.Application:
    """A desk that looks up a citizen, takes a fee and looks up a parcel, each at the bus; with changes planted in it."""

    async def apply(http: web.Request) -> web.Response:
        who = int(http.match_info["who"])
        made = {change for change in planted if PLANTED[change] == who}
        calls = [
            ("GET", f"/people/people/00{who}", None),
            ("POST", "/payment/pay", {"amount": 100 * who + ("different" in made), "who": f"00{who}", "for": "parcel"}),
            ("GET", f"/land/parcels/00{who}", None),
        ]
        if "missing" in made:
            del calls[1]
        if "extra" in made:
            calls.append(("GET", f"/people/people/99{who}?again=1", None))
        if "out of order" in made:
            calls.reverse()
            calls[0], calls[1] = calls[1], calls[0]
        for method, path, body in calls:
            data = json.dumps(body).encode() if body else b""
            answer = await http.app[CALLER].ask(method, path, headers={"content-type": "application/json"}, body=data)
            assert answer.status == 200
        return web.json_response({"done": who})

    async def calling(app: web.Application) -> AsyncIterator[None]:
        async with Caller(bus.url, SystemClock(), credentials=Credentials(bus.key, bus.secret)) as caller:
            app[CALLER] = caller
            yield

    app = web.Application()
    app.cleanup_ctx.append(calling)
    app.router.add_get("/apply/{who}", apply)
    return app


@pytest.mark.timeout(60)
def test_what_a_system_asks_of_the_bus_is_held_against_what_it_asked_before(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "services.yaml").write_text(BUS)
    people, uat = tmp_path / "people.lgsp.jsonl", tmp_path / "uat.lgsp.jsonl"
    with Writer.create(people, {}) as writer:
        writer.write(*(Record(t=who * MS, request=Asked("GET", f"/apply/{who}")) for who in range(1, 7)))
    told: list[tuple[int, list[tuple[str, str, str]]]] = []
    with testing.bus(tmp_path / "config") as bus:
        asking = (
            "replay",
            people,
            "--speed",
            "max",
            "--max-in-flight",
            1,
            "--max-lag",
            "1h",
            "--config",
            tmp_path / "config",
            "--state",
            tmp_path,
        )
        for planted in ((), (), PLANTED):
            expects = ("--expect", uat, "--admin", bus.admin, "--junit", tmp_path / "found.xml", "--json", "--diff")
            with served(lambda planted=planted: the_system(bus, planted)) as url:  # type: ignore[misc]
                if not uat.exists():
                    run(*asking, "--to", url)
                    with (
                        urllib.request.urlopen(f"{bus.admin}{PATH}", timeout=10) as answer,
                        Writer.create(uat, {}) as writer,
                    ):
                        shown = json.load(answer)["exchanges"]
                        writer.write(*records_of(shown, read_catalogue(tmp_path / "config")))
                    continue
                code, said = run(*asking, "--to", url, *expects)
            groups = json.loads(said)["expect"]["groups"]
            told.append((code, sorted((group["service"], group["path"], group["kind"]) for group in groups)))
    assert told[0] == (0, [])
    assert told[1] == (
        1,
        [
            ("payment", "", "missing"),
            ("payment", "request.body.amount", "different"),
            ("people", "", "extra"),
            ("people", "", "out of order"),
        ],
    )
    suites = ET.fromstring((tmp_path / "found.xml").read_text())  # noqa: S314 - made by ourselves
    found = [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites]
    assert found == [("lgsp replay --diff", "1", "0"), ("lgsp replay --expect", "3", "2")]


LIFELIKE = """
people:
  title: People
  operations:
    GET /people/{id}: {reply: {id: "{{ path.id }}"}}
    POST /people: {reply: {name: "{{ body.name }}"}}
  errors: {rejected: 20%, provider_error: 20%}
"""


def of_people(answers: Mapping[int, bytes]) -> Iterator[Record]:
    """Sixty calls without service and operation, as a HAR has them, and what was answered; the last goes nowhere."""
    for number in range(60):
        reply = Answered(200, (), Body.of(answers.get(number, json.dumps({"id": f"p{number}"}).encode())))
        yield Record(t=number * MS, request=Asked("GET", f"/people/people/p{number}"), reply=reply)
    yield Record(t=60 * MS, request=Asked("GET", "/people/nowhere"), reply=Answered(404))


def test_stand_ins_are_asked_without_a_bus_and_differ_where_they_do(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "services.yaml").write_text(LIFELIKE)
    shutil.copy(find_config(None, {}, Path.cwd()) / "consumers.yaml", tmp_path / "config")
    calls = tmp_path / "calls.lgsp.jsonl"
    with Writer.create(calls, {}) as writer:
        writer.write(*of_people({7: b'{"id":"p8"}', 9: b'{"id":"p9","old":true}'}))
    straight = (
        "replay",
        calls,
        "--via",
        "connector",
        "--config",
        tmp_path / "config",
        "--speed",
        "max",
        "--max-lag",
        "1h",
    )
    straight += ("--state", tmp_path / "state", "--json")

    code, said = run(*straight, "--diff")
    told = json.loads(said)
    groups = [(group["path"], group["kind"], group["pairs"]) for group in told["diff"]["groups"]]
    assert (code, groups) == (
        1,
        [("", "missing", 1), ("reply.body.id", "different", 1), ("reply.body.old", "missing", 1)],
    )
    books = told["books"]
    assert (books["records"], books["sent"], books["failed"], books["why"]) == (61, 60, 1, {"unroutable": 1})
    assert told["outcomes"] == {"bus_error": 1, "ok": 60}

    drawn = []
    for options in (("--seed", 7), ("--seed", 7, "--max-in-flight", 1), ("--seed", 8), ("--seed", 7, "--calm")):
        file = tmp_path / "outcomes"
        run(*straight, "--as", "demo", "--outcomes", file, *options)
        drawn.append(file.read_text())
    assert drawn[0] == drawn[1] != drawn[2]
    counts = [Counter(json.loads(line)["outcome"] for line in each.splitlines()) for each in drawn]
    assert counts[0] == {"ok": 37, "rejected": 12, "provider_error": 11, "bus_error": 1}
    assert counts[3] == {"ok": 60, "bus_error": 1}


def test_what_may_change_a_stand_in_wants_to_be_allowed_too(tmp_path: Path) -> None:
    calls = tmp_path / "calls.lgsp.jsonl"
    with Writer.create(calls, {}) as writer:
        writer.write(Record(t=0, request=Asked("POST", "/people/people")))
    with pytest.raises(SettingsError, match="1 of 1 calls may change something at the stand-ins: POST /people/people"):
        run("replay", calls, "--via", "connector", "--state", tmp_path)


def test_an_exchange_that_is_closed_is_named() -> None:
    closed = {"service": "people", "closed": "show the admin token"}
    with pytest.raises(SettingsError, match="people: show the admin token: give the bus's own --state"):
        list(records_of([closed], Catalogue({})))


def test_a_bus_that_shows_nothing_is_named(recorded: Path, tmp_path: Path) -> None:
    with served(web.Application) as url, pytest.raises(SettingsError, match="shows no exchanges: only a calm one does"):
        run(
            "replay", recorded, "--to", url, "--allow-writes", "--expect", recorded, "--admin", url, "--state", tmp_path
        )


def logging(log: list[tuple[str, str]]) -> web.Application:
    """Answers, and notes who came in which order; the first call of each key takes longest."""

    async def handle(http: web.Request) -> web.Response:
        key, number = http.match_info["key"], http.match_info["number"]
        log.append((key, number))
        await asyncio.sleep(0.004 if number == "0" else 0)
        log.append((key, f"{number} done"))
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/{key}/{number}", handle)
    return app


@pytest.fixture
def of_keys(tmp_path: Path) -> Path:
    """Fifty keys with twenty calls each, five keys in turns: of one key several are in flight unless they wait."""
    path = tmp_path / "keys.lgsp.jsonl"
    with Writer.create(path, {}) as writer:
        for at in range(1_000):
            key, number = at // 100 * 5 + at % 5, at % 100 // 5
            asked = Asked("GET", f"/{key}/{number}", (("X-Key", str(key)),))
            writer.write(Record(t=at * 1_000, request=asked))
    return path


def test_within_a_key_each_call_waits_for_the_one_before(of_keys: Path, tmp_path: Path) -> None:
    log: list[tuple[str, str]] = []
    with served(lambda: logging(log)) as url:
        options = ("--speed", "max", "--max-in-flight", 16, "--order", "key:header:x-key", "--max-lag", "1h", "--json")
        code, said = run("replay", of_keys, "--to", url, *options, "--state", tmp_path)
    assert (code, json.loads(said)["books"]["sent"]) == (0, 1_000)
    wanted = [step for number in range(20) for step in (str(number), f"{number} done")]
    assert all([step for name, step in log if name == str(key)] == wanted for key in range(50))
    assert log.index(("1", "0")) < log.index(("0", "19 done"))


def test_with_a_rate_in_rounds_and_resumed_the_books_balance(of_keys: Path, tmp_path: Path) -> None:
    options = ("--max-lag", "1h", "--json", "--state", tmp_path, "--rate", 4_000, "--until", "0.1ms")
    with served(lambda: logging([])) as url:
        code, said = run("replay", of_keys, "--to", url, *options, "--loop", 3)
        books = json.loads(said)["books"]
        assert (code, books["records"], books["sent"], books["filtered"]) == (
            0,
            3_000,
            300,
            {"outside of --from and --until": 2_700},
        )
        journal = tmp_path / "journal"
        journal.write_text("".join(f"{seq}\n" for seq in range(1, 61)))
        for sent in (40, 0):
            code, said = run("replay", of_keys, "--to", url, *options, "--resume", journal)
            books = json.loads(said)["books"]
            assert (code, books["sent"], books["filtered"]["went in an earlier run"]) == (0, sent, 100 - sent)


def test_rounds_that_were_cut_short_go_on_where_each_of_them_was_and_each_is_compared(tmp_path: Path) -> None:
    """Of three rounds over four records seven calls went before; the target answers otherwise from its second round on."""
    calls, journal, came = tmp_path / "calls.lgsp.jsonl", tmp_path / "journal", Counter[str]()
    with Writer.create(calls, {}) as writer:
        writer.write(
            *(
                Record(t=n * MS, request=Asked("GET", f"/{n}"), reply=Answered(200, (), Body.of(b"[1]")))
                for n in range(4)
            )
        )
    journal.write_text("1\n2\n3\n4\n1.2\n2.2\n1.3\n")

    def app() -> web.Application:
        async def answer(http: web.Request) -> web.Response:
            came[http.headers["x-lgsp-key"]] += 1
            return web.json_response([1] if http.headers["x-lgsp-key"].endswith(".2") else [2])

        made = web.Application()
        made.router.add_get("/{number}", answer)
        return made

    words = (
        "--loop",
        3,
        "--resume",
        journal,
        "--diff",
        "--speed",
        "max",
        "--max-lag",
        "1h",
        "--state",
        tmp_path,
        "--json",
    )
    with served(app) as url:
        code, said = run("replay", calls, "--to", url, *words, "--junit", tmp_path / "j.xml", "--html", tmp_path / "h")
        told = json.loads(said)
        assert came == {"3.2": 1, "4.2": 1, "2.3": 1, "3.3": 1, "4.3": 1}
        assert (code, told["books"]["sent"], told["books"]["filtered"]) == (1, 5, {"went in an earlier run": 7})
        [group] = told["diff"]["groups"]
        assert (told["diff"]["pairs"], group["path"], group["pairs"]) == (5, "reply.body[]", 3)
        assert {sample["record"] for sample in group["samples"]} < {"2.3", "3.3", "4.3"}
        assert 'failures="1"' in (tmp_path / "j.xml").read_text()
        assert "reply.body[]" in (tmp_path / "h").read_text()
        assert run("replay", calls, "--to", url, *words)[0] == 4  # nothing is left to compare
    assert came.total() == 5
    assert sorted(journal.read_text().split()) == sorted(f"{n}{r}" for n in range(1, 5) for r in ("", ".2", ".3"))
