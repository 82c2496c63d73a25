from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from ledgers import START, a_ledger, asked, pass_through, tampering
from tallies import MAY, ZONE, an_about, hour

from lgsp.clock import ManualClock
from lgsp.ledger.hours import bucket, pack_sketch
from lgsp.ledger.past import FILE, HourRow, write_past
from lgsp.model import Outcome
from lgsp.monitoring.report.figures import Span
from lgsp.monitoring.report.gather import gather

SKETCH = pack_sketch({bucket(100): 1})


def a_row(local: str, n: int) -> HourRow:
    return hour(local), "e-office", "", "ok", n, 100 * n, 100, 100, 0, 0, pack_sketch({bucket(100): n})


def a_past(state: Path, *rows: HourRow) -> None:
    state.mkdir(exist_ok=True)
    write_past(state / FILE, an_about(first="2023-05-01"), rows, [("2023-05-24", "dossiers", "province", 4)])


def a_live(state: Path, number: int = 3) -> None:
    """So many transactions in the hour from 07:00 on 24 May, and one that is still open."""

    async def fill() -> None:
        async with a_ledger(state, ManualClock(START)) as ledger:
            await pass_through(ledger, number)
            await pass_through(ledger, 1, Outcome.TIMEOUT)

    asyncio.run(fill())


def test_live_and_synthetic_hours_are_told_apart_and_no_hour_twice(tmp_path: Path) -> None:
    a_live(tmp_path)
    a_past(
        tmp_path,
        a_row("2023-05-22T05", 50),
        a_row("2023-05-24T06", 100),
        a_row("2023-05-24T07", 7),
        a_row("2023-05-25T07", 9),
    )
    found = gather(tmp_path, MAY, check=True)
    assert (found.figures.whole.total, found.figures.synthetic.total, found.figures.left_out) == (104, 100, 7)
    assert found.figures.before == 50
    assert found.figures.streams[0].parts == {"province": 4}
    assert (found.problems, found.unread, [account.rows for account in found.accounts]) == ([], [], [4])
    assert found.accounts[0].number == 1
    assert found.accounts[0].sequence == 4


def test_what_is_open_is_counted_beside(tmp_path: Path) -> None:
    async def fill() -> int:
        async with a_ledger(tmp_path, ManualClock(START)) as ledger:
            await pass_through(ledger, 2)
            await ledger.open(asked())
            return (await asyncio.to_thread(gather, tmp_path, MAY, check=False)).still_open

    assert asyncio.run(fill()) == 1


def test_nothing_to_compare_with_where_no_file_reaches_back(tmp_path: Path) -> None:
    a_live(tmp_path)
    assert gather(tmp_path, MAY, check=False).figures.before is None
    a_past(tmp_path)
    assert gather(tmp_path, MAY, check=False).figures.before == 0
    april = Span(MAY.first.replace(month=4), MAY.last, ZONE)
    assert gather(tmp_path, april, check=False).figures.before is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE hour SET n = n + 1 WHERE outcome = 'ok'",
        "UPDATE tx_2023_05 SET outcome = 'ok' WHERE outcome = 'timeout'",
    ],
)
def test_a_number_changed_by_hand_in_the_ledger_speaks_against_the_figures(tmp_path: Path, statement: str) -> None:
    a_live(tmp_path)
    with tampering(tmp_path) as db:
        db.execute(statement)
    found = gather(tmp_path, MAY, check=True)
    assert found.problems[0].startswith("gw1: ")
    assert gather(tmp_path, MAY, check=False).problems == []


@pytest.mark.parametrize("statement", ["UPDATE hour SET n = n + 1", "UPDATE stream SET n = 5", "DELETE FROM stream"])
def test_a_number_changed_by_hand_in_the_past_speaks_against_the_figures(tmp_path: Path, statement: str) -> None:
    a_past(tmp_path, a_row("2023-05-24T06", 100))
    assert gather(tmp_path, MAY, check=True).problems == []
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute(statement)
        db.commit()
    assert gather(tmp_path, MAY, check=True).problems == [
        "history.sqlite is not as it was written: make it again with `lgsp history`"
    ]


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    a_live(tmp_path)
    (tmp_path / "ledger-gw2.sqlite").write_bytes(b"nothing of a ledger" * 100)
    (tmp_path / FILE).write_bytes(b"nothing of a past" * 100)
    found = gather(tmp_path, MAY, check=True)
    assert (found.figures.whole.total, [name for name, _ in found.unread]) == (4, ["gw2", FILE])
    assert found.past is None


def test_an_empty_directory_has_nothing(tmp_path: Path) -> None:
    found = gather(tmp_path, MAY, check=True)
    assert (found.figures.whole.total, found.accounts, found.past) == (0, [], None)
