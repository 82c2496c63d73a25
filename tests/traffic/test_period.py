from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from builders import shipped

from lgsp.catalogue.source import Source, read
from lgsp.errors import CatalogueError
from lgsp.model import Outcome
from lgsp.traffic.period import Claim, Period, claims
from lgsp.traffic.scenario import read_scenario

CONFIG = Path(__file__).parents[2] / "config"
FILE = CONFIG / "scenarios" / "quang-nam-2023.yaml"
SCENARIO = read_scenario(FILE)


def period() -> Period:
    assert SCENARIO.period
    return SCENARIO.period


def test_the_yardstick_is_what_the_report_says() -> None:
    told = period()
    assert (told.first, told.last, told.days) == (date(2023, 1, 1), date(2023, 5, 24), 144)
    assert (told.calls, told.official, told.services, len(told.loads)) == (225_500_000, 0.99, 28, 28)
    streams = {stream.name: stream for stream in told.streams}
    assert streams["dossiers"].parts == {"province": 37_710, "district": 70_296, "commune": 89_728}
    assert all(sum(stream.parts.values()) == stream.total for stream in told.streams)
    assert streams["new-dossier-system"].parts["online"] / streams["new-dossier-system"].total == pytest.approx(
        0.4675, abs=5e-5
    )
    assert streams["hotline-settled"].total / streams["hotline-received"].total == pytest.approx(0.98999, abs=5e-6)
    assert told.desks
    assert [len(names) for names in told.desks.states.values()] == [8, 6, 4]
    assert told.desks.total == len({name for names in told.desks.states.values() for name in names}) == 18


def test_its_calendar_makes_94_working_days_and_the_calls_of_the_report() -> None:
    office = SCENARIO.parts["office"]
    factors = [office.factor(each) for each in period().each_day()]
    assert [factors.count(factor) for factor in (1.0, 0.2, 0.08, 0.05, 0.03)] == [94, 18, 18, 7, 7]
    start = SCENARIO.midnight(period().first)
    whole = sum(SCENARIO.rate(start + hour * 3600) * 3600 for hour in range(144 * 24))
    assert whole == pytest.approx(225_500_004, abs=5)


def test_shares_and_success_are_the_catalogue_s_own() -> None:
    for service in shipped():
        load = period().loads[service.id]
        assert service.errors
        assert load.share == pytest.approx(service.share), service.id
        assert load.official == pytest.approx(1 - sum(service.errors.rates.values()), abs=1e-5), service.id


def test_every_number_says_what_it_rests_on() -> None:
    told = claims(read(Source(FILE.name, FILE.read_bytes())))
    assert len(told) > 130
    assert [claim for claim in told if not claim.evidence or not claim.source] == []
    facts = {claim.value for claim in told if claim.evidence == "fact"}
    assert {
        "225500000",
        "99%",
        "28",
        "37710",
        "70296",
        "89728",
        "197734",
        "16960",
        "7928",
        "1598",
        "1582",
        "18",
    } <= facts
    assert {claim.evidence for claim in told if claim.where.startswith("services")} == {"assumption"}


def test_the_nearest_block_speaks_for_a_number_and_silence_is_seen() -> None:
    text = 'a: {fact: "x", b: 1, c: {value: 2%, assumption: "y"}, d: ["3"]}\ne: 4\nf: many\n'
    assert claims(read(Source("s.yaml", text.encode()))) == [
        Claim("a / b", "1", "fact", "x", 1),
        Claim("a / c / value", "2%", "assumption", "y", 1),
        Claim("e", "4", "", "", 2),
    ]


BASE = """\
calls: 2400
parts: {all: {share: 100%}}
period:
  from: "2023-01-01"
  to: "2023-01-02"
  calls: 1000
  official: {value: 99%, fact: "x"}
  services: 1
failures: {timeout: 100%}
services: {a: {share: 100%, official: 99%}}
"""


def read_text(tmp_path: Path, text: str) -> Period | None:
    (tmp_path / "some.yaml").write_text(text, encoding="utf-8")
    return read_scenario(tmp_path / "some.yaml").period


def test_the_smallest_period(tmp_path: Path) -> None:
    told = read_text(tmp_path, BASE)
    assert told
    assert (told.days, told.calls, told.official, told.failures) == (2, 1_000, 0.99, {Outcome.TIMEOUT: 1.0})
    assert (told.business_faults, told.busiest_minute, told.streams, told.desks) == (0.0, 1.0, (), None)
    assert read_text(tmp_path, BASE.replace("period:", "x-period:")) is None


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"2023-01-02"', '"2022-01-02"', 5, "it ends before it begins"),
        ('"2023-01-02"', '"2/1/2023"', 5, "is no day"),
        ('"2023-01-02"', "2023-01-02", 5, "is quoted"),
        ("  services: 1\n", "", 1, "period / services"),
        ("services: {a: {share: 100%, official: 99%}}\n", "", 1, "a scenario with a period also has: services"),
        ("share: 100%, official", "share: 90%, official", 10, "the shares add up to 100%"),
        (", official: 99%}", "}", 10, "its share and its official success"),
        ("timeout: 100%", "timeout: 90%", 9, "add up to 100%"),
        ("timeout: 100%", "ok: 100%", 9, "unknown key 'ok'"),
        ("calls: 1000", "calls: 10.5", 6, "10.5 is no whole number"),
        ("calls: 1000", 'calls: {fact: "x"}', 6, "the key 'value' is missing"),
        ("failures:", "failure:", 9, "did you mean 'failures'?"),
    ],
)
def test_a_mistake_has_its_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    assert old in BASE
    with pytest.raises(CatalogueError) as caught:
        read_text(tmp_path, BASE.replace(old, new))
    assert any(problem.startswith(f"some.yaml:{line}:") and words in problem for problem in caught.value.problems), (
        caught.value.problems
    )
