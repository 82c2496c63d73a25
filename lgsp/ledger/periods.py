"""Today, this month, this year: what has ended since a period of the calendar began."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from lgsp.model import Outcome

Period = Literal["day", "month", "year"]
Counts = Mapping[tuple[str, Outcome], int]
PERIODS: tuple[Period, ...] = get_args(Period)


def begins(zone: ZoneInfo, at: float) -> dict[Period, float]:
    """When the day, month and year of a moment began, seconds since the epoch."""
    day = datetime.fromtimestamp(at, UTC).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "day": day.timestamp(),
        "month": day.replace(day=1).timestamp(),
        "year": day.replace(day=1, month=1).timestamp(),
    }


def next_day(zone: ZoneInfo, at: float) -> float:
    """When the day of a moment is over."""
    return begins(zone, begins(zone, at)["day"] + timedelta(hours=36).total_seconds())["day"]


class Periods:
    """What had ended before each period began; the rest is arithmetic, so counting costs a transaction nothing."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._zone = ZoneInfo(zone)
        self._began: dict[Period, float] = {}
        self._before: dict[Period, Counts] = {}
        self.ends = math.inf
        """When the day is over: call `turn` before the first transaction that ends then is counted."""

    def begin(self, now: float, totals: Counts, since: Callable[[float], Counts]) -> None:
        """Start from what is on record. `since` gives what has ended since a moment."""
        self._began = begins(self._zone, now)
        self._before = {}
        for period, began in self._began.items():
            within = since(began)
            self._before[period] = {key: count - within.get(key, 0) for key, count in totals.items()}
        self.ends = next_day(self._zone, now)

    def turn(self, now: float, totals: Counts) -> None:
        """A new day, and perhaps a new month or year: what has ended up to here was before."""
        self._before = self._now(now, totals)
        self._began = begins(self._zone, now)
        self.ends = next_day(self._zone, now)

    def counts(self, now: float, totals: Counts) -> dict[tuple[str, Outcome, Period], int]:
        """By service, outcome and period; 0 in a period in which nothing has ended."""
        before = self._now(now, totals)
        return {
            (service, outcome, period): count - before[period].get((service, outcome), 0)
            for (service, outcome), count in totals.items()
            for period in PERIODS
        }

    def _now(self, now: float, totals: Counts) -> dict[Period, Counts]:
        """What was before the periods of this moment, of which some may have begun since the last transaction."""
        began = begins(self._zone, now)
        return {
            period: dict(totals) if began[period] > self._began[period] else self._before[period] for period in PERIODS
        }
