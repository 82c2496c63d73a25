from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lgsp.errors import CatalogueError
from lgsp.traffic.scenario import EVEN, HOUR, Part, Scenario, read_scenario

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
SHIPPED = read_scenario(Path(__file__).parents[2] / "config" / "scenarios" / "demo.yaml")
WEDNESDAY, SATURDAY, SUNDAY = (24, 5), (27, 5), (28, 5)  # of May 2023


def at(day: tuple[int, int], hour: int, minute: int = 0) -> float:
    """Seconds since the epoch of a local time in 2023."""
    return datetime(2023, day[1], day[0], hour, minute, tzinfo=HANOI).timestamp()


def calls(scenario: Scenario, day: tuple[int, int], hour: int) -> float:
    return scenario.rate(at(day, hour)) * HOUR


def calls_a_day(scenario: Scenario, day: tuple[int, int]) -> float:
    return sum(calls(scenario, day, hour) for hour in range(24))


def test_the_shipped_working_day_has_its_calls() -> None:
    assert calls_a_day(SHIPPED, WEDNESDAY) == pytest.approx(1_831_368, abs=0.5)


def test_its_peak_is_the_hour_from_nine() -> None:
    by_hour = [calls(SHIPPED, WEDNESDAY, hour) for hour in range(24)]
    assert by_hour.index(max(by_hour)) == 9
    assert by_hour[9] == pytest.approx(163_450, abs=1)


def test_a_weekend_has_what_polls_and_a_part_of_the_office() -> None:
    whole = 1_831_368
    assert calls_a_day(SHIPPED, SATURDAY) == pytest.approx(whole * (0.45 + 0.47 * 0.2 + 0.08), abs=0.5)
    assert calls_a_day(SHIPPED, SUNDAY) == pytest.approx(whole * (0.45 + 0.47 * 0.08 + 0.08), abs=0.5)


def test_the_days_of_2023_until_the_report_make_its_figure() -> None:
    # 1 January to 24 May: 94 working days, 18 Saturdays, 18 Sundays, and 14 holidays, which are much like Sundays.
    working, saturday, sunday = (calls_a_day(SHIPPED, day) for day in (WEDNESDAY, SATURDAY, SUNDAY))
    assert 94 * working + 18 * saturday + (18 + 14) * sunday == pytest.approx(225_500_000, rel=0.003)


def test_a_day_begins_at_midnight_of_the_zone() -> None:
    saturday = Scenario(HANOI, 2_400.0, {"all": Part(1.0, EVEN, {"saturday": 0.5})})
    assert saturday.rate(at(SATURDAY, 0) - 1) * HOUR == pytest.approx(100)
    assert saturday.rate(at(SATURDAY, 0)) * HOUR == pytest.approx(50)
    assert saturday.rate(at(SUNDAY, 0)) * HOUR == pytest.approx(100)


def test_an_hour_is_the_hour_of_the_zone() -> None:
    hours = tuple(100.0 if hour == 9 else 0.0 for hour in range(24))
    scenario = Scenario(HANOI, 3_600.0, {"all": Part(1.0, hours)})
    assert [scenario.rate(at(WEDNESDAY, *time)) for time in ((8, 59), (9, 0), (9, 59), (10, 0))] == [0, 1, 1, 0]


@pytest.mark.parametrize("pace", [1.0, 60.0])
def test_a_pacer_spreads_an_hour_at_its_pace(pace: float) -> None:
    hours = tuple({9: 60.0, 10: 40.0}.get(hour, 0.0) for hour in range(24))
    scenario = Scenario(HANOI, 1_000.0, {"all": Part(1.0, hours)})
    pacer = scenario.pacer(at(WEDNESDAY, 9, 30), pace)
    now, due = 0.0, []
    for number in range(750):
        wait = pacer.next(now, number)
        assert wait is not None
        now += wait
        due.append(now)
    assert sum(time < HOUR / 2 / pace for time in due) == pytest.approx(300, abs=1)
    assert sum(HOUR / 2 / pace <= time < 1.5 * HOUR / pace for time in due) == pytest.approx(400, abs=1)
    assert all(a <= b for a, b in pairwise(due))
    assert pacer.rate(0) == pytest.approx(600 / HOUR * pace)


def a_file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "some.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    scenario = read_scenario(a_file(tmp_path, "calls: 2400\nparts:\n  all:\n    share: 100%\n"))
    assert scenario == Scenario(ZoneInfo("UTC"), 2_400.0, {"all": Part(1.0)})


BASE = "zone: Asia/Ho_Chi_Minh\ncalls: 10\nparts:\n  all:\n    share: 100%\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (BASE.replace("Asia/Ho_Chi_Minh", "Asia/Quang_Nam"), 1, "'Asia/Quang_Nam' is no time zone"),
        (BASE.replace("Asia/Ho_Chi_Minh", "../etc/passwd"), 1, "is no time zone"),
        (BASE.replace("Asia/Ho_Chi_Minh", "Asia"), 1, "is no time zone"),
        (BASE.replace("zone:", "zones:"), 1, "did you mean 'zone'?"),
        (BASE.replace("calls: 10", "calls: many"), 2, ""),
        (BASE.replace("calls: 10", "calls: 0"), 1, "a scenario has `calls`"),
        (BASE.replace("100%", "100"), 5, ""),
        (BASE + "    hours: [1, 2]\n", 6, "24 percentages that add up to 100"),
        (BASE + f"    hours: [{', '.join(['5'] * 24)}]\n", 6, "24 percentages that add up to 100"),
        (BASE + "    days: {someday: 5%}\n", 6, "unknown key 'someday'"),
        (BASE + "    days: {sunday: 5%}\n", 1, "a part whose share holds on every day"),
        ("parts:\n  all:\n    share: 100%\n", 1, "a scenario has `calls`"),
        ("calls: 10\n", 1, "a part whose share"),
        ("- a\n", 1, "a mapping"),
    ],
)
def test_a_mistake_has_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        read_scenario(a_file(tmp_path, text))
    assert any(problem.startswith(f"some.yaml:{line}:") and words in problem for problem in caught.value.problems), (
        caught.value.problems
    )


def test_an_empty_file_is_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="the file is empty"):
        read_scenario(a_file(tmp_path, ""))


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        (datetime(2023, 5, 20, 9, tzinfo=HANOI), datetime(2023, 5, 20, 9, tzinfo=HANOI)),
        (datetime(2023, 5, 24, 23, 59, tzinfo=HANOI), datetime(2023, 5, 24, 23, 59, tzinfo=HANOI)),
        (datetime(2023, 5, 25, 0, 0, tzinfo=HANOI), datetime(2023, 5, 18, 0, 0, tzinfo=HANOI)),
        (datetime(2026, 11, 25, 9, 30, tzinfo=HANOI), datetime(2023, 5, 24, 9, 30, tzinfo=HANOI)),
    ],
)
def test_today_is_lived_through_as_the_same_weekday_of_the_period_s_last_week(now: datetime, moment: datetime) -> None:
    yardstick = read_scenario(Path(__file__).parents[2] / "config" / "scenarios" / "quang-nam-2023.yaml")
    assert yardstick.moment(now.timestamp()) == moment.timestamp()
    assert now.weekday() == moment.weekday()
    assert SHIPPED.moment(now.timestamp()) == now.timestamp()
