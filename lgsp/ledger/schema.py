"""The tables of a ledger's file, and its version."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from lgsp.errors import LedgerDamaged
from lgsp.ledger.hours import HOUR_US

VERSION = 1
APPLICATION = 0x4C475350
"""Marks the file as ours (`LGSP`)."""
UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What SQLite and Python raise of a file whose bytes were changed."""
ROWS, CALLERS = "tx_", "caller_"
COLUMNS = (
    "seq", "id", "accepted_us", "kind", "flags", "callers", "request_bytes",
    "took_us", "outcome", "fault", "status", "attempts", "reply_bytes", "times", "reason", "hash",
)  # fmt: skip

HOURS = """\
CREATE TABLE hour (h INTEGER NOT NULL, service TEXT NOT NULL, consumer TEXT NOT NULL, outcome TEXT NOT NULL,
  n INTEGER NOT NULL, sum_us INTEGER NOT NULL, min_us INTEGER NOT NULL, max_us INTEGER NOT NULL,
  request_bytes INTEGER NOT NULL, reply_bytes INTEGER NOT NULL, sketch BLOB NOT NULL,
  PRIMARY KEY (h, service, consumer, outcome)) STRICT, WITHOUT ROWID"""
_FOR_EVER = f"""
CREATE TABLE kind (id INTEGER PRIMARY KEY, service TEXT NOT NULL, operation TEXT NOT NULL, consumer TEXT NOT NULL,
  UNIQUE (service, operation, consumer)) STRICT;
{HOURS};
CREATE TABLE checkpoint (number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, document TEXT NOT NULL) STRICT;
"""
_ADDED = """
CREATE TABLE IF NOT EXISTS outbox (id BLOB PRIMARY KEY, opened BLOB NOT NULL, service TEXT NOT NULL,
  consumer TEXT NOT NULL, state TEXT NOT NULL, due_us INTEGER NOT NULL, expires_us INTEGER NOT NULL,
  attempts INTEGER NOT NULL, publishes INTEGER NOT NULL, answered INTEGER NOT NULL, repeat BLOB, digest BLOB NOT NULL,
  request TEXT NOT NULL, body BLOB, outcome TEXT, reason TEXT NOT NULL DEFAULT '', reply TEXT, reply_body BLOB,
  call_due_us INTEGER, call_tries INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS outbox_repeat ON outbox (repeat) WHERE repeat IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_state ON outbox (state, due_us);
CREATE INDEX IF NOT EXISTS outbox_call ON outbox (call_due_us) WHERE call_due_us IS NOT NULL;
CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, who TEXT NOT NULL,
  what TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
"""
_MONTH = """
CREATE TABLE {rows} (seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, accepted_us INTEGER NOT NULL,
  kind INTEGER NOT NULL, flags INTEGER NOT NULL, callers BLOB NOT NULL, request_bytes INTEGER NOT NULL,
  took_us INTEGER NOT NULL, outcome TEXT NOT NULL, fault TEXT NOT NULL, status INTEGER NOT NULL,
  attempts INTEGER NOT NULL, reply_bytes INTEGER NOT NULL, times BLOB NOT NULL, reason TEXT NOT NULL,
  hash BLOB NOT NULL) STRICT;
CREATE TABLE {callers} (caller BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (caller, seq)) STRICT, WITHOUT ROWID;
"""


def connect(path: Path, *, readonly: bool) -> sqlite3.Connection:
    """The ledger's file. Raises `LedgerDamaged` when it is none, or one of another version."""
    try:
        db = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={'ro' if readonly else 'rwc'}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            timeout=5,
        )
        version = db.execute("PRAGMA user_version").fetchone()[0]
        mark = db.execute("PRAGMA application_id").fetchone()[0]
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except UNREADABLE as error:
        if is_passing(error):
            raise
        raise LedgerDamaged(
            f"{path} cannot be read as a ledger ({error}): restore it from a backup, or move it and its journal away "
            "and start a new one; `lgsp ledger verify` says what is left"
        ) from error
    if tables and (mark != APPLICATION or version != VERSION):
        db.close()
        raise LedgerDamaged(
            f"{path} is a file of schema {version} of {'a ledger' if mark == APPLICATION else 'something else'}; "
            f"this lgsp keeps ledgers of schema {VERSION}: move it away, or use the lgsp that wrote it"
        )
    return db


def is_passing(error: Exception) -> bool:
    """Whether an error tells of the moment (no room, locked, cannot open) rather than of the file."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN}


def prepare(db: sqlite3.Connection) -> None:
    """Make what is missing, and set how the writer writes: every commit on disk, deleted bodies overwritten."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA secure_delete = ON")
    db.execute("PRAGMA cache_size = -4000")
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.executescript(
            f"BEGIN; {_FOR_EVER} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
        )
    db.executescript(f"BEGIN; {_ADDED} COMMIT;")


def months(db: sqlite3.Connection) -> list[str]:
    """The months that have rows, oldest first: `2026_11`."""
    pattern = ROWS.replace("_", r"\_") + "%"
    found = db.execute(r"SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE ? ESCAPE '\'", (pattern,))
    return sorted(name.removeprefix(ROWS) for (name,) in found)


def strange(db: sqlite3.Connection) -> list[str]:
    """The names of tables and indexes that are not what this version makes, those that are missing among them."""
    listed = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    try:
        fresh.executescript(_FOR_EVER + _ADDED)
        for month in months(db):
            if re.fullmatch(r"\d{4}_\d{2}", month):
                add_month(fresh, month)
        return sorted({str(row[1]) for row in {*db.execute(listed)} ^ {*fresh.execute(listed)}})
    finally:
        fresh.close()


def add_month(db: sqlite3.Connection, month: str) -> None:
    """The tables of a month, within the transaction that is open."""
    for statement in _MONTH.format(rows=ROWS + month, callers=CALLERS + month).strip().split(";\n"):
        db.execute(statement)


def month_of(us: int) -> str:
    """The month, in UTC, of a moment in microseconds since the epoch."""
    return f"{datetime.fromtimestamp(us / 1e6, UTC):%Y_%m}"


@cache
def month_end(month: str) -> int:
    """The first hour (since the epoch) after a month."""
    year, number = int(month[:4]), int(month[5:])
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(after.timestamp() * 1e6) // HOUR_US
