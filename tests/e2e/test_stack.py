"""The stack of the compose file, as far as it can be had without an engine."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import processes
import pytest
from stack import REPOSITORY, Stack
from test_up import queried

pytestmark = [pytest.mark.real, pytest.mark.timeout(90)]


def test_the_compose_file_s_own_commands_make_a_bus_that_prometheus_sees(tmp_path: Path) -> None:
    assert shutil.which("prometheus"), "Prometheus is not installed: install the package prometheus, or run `make test`"
    with Stack(tmp_path) as stack:
        gateway = f"http://127.0.0.1:{stack.ports['8280']}"
        token = processes.token_of(gateway, tmp_path / "state" / "gateway")
        for _ in range(25):
            status, body = processes.get(f"{gateway}/cmon/v1.0.0/dantocs/4", token)
            assert (status, json.loads(body)["tenGoi"]) == (200, "Cơ Tu")
        assert queried(stack.ports["9090"], 'sum(lgsp_transactions_total{job="lgsp-gateway",outcome="ok"})') == 25
        answered = 'sum(lgsp_connector_messages_total{job="lgsp-connectors",result="ack"})'
        assert queried(stack.ports["9090"], answered) == 25


def test_docker_compose_reads_the_file() -> None:
    program = shutil.which("docker-compose")
    assert program, "docker-compose is not installed: install the package docker-compose, or run `make test`"
    done = subprocess.run([program, "config", "--quiet"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
