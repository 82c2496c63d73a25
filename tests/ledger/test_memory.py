from builders import a_request, a_transaction

from lgsp.ledger.memory import MemoryLedger


async def test_a_second_outcome_is_counted_as_a_duplicate() -> None:
    ledger = MemoryLedger(["svc"])
    request = a_request()
    await ledger.open(request)
    await ledger.close(a_transaction(request=request))
    await ledger.close(a_transaction(request=request))
    assert ledger.duplicates == 1


async def test_its_repr_says_how_it_is_doing() -> None:
    ledger = MemoryLedger(["svc"])
    await ledger.open(a_request())
    assert repr(ledger) == "<MemoryLedger 1 accepted, 1 open>"
