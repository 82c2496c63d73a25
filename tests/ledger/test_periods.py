from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from builders import a_transaction
from hypothesis import given
from hypothesis import strategies as st
from ledgers import START, a_ledger, asked

from lgsp.clock import ManualClock
from lgsp.ledger.book import Book
from lgsp.ledger.files import Files, Verified
from lgsp.ledger.periods import PERIODS, Periods, begins, next_day
from lgsp.model import Outcome


def full(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


KEY = ("svc", Outcome.OK)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("zone", "moment", "day", "month", "year"),
    [
        ("UTC", "2023-05-24T12:00", "2023-05-24T00:00", "2023-05-01T00:00", "2023-01-01T00:00"),
        ("Asia/Bangkok", "2023-05-31T17:00", "2023-05-31T17:00", "2023-05-31T17:00", "2022-12-31T17:00"),
        ("Asia/Bangkok", "2023-05-31T16:59", "2023-05-30T17:00", "2023-04-30T17:00", "2022-12-31T17:00"),
        ("Europe/Berlin", "2023-03-26T12:00", "2023-03-25T23:00", "2023-02-28T23:00", "2022-12-31T23:00"),
    ],
)
def test_a_period_begins_at_the_zone_s_midnight(zone: str, moment: str, day: str, month: str, year: str) -> None:
    assert begins(ZoneInfo(zone), at(moment)) == {"day": at(day), "month": at(month), "year": at(year)}


@pytest.mark.parametrize(
    ("zone", "moment", "over"),
    [
        ("UTC", "2023-12-31T23:59", "2024-01-01T00:00"),
        ("Europe/Berlin", "2023-03-26T00:30", "2023-03-26T22:00"),  # a day of 23 hours
        ("Europe/Berlin", "2023-10-29T00:30", "2023-10-29T23:00"),  # a day of 25 hours
    ],
)
def test_a_day_is_over_at_the_next_midnight(zone: str, moment: str, over: str) -> None:
    assert next_day(ZoneInfo(zone), at(moment)) == at(over)


@given(st.lists(st.floats(0, 40 * 86_400), max_size=30).map(sorted), st.floats(0, 3 * 86_400))
def test_the_counts_are_what_ended_since_the_period_began(ends: list[float], idle: float) -> None:
    zone, totals = ZoneInfo("Asia/Bangkok"), {KEY: 0}
    periods = Periods("Asia/Bangkok")
    periods.begin(START, totals, lambda _: {})
    for end in ends:
        if START + end >= periods.ends:
            periods.turn(START + end, dict(totals))
        totals[KEY] += 1
    now = START + max(ends, default=0.0) + idle
    began = begins(zone, now)
    expected = {period: sum(START + end >= began[period] for end in ends) for period in PERIODS}
    assert {period: periods.counts(now, totals)[(*KEY, period)] for period in PERIODS} == expected


async def test_a_restart_finds_today_s_count_in_the_hours(tmp_path: Path) -> None:
    for passed, expected in ((0, (1, 1, 1)), (3_600, (2, 2, 2)), (86_400, (1, 3, 3)), (9 * 86_400, (1, 1, 4))):
        async with a_ledger(tmp_path, ManualClock(START + passed), zone="Asia/Bangkok") as ledger:
            request = asked()
            await ledger.open(request)
            await ledger.close(a_transaction(request=request, started_at=START + passed, seconds=0.1))
            assert tuple(ledger.periods()[(*KEY, period)] for period in PERIODS) == expected


async def test_the_standing_says_what_waits_and_for_how_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(START)
    async with a_ledger(tmp_path, clock) as ledger:
        request = asked()
        await ledger.open(request)
        with monkeypatch.context() as held:
            held.setattr(Book, "write", full)
            await ledger.close(a_transaction(request=request, started_at=START, seconds=0.5))
            await clock.advance(40)
            standing = ledger.standing()
            assert (standing.waiting, standing.lag, standing.sequence) == (1, 39.5, 0)
    async with a_ledger(tmp_path, clock) as ledger:
        standing = ledger.standing()
        assert (standing.waiting, standing.lag, standing.sequence, standing.checkpoint) == (0, 0.0, 1, 1)
        assert standing.root > 0


async def test_a_verification_is_told_of_until_the_next(tmp_path: Path) -> None:
    files = Files(tmp_path, "gw1")
    async with a_ledger(tmp_path) as ledger:
        assert (ledger.standing().verified_at, ledger.standing().verify_failed) == (0.0, False)
        files.note_verified(Verified(START, well=False))
        assert (ledger.standing().verified_at, ledger.standing().verify_failed) == (START, True)
        files.note_verified(Verified(START + 1))
        assert (ledger.standing().verified_at, ledger.standing().verify_failed) == (START + 1, False)
        files.verified.write_text("{")
        assert ledger.standing().verify_failed
