"""Two connectors processes of one machine share what their stand-ins were told."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import processes
import pytest
from builders import shipped

from lgsp.app.broker import ask_over_bus
from lgsp.bus import topology
from lgsp.bus.node import PrivateNode
from lgsp.model import Outcome, Reply

pytestmark = [pytest.mark.real, pytest.mark.timeout(90)]

SERVICE = shipped().find("tthc-dossiers")
CODE = "000.00.31.H47-230525-0199"


async def ask(url: str, operation: str, *, query: str = "", **fields: object) -> Reply:
    asked = SERVICE.operations[operation]
    return await ask_over_bus(
        url,
        SERVICE,
        asked,
        path=asked.template,
        query=query,
        headers={},
        body=json.dumps(fields).encode(),
        consumer="c",
        key="k",
    )


async def test_what_one_process_was_told_the_other_knows(tmp_path: Path) -> None:
    document = topology.definitions([SERVICE.id], [topology.administrator("all", "all")], salt=b"salt")
    with PrivateNode(tmp_path / "node", document) as node:
        url = node.url("all", "all")
        arguments = ["connectors", "--only", SERVICE.id, "--admin", "127.0.0.1:0", "--broker", url]
        one, other = (
            processes.Process([*arguments, "--name", name], tmp_path / "state", ready=f'"name": "{name}"')
            for name in ("a", "b")
        )
        with one:
            told = await ask(url, "POST /tiepNhanHoSo", MaHoSo=CODE, MaTTHC="1.001193", ChuHoSo="Phan Công Khoa")
            assert told.outcome is Outcome.OK
            with other:
                admins = [re.findall(r'"admin": "(\S+?)"', process.output)[-1] for process in (one, other)]
                seen = [await ask(url, "GET /traCuuHoSo", query=f"MaHoSo={CODE}") for _ in range(8)]
                answered = [handled(admin) for admin in admins]
    assert Counter(json.loads(reply.body).get("ChuHoSo") for reply in seen) == {"Phan Công Khoa": 8}
    assert sum(answered) == 9
    assert min(answered) >= 1, "the broker gives to each in turn"


def handled(admin: str) -> int:
    metrics = processes.get(f"{admin}/metrics")[1].decode()
    found = re.search(r'(?m)^lgsp_connector_messages_total\{result="ack",service="tthc-dossiers"\} ([\d.]+)$', metrics)
    assert found
    return int(float(found[1]))
