"""A past for a first start, by the real command line."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus import Prometheus, promtool
from structlog.testing import capture_logs

from lgsp.app.past import Store, tell_past, tell_prometheus
from lgsp.ledger.past import FILE, About, Past
from lgsp.model import Outcome
from lgsp.monitoring.boards import boards
from lgsp.monitoring.boards.panel import Board
from lgsp.monitoring.profile import Profile
from lgsp.settings import make_state

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]
SERVICES = """\
e-office: {title: E-office, operations: {GET /x: {reply: "x"}}, latency: {p50: 5ms, p99: 9ms}}
population: {title: Population, owner: C06, tier: central, operations: {GET /y: {reply: "y"}}, latency: {p50: 5ms, p99: 9ms}}
"""
SMALL = """\
calls: 1000
parts: {all: {share: 100%}}
period: {from: "2023-05-11", to: "2023-05-24", calls: 1400000, official: 99%, services: 2}
failures: {timeout: 80%, bus_error: 20%}
services: {e-office: {share: 75%, official: 99%}, population: {share: 25%, official: 99%}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return a_config(tmp_path / "config")


def a_config(directory: Path) -> Path:
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
        assert past.about.calls >= 1_400_000


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


@dataclass(frozen=True)
class Filled:
    """A Prometheus that was given a past while it ran and was new, and the state directory with the past itself."""

    store: Store
    state: Path

    def running(self) -> Prometheus:
        return Prometheus(self.store.data.parent)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    directory = tmp_path_factory.mktemp("filled")
    config, state = a_config(directory / "config"), make_state(directory / "state")
    with Prometheus(directory / "prometheus") as running, capture_logs() as logs:
        store = Store(running.url, running.data, promtool(), "127.0.0.1:8290")
        asyncio.run(tell_prometheus(config, state, store))
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("a past is there", "info")]
    assert sorted(file.name for file in store.data.parent.iterdir()) == ["data", "log", "prometheus.yml"]
    return Filled(store, state)


def end_of(about: About) -> float:
    """The full hour at which it ends."""
    day = datetime.fromisoformat(about.last).replace(tzinfo=ZoneInfo(about.zone))
    return (day + timedelta(days=1)).timestamp()


def test_a_new_prometheus_has_the_calls_that_the_past_beside_the_ledger_has(filled: Filled) -> None:
    with Past(filled.state / FILE) as past, filled.running() as running:
        found = running.at("sum(increase(lgsp_transactions_total[30d]))", end_of(past.about))
        assert found[""] == pytest.approx(past.about.calls, rel=0.001)
        assert past.is_whole()


def test_a_prometheus_that_reaches_back_is_left_alone(config: Path, filled: Filled) -> None:
    blocks = sorted(filled.store.data.glob("*/meta.json"))
    with filled.running() as running, capture_logs() as logs:
        asyncio.run(tell_prometheus(config, filled.state, replace(filled.store, url=running.url)))
    assert logs == []
    assert sorted(filled.store.data.glob("*/meta.json")) == blocks != []


def test_what_goes_wrong_before_prometheus_has_it_is_logged_and_a_past_that_is_there_stays(
    config: Path, tmp_path: Path
) -> None:
    state = make_state(tmp_path / "state")
    (state / FILE).write_text("somebody's own")
    with capture_logs() as gone:
        asyncio.run(
            tell_prometheus(config, state, Store("http://127.0.0.1:9", tmp_path / "x" / "data", "promtool", "i"))
        )
    with Prometheus(tmp_path / "prometheus") as running, capture_logs() as missing:
        asyncio.run(tell_prometheus(config, state, Store(running.url, running.data, str(tmp_path / "none"), "i")))
    for logs in (gone, missing):
        assert [(entry["event"], entry["log_level"]) for entry in logs] == [("no past was told", "warning")]
    assert str(tmp_path / "none") in missing[0]["said"]
    assert (state / FILE).read_text() == "somebody's own"
    assert not (tmp_path / "prometheus" / "past").exists()


OF_THE_MOMENT = re.compile(r"\[5m\]|ALERTS")
"""Figures of the last minutes and what fires: of now alone, on every board."""
NOT_IN_A_PAST = re.compile(
    r"lgsp_queue_wait|lgsp_connector_duration|last_success|lgsp_fault_active|process_start_time|and on \(\) count\(up"
)
"""What processes measure, of which there were none: time in queues and at providers, faults, starts, and what is real."""


def test_the_overview_s_queries_return_it(filled: Filled) -> None:
    """Over its days, with the steps in which Grafana asks when it shows five months."""
    overview: Board = next(board for board in boards(Profile()) if board.uid == "lgsp-overview")
    with Past(filled.state / FILE) as past, filled.running() as running:
        end, about = end_of(past.about), past.about
        totals = past.totals()
        span = {"start": end - 13 * 86_400, "end": end, "step": 3 * 3_600}

        def asked(expression: str) -> dict[str, list[float]]:
            filled_in = expression.replace("$__rate_interval", "3h").replace("$service", ".+").replace("$owner", ".+")
            found = running.asked("query_range", query=filled_in, **span)
            return {
                ",".join(f"{key}={value}" for key, value in sorted(each["metric"].items())): [
                    float(value) for _, value in each["values"]
                ]
                for each in found
            }

        expressions = [text for text in overview.expressions() if not text.startswith("label_values(")]
        answers = {text: asked(text) for text in expressions if not OF_THE_MOMENT.search(text)}
        assert {text for text, found in answers.items() if not found} == {
            text for text in answers if NOT_IN_A_PAST.search(text)
        }
        assert len([text for text, found in answers.items() if found]) >= 14
        a_second = about.calls / (
            end - datetime.fromisoformat(about.first).replace(tzinfo=ZoneInfo(about.zone)).timestamp()
        )
        [by_outcome] = [found for found in answers.values() if "outcome=timeout" in found]
        assert {name.removeprefix("outcome=") for name in by_outcome} == set(Outcome)
        assert sum(map(sum, by_outcome.values())) / len(by_outcome["outcome=ok"]) == pytest.approx(a_second, rel=0.02)
        [by_tier] = [found for found in answers.values() if set(found) == {"tier=central", "tier=provincial"}]
        assert sum(by_tier["tier=central"]) / sum(by_tier["tier=provincial"]) == pytest.approx(1 / 3, rel=0.02)
        [year] = [
            found[""]
            for text, found in answers.items()
            if 'period="year"' in text and "by" not in text and "/" not in text
        ]
        assert year[-1] == sum(totals.values()) == about.calls
        lost = sum(count for (_, outcome), count in totals.items() if outcome == "bus_error") / about.calls
        [ours] = answers["bus:lgsp_bus_caused_errors:ratio_rate5m"].values()
        assert sum(ours) / len(ours) == pytest.approx(lost, rel=0.1)
        [long] = [found[""] for text, found in answers.items() if "unless on () count(last_over_time" in text]
        assert len(long) == len(by_outcome["outcome=ok"])
        assert sum(long) / len(long) == pytest.approx(a_second, rel=0.02)
