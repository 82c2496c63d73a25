"""The province's calendar: how much of a working day's business a day has, and when so many working days are over."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

FIRST = date(2023, 1, 1)
"""Where its books begin."""
SATURDAY, SUNDAY, HOLIDAY, TET = 0.20, 0.08, 0.05, 0.03
"""Parts of a working day's business (A)."""
_TET = frozenset(date(2023, 1, 20) + timedelta(days=number) for number in range(7))
_HOLIDAYS = frozenset(
    {date(2023, 1, 1), date(2023, 1, 2), *(date(2023, 4, 29) + timedelta(days=number) for number in range(5))}
)
_EVERY_YEAR = frozenset({(1, 1), (4, 30), (5, 1), (9, 2)})
"""Of other years only the days that the solar calendar fixes are known here (K)."""


def is_working(day: date) -> bool:
    """Whether offices are open."""
    return weight(day) == 1


def weight(day: date) -> float:
    """The part of a working day's business that a day has."""
    if day in _TET:
        return TET
    if day in _HOLIDAYS or (day.year != FIRST.year and (day.month, day.day) in _EVERY_YEAR):
        return HOLIDAY
    return {5: SATURDAY, 6: SUNDAY}.get(day.weekday(), 1.0)


@cache
def weight_until(day: date) -> float:
    """The weights of all days since the books begin, this one included; 0 before."""
    if day < FIRST:
        return 0.0
    month = day.replace(day=1)
    before = weight_until(month - timedelta(days=1)) if month > FIRST else 0.0
    return round(before + sum(weight(month + timedelta(days=number)) for number in range(day.day)), 6)


@cache
def after(day: date, days: int) -> date:
    """The working day that comes so many working days after a day."""
    while days > 0:
        day += timedelta(days=1)
        days -= is_working(day)
    return day


def spread(total: int, day: date, first: date, last: date) -> int:
    """What a day has of a total over some days, by weight: whole numbers that add up to it. Nothing on other days."""
    if not first <= day <= last:
        return 0
    begin = weight_until(first - timedelta(days=1))
    whole = weight_until(last) - begin

    def until(at: date) -> int:
        return round(total * (weight_until(at) - begin) / whole)

    return until(day) - (until(day - timedelta(days=1)) if day > first else 0)
