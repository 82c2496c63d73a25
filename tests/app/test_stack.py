"""`lgsp stack`: everything comes up, sees each other, and is gone after Ctrl-C."""

from __future__ import annotations

import os
import re
import shutil
import signal
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from installation import Installation

from lgsp.app.child import Child, Program
from lgsp.clock import SystemClock
from lgsp.errors import SettingsError
from lgsp.monitoring.alerts import alerts
from lgsp.monitoring.boards import boards
from lgsp.monitoring.profile import Profile

pytestmark = pytest.mark.real
PAST = """\
zone: Asia/Ho_Chi_Minh
calls: 1000
parts: {all: {share: 100%}}
period: {from: "2023-05-11", to: "2023-05-24", calls: 14000000, official: 99%, services: 2}
failures: {timeout: 100%}
services: {e-office: {share: 75%, official: 99%}, population: {share: 25%, official: 99%}}
"""
"""A shorter one than is shipped, through the same doors."""
JOBS = {"lgsp-gateway", "lgsp-connectors", "lgsp-broker", "lgsp-broker-queues"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("stack")
    config = shutil.copytree(processes.REPOSITORY / "config", directory / "config")
    for scenario in (config / "scenarios").glob("quang-nam-*.yaml"):
        scenario.write_text(PAST)
    options = ("--config", str(config), "--past", "--scale", "60", "--pace", "2")
    with Installation(directory / "state", *options) as running:
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


@pytest.mark.timeout(180)
def test_minutes_after_its_first_start_the_overview_has_data_and_a_past_without_a_touch(
    installation: Installation,
) -> None:
    """Every query over the span that its panel opens with. Prometheus looks for new blocks once a minute, and when it starts."""
    log = installation.state / "stack.log"
    processes.until(lambda: '"a past is there"' in log.read_text(), "a past was told", 90)
    os.kill(installation.pids()["prometheus"], signal.SIGTERM)
    processes.until(lambda: "prometheus is up again" in log.read_text(), "Prometheus runs again", 60)
    overview = next(board for board in boards(Profile(scale=60)) if board.uid == "lgsp-overview")
    pages = re.compile("^ALERTS")
    asked = [
        (query.expr, panel.since or overview.since.removeprefix("now-"))
        for panel in overview.panels
        for query in panel.queries
        if not pages.search(query.expr)
    ]
    processes.until(
        lambda: all(over(installation, expression, span) for expression, span in asked),
        "every query of the overview answers",
        60,
    )
    [long] = [(expression, span) for expression, span in asked if "unless on () count(last_over_time" in expression]
    [simulated] = over(installation, *long)
    assert sum(simulated) / len(simulated) == pytest.approx(14_000_000 / 14 / 86_400, rel=0.02)
    assert len(simulated) >= 14 * 8 - 1


def over(running: Installation, expression: str, span: str) -> list[list[float]]:
    """What a query gives over the last `span` (an hour or some weeks), a list for each series, as Grafana asks it."""
    number, unit = int(span[:-1]), {"h": 3_600, "w": 7 * 86_400}[span[-1]]
    step = 15 if unit == 3_600 else 3 * 3_600
    for name, value in {"$service": ".+", "$owner": ".+", "$__rate_interval": "1m"}.items():
        expression = expression.replace(name, value)
    end = SystemClock().now()
    asked = urllib.parse.urlencode({"query": expression, "start": end - number * unit, "end": end, "step": step})
    found = running.asked(f"/api/v1/query_range?{asked}")["result"]
    return [[float(value) for _, value in each["values"]] for each in found]


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
