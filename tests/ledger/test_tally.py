from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from ledgers import START, a_ledger, pass_through, tampering

from lgsp.clock import ManualClock
from lgsp.errors import LedgerDamaged
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.ledger.tally import Sum, Tally
from lgsp.model import Outcome

H = int(START // 3600)


@pytest.fixture
def lies(tmp_path: Path) -> Path:
    """Hour H: 3 ok of two consumers and 2 timeouts; hour H + 1: 1 rejected; one still open."""

    async def fill() -> None:
        clock = ManualClock(START)
        async with a_ledger(tmp_path, clock) as ledger:
            await pass_through(ledger, 2, consumer="a", service="svc")
            await pass_through(ledger, 1, consumer="b", service="svc")
            await pass_through(ledger, 2, Outcome.TIMEOUT, consumer="a", service="svc")

    asyncio.run(fill())
    with tampering(tmp_path) as db:
        db.execute(
            "INSERT INTO hour SELECT h + 1, service, consumer, 'rejected', 1, 50, 50, 50, 1, 2, sketch FROM hour WHERE n = 1"
        )
    return tmp_path


def tally_of(lies: Path, first: int, end: int) -> Tally:
    return Reader(Files(lies, "gw1")).tally(first, end)


def test_hours_are_added_up_by_service_consumer_and_outcome(lies: Path) -> None:
    found = tally_of(lies, H, H + 2)
    assert {key: each.n for key, each in found.sums.items()} == {
        ("svc", "a", "ok"): 2,
        ("svc", "b", "ok"): 1,
        ("svc", "a", "timeout"): 2,
        ("svc", "b", "rejected"): 1,
    }
    assert found.hours == {(H, "ok"): 3, (H, "timeout"): 2, (H + 1, "rejected"): 1}
    assert found.failing == {(H, "svc"): 2, (H + 1, "svc"): 1}
    assert found.last == {("svc", "ok"): H, ("svc", "timeout"): H, ("svc", "rejected"): H + 1}
    assert sum(found.sketches["svc"].values()) == found.total == 6


@pytest.mark.parametrize(("first", "end", "total"), [(H, H, 0), (H, H + 1, 5), (H + 1, H + 2, 1), (H - 9, H, 0)])
def test_the_first_hour_counts_and_the_end_does_not(lies: Path, first: int, end: int, total: int) -> None:
    assert tally_of(lies, first, end).total == total


def test_a_broken_sketch_is_a_damaged_ledger(lies: Path) -> None:
    with tampering(lies) as db:
        db.execute("UPDATE hour SET sketch = zeroblob(10)")
    with pytest.raises(LedgerDamaged, match="lgsp ledger verify"):
        tally_of(lies, H, H + 1)


def test_a_sum_of_nothing_changes_nothing() -> None:
    one, other = Sum(1, 5, 5, 5, 1, 1), Sum(2, 8, 3, 5, 1, 0)
    assert one + Sum() == Sum() + one == one
    assert one + other == Sum(3, 13, 3, 5, 2, 1)
