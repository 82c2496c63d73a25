"""What operators did, in the ledger's own file: appended, never changed, each event chained to the one before it.

A checkpoint names the last event and its link, so whoever keeps checkpoints holds the events too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from lgsp.clock import Clock
from lgsp.ledger.chain import GENESIS

OPERATOR, FILES = "operator", "files"
"""Who does something: somebody with the admin token, or whoever may write the configuration."""
COLUMNS = "seq, at_us, who, what, subject, detail, hash"
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that somebody did. `what` is a word with a dot (`parked.drop`), `subject` what it was done to."""

    sequence: int
    at_us: int
    who: str
    what: str
    subject: str
    detail: Mapping[str, Any]


def link(root: str, sequence: int, at_us: int, who: str, what: str, subject: str, detail: str) -> str:
    """The chain's next link: over the link before and the event in one form only."""
    written = json.dumps([root, sequence, at_us, who, what, subject, detail], separators=(",", ":"))
    return sha256(written.encode()).hexdigest()


def last(db: sqlite3.Connection) -> tuple[int, str]:
    """The number and link of the last event."""
    found: tuple[int, str] | None = db.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    return found or (0, GENESIS)


def append(db: sqlite3.Connection, at_us: int, who: str, what: str, subject: str, detail: Mapping[str, Any]) -> int:
    """Append an event within the transaction that is open; its number."""
    sequence, root = last(db)
    fields = (sequence + 1, at_us, who, what, subject, json.dumps(detail, ensure_ascii=False, sort_keys=True))
    db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", (*fields, link(root, *fields)))
    return sequence + 1


def read(db: sqlite3.Connection, since_us: int = 0) -> Iterator[Event]:
    """The events since a moment, the oldest first."""
    for seq, at_us, who, what, subject, detail, _ in db.execute(
        f"SELECT {COLUMNS} FROM event WHERE at_us >= ? ORDER BY seq",  # noqa: S608 - our own names
        (since_us,),
    ):
        yield Event(seq, at_us, who, what, subject, json.loads(detail))


def follow(db: sqlite3.Connection, attested: Iterable[tuple[str, int, str]]) -> Iterator[str]:
    """What is wrong with the events. `attested`: who says that event n has which link."""
    roots = [GENESIS]
    for seq, *fields, stored in db.execute(f"SELECT {COLUMNS} FROM event ORDER BY seq"):  # noqa: S608 - our own names
        if seq != len(roots):
            yield f"event {len(roots)} is missing: event {seq} stands in its place"
            return
        if link(roots[-1], seq, *fields) != stored:
            yield f"event {seq} was changed: its fields do not give its link of the chain"
            return
        roots.append(stored)
    for name, sequence, root in attested:
        if sequence >= len(roots):
            yield f"truncated: {len(roots) - 1} events, {name} attests {sequence}"
        elif roots[sequence] != root:
            yield f"event {sequence} has another link than {name} attests: the events before it were written anew"


class Writes(Protocol):
    """What does a change on disk: see `lgsp.ledger.sqlite.SqliteLedger`."""

    async def commit(self, change: Callable[[sqlite3.Connection], Any]) -> Any:  # noqa: ANN401 - a change gives what it likes
        """Do it in the next database transaction. Raises `LedgerUnavailable`."""
        ...


class Events:
    """Notes what is done to one ledger's gateway."""

    def __init__(self, ledger: Writes, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def note(self, who: str, what: str, subject: str, detail: Mapping[str, Any]) -> int:
        """Append an event, on disk when this returns; its number. Raises `LedgerUnavailable`."""
        at_us = int(self._clock.now() * _US)
        number: int = await self._ledger.commit(lambda db: append(db, at_us, who, what, subject, detail))
        return number
