from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from builders import shipped

from lgsp.model import Outcome
from lgsp.traffic.history import History
from lgsp.traffic.recorded import Names, period_gauges, recorded

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
START = int(datetime(2023, 1, 31, tzinfo=ZONE).timestamp())
NAMES = Names(
    {"5m": 300, "1h": 3_600, "6h": 21_600}, "rate{}".format, "errors{}".format, "ratio{}".format,
    "budget", "burn", "left", "info", "owner_rate", "owner_ratio", "bus", "bus_ratio{}".format, "lost{}".format,
)  # fmt: skip
DAYS = 2


def a_history() -> History:
    """31 January and 1 February: each hour 90 ok, 10 rejected, 8 timeouts, 2 lost by the bus; nothing in the second hour."""

    def hourly(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        counts = np.full(DAYS * 24, count, dtype=np.int64)
        counts[1] = 0
        return counts

    told = {Outcome.OK: 90, Outcome.REJECTED: 10, Outcome.TIMEOUT: 8, Outcome.BUS_ERROR: 2}
    hours = {("e-office", outcome): hourly(told.get(outcome, 0)) for outcome in Outcome}
    return History(START, hours, np.zeros(DAYS * 24 * 60, dtype=np.int64), {}, "")


SERIES = {each.metric: each for each in recorded(a_history(), shipped(), NAMES, ZONE)}


@pytest.mark.parametrize(
    ("metric", "hour", "value"),
    [
        ("rate1h", 0, 0.0),
        ("rate1h", 1, 100 / 3600),
        ("rate1h", 2, 0.0),
        ("rate5m", 1, 100 / 3600),
        ("rate6h", 6, 500 / 21_600),
        ("rate6h", 20, 100 / 3600),
        ("errors1h", 5, 10 / 3600),
        ("ratio1h", 5, 0.1),
        ("ratio1h", 2, math.nan),
        ("ratio6h", 2, 0.1),
        ("budget", 7, 0.01),
        ("burn", 5, 10.0),
        ("left", 5, 1 - 0.1 / 0.01),
        ("info", 3, 1),
        ("bus", 5, 100 / 3600),
        ("bus_ratio1h", 5, 0.1),
        ("bus_ratio5m", 2, math.nan),
        ("lost1h", 5, 0.02),
        ("lost5m", 2, math.nan),
        ("owner_rate", 5, 100 / 3600),
        ("owner_ratio", 5, 0.1),
        ("owner_ratio", 2, math.nan),
    ],
)
def test_a_recorded_series_has_at_each_hour_what_the_rule_gives(metric: str, hour: int, value: float) -> None:
    assert SERIES[metric].values[hour] == pytest.approx(value, nan_ok=True)


def test_an_owner_is_told_of_by_tier() -> None:
    [labels] = {SERIES[name].labels for name in ("owner_rate", "owner_ratio")}
    assert labels == f'owner="{shipped().find("e-office").owner}",tier="provincial"'


def test_there_is_one_value_for_each_full_hour_and_the_first() -> None:
    assert {len(each.values) for each in SERIES.values()} == {DAYS * 24 + 1}


def test_each_period_begins_anew_by_the_calendar() -> None:
    gauges = {each.labels: each.values for each in period_gauges(a_history(), ZONE)}
    of = {period: gauges[f'service="e-office",outcome="ok",period="{period}"'] for period in ("day", "month", "year")}
    assert {period: values[[0, 1, 2, 23, 24, 25, 48]].tolist() for period, values in of.items()} == {
        "day": [0, 90, 90, 1980, 0, 90, 0],
        "month": [0, 90, 90, 1980, 0, 90, 2160],
        "year": [0, 90, 90, 1980, 2070, 2160, 4230],
    }


def test_the_month_that_is_spent_is_the_months_alone() -> None:
    left = SERIES["left"].values
    assert np.isnan(left[24])  # midnight of 1 February: nothing was asked yet
    assert left[25] == pytest.approx(1 - 0.1 / 0.01)
