"""The ledger's file: rows, hours and checkpoints, written in one database transaction at a time by one thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from lgsp.errors import LedgerDamaged
from lgsp.ledger import schema
from lgsp.ledger.chain import Signer
from lgsp.ledger.events import last as last_event
from lgsp.ledger.hours import HOUR_US, Hour, hours_digest, pack_sketch, unpack_sketch
from lgsp.ledger.journal import Head
from lgsp.ledger.links import follow
from lgsp.ledger.row import (
    LINE,
    OUTCOME_CODE,
    SEGMENT_CODE,
    Kind,
    hashes_in,
    kind_digest,
    next_root,
    trimmed,
)
from lgsp.ledger.schema import CALLERS, COLUMNS, ROWS
from lgsp.ledger.seals import Seal, Seals

Change = Callable[[sqlite3.Connection], Any]
"""Something written in the same database transaction as rows; what it raises sinks only itself."""


class AlreadyEnded(Exception):
    """Raised by a change that would write a second outcome; the one that stands is `outcome`."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


HourKey = tuple[int, str, str, str]
_OUTCOMES, _SEGMENTS = list(OUTCOME_CODE), list(SEGMENT_CODE)
_CHUNKS = (256, 32, 4, 1)
_HOUR_COLUMNS = "n, sum_us, min_us, max_us, request_bytes, reply_bytes, sketch"
_DAY_US = 24 * HOUR_US


class Book:
    """One file, open for writing. Used by one thread at a time."""

    def __init__(self, path: Path, name: str, signer: Signer, copies: Path) -> None:
        """Raises `LedgerDamaged` when the file cannot be continued; makes it where it is missing."""
        self.path = path
        existed = path.exists()
        self._db = schema.connect(path, readonly=False)
        self._seals = Seals(path, self._db, name, signer, copies)
        if not existed:
            path.chmod(0o600)
        try:
            schema.prepare(self._db)
            self.kinds: dict[Kind, int] = {(s, o, c): n for n, s, o, c in self._db.execute("SELECT * FROM kind")}
            self._by_number = {number: (kind, kind_digest(kind)) for kind, number in self.kinds.items()}
            self._ended = self._by_outcome()
            self._months = schema.months(self._db)
            self.head = self._read_head()
            self.checkpoint = self._seals.last()
        except schema.UNREADABLE as error:
            self._db.close()
            if schema.is_passing(error):
                raise
            raise LedgerDamaged(
                f"{path} is damaged ({error}): `lgsp ledger verify` says where; restore it from a backup, "
                "or move it and its journal away and start a new one"
            ) from error
        self._hours: dict[HourKey, Hour] = {}

    def __repr__(self) -> str:
        return f"<Book {self.path.name}, {self.head.sequence} rows>"

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def totals(self) -> dict[tuple[str, str], int]:
        """Everything that ever ended, by service and outcome."""
        found = self._db.execute("SELECT service, outcome, sum(n) FROM hour GROUP BY service, outcome")
        return {(service, outcome): n for service, outcome, n in found}

    def totals_since(self, at: float) -> dict[tuple[str, str], int]:
        """What has ended since the hour of a moment began."""
        found = self._db.execute(
            "SELECT service, outcome, sum(n) FROM hour WHERE h >= ? GROUP BY service, outcome", (int(at // 3_600),)
        )
        return {(service, outcome): n for service, outcome, n in found}

    def stored(self) -> list[tuple[bytes, bytes, str]]:
        """What lies in the outbox without an outcome: id, first half of its line, service."""
        return self._db.execute("SELECT id, opened, service FROM outbox WHERE outcome IS NULL").fetchall()

    def holds(self, transaction: bytes) -> bool:
        """Whether a transaction has its row."""
        tables = [ROWS + month for month in self._months]
        return any(
            self._db.execute(f"SELECT 1 FROM {table} WHERE id = ?", (transaction,)).fetchone()  # noqa: S608 - our own names
            for table in reversed(tables)
        )

    def write(
        self,
        bodies: Sequence[bytes],
        now_us: int,
        *,
        changes: Sequence[Change] = (),
        with_row: Mapping[int, bytes] | None = None,
        kinds: Collection[Kind] = (),
    ) -> list[Any]:
        """Append the rows, number the kinds and do the changes in one transaction, on disk when this returns.

        `with_row` are further rows, each by the number of the change without which it is not appended; they come first.
        Returns the changes' results. A change that raises has its exception as its result, and nothing of it is
        written. Raises `sqlite3.Error` when nothing at all could be written.
        """
        head, checkpoint, ended = self.head, self.checkpoint, dict(self._ended)
        known_months = len(self._months)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            numbered = {kind: self._number(kind) for kind in kinds}
            results = [self._change(change) for change in changes]
            further = (with_row or {}).items()
            rows = [*(body for number, body in further if not isinstance(results[number], Exception)), *bodies]
            if rows:
                head = self._append(rows, head, ended)
            if checkpoint.is_due(head.sequence, now_us):
                checkpoint = self._seals.add(head, now_us, checkpoint, ended)
            self._db.execute("COMMIT")
        except BaseException:
            self._hours.clear()
            del self._months[known_months:]
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self.head, self.checkpoint, self._ended = head, checkpoint, ended
        self.kinds |= numbered
        self._by_number |= {number: (kind, kind_digest(kind)) for kind, number in numbered.items()}
        return results

    def _number(self, kind: Kind) -> int:
        self._db.execute("INSERT OR IGNORE INTO kind (service, operation, consumer) VALUES (?, ?, ?)", kind)
        number: int = self._db.execute(
            "SELECT id FROM kind WHERE service = ? AND operation = ? AND consumer = ?", kind
        ).fetchone()[0]
        return number

    def _change(self, change: Change) -> Any:  # noqa: ANN401 - a change gives what it likes
        self._db.execute("SAVEPOINT change")
        try:
            result = change(self._db)
        except sqlite3.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - its caller's to handle
            self._db.execute("ROLLBACK TO change")
            result = error
        self._db.execute("RELEASE change")
        return result

    def _append(self, bodies: Sequence[bytes], head: Head, ended: dict[str, int]) -> Head:
        """Rows, callers and hours. One loop without a call to spare: it holds Python's lock, for which the event loop waits."""
        sequence, root = head.sequence, head.root
        floor_us = self.checkpoint.boundary * HOUR_US
        month, month_end = "", 0
        rows: dict[str, list[Any]] = {}
        callers: dict[str, list[tuple[bytes, int]]] = {}
        touched: dict[HourKey, Hour] = {}
        for body in bodies:
            sequence += 1
            (id_, accepted, number, flags, asked_by, asked,
             took, code, fault, status, attempts, answered, told, times, reason) = LINE.unpack(body)  # fmt: skip
            kind, digest = self._by_number[number]
            outcome = _OUTCOMES[code]
            # A clock far behind must not change hours that are sealed: what ended then counts in the first open hour.
            done = max(accepted + took, floor_us)
            key = (done // HOUR_US, kind[0], kind[2], outcome)
            hour = touched.get(key)
            if hour is None:
                hour = touched[key] = self._hour(key)
            hour.add(took, asked, answered)
            ended[outcome] = ended.get(outcome, 0) + 1
            root = next_root(root, sequence, body, digest)
            if done >= month_end:
                month = self._month(done)
                month_end = schema.month_end(month) * HOUR_US
                values = rows.setdefault(month, [])
            known_as = trimmed(asked_by)
            values += (
                sequence, id_, accepted, number, flags, known_as, asked,
                took, outcome, _SEGMENTS[fault], status, attempts, answered,
                times if told else b"", reason.rstrip(b"\0").decode(), root,
            )  # fmt: skip
            if known_as:
                callers.setdefault(month, []).extend((each, sequence) for each in hashes_in(known_as))
        for name, values in rows.items():
            self._insert(ROWS + name, values)
            self._db.executemany(f"INSERT INTO {CALLERS}{name} VALUES (?, ?)", callers.get(name, ()))  # noqa: S608
        self._write_hours(touched)
        return Head(sequence, root)

    def _month(self, done_us: int) -> str:
        """The month's table to write to: never one before the newest, so that the tables hold the chain in order."""
        if not self._months or done_us >= schema.month_end(self._months[-1]) * HOUR_US:
            month = schema.month_of(done_us)
            schema.add_month(self._db, month)
            self._months.append(month)
        return self._months[-1]

    def _insert(self, table: str, values: list[Any]) -> None:
        """In chunks, each one statement: SQLite works through it without Python's lock, so the event loop goes on."""
        at = 0
        line = f"({', '.join('?' * len(COLUMNS))})"
        for size in _CHUNKS:
            statement = f"INSERT INTO {table} VALUES {', '.join([line] * size)}"  # noqa: S608 - our own names
            width = size * len(COLUMNS)
            while len(values) - at >= width:
                self._db.execute(statement, values[at : at + width])
                at += width

    def _hour(self, key: HourKey) -> Hour:
        hour = self._hours.get(key)
        if hour is None:
            if any(known[0] < key[0] - 1 for known in self._hours):
                self._hours = {known: hour for known, hour in self._hours.items() if known[0] >= key[0] - 1}
            found = self._db.execute(
                f"SELECT {_HOUR_COLUMNS} FROM hour WHERE h = ? AND service = ? AND consumer = ? AND outcome = ?",  # noqa: S608
                key,
            ).fetchone()
            hour = Hour()
            if found is not None:
                hour.n, hour.sum_us, hour.min_us, hour.max_us, hour.request_bytes, hour.reply_bytes = found[:6]
                hour.sketch = unpack_sketch(found[6])
            self._hours[key] = hour
        return hour

    def _write_hours(self, touched: dict[HourKey, Hour]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO hour VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (*key, h.n, h.sum_us, h.min_us, h.max_us, h.request_bytes, h.reply_bytes, pack_sketch(h.sketch))
                for key, h in touched.items()
            ],
        )

    def _by_outcome(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT outcome, sum(n) FROM hour GROUP BY outcome"))

    def probe(self) -> None:
        """Write something that changes nothing. Raises `sqlite3.Error` when it cannot be."""
        with _transaction(self._db):
            self._db.execute(f"PRAGMA user_version = {schema.VERSION}")

    def is_due(self, now_us: int) -> bool:
        """Whether it is time to sign where the chains stand."""
        return self.checkpoint.is_due(self.head.sequence, now_us, last_event(self._db)[0])

    def close_period(self, now_us: int, lost: int = 0) -> None:
        """Sign where the chains stand, if one has grown since the last checkpoint, or if rows were lost."""
        grown = self.head.sequence > self.checkpoint.sequence or last_event(self._db)[0] > self.checkpoint.events
        if lost or grown:
            with _transaction(self._db):
                made = self._seals.add(self.head, now_us, self.checkpoint, self._ended, lost=lost)
            self.checkpoint = made

    def drop_before(self, oldest_us: int, now_us: int) -> list[str]:
        """Drop the rows of the months that ended before `oldest_us`, each sealed by a checkpoint; their names."""
        dropped = []
        while len(self._months) > 1 and schema.month_end(self._months[0]) * HOUR_US <= oldest_us:
            month = self._months[0]
            boundary = schema.month_end(month)
            with _transaction(self._db):
                last = self.checkpoint
                digest = hours_digest(self._db, last.hours, last.boundary, boundary)
                end = self._end_of(month) or Head(last.ends, bytes.fromhex(last.end_root))
                seal = Seal(month, end.sequence, end.root.hex(), boundary, digest)
                made = self._seals.add(self.head, now_us, last, self._ended, seal)
                self._db.execute(f"DROP TABLE {ROWS}{month}")
                self._db.execute(f"DROP TABLE {CALLERS}{month}")
            self.checkpoint = made
            self._months.pop(0)
            dropped.append(month)
        return dropped

    def first_bad_row(self) -> int | None:
        """The number of the first row after the last checkpoint that does not fit the chain; `None` when all do."""
        start = Head(self.checkpoint.sequence, bytes.fromhex(self.checkpoint.root))
        digests = {number: digest for number, (_, digest) in self._by_number.items()}
        rows = chain.from_iterable(
            self._db.execute(f"SELECT * FROM {ROWS}{month} WHERE seq > ? ORDER BY seq", (start.sequence,))  # noqa: S608
            for month in self._months
        )
        reached, wrong = follow(rows, start, digests)
        return reached.sequence + 1 if wrong else None

    def take_out(self, first: int) -> list[sqlite3.Row]:
        """Remove the rows from `first` on, and count the hours of what is left again; the rows."""
        taken: list[sqlite3.Row] = []
        with _transaction(self._db):
            for month in self._months:
                reading = self._db.cursor()
                reading.row_factory = sqlite3.Row
                taken += reading.execute(f"SELECT * FROM {ROWS}{month} WHERE seq >= ? ORDER BY seq", (first,))  # noqa: S608
                self._db.execute(f"DELETE FROM {ROWS}{month} WHERE seq >= ?", (first,))  # noqa: S608
                self._db.execute(f"DELETE FROM {CALLERS}{month} WHERE seq >= ?", (first,))  # noqa: S608
            self._count_again(self.checkpoint.at_us // HOUR_US - 1)
        self._hours.clear()
        self.head, self._ended = self._read_head(), self._by_outcome()
        return taken

    def _count_again(self, since: int) -> None:
        """The hours from `since` on, from the rows."""
        since = max(since, self.checkpoint.boundary)
        self._db.execute("DELETE FROM hour WHERE h >= ?", (since,))
        counted: dict[HourKey, Hour] = {}
        for month in self._months:
            for number, took, outcome, asked, answered, done in self._db.execute(
                f"SELECT kind, took_us, outcome, request_bytes, reply_bytes, accepted_us + took_us FROM {ROWS}{month} "  # noqa: S608
                "WHERE accepted_us + took_us >= ?",
                (since * HOUR_US,),
            ):
                kind = self._by_number[number][0]
                counted.setdefault((done // HOUR_US, kind[0], kind[2], outcome), Hour()).add(took, asked, answered)
        self._write_hours(counted)

    def copy_checkpoints(self) -> None:
        """Append the checkpoints that are not there yet to the file outside the database. Raises `OSError`."""
        self._seals.copy(self.checkpoint)

    def _read_head(self) -> Head:
        for month in reversed(self._months):
            end = self._end_of(month)
            if end:
                return end
        last = self._seals.last()
        return Head(last.ends, bytes.fromhex(last.end_root))

    def _end_of(self, month: str) -> Head | None:
        last = self._db.execute(f"SELECT seq, hash FROM {ROWS}{month} ORDER BY seq DESC LIMIT 1").fetchone()  # noqa: S608
        return Head(*last) if last else None


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
