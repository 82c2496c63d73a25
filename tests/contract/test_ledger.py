"""What every ledger promises, run on every ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from builders import a_request, a_transaction
from hypothesis import given
from hypothesis import strategies as st

from lgsp.ledger.base import Ledger
from lgsp.ledger.memory import MemoryLedger
from lgsp.model import Outcome, Request, Transaction

SERVICES = ["a", "b"]


@pytest.fixture(params=["memory"])
async def ledger() -> AsyncIterator[Ledger]:
    async with MemoryLedger(SERVICES) as made:
        yield made


def ended(request: Request, outcome: Outcome) -> Transaction:
    return a_transaction(outcome, request=request)


async def test_every_service_and_outcome_is_there_from_the_start(ledger: Ledger) -> None:
    assert dict(ledger.totals()) == {(service, outcome): 0 for service in SERVICES for outcome in Outcome}
    assert dict(ledger.accepted()) == {"a": 0, "b": 0}
    assert dict(ledger.still_open()) == {"a": 0, "b": 0}


async def test_a_transaction_is_open_until_it_is_closed(ledger: Ledger) -> None:
    request = a_request(service="a")
    await ledger.open(request)
    assert (dict(ledger.accepted()), dict(ledger.still_open())) == ({"a": 1, "b": 0}, {"a": 1, "b": 0})
    assert await ledger.close(ended(request, Outcome.BUSINESS_FAULT))
    assert dict(ledger.still_open()) == {"a": 0, "b": 0}
    assert ledger.totals()["a", Outcome.BUSINESS_FAULT] == 1


async def test_an_outcome_is_written_once(ledger: Ledger) -> None:
    request = a_request(service="a")
    await ledger.open(request)
    assert await ledger.close(ended(request, Outcome.OK))
    assert not await ledger.close(ended(request, Outcome.TIMEOUT))
    assert ledger.totals()["a", Outcome.OK] == 1
    assert ledger.totals()["a", Outcome.TIMEOUT] == 0


steps = st.lists(st.tuples(st.sampled_from(["open", "close"]), st.integers(0, 9), st.sampled_from(list(Outcome))))


@given(steps)
async def test_accepted_is_the_sum_of_outcomes_and_open_at_every_instant(
    script: list[tuple[str, int, Outcome]],
) -> None:
    ledger = MemoryLedger(SERVICES)
    requests = [a_request(id=f"t{number}", service=SERVICES[number % 2]) for number in range(10)]
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
