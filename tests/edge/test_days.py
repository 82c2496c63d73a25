from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from ledgers import START, a_ledger, pass_through

from lgsp.clock import ManualClock
from lgsp.edge.days import DAYS, days_of, read_days
from lgsp.edge.scene import days_data
from lgsp.errors import LedgerDamaged
from lgsp.ledger.files import Files
from lgsp.ledger.past import FILE, About, write_past
from lgsp.ledger.reader import Reader

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = START + 5 * 3600
HOUR = int(NOW) // 3600


def test_without_anything_there_are_days_without_calls_and_no_seam() -> None:
    days = days_of({}, {}, HANOI, NOW)
    assert (days.first, days.seam) == (date(2023, 4, 27), None)
    assert days.simulated == days.real == (0,) * DAYS


def test_hours_fall_into_days_of_the_calendar() -> None:
    midnight = int(datetime(2023, 5, 23, 17, tzinfo=UTC).timestamp()) // 3600
    days = days_of({}, {midnight - 1: 3, midnight: 5, HOUR: 1}, HANOI, NOW)
    assert days.real[-2:] == (3, 6)


def test_nothing_is_simulated_once_something_has_taken_place() -> None:
    days = days_of({HOUR - 24: 7, HOUR - 1: 9, HOUR: 9}, {HOUR - 1: 2}, HANOI, NOW)
    assert (days.simulated[-2:], days.real[-1], days.seam) == ((7, 0), 2, DAYS - 1)


async def test_a_past_beside_the_ledger_is_read_with_what_it_says_of_itself(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    async with a_ledger(tmp_path, clock) as ledger:
        await pass_through(ledger, 3)
        await ledger.flush()
        reader = Reader(Files(tmp_path, "gw1"))
        assert read_days(tmp_path, reader, HANOI, NOW).about is None
        about = About("s.yaml", "0", 7, "UTC", "2023-05-01", "2023-05-23", 12, 11, 0, "0", [], "1")
        write_past(tmp_path / FILE, about, [(HOUR - 24, "svc", "", "ok", 12, 1, 1, 1, 0, 0, b"")], [])
        days = read_days(tmp_path, reader, HANOI, NOW)
        assert days.about is not None
        assert (days.about.calls, days.simulated[-2:]) == (12, (12, 0))
        assert sum(days.real) == 3
        (tmp_path / FILE).write_bytes(b"not a past, and long enough to be looked at as one" * 9)
        with pytest.raises(LedgerDamaged, match="lgsp history"):
            read_days(tmp_path, reader, HANOI, NOW)


@pytest.mark.parametrize(
    ("first", "moved_days", "year"),
    [("2023-05-01", 0, None), ("2026-06-27", 1274, 2022), ("2026-06-28", 1274, 2023), ("2024-05-05", 7, 2024)],
)
def test_a_moved_past_says_of_which_year_it_is_told(first: str, moved_days: int, year: int | None) -> None:
    about = About("s.yaml", "0", 7, "UTC", first, first, 12, 11, moved_days, "0", [], "1")
    told = days_data(days_of({HOUR - 24: 12}, {}, HANOI, NOW, about))["about"]
    assert (told["calls"], told["moved_days"], told["moved_from"]) == (12, moved_days, year)
