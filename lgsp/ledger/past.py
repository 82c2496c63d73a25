"""A past that was simulated: hours like a ledger's, in a file of their own that says what it is.

The live ledger never holds any of it, and nobody can take one for the other: the files carry different marks.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from lgsp.errors import LedgerDamaged
from lgsp.ledger.schema import HOURS
from lgsp.ledger.tally import Tally, by_hour, tally

VERSION = 2
APPLICATION = 0x4C475348
"""Marks the file as a simulated past (`LGSH`)."""
FILE = "history.sqlite"
_IN_ORDER = "SELECT * FROM hour ORDER BY h, service, consumer, outcome"
_STREAMS = "SELECT * FROM stream ORDER BY name, part, day"
HourRow = tuple[int, str, str, str, int, int, int, int, int, int, bytes]
"""`h` (hours since the epoch), service, consumer, outcome, n, sum, min and max in microseconds, bytes in and out, sketch."""
StreamRow = tuple[str, str, str, int]
"""Day (`2023-05-24`), stream, part, count."""


@dataclass(frozen=True, slots=True)
class About:
    """What a simulated past was made of. `moved_days`: how far it was moved from the days it is told of."""

    scenario: str
    scenario_sha256: str
    seed: int
    zone: str
    first: str
    last: str
    calls: int
    official: int
    moved_days: int
    minutes_sha256: str
    changes: list[str]
    version: str
    captions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What streams, their parts and the states of places are called, by language."""
    places: Mapping[str, list[str]] = field(default_factory=dict)
    """Places by state ..."""
    places_title: Mapping[str, str] = field(default_factory=dict)
    """... and what they are, by language."""
    episodes: list[dict[str, Any]] = field(default_factory=list)
    """Days with more failures than else: `first`, `last`, `services`, and `title` by language."""
    hours_sha256: str = ""
    streams_sha256: str = ""


def write_past(file: Path, about: About, hours: Iterable[HourRow], streams: Iterable[StreamRow]) -> About:
    """Write the file whole, in place of one that was there; what comes back has the digest of its hours."""
    making = file.with_name(file.name + ".new")
    making.unlink(missing_ok=True)
    with closing(sqlite3.connect(making, isolation_level=None)) as db:
        making.chmod(0o600)
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.execute(HOURS)
        db.execute(
            "CREATE TABLE stream (day TEXT NOT NULL, name TEXT NOT NULL, part TEXT NOT NULL, n INTEGER NOT NULL,"
            " PRIMARY KEY (day, name, part)) STRICT, WITHOUT ROWID"
        )
        db.execute("CREATE TABLE about (document TEXT NOT NULL) STRICT")
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO hour VALUES (?,?,?,?,?,?,?,?,?,?,?)", sorted(hours)
        )  # in order, or the file doubles
        db.executemany("INSERT INTO stream VALUES (?,?,?,?)", streams)
        told = replace(about, hours_sha256=_digest(db, _IN_ORDER), streams_sha256=_digest(db, _STREAMS))
        db.execute("INSERT INTO about VALUES (?)", (json.dumps(asdict(told), ensure_ascii=False),))
        db.execute("COMMIT")
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {VERSION}")
    with making.open("rb") as written:
        os.fsync(written.fileno())
    making.replace(file)
    return told


class Past:
    """A simulated past, open for reading. Lifetime: `with`."""

    def __init__(self, file: Path) -> None:
        """Raises `LedgerDamaged` when the file is none, is of another version, or cannot be read."""
        self.file = file
        try:
            self._db = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            mark = self._db.execute("PRAGMA application_id").fetchone()[0]
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise LedgerDamaged(f"{file} cannot be read ({error}): make it again with `lgsp history`") from error
        if (mark, version) != (APPLICATION, VERSION):
            self._db.close()
            raise LedgerDamaged(
                f"{file} is no simulated past of version {VERSION}: move it away, and make one with `lgsp history`"
            )
        self.about = About(**json.loads(self._db.execute("SELECT document FROM about").fetchone()[0]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._db.close()

    def totals(self) -> Mapping[tuple[str, str], int]:
        """Calls by service and outcome."""
        found = self._db.execute("SELECT service, outcome, sum(n) FROM hour GROUP BY service, outcome")
        return {(service, outcome): count for service, outcome, count in found}

    def hours(self) -> Iterable[HourRow]:
        """Every hour, in order of time, service and outcome."""
        return self._db.execute(_IN_ORDER)

    def streams(self) -> list[StreamRow]:
        """Every day of every stream."""
        return list(self._db.execute(_STREAMS))

    def tally(self, first: int, end: int) -> Tally:
        """What its hours from `first` to before `end` add up to. Raises `LedgerDamaged` when they cannot be read."""
        try:
            return tally(self._db, first, end)
        except (sqlite3.Error, ValueError) as error:
            raise LedgerDamaged(f"{self.file} cannot be read ({error}): make it again with `lgsp history`") from error

    def count(self, first: int, end: int) -> int:
        """Calls in its hours from `first` to before `end`."""
        found = self._db.execute("SELECT coalesce(sum(n), 0) FROM hour WHERE h >= ? AND h < ?", (first, end))
        return int(found.fetchone()[0])

    def by_hour(self, first: int, end: int) -> dict[int, int]:
        """Calls in each of its hours from `first` to before `end`, where there are any."""
        return by_hour(self._db, first, end)

    def is_whole(self) -> bool:
        """Whether its hours and streams are still the ones that were written."""
        found = (_digest(self._db, _IN_ORDER), _digest(self._db, _STREAMS))
        return found == (self.about.hours_sha256, self.about.streams_sha256)


def _digest(db: sqlite3.Connection, query: str) -> str:
    """Over every row, in order."""
    digest = sha256()
    for row in db.execute(query):
        digest.update(_canonical(row))
    return digest.hexdigest()


def _canonical(row: tuple[Any, ...]) -> bytes:
    words = [each for each in row if not isinstance(each, bytes)]
    return "\x1f".join(map(str, words)).encode() + b"\x1e" + b"".join(each for each in row if isinstance(each, bytes))
