"""The whole installation as `make stack` starts it: every query of every board, and the shipped drills.

Real Prometheus, Alertmanager and RabbitMQ, on rules whose hour is a minute.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest

from lgsp.monitoring.boards import boards
from lgsp.monitoring.boards.panel import Board
from lgsp.monitoring.profile import Profile

pytestmark = [pytest.mark.real, pytest.mark.proof, pytest.mark.timeout(600)]
DRILLS = processes.REPOSITORY / "config" / "scenarios" / "drills"
TOGETHER = ("outage", "burn-fast", "burn-slow", "queue-full", "stop-consuming", "flapping")
"""Troubles of single services that do not touch each other."""
ALONE = ("bus-wide", "broker-alarm", "connector-crash", "broker-stop")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Process]:
    day = str(processes.REPOSITORY / "config" / "scenarios" / "even.yaml")
    words = ["stack", "--any-port", "--scale", "60", "--scenario", day, "--json"]
    with processes.Process(words, tmp_path_factory.mktemp("stack"), ready='"node"') as running:
        yield running
        assert running.end() == 0


def address(stack: processes.Process, name: str) -> str:
    return stack.found(rf'"{name}": "([^"]+)"')


def drill(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lgsp", "drill", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=processes.REPOSITORY, timeout=300)


def rehearsed(stack: processes.Process, *names: str) -> tuple[int, dict[str, Any]]:
    """Carry out, and score: the exit code and what it says."""
    here = ("--state", str(stack.state), "--json")
    prometheus = ("--prometheus", address(stack, "prometheus"))
    where = ("--admin", address(stack, "admin"), "--node", address(stack, "node"), "--scale", "60")
    ran = drill("run", *(str(DRILLS / f"{name}.yaml") for name in names), *where, *prometheus, *here)
    assert ran.returncode == 0, ran.stderr
    scored = drill("score", json.loads(ran.stdout)["record"], *prometheus, *here)
    told = json.loads(scored.stdout)
    for each in told["troubles"]:
        late = "" if each["delay_seconds"] is None else f"{each['delay_seconds']:.1f} s"
        print(f"{each['what']:32} {each['alert']:26} {each['verdict']:9} {late}")
    return scored.returncode, told


EVERYTHING = {"$service": ".+", "$owner": ".+", "$instance": ".+", "$__rate_interval": "30s"}
NOTHING_YET = re.compile(
    r"lgsp_load_|^ALERTS|ALERTS\{|process_start_time|last_verified|lgsp_fault_active|unless on \(\) count\(last_over"
)
"""What is rightly empty while nobody loads, nothing fires, nothing was verified, no fault is injected and no past was told."""


def asked(stack: processes.Process, expression: str, chosen: dict[str, str]) -> list[dict[str, Any]]:
    """What a board's query gives now, its choices filled in as Grafana does; of a variable, the series it is made from."""
    if expression.startswith("label_values("):
        expression = expression.removeprefix("label_values(").rpartition(",")[0]
    for name, value in chosen.items():
        expression = expression.replace(name, value)
    query = urllib.parse.urlencode({"query": expression})
    found: list[dict[str, Any]] = processes.get_json(f"{address(stack, 'prometheus')}/api/v1/query?{query}")["data"][
        "result"
    ]
    return found


def watched(stack: processes.Process) -> None:
    """Until the rules have seen traffic for a while."""
    look = "service:lgsp_transactions:rate5m > 0 and on (service) service:lgsp_error_budget_remaining:ratio_month"
    processes.until(lambda: len(asked(stack, look, {})) > 20, "recording rules of most services", 120)


@pytest.mark.parametrize("board", boards(Profile()), ids=lambda board: board.uid)
def test_every_query_of_a_board_answers_for_all_and_for_one(stack: processes.Process, board: Board) -> None:
    watched(stack)
    for service in (".+", "population"):
        for expression in board.expressions():
            found = asked(stack, expression, EVERYTHING | {"$service": service})
            assert not {each["value"][1] for each in found} & {"NaN", "+Inf", "-Inf"}, expression
            budget_is_gone = service != ".+" and "error_budget_remaining" in expression
            assert found or NOTHING_YET.search(expression) or budget_is_gone, f"{board.uid}: nothing for {expression}"


def test_a_query_of_a_metric_that_was_renamed_is_caught(stack: processes.Process) -> None:
    [overview] = [board for board in boards(Profile()) if board.uid == "lgsp-overview"]
    renamed = [
        text.replace("lgsp_transactions_total", "lgsp_transactions_all_total") for text in overview.expressions()
    ]
    changed = [text for text in renamed if "lgsp_transactions_all_total" in text]
    assert changed
    assert [text for text in changed if asked(stack, text, EVERYTHING)] == []


def test_the_exact_figures_and_the_counters_are_one_number(stack: processes.Process) -> None:
    year = 'sum by (service) (lgsp_ledger_period_transactions{period="year"})'
    found = asked(stack, f"({year}) - on (service) sum by (service) (lgsp_transactions_total)", {})
    assert len(found) > 20
    assert {each["value"][1] for each in found} == {"0"}


@pytest.mark.parametrize("names", [TOGETHER, *((name,) for name in ALONE)], ids="+".join)
def test_every_trouble_is_told_of_and_nothing_cries_without_one(
    stack: processes.Process, names: tuple[str, ...]
) -> None:
    code, told = rehearsed(stack, *names)
    assert (told["missed"], told["false_pages"], code) == (0, [], 0), told
    assert told["detected"] == len(told["troubles"]) >= len(names)
    settled(stack)


def test_with_a_rule_silenced_the_score_says_missed(stack: processes.Process) -> None:
    rules = stack.state / "stack" / "rules.yml"
    text = rules.read_text(encoding="utf-8")
    silent = re.sub(
        r"- alert: LGSPServiceDown\n    expr: \(", "- alert: LGSPServiceDown\n    expr: (vector(0) > 1 and ", text
    )
    assert silent != text
    rules.write_text(silent, encoding="utf-8")
    os.kill(prometheus_of(stack), signal.SIGHUP)
    code, told = rehearsed(stack, "outage")
    assert code == 1
    assert [(each["alert"], each["verdict"]) for each in told["troubles"]] == [("LGSPServiceDown", "missed")]


def settled(stack: processes.Process) -> None:
    """Until no page of ours fires: the next drill begins in peace. A ticket looks back for hours."""
    page = 'ALERTS{alertname=~"LGSP.+",alertstate="firing",severity="page"}'
    processes.until(lambda: not asked(stack, page, {}), "no page fires any more", 90)


def prometheus_of(stack: processes.Process) -> int:
    """Its process id: nobody but us runs one on this directory."""
    place = f"--storage.tsdb.path={stack.state / 'stack' / 'prometheus'}".encode()
    [found] = [
        int(directory.name)
        for directory in Path("/proc").iterdir()
        if directory.name.isdigit() and place in (directory / "cmdline").read_bytes().split(b"\0")
    ]
    return found
