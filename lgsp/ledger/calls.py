"""Calls back to consumers, in the lines of the outbox that they tell of: when the next try is due, how many failed."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lgsp.ledger.sqlite import SqliteLedger

_US = 1_000_000
TRIES = 8
"""So many failed tries, and a call is given up: it is kept, and can be called again."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is owed: whom, of which transaction, and how that ended. `due` in seconds since the epoch."""

    id: str
    consumer: str
    service: str
    state: str
    outcome: str
    reason: str
    due: float
    tries: int


class Calls:
    """The calls of one ledger. What it writes is on disk when its method returns; it raises `LedgerUnavailable`."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger

    async def owed(self) -> list[Call]:
        """Every call that is still to be made, the next one first."""
        return await self._read("call_due_us IS NOT NULL ORDER BY call_due_us")

    async def given_up(self) -> list[Call]:
        """Every call that was given up, the oldest transaction first."""
        return await self._read(f"call_due_us IS NULL AND call_tries >= {TRIES} ORDER BY id")

    async def find(self, id_: str) -> Call | None:
        """The call that is owed of a transaction."""
        found = await self._read("call_due_us IS NOT NULL AND id = ?", _bytes(id_))
        return found[0] if found else None

    async def made(self, id_: str) -> None:
        """It was made, or nobody wants it any more."""
        await self._write("call_due_us = NULL", id_)

    async def failed(self, id_: str, *, tries: int, due: float) -> None:
        """So many tries failed; the next one is due then."""
        await self._write("call_tries = ?, call_due_us = ?", id_, tries, int(due * _US))

    async def give_up(self, id_: str, *, keep: float) -> None:
        """Try no more; the line is kept until `keep`."""
        await self._write("call_tries = ?, call_due_us = NULL, due_us = max(due_us, ?)", id_, TRIES, int(keep * _US))

    async def again(self, id_: str, *, due: float) -> bool:
        """Begin anew with a call that was given up; whether it was."""
        return await self._write(
            "call_tries = 0, call_due_us = ?", id_, int(due * _US), where=f"AND call_tries >= {TRIES}"
        )

    async def _write(self, change: str, id_: str, *values: int, where: str = "") -> bool:
        def update(db: sqlite3.Connection) -> bool:
            done = db.execute(f"UPDATE outbox SET {change} WHERE id = ? {where}", (*values, _bytes(id_)))  # noqa: S608 - our own words
            return bool(done.rowcount)

        is_done: bool = await self._ledger.commit(update)
        return is_done

    async def _read(self, where: str, *values: Any) -> list[Call]:  # noqa: ANN401 - SQLite's
        rows: list[tuple[Any, ...]] = await self._ledger.commit(
            lambda db: db.execute(
                "SELECT id, consumer, service, state, outcome, reason, call_due_us, call_tries "  # noqa: S608 - our own words
                f"FROM outbox WHERE outcome IS NOT NULL AND {where}",
                values,
            ).fetchall()
        )
        return [
            Call(str(UUID(bytes=id_)), consumer, service, state, outcome, reason, (due or 0) / _US, tries)
            for id_, consumer, service, state, outcome, reason, due, tries in rows
        ]


def _bytes(id_: str) -> bytes:
    try:
        return UUID(id_).bytes
    except ValueError:
        return b""  # nobody's
