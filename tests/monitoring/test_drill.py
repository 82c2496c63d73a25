from __future__ import annotations

import json
from pathlib import Path

import pytest

from lgsp.catalogue.parse import read_catalogue
from lgsp.errors import CatalogueError, MalformedRequest
from lgsp.fault import Kind
from lgsp.monitoring.alerts import alerts
from lgsp.monitoring.drill import Process, Window, as_record, of_record, read_drill
from lgsp.monitoring.profile import Profile

CONFIG = Path(__file__).parents[2] / "config"
SHIPPED = sorted((CONFIG / "scenarios" / "drills").glob("*.yaml"))
PROVEN_BY_PROMTOOL_ALONE = {
    "LGSPServiceSilent",  # wants a day in which calls came at this hour
    "LGSPQueueBacklog",  # a slow connector holds its calls itself: none of our faults makes a queue of the broker wait
    "LGSPMessagesParked",  # takes eight tries, hours apart
    "LGSPConservation",
    "LGSPLedgerChainBroken",
    "LGSPLedgerLagging",
    "LGSPLedgerWitnessDrift",
    "LGSPWatchdog",  # fires always
}


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_drill_troubles_services_that_there_are(file: Path) -> None:
    drill = read_drill(file)
    known = {service.id for service in read_catalogue(CONFIG)}
    assert {service for trouble in drill.troubles for service in trouble.services} <= known
    assert all(trouble.expects for trouble in drill.troubles)
    assert 0 < drill.over <= 16 * 3600
    assert drill.scaled(60).over == pytest.approx(drill.over / 60)


def test_every_alert_has_a_drill_or_a_reason_why_not() -> None:
    drilled = {alert for file in SHIPPED for trouble in read_drill(file).troubles for alert in trouble.expects}
    every = {alert.name for alert in alerts(Profile())}
    assert drilled.isdisjoint(PROVEN_BY_PROMTOOL_ALONE)
    assert every - drilled == every & PROVEN_BY_PROMTOOL_ALONE


def written(tmp_path: Path, troubles: str) -> Path:
    file = tmp_path / "night.yaml"
    file.write_text(f"title: {{vi: Đêm, en: Night}}\ntroubles:\n{troubles}")
    return file


def test_a_drill_is_read_with_all_it_says(tmp_path: Path) -> None:
    text = (
        "  - {kind: outage, services: [a, b], at: 1m, for: 2m, every: 5m, times: 3, expects: [LGSPServiceDown]}\n"
        "  - {kind: broker-stop, for: 30s, expects: [LGSPTargetDown], allows: [LGSPServiceDown]}\n"
    )
    drill = read_drill(written(tmp_path, text))
    outage, stop = drill.troubles
    assert (drill.name, drill.title.en, drill.over) == ("night", "Night", 60 + 2 * 300 + 120)
    assert (outage.kind, outage.services, outage.times, str(outage)) == (
        Kind.OUTAGE,
        ("a", "b"),
        3,
        "outage of 2 services",
    )
    assert [(fault.service, fault.drill) for fault in outage.faults("night")] == [("a", "night"), ("b", "night")]
    assert (stop.kind, list(stop.faults("night")), stop.allows) == (Process.BROKER_STOP, [], ("LGSPServiceDown",))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{kind: outage, services: [a], for: 1m}", "expects belongs here"),
        ("{kind: outage, for: 1m, expects: [LGSPServiceDown]}", "name them"),
        ("{kind: broker-stop, services: [a], for: 1m, expects: [LGSPTargetDown]}", "of no service"),
        ("{kind: outage, services: [a], for: 1m, expects: [LGSPNothing]}", "LGSPNothing"),
        ("{kind: fire, services: [a], for: 1m, expects: [LGSPServiceDown]}", "fire"),
        ("{kind: outage, services: [a], for: 10, expects: [LGSPServiceDown]}", "needs its unit"),
        ("{kind: outage, services: [a], for: 1m, times: 3, expects: [LGSPServiceDown]}", "stand together"),
        ("{kind: outage, services: [a], for: 2m, every: 1m, times: 3, expects: [LGSPServiceDown]}", "longer than"),
    ],
)
def test_what_is_no_trouble_is_told_with_its_line(line: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=says) as raised:
        read_drill(written(tmp_path, f"  - {line}\n"))
    assert "night.yaml:3" in str(raised.value)


def test_a_window_is_of_its_services_and_a_crash_of_all(tmp_path: Path) -> None:
    text = "".join(
        f"  - {{kind: {kind}, services: [a], for: 1m, expects: [LGSPTargetDown]}}\n"
        for kind in ("outage", "connector-crash")
    )
    outage, crash = read_drill(written(tmp_path, text)).troubles
    assert Window.of("night", outage, 1.0, 2.0).services == ("a",)
    assert Window.of("night", crash, 1.0, 2.0).services == ()


def test_a_record_is_read_as_it_was_written() -> None:
    windows = [Window("d", "outage of a", ("a",), 1.5, 9.5, ("LGSPServiceDown",), ())]
    assert of_record(json.loads(json.dumps(as_record(windows, 60)))) == (windows, 60.0)
    for broken in ({}, [], {"scale": 1, "windows": [{}]}, {"scale": "1", "windows": []}):
        with pytest.raises(MalformedRequest):
            of_record(broken)
