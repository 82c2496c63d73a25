"""Hours added up: what ended in a stretch of time, from a ledger's file or from a simulated past's alike."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from lgsp.ledger.hours import unpack_sketch
from lgsp.model import Outcome

Key = tuple[str, str, str]
"""Service, consumer, outcome."""
OFFICIAL = (Outcome.OK, Outcome.BUSINESS_FAULT)
_WITHIN = "FROM hour WHERE h >= ? AND h < ?"


@dataclass(frozen=True, slots=True)
class Sum:
    """So many transactions, how long they took in all and at the least and most (microseconds), and their bytes."""

    n: int = 0
    sum_us: int = 0
    min_us: int = 0
    max_us: int = 0
    request_bytes: int = 0
    reply_bytes: int = 0

    def __add__(self, other: Sum) -> Sum:
        """Both together."""
        if not self.n or not other.n:
            return self if self.n else other
        return Sum(
            self.n + other.n,
            self.sum_us + other.sum_us,
            min(self.min_us, other.min_us),
            max(self.max_us, other.max_us),
            self.request_bytes + other.request_bytes,
            self.reply_bytes + other.reply_bytes,
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """What ended within some hours. `hours`: by hour since the epoch and outcome; `sketches`: durations by service."""

    sums: Mapping[Key, Sum] = field(default_factory=dict)
    hours: Mapping[tuple[int, str], int] = field(default_factory=dict)
    sketches: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    last: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """The last hour in which a service had an outcome."""
    failing: Mapping[tuple[int, str], int] = field(default_factory=dict)
    """By hour and service: what ended neither answered nor with a well-formed no."""

    @property
    def total(self) -> int:
        """Everything that ended."""
        return sum(each.n for each in self.sums.values())


def tally(db: sqlite3.Connection, first: int, end: int) -> Tally:
    """What the file's hours from `first` to before `end` (hours since the epoch) add up to.

    Raises `ValueError` when a sketch is not what was packed.
    """
    span = (first, end)
    sums = {
        (service, consumer, outcome): Sum(*values)
        for service, consumer, outcome, *values in db.execute(
            "SELECT service, consumer, outcome, sum(n), sum(sum_us), min(min_us), max(max_us), sum(request_bytes), "
            f"sum(reply_bytes) {_WITHIN} GROUP BY service, consumer, outcome",
            span,
        )
    }
    hours = {
        (h, outcome): n
        for h, outcome, n in db.execute(f"SELECT h, outcome, sum(n) {_WITHIN} GROUP BY h, outcome", span)
    }
    last = {
        (service, outcome): h
        for service, outcome, h in db.execute(
            f"SELECT service, outcome, max(h) {_WITHIN} AND n > 0 GROUP BY service, outcome", span
        )
    }
    failing = {
        (h, service): n
        for h, service, n in db.execute(
            f"SELECT h, service, sum(n) {_WITHIN} AND outcome NOT IN (?, ?) GROUP BY h, service", (*span, *OFFICIAL)
        )
    }
    return Tally(sums, hours, _sketches(db, span), last, failing)


def begins(db: sqlite3.Connection) -> int | None:
    """The first hour that the file has; `None` of an empty one."""
    found: int | None = db.execute("SELECT min(h) FROM hour").fetchone()[0]
    return found


def _sketches(db: sqlite3.Connection, span: tuple[int, int]) -> dict[str, dict[int, int]]:
    merged: dict[str, dict[int, int]] = {}
    for service, packed in db.execute(f"SELECT service, sketch {_WITHIN}", span):
        whole = merged.setdefault(service, {})
        for number, count in unpack_sketch(packed).items():
            whole[number] = whole.get(number, 0) + count
    return merged


def by_hour(db: sqlite3.Connection, first: int, end: int) -> dict[int, int]:
    """How many ended in each of the file's hours from `first` to before `end`, where any did."""
    return dict(db.execute(f"SELECT h, sum(n) {_WITHIN} GROUP BY h", (first, end)))
