from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from desks import MS, Desk
from structlog.testing import capture_logs

from lgsp.capture.files import Writer
from lgsp.capture.record import Answered, Asked, Body, Record


@pytest.fixture(autouse=True)
def _nothing_logged() -> Iterator[None]:
    """What a bus on another thread logs does not stand in what a command says."""
    with capture_logs():
        yield


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A day at the desk: three log-ins, a ticket for each clerk's call, each looked at twice."""
    path, desk, records = tmp_path / "day.lgsp.jsonl", Desk(1), list[Record]()

    def ask(method: str, target: str, token: str = "") -> dict[str, object]:
        status, body = desk.answer(method, target, token)
        headers = (("Authorization", f"Bearer {token}"),) if token else ()
        reply = Answered(status, body=Body.of(json.dumps(body).encode()))
        records.append(Record(t=len(records) * MS, request=Asked(method, target, headers), reply=reply))
        return body

    for _ in range(3):
        token = str(ask("POST", "/login")["token"])
        for _ in range(20):
            ticket = ask("POST", "/tickets", token)["ticket"]
            for _ in range(2):
                ask("GET", f"/tickets/{ticket}", token)
    with Writer.create(path, {}) as writer:
        writer.write(*records)
    return path
