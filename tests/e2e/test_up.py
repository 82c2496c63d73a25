"""`lgsp up` as a new user starts it: its printed curl answers, its books balance, and Prometheus reads them."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from click.testing import CliRunner

from lgsp.bus.node import free_port
from lgsp.cli import lgsp
from lgsp.errors import BusUnavailable, CatalogueError

ANY_PORT = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
pytestmark = pytest.mark.real


def up(directory: Path, *arguments: str, config: Path | None = None) -> processes.Process:
    where = ["--config", str(config)] if config else []
    return processes.Process(["up", *ANY_PORT, *arguments, *where], directory, ready="try  ")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Process]:
    with up(tmp_path_factory.mktemp("up"), "--pace", "10", "--metrics", "127.0.0.1:0") as process:
        yield process


def test_the_printed_curl_answers_and_is_calm(running: processes.Process) -> None:
    assert shutil.which("curl"), "curl is not installed: install the package curl, or run `make test`"
    curl = running.found(r"try +(curl .*)")
    answers = {subprocess.run(curl, shell=True, capture_output=True, check=True).stdout for _ in range(5)}  # noqa: S602 - what we print is for a shell
    assert len(answers) == 1
    assert json.loads(answers.pop())["errorCode"] == "0"


def test_metrics_stand_alone_where_that_is_wanted(running: processes.Process) -> None:
    alone, admin = running.found(r'"metrics": "(http://[^"]+)"'), running.found(r"admin +(http://\S+)")
    counted = re.compile(r"^lgsp_transactions_accepted_total{.*", re.MULTILINE)
    shown = [len(counted.findall(processes.get(f"{place}/metrics")[1].decode())) for place in (alone, admin)]
    assert shown == [28, 28]
    pages = ("/livez", "/readyz", "/", "/transactions", "/lgsp/v1/faults")
    assert [processes.get(alone + page)[0] for page in pages] == [200, 200, 404, 404, 404]


def test_the_other_printed_curl_fetches_a_token(running: processes.Process) -> None:
    curl = running.found(r"token +(curl .*)")
    answer = json.loads(subprocess.run(curl, shell=True, capture_output=True, check=True).stdout)  # noqa: S602 - as above
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert answer["access_token"].count(".") == 2


@pytest.mark.timeout(60)
def test_by_https_the_printed_curl_and_a_call_work_and_say_whom_to_trust(tmp_path: Path) -> None:
    with up(tmp_path, "--tls", "--tls-name", "api.example.org", "--no-traffic") as process:
        gateway = process.found(r"gateway +(https://\S+)")
        assert process.found(r"trust +(\S+) ") == str(tmp_path / "tls" / "authority.crt")
        curl = process.found(r"try +(curl .*)")
        answer = subprocess.run(curl, shell=True, capture_output=True, check=True).stdout  # noqa: S602 - as above
        assert json.loads(answer)["errorCode"] == "0"
        call = ["call", "shared-catalog", "GET /dantocs/4", "--gateway", gateway]
        done = CliRunner().invoke(lgsp, [*call, "--json", "--state", str(tmp_path)])
        assert (done.exit_code, json.loads(done.stdout)["status"]) == (0, 200)
        (tmp_path / "secret").write_text(processes.secret_of(tmp_path, "tester"))
        away = ["--state", str(tmp_path / "elsewhere"), "--secret-file", str(tmp_path / "secret")]
        refused = CliRunner().invoke(lgsp, [*call, *away]).exception
        assert isinstance(refused, BusUnavailable)
        assert "certificate" in str(refused)
        assert CliRunner().invoke(lgsp, [*call, *away, "--cacert", process.found(r"trust +(\S+) ")]).exit_code == 0


@pytest.mark.timeout(60)
def test_a_token_that_was_given_back_is_worth_nothing_also_after_a_restart(tmp_path: Path) -> None:
    tokens: list[str] = []
    for _ in range(2):
        with up(tmp_path, "--no-traffic") as process:
            gateway = process.found(r"gateway +(http://\S+)")
            path = f"{gateway}/cmon/v1.0.0/dantocs"
            if not tokens:
                tokens = [processes.token_of(gateway, process.state) for _ in range(2)]
                assert [processes.get(path, token)[0] for token in tokens] == [200, 200]
                secret = processes.secret_of(tmp_path, "tester")
                form = {"token": tokens[0], "client_id": "tester", "client_secret": secret}
                given_back = urllib.request.Request(f"{gateway}/revoke", urllib.parse.urlencode(form).encode())
                assert processes.send(given_back) == (200, b"{}")
            status, body = processes.get(path, tokens[0])
            assert (status, json.loads(body)["fault"]["reason"]) == (401, "token_revoked")
            assert processes.get(path, tokens[1])[0] == 200


def test_its_secrets_are_nobody_elses(running: processes.Process) -> None:
    kept = [path for path in (running.state / "secrets").rglob("*") if path.is_file()]
    assert {path.name for path in kept} >= {"demo", "tester", "token-key.pem"}
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


def test_it_says_where_it_is_and_is_ready(running: processes.Process) -> None:
    admin = running.found(r"admin +(http://\S+)")
    assert processes.get(f"{admin}/livez") == (200, b"ok\n")
    assert processes.get_json(f"{admin}/readyz?verbose") == {"ready": True, "problems": [], "notes": []}


def test_demo_traffic_reaches_the_counters_and_the_books_balance(running: processes.Process) -> None:
    admin = running.found(r"admin +(http://\S+)")
    end = time.monotonic() + 15
    while (counted := totals(admin))["ended"] < 200:
        assert time.monotonic() < end, "demo traffic at ten times the pace makes 95 calls a second at least"
    assert counted["accepted"] == counted["ended"] + counted["open"]
    assert counted["good"] / counted["ended"] > 0.95


def totals(admin: str) -> dict[str, int]:
    text = processes.get(f"{admin}/metrics")[1].decode()

    def of(pattern: str) -> int:
        return int(sum(float(count) for count in re.findall(rf"(?m)^{pattern}(?:\{{[^}}]*\}})? ([\d.e+]+)$", text)))

    good = sum(
        of(rf'lgsp_transactions_total\{{outcome="{outcome}",service="[\w-]+"\}}')
        for outcome in ("ok", "business_fault")
    )
    return {
        "accepted": of("lgsp_transactions_accepted_total"),
        "ended": of("lgsp_transactions_total"),
        "open": of("lgsp_open_transactions"),
        "good": good,
    }


def test_a_second_process_on_the_same_state_is_refused(running: processes.Process) -> None:
    directory = str(running._directory)
    again = subprocess.run(
        [sys.executable, "-m", "lgsp", "up", *ANY_PORT, "--state", directory],
        capture_output=True,
        text=True,
        check=False,
        cwd=processes.REPOSITORY,
    )
    assert again.returncode == 2
    assert "another process keeps the ledger ledger-gw1" in again.stderr
    assert "Traceback" not in again.stderr


def test_it_ends_in_order_when_asked(tmp_path: Path) -> None:
    process = up(tmp_path, "--no-traffic").start()
    assert process.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(("flags", "status"), [(["--keep"], 200), ([], 404)])
def test_what_stand_ins_were_told_outlives_a_kill_where_that_is_asked(
    tmp_path: Path, flags: list[str], status: int
) -> None:
    code = "000.00.31.H47-230525-0199"
    dossier = {"MaHoSo": code, "MaTTHC": "1.001193", "ChuHoSo": "Phan Công Khoa"}
    for wanted in (200, status):
        with up(tmp_path, "--no-traffic", "--calm", *flags) as process:
            gateway = process.found(r"gateway +(http://\S+)")
            url, token = f"{gateway}/tthc-dossiers/v1.0.0", processes.token_of(gateway, process.state)
            if wanted == 200 and dossier:
                handed_in = urllib.request.Request(f"{url}/tiepNhanHoSo", json.dumps(dossier).encode(), method="POST")
                handed_in.add_header("Authorization", f"Bearer {token}")
                assert processes.send(handed_in)[0] == 200
                dossier = {}
            assert processes.get(f"{url}/traCuuHoSo?MaHoSo={code}", token)[0] == wanted


def test_one_service_is_a_complete_bus(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "services.yaml").write_text(
        "vehicle-registry:\n  title: Đăng ký phương tiện\n  operations:\n    GET /vehicles/{plate}:\n"
        '      reply:\n        plate: "{{ path.plate }}"\n        owner: "{{ fake.name }}"\n'
        "  latency: {p50: 80ms, p99: 900ms}\n  errors: {provider_error: 1%, timeout: 0.2%}\n"
    )
    with up(tmp_path / "state", "--calm", config=tmp_path / "config") as process:
        gateway = process.found(r"gateway +(http://\S+)")
        admin = process.found(r"admin +(http://\S+)")
        token = processes.token_of(gateway, process.state)
        status, body = processes.get(f"{gateway}/vehicle-registry/vehicles/92A-123.45", token)
        assert (status, json.loads(body)["plate"]) == (200, "92A-123.45")
        assert processes.get(f"{gateway}/cmon/v1.0.0/dantocs", token)[0] == 404
        assert totals(admin) == {"accepted": 1, "ended": 1, "open": 0, "good": 1}


@pytest.mark.timeout(60)
def test_a_private_broker_comes_and_goes_with_it(tmp_path: Path) -> None:
    process = up(tmp_path, "--broker", "local", "--pace", "5").start()
    admin = process.found(r"admin +(http://\S+)")
    end = time.monotonic() + 20
    while totals(admin)["good"] < 50:
        assert time.monotonic() < end, "no traffic over the private broker"
    stats = {
        path.parent.name: path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat")
    }
    children = {int(pid) for pid, stat in stats.items() if stat[1] == str(process.pid)}
    assert children, "the node is a child"
    assert process.end(signal.SIGTERM) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert list((tmp_path / "broker").iterdir()) == []


@pytest.mark.timeout(60)
def test_a_real_prometheus_reads_the_number_that_was_sent(tmp_path: Path) -> None:
    prometheus = shutil.which("prometheus")
    assert prometheus, "Prometheus is not installed: install the package prometheus, or run `make test`"
    with up(tmp_path / "up", "--no-traffic") as process:
        gateway, admin = process.found(r"gateway +(http://\S+)"), process.found(r"admin +(http://\S+)")
        token = processes.token_of(gateway, process.state)
        for _ in range(137):
            assert processes.get(f"{gateway}/cmon/v1.0.0/dantocs", token)[0] == 200
        (tmp_path / "prometheus.yml").write_text(
            "scrape_configs:\n- job_name: lgsp-gateway\n  scrape_interval: 1s\n"
            f"  static_configs: [{{targets: ['{admin.removeprefix('http://')}']}}]\n"
        )
        port = free_port()
        with (tmp_path / "prometheus.log").open("w") as log:
            server = subprocess.Popen(
                [
                    prometheus,
                    f"--config.file={tmp_path / 'prometheus.yml'}",
                    f"--storage.tsdb.path={tmp_path / 'data'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=log,
                stderr=log,
            )
        try:
            assert queried(port, "sum(lgsp_transactions_total)") == 137
            assert queried(port, "count(lgsp_transactions_total)") == 28 * 7
            assert queried(port, "sum(lgsp_open_transactions)") == 0
        finally:
            server.kill()
            server.wait()


def queried(port: int, query: str) -> float:
    def answered() -> list[dict[str, Any]]:
        try:
            answer = processes.get_json(f"http://127.0.0.1:{port}/api/v1/query?query={query}")
        except (OSError, ValueError):
            return []  # it is still opening its listener, or its store
        found: list[dict[str, Any]] = answer.get("data", {}).get("result", [])
        return found  # the first scrape comes when Prometheus likes

    return float(processes.until(answered, f"Prometheus answers {query}", 30)[0]["value"][1])


def test_promtool_has_nothing_to_say_about_the_metrics(running: processes.Process) -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is not installed: install the package prometheus, or run `make test`"
    text = processes.get(running.found(r"admin +(http://\S+)") + "/metrics")[1]
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_tester_forces_an_outcome_and_a_marked_identifier_fails(running: processes.Process) -> None:
    curl = running.found(r"try +(curl .*)")

    def asked(arguments: str) -> tuple[str, dict[str, str], dict[str, object]]:
        done = subprocess.run(f"{arguments} -i", shell=True, capture_output=True, check=True, text=True)  # noqa: S602 - as above
        head, _, body = done.stdout.partition("\n\n")
        lines = head.splitlines()
        names = dict(line.split(": ", 1) for line in lines[1:])
        return lines[0].split()[1], names, json.loads(body)

    status, headers, body = asked(f"{curl} -H 'X-Lgsp-Force: outcome=timeout'")
    fault = body["fault"]
    assert isinstance(fault, dict)
    assert (status, headers["X-Lgsp-Outcome"], fault["code"], fault["reason"]) == ("504", "timeout", 101504, "forced")

    place = re.sub(r"'(https?://[^/']+)/[^']*'", r"'\1/health/v1.0.0/hoso/049080000008'", curl)
    status, headers, body = asked(place)
    fault = body["fault"]
    assert isinstance(fault, dict)
    assert (status, headers["X-Lgsp-Outcome"], fault["code"]) == ("503", "unreachable", 101503)


def test_a_mistake_in_ones_own_test_persons_stops_the_start_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(processes.REPOSITORY / "config", config)
    (config / "province.d").mkdir()
    (config / "province.d" / "own.csv").write_text("citizen_id,name,born\n31173900014,Đỗ Thử,1973-05-02\n")
    done = CliRunner().invoke(
        lgsp, ["up", *ANY_PORT, "--no-traffic", "--state", str(tmp_path / "state"), "--config", str(config)]
    )
    assert isinstance(done.exception, CatalogueError)
    assert done.exception.problems[0].startswith("province.d/own.csv:2: citizen_id '31173900014' is not 12 digits")


def test_two_take_free_ports_and_write_down_where_they_stand(tmp_path: Path) -> None:
    told = []
    for name in ("one", "two"):
        file = tmp_path / f"{name}.json"
        where = ["--port", "0", "--addresses", str(file), "--no-traffic", "--calm"]
        with processes.Process(["up", *where], tmp_path / name, ready="try  ") as process:
            processes.until(file.exists, "the addresses")
            told.append(json.loads(file.read_text()))
            assert told[-1]["gateway"] == process.found(r"gateway +(\S+)")
            assert told[-1]["admin"] == process.found(r"admin +(\S+)")
            assert Path(told[-1]["secret_file"]).read_text() == processes.secret_of(process.state, told[-1]["key"])
            assert processes.get_json(f"{told[-1]['admin']}/lgsp/v1/exchanges") == {"exchanges": [], "forgotten": 0}
    assert told[0]["secret_file"] != told[1]["secret_file"]
