"""Faults over the broker: ordered at a gateway, suffered in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import processes
import pytest

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
SERVICE = "shared-catalog"


def lgsp(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lgsp", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=processes.REPOSITORY,
    )


def test_a_fault_reaches_the_connectors_and_ends_and_a_crash_is_a_crash(tmp_path: Path) -> None:
    users = [topology.gateway_user("gw1", "g"), topology.connectors_user("connectors", "c")]
    document = topology.definitions([SERVICE], users, salt=b"salt")
    with PrivateNode(tmp_path / "node", document) as node, processes.gateway(node.url("gw1", "g"), tmp_path) as gateway:
        only = ["connectors", "--only", SERVICE, "--admin", "127.0.0.1:0", "--broker", node.url("connectors", "c")]
        connectors = processes.Process(only, tmp_path / "connectors", ready="connectors ready").start()
        url, admin = (json.loads(gateway.output.splitlines()[-1])[name] for name in ("url", "admin"))
        theirs = json.loads(connectors.output.splitlines()[-1])["admin"]
        places = ["--admin", admin, "--state", str(tmp_path / "gw1")]

        def call() -> Any:
            asked = lgsp(
                "call", SERVICE, "GET /dantocs/4", "--gateway", url, "--as", "tester", "--state", str(tmp_path / "gw1"), "--json"
            )  # fmt: skip
            return json.loads(asked.stdout)

        def active() -> bool:
            metrics = processes.get(f"{theirs}/metrics")[1].decode()
            return f'lgsp_fault_active{{fault="outage",service="{SERVICE}"}} 1.0' in metrics

        assert call()["outcome"] == "ok"
        made = lgsp("fault", "add", SERVICE, "--kind", "outage", "--for", "10m", *places, "--json")
        assert made.returncode == 0, made.stderr
        processes.until(active, "the fault is active")
        assert (call()["outcome"], call()["status"]) == ("unreachable", 503)
        listed = json.loads(lgsp("fault", "ls", *places, "--json").stdout)
        assert [fault["id"] for fault in listed] == [json.loads(made.stdout)["id"]]
        assert lgsp("fault", "rm", listed[0]["id"], *places).returncode == 0
        processes.until(lambda: not active(), "the fault is over")
        assert call()["outcome"] == "ok"

        noted = [json.loads(line)["what"] for line in (tmp_path / "gw1" / "faults.jsonl").read_text().splitlines()]
        assert noted == ["start", "end"]
        wrong = lgsp(
            "fault", "add", SERVICE, "--kind", "outage", "--admin", admin, "--state", str(tmp_path / "stranger")
        )
        assert wrong.returncode == 2
        assert "wants its admin token" in wrong.stderr

        assert lgsp("fault", "add", SERVICE, "--kind", "connector-crash", "--for", "60s", *places).returncode == 0
        child = connectors._child
        assert child
        assert child.wait(timeout=15) == 70
        again = processes.Process(only, tmp_path / "again", ready="connectors ready")
        with again:
            processes.until(lambda: call()["outcome"] == "ok", "connectors serve again")
