"""What every ledger promises, run on every ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from builders import a_request, a_transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.chance import uuid7
from lgsp.clock import ManualClock
from lgsp.ledger.base import Ledger
from lgsp.ledger.files import Files
from lgsp.ledger.memory import MemoryLedger
from lgsp.ledger.periods import PERIODS
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Outcome, Request, Transaction

SERVICES = ["a", "b"]
_numbers = count(1)


def make(kind: str, directory: Path, clock: ManualClock | None = None, zone: str = "UTC") -> Ledger:
    clock = clock or ManualClock()
    if kind == "memory":
        return MemoryLedger(SERVICES, clock, zone=zone)
    return SqliteLedger(Files(directory, "gw1"), SERVICES, clock, capacity=64, zone=zone)


@pytest.fixture(params=["memory", "sqlite"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    async with make(request.param, tmp_path) as made:
        yield made


def asked(**fields: Any) -> Request:
    return a_request(id=uuid7(1_684_886_400_000, next(_numbers)), **{"service": "a"} | fields)


def ended(request: Request, outcome: Outcome) -> Transaction:
    return a_transaction(outcome, request=request)


async def test_every_service_and_outcome_is_there_from_the_start(ledger: Ledger) -> None:
    assert dict(ledger.totals()) == {(service, outcome): 0 for service in SERVICES for outcome in Outcome}
    assert dict(ledger.accepted()) == {"a": 0, "b": 0}
    assert dict(ledger.still_open()) == {"a": 0, "b": 0}
    assert ledger.problems() == []


async def test_a_transaction_is_open_until_it_is_closed(ledger: Ledger) -> None:
    request = asked()
    await ledger.open(request)
    assert (dict(ledger.accepted()), dict(ledger.still_open())) == ({"a": 1, "b": 0}, {"a": 1, "b": 0})
    assert await ledger.close(ended(request, Outcome.BUSINESS_FAULT))
    assert dict(ledger.still_open()) == {"a": 0, "b": 0}
    assert ledger.totals()["a", Outcome.BUSINESS_FAULT] == 1


async def test_an_outcome_is_written_once(ledger: Ledger) -> None:
    request = asked()
    await ledger.open(request)
    assert await ledger.close(ended(request, Outcome.OK))
    assert not await ledger.close(ended(request, Outcome.TIMEOUT))
    assert ledger.totals()["a", Outcome.OK] == 1
    assert ledger.totals()["a", Outcome.TIMEOUT] == 0
    assert ledger.duplicates == 1


async def test_what_was_never_opened_is_not_counted(ledger: Ledger) -> None:
    assert not await ledger.close(ended(asked(), Outcome.OK))
    assert sum(ledger.totals().values()) == 0
    assert ledger.accepted()["a"] == 0


async def test_a_service_that_came_later_is_counted_too(ledger: Ledger) -> None:
    request = asked(service="c")
    await ledger.open(request)
    assert (ledger.accepted()["c"], ledger.still_open()["c"]) == (1, 1)
    await ledger.close(ended(request, Outcome.OK))
    assert (ledger.totals()["c", Outcome.OK], ledger.still_open()["c"]) == (1, 0)


async def test_more_transactions_than_fit_at_once_are_all_counted(ledger: Ledger) -> None:
    for _ in range(500):
        request = asked()
        await ledger.open(request)
        await ledger.close(ended(request, Outcome.OK))
    assert ledger.totals()["a", Outcome.OK] == 500


steps = st.lists(st.tuples(st.sampled_from(["open", "close"]), st.integers(0, 9), st.sampled_from(list(Outcome))))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@settings(max_examples=25, deadline=None)
@given(script=steps)
async def test_accepted_is_the_sum_of_outcomes_and_open_at_every_instant(
    kind: str, script: list[tuple[str, int, Outcome]]
) -> None:
    with TemporaryDirectory() as directory:
        async with make(kind, Path(directory)) as ledger:
            requests = [asked(service=SERVICES[number % 2]) for number in range(10)]
            begun: set[int] = set()
            for what, number, outcome in script:
                if what == "open" and number not in begun:
                    begun.add(number)
                    await ledger.open(requests[number])
                elif what == "close" and number in begun:
                    await ledger.close(ended(requests[number], outcome))
                for service in SERVICES:
                    outcomes = sum(ledger.totals()[service, each] for each in Outcome)
                    assert ledger.accepted()[service] == outcomes + ledger.still_open()[service]


LAST_EVENING = datetime(2023, 12, 31, 16, 59, 58, tzinfo=UTC).timestamp()
"""23:59:58 in a zone seven hours ahead, with the day, the month and the year near their end."""


def of_periods(ledger: Ledger) -> dict[str, int]:
    found = ledger.periods()
    assert set(found) == {(s, o, p) for s, o in ledger.totals() for p in PERIODS}
    return {period: found["a", Outcome.OK, period] for period in PERIODS}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_periods_turn_over_at_the_zone_s_own_midnight_with_the_outcome_s_time(kind: str, tmp_path: Path) -> None:
    clock = ManualClock(LAST_EVENING)
    async with make(kind, tmp_path, clock, "Asia/Bangkok") as ledger:
        assert of_periods(ledger) == {"day": 0, "month": 0, "year": 0}
        for _ in range(2):
            request = asked()
            await ledger.open(request)
            await ledger.close(a_transaction(request=request, started_at=LAST_EVENING, seconds=0.5))
        assert of_periods(ledger) == {"day": 2, "month": 2, "year": 2}
        late = asked()
        await ledger.open(late)
        await clock.advance(2)
        assert of_periods(ledger) == {"day": 0, "month": 0, "year": 0}, "nothing has ended yet"
        await ledger.close(a_transaction(request=late, started_at=LAST_EVENING, seconds=2.0))
        assert of_periods(ledger) == {"day": 1, "month": 1, "year": 1}
        await clock.advance(86_400)
        assert of_periods(ledger) == {"day": 0, "month": 1, "year": 1}
        assert ledger.totals()["a", Outcome.OK] == 3
