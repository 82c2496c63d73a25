"""`lgsp stack`: everything comes up, sees each other, and is gone after Ctrl-C."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from installation import Installation

from lgsp.app.child import Child, Program
from lgsp.errors import SettingsError
from lgsp.monitoring.alerts import alerts
from lgsp.monitoring.profile import Profile

pytestmark = pytest.mark.real
JOBS = {"lgsp-gateway", "lgsp-connectors", "lgsp-broker", "lgsp-broker-queues"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("stack") / "state", "--scale", "60", "--pace", "2") as running:
        yield running


def counted(running: Installation, expression: str) -> float:
    result = running.asked(f"/api/v1/query?query={expression}")["result"]
    return float(result[0]["value"][1]) if result else 0.0


@pytest.mark.timeout(120)
def test_every_target_is_up(installation: Installation) -> None:
    def health() -> dict[str, str]:
        return {
            each["labels"]["job"]: each["health"] for each in installation.asked("/api/v1/targets")["activeTargets"]
        }

    processes.until(lambda: set(health().values()) == {"up"}, "every target is up")
    assert set(health()) == JOBS


def test_the_rules_are_loaded_and_none_has_trouble(installation: Installation) -> None:
    def rules() -> list[dict[str, Any]]:
        return [rule for group in installation.asked("/api/v1/rules")["groups"] for rule in group["rules"]]

    processes.until(lambda: all(rule["health"] == "ok" for rule in rules()), "every rule was evaluated")
    assert {each["name"] for each in rules() if each["type"] == "alerting"} == {a.name for a in alerts(Profile())}


def test_alertmanager_is_reached(installation: Installation) -> None:
    found = installation.asked("/api/v1/alertmanagers")["activeAlertmanagers"]
    assert [each["url"] for each in found] == [f"{installation.addresses['alertmanager']}/api/v2/alerts"]

    def told() -> list[str]:
        alerts = processes.get_json(f"{installation.addresses['alertmanager']}/api/v2/alerts")
        return [alert["labels"]["alertname"] for alert in alerts]

    processes.until(lambda: "LGSPWatchdog" in told(), "Alertmanager was told of the watchdog")


def test_demo_traffic_goes_over_the_broker(installation: Installation) -> None:
    asked = 'sum(lgsp_connector_messages_total{job="lgsp-connectors",result="ack"})'.replace('"', "%22")
    processes.until(lambda: counted(installation, asked) > 0, "connectors have answered")


@pytest.mark.timeout(120)
def test_what_ends_by_itself_is_started_again_and_ctrl_c_ends_everything(installation: Installation) -> None:
    first = installation.pids()["connectors"]
    os.kill(first, 9)
    processes.until(lambda: installation.pids()["connectors"] != first, "connectors run again", 60)
    pids = installation.pids()
    assert set(pids) == {"gateway", "connectors", "alertmanager", "prometheus"} | set(pids) & {"grafana"}
    assert installation.end() == 0
    assert [name for name, pid in pids.items() if Path(f"/proc/{pid}").exists()] == []


async def test_a_program_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    child = Child(
        Program("talker", ["/bin/sh", "-c", "echo no such file; exit 3"], "http://127.0.0.1:9"), tmp_path / "log"
    )
    with pytest.raises(SettingsError, match=r"talker does not come up; it said in .*log:\nno such file"):
        await child.start()
    await child.end()
