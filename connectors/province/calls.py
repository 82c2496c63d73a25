"""The reports of citizens that hotline 1022 receives, day by day, and which of them it settled.

Facts (report of 24 May 2023): 1,598 received and 1,582 settled in April. Assumptions: how they fall on days, the same pace before
and afterwards, how long each took.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connectors.province.seed import number, pick
from connectors.province.ticket import FIELDS, WORKING_DAYS
from connectors.province.working import after, weight_until

FIRST, LAST = date(2023, 4, 1), date(2023, 4, 30)
RECEIVED, SETTLED = 1_598, 1_582
LATE = 40
"""One of so many is settled after its day."""
_CODE = re.compile(r"PA([0-9]{6})([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Call:
    """One report; moments are local time. `settled`: when it is settled, `None` of one that stays open."""

    code: str
    field: str
    received: datetime
    due: datetime
    settled: datetime | None

    @property
    def in_time(self) -> bool:
        """Whether it is settled within its working days (index 5.2)."""
        return self.settled is not None and self.settled <= self.due


def count(day: date) -> int:
    """How many came on a day."""
    return _until(day, RECEIVED) - _until(day - timedelta(days=1), RECEIVED)


def each_of(day: date) -> Iterator[Call]:
    """Every report of a day, always the same ones."""
    open_ones = count(day) - (_until(day, SETTLED) - _until(day - timedelta(days=1), SETTLED))
    for nth in range(count(day)):
        yield _call(day, nth, stays_open=nth < open_ones)


def find(code: str) -> Call | None:
    """The report of a code that the hotline gave out; `None` for any other code."""
    match = _CODE.fullmatch(code)
    if match is None:
        return None
    try:
        day = datetime.strptime(match[1], "%y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
    return next((call for call in each_of(day) if call.code == code), None)


def _until(day: date, total: int) -> int:
    """So many since the books began, at the pace of April, so that April has exactly `total`."""
    before = weight_until(FIRST - timedelta(days=1))
    return round(total * (weight_until(day) - before) / (weight_until(LAST) - before))


def _call(day: date, nth: int, *, stays_open: bool) -> Call:
    code = f"PA{day:%y%m%d}{nth:02d}"
    minutes = 7 * 60 + number(code, "call minute", 14 * 60)
    received = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60)  # noqa: DTZ001 - local time
    due = datetime.combine(after(day, WORKING_DAYS), received.time())
    late = number(code, "call late", LATE) == 0
    took = due - received + timedelta(hours=8) if late else timedelta(hours=2 + number(code, "call hours", 10 * 24))
    return Call(code, pick(code, "call field", FIELDS), received, due, None if stays_open else received + took)
