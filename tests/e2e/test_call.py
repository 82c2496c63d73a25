"""`lgsp call`, through the gateway and straight over the bus, and connectors that serve only some services."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import processes
import pytest

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode

pytestmark = [pytest.mark.real, pytest.mark.timeout(90)]


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lgsp", "call", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=processes.REPOSITORY, timeout=30)


def test_a_call_over_the_bus_and_through_the_gateway_have_one_answer(tmp_path: Path) -> None:
    services = ["shared-catalog", "health"]
    document = topology.definitions(services, [topology.administrator("all", "all")], salt=b"salt")
    with PrivateNode(tmp_path / "node", document) as node:
        broker = node.url("all", "all")
        only = processes.Process(
            ["connectors", "--only", "shared-catalog", "--admin", "127.0.0.1:0", "--broker", broker],
            tmp_path / "connectors",
            ready="connectors ready",
        )
        with only, processes.gateway(broker, tmp_path) as gateway:
            url = json.loads(gateway.output.splitlines()[-1])["url"]
            here = ("--gateway", url, "--state", str(gateway.state))
            through = call("shared-catalog", "GET /dantocs/4", *here, "--json")
            over = call("shared-catalog", "GET /dantocs/4", "--via", "bus", "--broker", broker, "--json")
            assert (through.returncode, over.returncode) == (0, 0), through.stderr + over.stderr
            answers = [json.loads(done.stdout) for done in (through, over)]
            assert [(a["status"], a["outcome"], a["official_success"]) for a in answers] == [(200, "ok", True)] * 2
            assert answers[0]["body"] == answers[1]["body"]
            assert json.loads(answers[0]["body"])["tenGoi"] == "Cơ Tu"

            plain = call("shared-catalog", "tongiaos", *here)
            assert json.loads(plain.stdout)[0] == {"id": "1", "ma": "00", "ten": "Không"}
            assert plain.stderr.startswith("GET /tongiaos: 200, transaction ")

            refused = call("shared-catalog", "GET /dantocs/99", *here, "--json")
            assert (refused.returncode, json.loads(refused.stdout)["outcome"]) == (0, "business_fault")

            unserved = call("gis", "geocode", *here, "--json")
            assert unserved.returncode == 1
            assert json.loads(json.loads(unserved.stdout)["body"])["fault"]["reason"] == "unroutable"


def test_a_call_to_nobody_is_a_sentence_and_exit_3(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("any")
    nobody = ("--gateway", "http://127.0.0.1:1", "--secret-file", str(tmp_path / "secret"))
    done = call("shared-catalog", "dantocs", *nobody)
    assert (done.returncode, done.stdout) == (3, "")
    assert "no gateway answers at http://127.0.0.1:1" in done.stderr
    assert "lgsp up" in done.stderr


def test_a_call_without_the_secret_says_where_it_looked(tmp_path: Path) -> None:
    done = call("shared-catalog", "dantocs", "--as", "demo", "--state", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"cannot be read from {tmp_path}/secrets/consumers/demo" in done.stderr
    assert "--secret-file" in done.stderr
