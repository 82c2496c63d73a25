"""Connectors that say what was said, on a real RabbitMQ."""

from __future__ import annotations

import json
from pathlib import Path

import processes
import pytest

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode
from lgsp.capture.files import Writer
from lgsp.capture.record import Answered, Asked, Body, Record

pytestmark = [pytest.mark.real, pytest.mark.timeout(90)]
SERVICES = "svc:\n  title: T\n  operations:\n    GET /x/{id}: {reply: {from: stand-in}}\n"


def test_connectors_answer_from_a_capture_and_name_what_is_nearest(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "services.yaml").write_text(SERVICES)
    (config / "consumers.yaml").write_text('tester: {title: T, local: true, subscriptions: ["*"], behaviour: calm}\n')
    capture = tmp_path / "uat.lgsp.jsonl"
    with Writer.create(capture, {}) as writer:
        for number in (1, 2, 1):
            body = Body.of(b'{"recorded":%d}' % (writer.seq + 10))
            writer.write(Record(t=0, request=Asked("GET", f"/svc/x/{number}"), reply=Answered(200, body=body)))
    users = [topology.gateway_user("gw1", "g"), topology.connectors_user("connectors", "c", ["svc"])]
    with PrivateNode(tmp_path / "node", topology.definitions(["svc"], users, salt=b"salt")) as node:
        places = ["--admin", "127.0.0.1:0", "--broker", node.url("connectors", "c"), "--config", str(config)]
        answering = processes.Process(
            ["connectors", *places, "--from", str(capture)], tmp_path / "connectors", ready="connectors ready"
        )
        with answering, processes.gateway(node.url("gw1", "g"), tmp_path, config=config) as gateway:
            assert "answers were recorded" in answering.output
            url = json.loads(gateway.output.splitlines()[-1])["url"]
            token = processes.token_of(url, gateway.state)
            said = [processes.get(f"{url}/svc/x/{number}", token) for number in (1, 1, 1, 2)]
            assert said == [(200, b'{"recorded":%d}' % number) for number in (10, 12, 12, 11)]
            status, body = processes.get(f"{url}/svc/x/3", token)
            assert (status, json.loads(body)["nearest"]) == (502, "GET /x/1")
