"""`lgsp replay` against systems of this process: what it puts in anew, and what it says."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import web
from desks import Desk, run, served

from connectors import population
from lgsp import testing
from lgsp.capture.files import Writer
from lgsp.capture.record import Asked, Body, Record
from lgsp.clock import SystemClock
from lgsp.errors import SettingsError


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
