"""Looking things up, beside the gateway that writes or without one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from lgsp.errors import LedgerDamaged, SettingsError
from lgsp.ledger import events, schema
from lgsp.ledger.events import Event
from lgsp.ledger.files import Files
from lgsp.ledger.hours import HOUR_US
from lgsp.ledger.journal import State, unsettled
from lgsp.ledger.links import body_of
from lgsp.ledger.row import OPENED, Kind, Row, caller_hash, trimmed
from lgsp.ledger.schema import CALLERS, ROWS
from lgsp.ledger.tally import Tally, begins, by_hour, tally
from lgsp.model import Outcome

MOST = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which transactions, the newest first, `limit` at most. `outcome` may be `open`; empty fields want everything.

    They were accepted at `since_us` or later and, where that is not 0, before `until_us`.
    """

    service: str = ""
    consumer: str = ""
    outcome: str = ""
    since_us: int = 0
    until_us: int = 0
    limit: int = 20


class Reader:
    """Reads one ledger. Every look-up opens the file anew, so it sees what was written up to then."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def find(self, text: str) -> list[Row]:
        """The transaction of that id, and those whose caller knows them by it; the newest first, 20 at most.

        Raises `SettingsError` when there is no such ledger, `LedgerDamaged` when it cannot be read.
        """
        try:
            id_ = UUID(text).bytes
        except ValueError:
            id_ = b""
        with self._opened() as (db, kinds):
            hashed = caller_hash(text, self._files.read_caller_key(make=False))
            found = [row for row in self._under_way(db, kinds) if row.body[:16] == id_ or hashed in _callers(row)]
            for month in reversed(schema.months(db)):
                rows, callers = ROWS + month, CALLERS + month
                found += _rows(
                    db.execute(
                        f"SELECT * FROM {rows} WHERE id = ? OR seq IN (SELECT seq FROM {callers} WHERE caller = ?) "  # noqa: S608 - our own names
                        "ORDER BY seq DESC LIMIT 20",
                        (id_, hashed),
                    ),
                    kinds,
                )
        return _once(found)[:20]

    def ls(self, wanted: Wanted) -> list[Row]:
        """The transactions that fit. Raises as `find` does."""
        limit = min(max(wanted.limit, 1), MOST)
        with self._opened() as (db, kinds):
            found = [row for row in self._under_way(db, kinds) if _fits(row, wanted)]
            numbers = [
                number
                for number, (service, _, consumer) in kinds.items()
                if wanted.service in {"", service} and wanted.consumer in {"", consumer}
            ]
            for month in reversed(schema.months(db)) if wanted.outcome != "open" else ():
                if len(found) >= limit or schema.month_end(month) * HOUR_US <= wanted.since_us:
                    break
                found += self._of_month(db, month, kinds, numbers, wanted, limit)
        return _once(found)[:limit]

    def rows(self, since_us: int = 0) -> Iterator[Row]:
        """Every row that has ended and was accepted since then, in the order of the chain. Raises as `find` does."""
        with self._opened() as (db, kinds):
            db.execute("BEGIN")
            for month in schema.months(db):
                found = db.execute(f"SELECT * FROM {ROWS}{month} WHERE accepted_us >= ? ORDER BY seq", (since_us,))  # noqa: S608
                yield from _rows(found, kinds)

    def events(self, since_us: int = 0) -> list[Event]:
        """What operators did since then, the oldest first. Raises as `find` does."""
        with self._opened() as (db, _):
            return list(events.read(db, since_us))

    def begins(self) -> int | None:
        """The first hour (since the epoch) with transactions; `None` of an empty ledger. Raises as `find` does."""
        with self._opened() as (db, _):
            return begins(db)

    def tally(self, first: int, end: int) -> Tally:
        """What ended in the hours from `first` to before `end`, added up. Raises as `find` does."""
        with self._opened() as (db, _):
            return tally(db, first, end)

    def by_hour(self, first: int, end: int) -> dict[int, int]:
        """How many ended in each hour from `first` to before `end`, where any did. Raises as `find` does."""
        with self._opened() as (db, _):
            return by_hour(db, first, end)

    def count_open(self) -> int:
        """How many transactions have no outcome yet. Raises as `find` does."""
        with self._opened() as (db, kinds):
            return sum(row.outcome is None for row in self._under_way(db, kinds))

    def count(self) -> int:
        """How many transactions have ended. Raises as `find` does."""
        with self._opened() as (db, _):
            return int(db.execute("SELECT coalesce(sum(n), 0) FROM hour").fetchone()[0])

    def checkpoint(self) -> str:
        """The last checkpoint's document; empty where there is none. Raises as `find` does."""
        with self._opened() as (db, _):
            found = db.execute("SELECT document FROM checkpoint ORDER BY number DESC LIMIT 1").fetchone()
            return str(found[0]) if found else ""

    @staticmethod
    def _of_month(
        db: sqlite3.Connection, month: str, kinds: dict[int, Kind], numbers: list[int], wanted: Wanted, limit: int
    ) -> Iterator[Row]:
        conditions, values = ["accepted_us >= ?"], [wanted.since_us]
        if wanted.until_us:
            conditions.append("accepted_us < ?")
            values.append(wanted.until_us)
        if len(numbers) < len(kinds):
            conditions.append(f"kind IN ({', '.join(map(str, numbers))})")
        if wanted.outcome:
            conditions.append("outcome = ?")
        where = " AND ".join(conditions)
        found = db.execute(
            f"SELECT * FROM {ROWS}{month} WHERE {where} ORDER BY seq DESC LIMIT {limit}",  # noqa: S608 - our own names and numbers
            [*values, *([wanted.outcome] if wanted.outcome else [])],
        )
        return _rows(found, kinds)

    @contextmanager
    def _opened(self) -> Iterator[tuple[sqlite3.Connection, dict[int, Kind]]]:
        files = self._files
        if not files.book.is_file():
            raise SettingsError(
                f"no ledger of {files.name!r} lies in {files.directory}: name the state directory with --state"
            )
        try:
            db = schema.connect(files.book, readonly=True)
        except sqlite3.Error as error:
            raise LedgerDamaged(f"{files.book} cannot be opened now ({error}): try again") from error
        try:
            yield db, {n: (s, o, c) for n, s, o, c in db.execute("SELECT id, service, operation, consumer FROM kind")}
        except (sqlite3.Error, ValueError) as error:
            raise LedgerDamaged(f"{files.book} cannot be read ({error}): `lgsp ledger verify` says where") from error
        finally:
            db.close()

    def _under_way(self, db: sqlite3.Connection, kinds: dict[int, Kind]) -> list[Row]:
        """What the journal or the outbox has and the tables of rows have not, the newest first."""
        stored = db.execute("SELECT opened FROM outbox WHERE outcome IS NULL")
        found = [Row(0, kinds[OPENED.unpack_from(opened)[2]], opened) for (opened,) in stored]
        for place in unsettled(self._files.journal):
            kind = kinds.get(OPENED.unpack_from(place.body)[2])
            if kind is not None:
                body = place.body[: OPENED.size] if place.state is State.OPEN else place.body
                found.append(Row(0, kind, body))
        return sorted(found, key=lambda row: row.accepted_us, reverse=True)


def _rows(found: sqlite3.Cursor, kinds: dict[int, Kind]) -> Iterator[Row]:
    return (Row(fields[0], kinds[fields[3]], body_of(fields)) for fields in found)


def _callers(row: Row) -> set[bytes]:
    callers = trimmed(OPENED.unpack_from(row.body)[4])
    return {callers[at : at + 8] for at in range(0, len(callers), 8)}


def _fits(row: Row, wanted: Wanted) -> bool:
    outcome = "open" if row.outcome is None else str(row.outcome)
    return (
        wanted.service in {"", row.kind[0]}
        and wanted.consumer in {"", row.kind[2]}
        and wanted.outcome in {"", outcome}
        and row.accepted_us >= wanted.since_us
        and not 0 < wanted.until_us <= row.accepted_us
    )


def _once(rows: list[Row]) -> list[Row]:
    """Each transaction once: between two looks a line may have moved from the journal into the tables."""
    found: dict[bytes, Row] = {}
    for row in rows:
        known = found.get(row.body[:16])
        if known is None or not known.sequence:
            found[row.body[:16]] = row
    return list(found.values())


def check_outcome(text: str) -> str:
    """`text` when it is an outcome or `open`. Raises `SettingsError` with what there is."""
    known = ["open", *Outcome]
    if text and text not in known:
        raise SettingsError(f"{text!r} is no outcome; there are {', '.join(known)}")
    return text
