"""What a start finds: transactions that a killed process left under way, a tail that was torn off, or one that is bad."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from lgsp.ledger.book import Book
from lgsp.ledger.journal import Head, Journal, Place, State
from lgsp.ledger.row import OPENED, crashed


@dataclass(frozen=True, slots=True)
class Findings:
    """How many transactions a start ended, wrote again, set aside, or could not find."""

    crashed: int = 0
    """Under way when the process died; now `bus_error` with the reason `gateway_crash`."""
    entered: int = 0
    """Had their outcome already, and had not reached the tables."""
    restored: int = 0
    """Rows torn off the end of the file, written again from the journal, link by link as they were."""
    lost: int = 0
    """Rows torn off the end of the file that are nowhere."""
    quarantined: int = 0
    """Rows at the end that did not fit the chain, moved into a file of their own."""
    torn: int = 0
    """Lines of the journal in pieces, bytes cut off at its end, or 1 for a journal that is gone beside rows."""

    @property
    def is_worrying(self) -> bool:
        """Whether something is gone that had been written."""
        return bool(self.lost or self.quarantined or self.torn)


def recover(book: Book, journal: Journal, now: float, quarantine: Path) -> Findings:
    """Bring book and journal to one account in which nothing is open, and every place of the journal free."""
    now_us = int(now * 1e6)
    gone = bool(book.head.sequence) and journal.head() == Head()
    torn = len(journal.torn()) + journal.missing + gone
    quarantined = _set_aside(book, quarantine)
    places = list(journal.places())
    restored, lost = _restore_tail(book, journal, places, now_us)
    if lost:
        book.close_period(now_us, lost)
    unsettled = [place for place in places if place.state is not State.SETTLED]
    known = [place for place in unsettled if book.holds(OPENED.unpack_from(place.body)[0])]
    missing = [place for place in unsettled if place not in known]
    ended = [place for place in missing if place.state is State.ENDED]
    left_open = [place for place in missing if place.state is State.OPEN]
    bodies = [place.body for place in ended] + [place.body + crashed(place.body, now) for place in left_open]
    if bodies:
        book.write(bodies, now_us)
    journal.drop(place.number for place in known)
    for place, body in zip([*ended, *left_open], bodies, strict=True):
        journal.end(place.number, body[OPENED.size :])
    settled = sorted((p for p in places if p.state is State.SETTLED), key=lambda place: place.sequence)
    journal.start([place.number for place in settled] + [place.number for place in (*ended, *left_open)])
    journal.settle([place.number for place in (*ended, *left_open)], book.head, free=False)
    return Findings(len(left_open), len(ended), restored, lost, quarantined, torn)


def _restore_tail(book: Book, journal: Journal, places: list[Place], now_us: int) -> tuple[int, int]:
    """Write again what the file lacks of the chain that the journal attests; how many rows, and how many are nowhere."""
    attested = journal.head()
    behind = attested.sequence - book.head.sequence
    if behind <= 0:
        return 0, 0
    kept = {place.sequence: place.body for place in places if place.state is State.SETTLED}
    bodies = []
    for sequence in range(book.head.sequence + 1, attested.sequence + 1):
        if sequence not in kept:
            break
        bodies.append(kept[sequence])
    if bodies:
        book.write(bodies, now_us)
    return len(bodies), behind - len(bodies)


def _set_aside(book: Book, quarantine: Path) -> int:
    """Move the rows from the first bad one on out of the tables into a file of their own; how many."""
    first = book.first_bad_row()
    if first is None:
        return 0
    rows = book.take_out(first)
    with quarantine.open("a", encoding="utf-8") as file:
        file.writelines(f"{_line(row)}\n" for row in rows)
    return len(rows)


def _line(row: sqlite3.Row) -> str:
    return json.dumps({name: _plain(row[name]) for name in row.keys()})  # noqa: SIM118 - a row's keys are no mapping's


def _plain(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
