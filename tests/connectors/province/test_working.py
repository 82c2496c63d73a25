from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from connectors.province.working import after, is_working, spread, weight, weight_until
from lgsp.traffic.scenario import read_scenario

YARDSTICK = read_scenario(Path(__file__).parents[3] / "config" / "scenarios" / "quang-nam-2023.yaml")
JANUARY, APRIL = date(2023, 1, 1), date(2023, 4, 30)


def test_the_province_and_the_scenario_keep_one_calendar() -> None:
    assert YARDSTICK.period
    office = YARDSTICK.parts["office"]
    assert [weight(day) for day in YARDSTICK.period.each_day()] == [
        office.factor(day) for day in YARDSTICK.period.each_day()
    ]


def test_january_to_april_2023_have_79_working_days() -> None:
    days = [JANUARY + timedelta(days=number) for number in range((APRIL - JANUARY).days + 1)]
    assert sum(map(is_working, days)) == 79
    assert weight_until(APRIL) == pytest.approx(sum(map(weight, days)))
    assert weight_until(JANUARY - timedelta(days=1)) == 0


@pytest.mark.parametrize(
    ("day", "days", "ends"),
    [
        (date(2023, 5, 24), 0, date(2023, 5, 24)),
        (date(2023, 5, 24), 1, date(2023, 5, 25)),
        (date(2023, 5, 26), 1, date(2023, 5, 29)),
        (date(2023, 4, 28), 1, date(2023, 5, 4)),
        (date(2023, 1, 19), 2, date(2023, 1, 30)),
    ],
)
def test_working_days_pass_over_weekends_and_holidays(day: date, days: int, ends: date) -> None:
    assert after(day, days) == ends


@pytest.mark.parametrize("total", [0, 1, 37, 16_960])
def test_what_is_spread_adds_up_and_falls_on_no_other_day(total: int) -> None:
    first, last = date(2023, 4, 17), date(2023, 5, 7)
    parts = [spread(total, date(2023, 4, 10) + timedelta(days=number), first, last) for number in range(60)]
    assert sum(parts) == total
    assert set(parts[:7]) == {0}
    assert min(parts) >= 0
