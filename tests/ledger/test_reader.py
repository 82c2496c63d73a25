from __future__ import annotations

from pathlib import Path

import pytest
from ledgers import START, a_ledger, asked, pass_through, tampering

from lgsp.clock import ManualClock
from lgsp.errors import LedgerDamaged, SettingsError
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader, Wanted, check_outcome
from lgsp.model import Outcome

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def reader(directory: Path) -> Reader:
    return Reader(Files(directory, "gw1"))


async def test_a_transaction_is_found_by_its_id_and_by_every_id_of_its_caller(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await pass_through(ledger, 5)
        headers = {"idempotency-key": "k-7", "traceparent": TRACE}
        (request,) = await pass_through(ledger, 1, Outcome.TIMEOUT, asked_as="YC-7", headers=headers)
        await pass_through(ledger, 5)
    for text in (request.id, request.id.upper(), "YC-7", " k-7 ", TRACE, TRACE.split("-")[1]):
        assert [row.id for row in reader(tmp_path).find(text)] == [request.id], text
    assert reader(tmp_path).find("YC-8") == []
    assert reader(tmp_path).find(asked().id) == []


async def test_one_id_of_a_caller_may_name_many_the_newest_come_first(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        requests = await pass_through(ledger, 25, asked_as="YC-1")
    assert [row.id for row in reader(tmp_path).find("YC-1")] == [request.id for request in reversed(requests)][:20]


async def test_what_is_under_way_or_not_written_yet_is_found_too(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        (ended,) = await pass_through(ledger, 1)
        open_one = asked(asked_as="YC-2")
        await ledger.open(open_one)
        (row,) = reader(tmp_path).find("YC-2")
        assert (row.id, row.outcome, row.sequence) == (open_one.id, None, 0)
        assert [row.id for row in reader(tmp_path).find(ended.id)] == [ended.id]
        assert [row.id for row in reader(tmp_path).ls(Wanted(outcome="open"))] == [open_one.id]
        assert {row.id for row in reader(tmp_path).ls(Wanted())} == {ended.id, open_one.id}


async def test_a_list_is_by_service_consumer_outcome_and_time_the_newest_first(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with a_ledger(tmp_path, clock) as ledger:
        (early,) = await pass_through(ledger, 1, consumer="x")
        await clock.advance(40 * 86_400)
        (other,) = await pass_through(ledger, 1, service="other", consumer="x")
        (late,) = await pass_through(ledger, 1, Outcome.TIMEOUT, consumer="y")
    cases = [
        (Wanted(), [late, other, early]),
        (Wanted(limit=2), [late, other]),
        (Wanted(service="svc"), [late, early]),
        (Wanted(consumer="x"), [other, early]),
        (Wanted(service="svc", consumer="x"), [early]),
        (Wanted(outcome="timeout"), [late]),
        (Wanted(since_us=int((START + 86_400) * 1e6)), [late, other]),
        (Wanted(service="nobody"), []),
        (Wanted(outcome="open"), []),
    ]
    for wanted, found in cases:
        assert [row.id for row in reader(tmp_path).ls(wanted)] == [request.id for request in found], wanted


async def test_every_row_comes_out_in_the_order_of_the_chain(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with a_ledger(tmp_path, clock) as ledger:
        requests = await pass_through(ledger, 3)
        await clock.advance(40 * 86_400)
        requests += await pass_through(ledger, 2)
    assert [row.id for row in reader(tmp_path).rows()] == [request.id for request in requests]
    since = int((START + 1) * 1e6)
    assert [row.sequence for row in reader(tmp_path).rows(since)] == [4, 5]


async def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no ledger of 'gw1' lies in"):
        reader(tmp_path).find("x")
    async with a_ledger(tmp_path) as ledger:
        await pass_through(ledger, 1)
    with tampering(tmp_path) as db:
        db.execute("UPDATE tx_2023_05 SET outcome = 'fine'")
    with pytest.raises(LedgerDamaged, match="lgsp ledger verify"):
        list(reader(tmp_path).rows())


@pytest.mark.parametrize("word", ["", "open", *Outcome])
def test_an_outcome_is_one_of_a_closed_list(word: str) -> None:
    assert check_outcome(word) == word


def test_another_word_is_refused_with_what_there_is() -> None:
    with pytest.raises(SettingsError, match="'fine' is no outcome; there are open, ok, business_fault"):
        check_outcome("fine")
