"""The last four weeks, day by day: what was simulated, what took place, and the seam between them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from lgsp.ledger.past import FILE, About, Past
from lgsp.ledger.reader import Reader

DAYS = 4 * 7
_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Days:
    """The first of the days, and how many calls were simulated and took place on each, the oldest first.

    `about`: what the simulated past says of itself; `None` where there is none.
    """

    first: date
    simulated: tuple[int, ...]
    real: tuple[int, ...]
    about: About | None = None

    @property
    def seam(self) -> int | None:
        """The place of the first day that is not simulated alone; `None` where nothing is."""
        return max(place for place, count in enumerate(self.simulated) if count) + 1 if any(self.simulated) else None


def days_of(
    simulated: Mapping[int, int], real: Mapping[int, int], zone: ZoneInfo, now: float, about: About | None = None
) -> Days:
    """Hours (since the epoch) as days of the calendar. From the first real hour on nothing is simulated."""
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    first = today - timedelta(days=DAYS - 1)
    begins = min(real, default=int(now) // _HOUR + 1)

    def by_day(hours: Mapping[int, int]) -> tuple[int, ...]:
        counts = [0] * DAYS
        for hour, count in hours.items():
            place = (datetime.fromtimestamp(hour * _HOUR, UTC).astimezone(zone).date() - first).days
            if 0 <= place < DAYS:
                counts[place] += count
        return tuple(counts)

    return Days(first, by_day({hour: n for hour, n in simulated.items() if hour < begins}), by_day(real), about)


def read_days(state: Path, reader: Reader, zone: ZoneInfo, now: float) -> Days:
    """The days of a ledger and of the past beside it, where one lies there. Raises `LedgerDamaged`, `SettingsError`."""
    end = int(now) // _HOUR + 1
    span = (end - (DAYS + 1) * 24, end)
    file = state / FILE
    with Past(file) if file.is_file() else nullcontext() as past:
        simulated = past.by_hour(*span) if past else {}
        return days_of(simulated, reader.by_hour(*span), zone, now, past.about if past else None)
