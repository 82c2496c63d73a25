"""The ledgers as a witness: rows and hours read with plain SQL."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

from checker import Execution, Line, Row

from lgsp.ledger.files import Files
from lgsp.ledger.row import caller_hash
from lgsp.ledger.verify import verify


def rows_of(state: Path, gateway: str) -> Iterator[Row]:
    """Every row of a gateway's ledger."""
    with closing(sqlite3.connect(Files(state, gateway).book)) as db:
        months = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE name GLOB 'tx_????_??'")]
        for month in months:
            asked = f"SELECT tx.id, service, operation, outcome, reason, callers FROM {month} tx JOIN kind ON kind.id = tx.kind"  # noqa: S608 - the ledger's own name
            for id_, service, operation, outcome, reason, callers in db.execute(asked):
                yield Row(
                    str(UUID(bytes=id_)), gateway, service, operation.split()[0], outcome, reason, bytes(callers[:8])
                )


def hours_of(state: Path, gateway: str) -> Counter[tuple[str, str, str]]:
    """The sums by service and outcome."""
    with closing(sqlite3.connect(Files(state, gateway).book)) as db:
        sums = db.execute("SELECT service, outcome, sum(n) FROM hour GROUP BY 1, 2")
        return Counter({(gateway, service, outcome): count for service, outcome, count in sums})


def hashes_of(state: Path, gateway: str, nonces: list[str]) -> dict[tuple[str, str], bytes]:
    """How a gateway's ledger would know each nonce."""
    key = Files(state, gateway).read_caller_key(make=False)
    return {(gateway, nonce): caller_hash(nonce, key) for nonce in nonces}


def outbox_of(state: Path, gateway: str) -> Iterator[Line]:
    """Every line of a gateway's outbox."""
    with closing(sqlite3.connect(Files(state, gateway).book)) as db:
        for id_, standing, outcome, has_body in db.execute("SELECT id, state, outcome, body IS NOT NULL FROM outbox"):
            yield Line(str(UUID(bytes=id_)), gateway, standing, outcome or "", bool(has_body))


def effects_of(stand_ins: Path) -> Iterator[Execution]:
    """Each effect that a stored request had, as often as it had it."""
    if stand_ins.exists():
        with closing(sqlite3.connect(stand_ins)) as db:
            for transaction, told in db.execute("SELECT key, value FROM thing WHERE kind = 'effect'"):
                times, nonce = json.loads(told)
                yield from (Execution(transaction, nonce, "POST") for _ in range(times))


def chain_of(state: Path, gateway: str) -> list[str]:
    """What `lgsp ledger verify` finds."""
    return [f"{gateway}: {problem}" for problem in verify(Files(state, gateway)).problems]
