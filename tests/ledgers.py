"""A ledger's file for tests, and transactions to fill it with."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from builders import a_reply, a_request, a_transaction

from lgsp.chance import uuid7
from lgsp.clock import ManualClock
from lgsp.ledger import schema
from lgsp.ledger.files import Files
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Outcome, Request, Stamps

START = 1_684_886_400.0
"""24 May 2023, 00:00 UTC."""
_numbers = count(1)


def a_ledger(directory: Path, clock: ManualClock | None = None, **fields: Any) -> SqliteLedger:
    directory.mkdir(exist_ok=True)
    return SqliteLedger(Files(directory, "gw1"), ["svc"], clock or ManualClock(START), **{"capacity": 64} | fields)


def asked(**fields: Any) -> Request:
    return a_request(id=uuid7(int(START * 1000), next(_numbers)), **fields)


async def pass_through(
    ledger: SqliteLedger, number: int = 1, outcome: Outcome = Outcome.OK, **of: Any
) -> list[Request]:
    """So many transactions, opened and closed; `of` are fields of the requests."""
    requests = [asked(**of) for _ in range(number)]
    for request in requests:
        await ledger.open(request)
        await ledger.close(a_transaction(outcome, request=request))
    return requests


async def fail(ledger: SqliteLedger, request: Request, outcome: Outcome, reason: str) -> None:
    """One transaction that a connector had and that went wrong, with all its stamps."""
    stamps = Stamps(*(int((START + after) * 1e9) for after in (0.010, 0.011, 0.091, 0.092)))
    reply = a_reply(request, outcome=outcome, status=502, reason=reason, stamps=stamps)
    await ledger.open(request)
    await ledger.close(
        a_transaction(
            outcome, request=request, reply=reply, reason=reason, started_at=START, sent_at=START + 0.002, seconds=0.1
        )
    )


def rows(directory: Path) -> list[sqlite3.Row]:
    """The rows as they lie in the tables."""
    db = schema.connect(Files(directory, "gw1").book, readonly=True)
    db.row_factory = sqlite3.Row
    found = [row for month in schema.months(db) for row in db.execute(f"SELECT * FROM tx_{month} ORDER BY seq")]  # noqa: S608 - our own name
    db.close()
    return found


def killed(source: Path, target: Path) -> Path:
    """The files as a killed process leaves them: what is in memory only is gone, what is mapped stays."""
    while True:
        try:
            shutil.copytree(source, target)
        except shutil.Error:  # the writer had a fresh look at its file just then: that is another moment
            shutil.rmtree(target)
        else:
            return target


@contextmanager
def tampering(directory: Path) -> Iterator[sqlite3.Connection]:
    """The file in the hands of somebody who changes it."""
    db = sqlite3.connect(Files(directory, "gw1").book)
    with db:
        yield db
    db.close()
