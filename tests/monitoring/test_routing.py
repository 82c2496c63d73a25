"""Where alerts go, by `amtool` and by a real Alertmanager: who is told, what is held back."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self

import processes
import pytest
from click.testing import CliRunner

from lgsp.bus.node import free_port
from lgsp.cli import lgsp
from lgsp.monitoring.profile import Profile, parse_matchers, parse_severities
from lgsp.monitoring.routing import Receivers, alertmanager
from lgsp.monitoring.rules import as_yaml

REPOSITORY = Path(__file__).parents[2]
COMMITTED = REPOSITORY / "config" / "alertmanager" / "alertmanager.yml"
FAST = Profile(scale=60)


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not installed: install the package prometheus-alertmanager, or run `make test`"
    return found


def test_the_committed_file_is_what_the_command_makes() -> None:
    made = CliRunner().invoke(lgsp, ["monitoring", "routes", "--config", str(REPOSITORY / "config")])
    assert (made.exit_code, made.stdout) == (0, COMMITTED.read_text(encoding="utf-8"))


def test_no_secret_stands_in_the_file() -> None:
    document = alertmanager(FAST, Receivers())
    keys = set(json.dumps(document).split('"'))
    assert {"smtp_auth_password_file", "credentials_file"} <= keys
    assert not keys & {"smtp_auth_password", "credentials", "password"}


@pytest.mark.real
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=LGSPServiceDown", "severity=page", "service=s1"], "lgsp-page"),
        (["alertname=LGSPErrorBudgetBurnSlow", "severity=ticket", "service=s1"], "lgsp-ticket"),
        (["alertname=LGSPWatchdog", "severity=none"], "lgsp-watchdog"),
    ],
)
def test_each_severity_has_its_receiver(labels: list[str], receiver: str) -> None:
    checked = subprocess.run(
        [program("amtool"), "config", "routes", "test", f"--config.file={COMMITTED}", *labels],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout.split()) == (0, [receiver])


class Heard(BaseHTTPRequestHandler):
    """What a webhook got: path, credentials, and the alerts."""

    got: list[tuple[str, str, dict[str, Any]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.got.append((self.path, self.headers["Authorization"], body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[tuple[str, str, dict[str, Any]]]]]:
    got: list[tuple[str, str, dict[str, Any]]] = []
    with HTTPServer(("127.0.0.1", 0), type("Noting", (Heard,), {"got": got})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()


class Alertmanager:
    """A real one, on loopback, alone."""

    def __init__(self, directory: Path, document: dict[str, Any]) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        file = directory / "alertmanager.yml"
        file.write_text(as_yaml(document, "a test"))
        self._arguments = [
            program("prometheus-alertmanager"),
            f"--config.file={file}",
            f"--storage.path={directory / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--cluster.listen-address=",
        ]
        self._log = directory / "alertmanager.log"

    def __enter__(self) -> Self:
        with self._log.open("w") as log:
            self._child = subprocess.Popen(self._arguments, stdout=log, stderr=log)
        processes.until(self._ready, "Alertmanager ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait()

    def _ready(self) -> bool:
        assert self._child.poll() is None, self._log.read_text()
        try:
            return processes.get(f"{self.url}/-/ready")[0] == 200
        except OSError:
            return False

    def raise_(self, *alerts: dict[str, str]) -> None:
        body = json.dumps([{"labels": labels} for labels in alerts]).encode()
        headers = {"Content-Type": "application/json"}
        sent = urllib.request.Request(f"{self.url}/api/v2/alerts", data=body, headers=headers, method="POST")
        assert processes.send(sent)[0] == 200

    def held_back(self, expected: int) -> set[str]:
        """The names of what is inhibited, once every alert has been looked at."""

        def found() -> list[Any]:
            alerts = processes.get_json(f"{self.url}/api/v2/alerts")
            done = len(alerts) == expected and all(alert["status"]["state"] != "unprocessed" for alert in alerts)
            return alerts if done else []

        alerts = processes.until(found, f"{expected} alerts looked at")
        return {_named(alert["labels"]) for alert in alerts if alert["status"]["inhibitedBy"]}


def _named(labels: dict[str, str]) -> str:
    return " ".join(filter(None, (labels["alertname"], labels.get("service"), labels.get("env"))))


def an_alert(name: str, severity: str, **labels: str) -> dict[str, str]:
    return {"alertname": name, "severity": severity} | labels


WIDE = an_alert("LGSPBusWideDegradation", "page")
BURNS = an_alert("LGSPErrorBudgetBurnFast", "page", service="s1", tier="central")
DOWN = an_alert("LGSPServiceDown", "page", service="s2", tier="central")
SLOW = an_alert("LGSPErrorBudgetBurnSlow", "ticket", service="s1", tier="central")
OTHER_SLOW = an_alert("LGSPErrorBudgetBurnSlow", "ticket", service="s3", tier="central")
LAG = an_alert("LGSPLedgerLagging", "ticket", instance="gw1")
TARGET = an_alert("LGSPTargetDown", "page", instance="gw1")
FOREIGN = an_alert("ShopSlow", "ticket", service="s1")


@pytest.mark.real
@pytest.mark.parametrize(
    ("raised", "held_back"),
    [
        ([WIDE, BURNS, DOWN, TARGET], {"LGSPErrorBudgetBurnFast s1", "LGSPServiceDown s2"}),
        ([BURNS, DOWN], set()),
        ([BURNS, SLOW, OTHER_SLOW, FOREIGN], {"LGSPErrorBudgetBurnSlow s1"}),
        ([TARGET, LAG], set()),
    ],
)
def test_what_explains_another_holds_it_back(
    raised: list[dict[str, str]], held_back: set[str], tmp_path: Path, webhook: tuple[str, list[Any]]
) -> None:
    with Alertmanager(tmp_path, alertmanager(FAST, _receivers(webhook[0], tmp_path))) as real:
        real.raise_(*raised)
        assert real.held_back(len(raised)) == held_back


@pytest.mark.real
def test_under_other_names_one_environment_does_not_hold_back_the_other(
    tmp_path: Path, webhook: tuple[str, list[Any]]
) -> None:
    profile = replace(FAST, matchers=parse_matchers('env="prod"'), severities=parse_severities(["page=critical"]))
    wide = an_alert("LGSPBusWideDegradation", "critical", env="prod")
    down = [an_alert("LGSPServiceDown", "critical", service="s1", env=env) for env in ("prod", "test")]
    with Alertmanager(tmp_path, alertmanager(profile, _receivers(webhook[0], tmp_path))) as real:
        real.raise_(wide, *down)
        assert real.held_back(3) == {"LGSPServiceDown s1 prod"}


@pytest.mark.real
def test_a_webhook_is_told_of_a_page_with_its_token_and_not_of_what_is_held_back(
    tmp_path: Path, webhook: tuple[str, list[tuple[str, str, dict[str, Any]]]]
) -> None:
    url, got = webhook
    with Alertmanager(tmp_path, alertmanager(FAST, _receivers(url, tmp_path))) as real:
        real.raise_(WIDE, BURNS, an_alert("LGSPWatchdog", "none"))
        processes.until(lambda: {path for path, _, _ in got} == {"/alerts", "/watchdog"}, "both webhooks called")
    assert {credentials for _, credentials, _ in got} == {"Bearer made-up"}
    told = {alert["labels"]["alertname"] for path, _, body in got if path == "/alerts" for alert in body["alerts"]}
    assert told == {"LGSPBusWideDegradation"}


def _receivers(url: str, directory: Path) -> Receivers:
    for name in ("token", "password"):
        (directory / name).write_text("made-up")
    return replace(
        Receivers(),
        webhook=f"{url}/alerts",
        watchdog=f"{url}/watchdog",
        webhook_token=str(directory / "token"),
        mail_password=str(directory / "password"),
        mail_host="127.0.0.1:1",
    )
