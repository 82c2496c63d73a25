"""Checkpoints in a ledger's file, each signed after the one before it, and their copies outside it."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from lgsp.ledger.chain import GENESIS, Checkpoint, Signer, last_number, parse
from lgsp.ledger.events import last as last_event
from lgsp.ledger.journal import Head


@dataclass(frozen=True, slots=True)
class Seal:
    """A month whose rows are gone, and what stands for them: see `Checkpoint`."""

    month: str
    ends: int
    end_root: str
    boundary: int
    hours: str


class Seals:
    """The checkpoints of one ledger. Used by the thread that writes it."""

    def __init__(self, path: Path, db: sqlite3.Connection, name: str, signer: Signer, copies: Path) -> None:
        self._path = path
        self._db = db
        self._name = name
        self._signer = signer
        self._copies = copies
        self._copied = -1

    def __repr__(self) -> str:
        return f"<Seals of {self._path.name}>"

    def last(self) -> Checkpoint:
        """The last checkpoint; number 0 where there is none."""
        found = self._db.execute("SELECT document FROM checkpoint ORDER BY number DESC LIMIT 1").fetchone()
        if found is None:
            return Checkpoint(self._name, 0, 0, 0, 0, GENESIS, {}, GENESIS)
        return parse(found[0], f"the last checkpoint in {self._path}")

    def add(
        self,
        head: Head,
        now_us: int,
        last: Checkpoint,
        ended: dict[str, int],
        seal: Seal | None = None,
        lost: int = 0,
    ) -> Checkpoint:
        """Append a checkpoint within the transaction that is open, after the `last` one; it is signed."""
        seal = seal or Seal("", last.ends, last.end_root, last.boundary, last.hours)
        happened, event_root = last_event(self._db)
        made = self._signer.sign(
            Checkpoint(
                ledger=self._name,
                number=last.number + 1,
                sequence=head.sequence,
                count=head.sequence,
                at_us=now_us,
                root=head.root.hex(),
                totals=dict(sorted(ended.items())),
                previous=last.digest() if last.number else GENESIS,
                sealed=seal.month,
                ends=seal.ends,
                end_root=seal.end_root,
                boundary=seal.boundary,
                hours=seal.hours,
                lost=last.lost + lost,
                events=happened,
                event_root=event_root,
            )
        )
        self._db.execute("INSERT INTO checkpoint VALUES (?, ?, ?)", (made.number, made.sequence, made.document()))
        return made

    def copy(self, newest: Checkpoint) -> None:
        """Append the checkpoints that are not there yet to the file outside the database. Raises `OSError`."""
        if self._copied < 0:
            self._copied = last_number(self._copies)
        if self._copied >= newest.number:
            return
        missing = self._db.execute(
            "SELECT number, document FROM checkpoint WHERE number > ? ORDER BY number", (self._copied,)
        ).fetchall()
        self._copies.touch(mode=0o600)
        with self._copies.open("a", encoding="utf-8") as file:
            file.write("".join(f"{document}\n" for _, document in missing))
            file.flush()
            os.fsync(file.fileno())
        self._copied = missing[-1][0]
