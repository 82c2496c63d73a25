"""The ledger whose writer has a turn when it is given one, and that can die between any two steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from lgsp.errors import LedgerUnavailable
from lgsp.ledger.book import Book, Change
from lgsp.ledger.row import Kind
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Request, Transaction


class _AtOnce:
    """Where the writer tells the event loop something: they are one here."""

    def is_closed(self) -> bool:
        return False

    def call_soon_threadsafe(self, what: Callable[[], Any]) -> None:
        what()

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()


class SteppedLedger(SqliteLedger):
    """As in a process of its own: what is in memory dies with it, what is mapped or committed stays."""

    def begin(self, kinds: Iterable[Kind]) -> None:
        """Open the files, recover, number the kinds."""
        self._loop = _AtOnce()  # type: ignore[assignment]
        self.is_dead = False
        self._start()
        self._problem = ""
        self._unnumbered.update(kinds)
        self._write_batch()

    def _open_book(self) -> Book:
        book = super()._open_book()
        book._db.execute("PRAGMA synchronous = OFF")  # the death of a process loses nothing that was written
        return book

    def turn(self) -> None:
        """The writer moves what has ended into the tables."""
        if not self.is_dead and not self._problem:
            self._write_batch()

    def torn_turn(self) -> None:
        """The writer's commit is on disk, and the process dies before the journal hears of it."""
        bodies = [self._journal.body(number) for number in self._ended]
        changes = [asked.change for asked in self._changes]
        with_row = {number: asked.body for number, asked in enumerate(self._changes) if asked.place >= 0}
        self._book.write(bodies, self._now_us(), changes=changes, with_row=with_row)
        self.die()

    def fill(self, problem: str) -> None:
        """No room on the disk; with an empty `problem` there is some again."""
        self._set_problem(problem)

    def die(self) -> None:
        """Nothing of this process happens any more."""
        if not self.is_dead:
            self.is_dead = True
            self._book.close()
            self._journal.close()

    async def open(self, request: Request) -> None:
        if self.is_dead:
            raise LedgerUnavailable("dead")
        await super().open(request)

    async def commit(self, change: Change) -> Any:
        if self.is_dead:
            raise LedgerUnavailable("dead")
        return await super().commit(change)

    async def conclude(self, transaction: Transaction, change: Change) -> bool:
        if self.is_dead:
            raise LedgerUnavailable("dead")
        return await super().conclude(transaction, change)

    async def close(self, transaction: Transaction) -> bool:
        return not self.is_dead and await super().close(transaction)
