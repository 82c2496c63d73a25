"""A past for a first start, by the real command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from lgsp.app.past import tell_past
from lgsp.ledger.past import FILE, Past
from lgsp.settings import make_state

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]
SERVICES = 'e-office: {title: E-office, operations: {GET /x: {reply: "x"}}, latency: {p50: 5ms, p99: 9ms}}\n'
SMALL = """\
calls: 1000
parts: {all: {share: 100%}}
period: {from: "2023-05-11", to: "2023-05-24", calls: 1400, official: 99%, services: 1}
failures: {timeout: 100%}
services: {e-office: {share: 100%, official: 99%}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    directory = tmp_path / "config"
    (directory / "scenarios").mkdir(parents=True)
    (directory / "services.yaml").write_text(SERVICES)
    (directory / "scenarios" / "small.yaml").write_text(SMALL)
    return directory


async def test_it_is_told_once_up_to_yesterday(config: Path, tmp_path: Path) -> None:
    state = make_state(tmp_path / "state")
    with capture_logs() as logs:
        await tell_past(config, state)
        first = (state / FILE).stat().st_mtime_ns
        await tell_past(config, state)
    assert [entry["event"] for entry in logs] == ["a past is there"] * 2
    assert (state / FILE).stat().st_mtime_ns == first
    with Past(state / FILE) as past:
        assert past.about.moved_days > 0
        assert past.about.calls >= 1400


async def test_what_goes_wrong_is_logged_and_stops_nothing(config: Path, tmp_path: Path) -> None:
    (config / "scenarios" / "small.yaml").unlink()
    with capture_logs() as logs:
        await tell_past(config, make_state(tmp_path / "state"))
    assert (logs[0]["event"], logs[0]["log_level"], logs[0]["code"]) == ("no past was told", "warning", 2)
    assert "has a `period`" in logs[0]["said"]


async def test_a_stop_ends_its_process_and_leaves_nothing_half_done(config: Path, tmp_path: Path) -> None:
    state = make_state(tmp_path / "state")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(tell_past(config, state), 0.05)
    assert not (state / FILE).exists()
