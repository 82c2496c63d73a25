"""The account in a file: in the journal before anything is published or answered, in the tables soon after.

event loop   open --> journal (OPEN)      close --> journal (ENDED) --> deque
writer thread                                  deque --> one database transaction --> journal (SETTLED)

The event loop never waits for the disk: the journal is memory that outlives the process, and what the journal holds
when a process dies is entered at the next start. When the tables cannot be written, nothing new is accepted.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import structlog

from lgsp.clock import Clock
from lgsp.errors import LedgerUnavailable, LgspError
from lgsp.ledger.base import Standing
from lgsp.ledger.book import AlreadyEnded, Book, Change
from lgsp.ledger.chain import Signer
from lgsp.ledger.files import Files
from lgsp.ledger.journal import Journal
from lgsp.ledger.periods import Period, Periods
from lgsp.ledger.recovery import Findings, recover
from lgsp.ledger.row import Kind, ended_of, ended_us, opened_of
from lgsp.model import Outcome, Request, Transaction

log = structlog.get_logger()
Put = Callable[[sqlite3.Connection, bytes], Any]
"""Enters a request into the outbox, given the first half of its line."""

RETENTION_DAYS = 90
_BATCH = 4_096
_GATHER = 0.1
_RETRY = 1.0
_IDLE = 30.0
_ROOM_SECONDS = 5.0
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class _Asked:
    """A change to be written, and where a row goes that is written with it: its place in the journal, and its line."""

    change: Change
    future: asyncio.Future[Any]
    place: int = -1
    body: bytes = b""


class SqliteLedger:
    """Counts, and keeps a row of each transaction for `retention_days` or longer, in the state directory of a gateway."""

    backend = "sqlite"

    def __init__(
        self,
        files: Files,
        services: Iterable[str],
        clock: Clock,
        *,
        copies: Path | None = None,
        retention_days: int = RETENTION_DAYS,
        zone: str = "UTC",
        capacity: int = 32_768,
    ) -> None:
        self._files = files
        self._copies = copies or files.checkpoints
        self._clock = clock
        self._retention_days = retention_days
        self._capacity = capacity
        self.zone = zone
        self._periods = Periods(zone)
        self._services = list(services)
        self._totals = {(service, outcome): 0 for service in self._services for outcome in Outcome}
        self._accepted = dict.fromkeys(self._services, 0)
        self._still_open = dict.fromkeys(self._services, 0)
        self._open: dict[str, tuple[int, str]] = {}
        self._ended: deque[int] = deque()
        self._stored: dict[str, tuple[bytes, str]] = {}
        self._changes: deque[_Asked] = deque()
        self._unnumbered: set[Kind] = set()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._awake = False
        self._stopping = False
        self._problem = "the ledger is not open"
        self._settled: asyncio.Event = asyncio.Event()
        self.duplicates = 0
        """Second outcomes that were refused."""
        self.write_errors = 0
        """Commits that failed."""
        self.findings = Findings()
        """What the start found."""

    def __repr__(self) -> str:
        accepted = sum(self._accepted.values())
        return f"<SqliteLedger {self._files.name}: {accepted} accepted, {len(self._open)} open, {len(self._ended)} to write>"

    async def __aenter__(self) -> Self:
        """Open the file, recover what the last process left. Raises `SettingsError`, `LedgerDamaged`, `LedgerUnavailable`."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._start)
        self._writer = threading.Thread(target=self._write_on, name=f"ledger-{self._files.name}", daemon=True)
        self._problem = ""
        self._writer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left, sign where the chain stands. What cannot be written stays in the journal for the next start."""
        self._problem = "the ledger is closing"
        self._stopping = True
        self._hurry.set()
        self._wake.set()
        await asyncio.to_thread(self._writer.join)
        for asked in self._changes:
            asked.future.cancel()
        self._book.close()
        self._journal.close()

    def _start(self) -> None:
        files = self._files
        self._journal = Journal(files.journal, self._capacity)
        try:
            self._key = files.read_caller_key(make=True)
            self._book = self._open_book()
            now = self._clock.now()
            self.findings = recover(self._book, self._journal, now, files.quarantine(self._book.head.sequence))
        except sqlite3.Error as error:
            self._journal.close()
            raise LedgerUnavailable(f"{files.book} cannot be written ({error}): make room, then start again") from error
        except LgspError:
            self._journal.close()
            raise
        if self.findings.is_worrying:
            log.error("ledger recovered", ledger=files.name, findings=repr(self.findings))
        elif self.findings != Findings():
            log.warning("ledger recovered", ledger=files.name, findings=repr(self.findings))
        for (service, outcome), count in self._book.totals().items():
            self._totals[service, Outcome(outcome)] = count
            self._accepted[service] = self._accepted.get(service, 0) + count
            self._still_open.setdefault(service, 0)
        self._periods.begin(now, self._totals, self._ended_since)
        for id_, opened, service in self._book.stored():
            self._count_stored(str(UUID(bytes=id_)), opened, service)

    def _ended_since(self, at: float) -> dict[tuple[str, Outcome], int]:
        found = self._book.totals_since(at)
        return {(service, Outcome(outcome)): count for (service, outcome), count in found.items()}

    def _open_book(self) -> Book:
        return Book(
            self._files.book, self._files.name, Signer(self._files.private_key, self._files.public_key), self._copies
        )

    async def open(self, request: Request) -> None:
        """Accept: when this returns, the death of the process cannot lose it. Raises `LedgerUnavailable`."""
        kind = (request.service, request.operation, request.consumer)
        number = self._book.kinds.get(kind) or await self._number(kind)
        if not self._journal.free:
            await self._room()
        if self._problem:
            raise LedgerUnavailable(self._problem)
        opened = opened_of(request, number, self._clock.now(), self._key)
        self._open[request.id] = (self._journal.open(opened), request.service)
        self._count_opened(request.service)

    async def close(self, transaction: Transaction) -> bool:
        """Write the outcome of what is open; anything else is a second outcome."""
        found = self._open.pop(transaction.request.id, None)
        if found is None:
            self.duplicates += 1
            return False
        number, service = found
        self._journal.end(number, ended_of(transaction))
        self._ended.append(number)
        self._count_ended(service, transaction)
        if not self._awake:
            self._awake = True
            self._wake.set()
        return True

    async def store(self, request: Request, put: Put) -> Any:  # noqa: ANN401 - a change gives what it likes
        """Accept a request whose line `put` writes into the outbox: on disk when this returns, and open over restarts.

        Returns or raises what `put` does; raises `LedgerUnavailable` when it cannot be entered.
        """
        kind = (request.service, request.operation, request.consumer)
        number = self._book.kinds.get(kind) or await self._number(kind)
        opened = opened_of(request, number, self._clock.now(), self._key)
        result = await self.commit(lambda db: put(db, opened))
        self._count_stored(request.id, opened, request.service)
        return result

    async def conclude(self, transaction: Transaction, change: Change) -> bool:
        """Write the outcome of what was stored, and `change` of its line in the outbox, in one piece; on disk when this returns.

        False when that transaction had an outcome already. Raises `LedgerUnavailable`: then it is open still.
        """
        found = self._stored.pop(transaction.request.id, None)
        if found is None:
            self.duplicates += 1
            return False
        opened, service = found
        outcome = transaction.outcome
        try:
            if not self._journal.free:
                await self._room()
            place = self._journal.free.popleft()
            await self._ask(change, place, opened + ended_of(transaction))
        except AlreadyEnded as error:  # an earlier try that seemed to fail came through
            outcome = Outcome(error.outcome)
        except LgspError:
            self._stored[transaction.request.id] = found
            raise
        self._count_ended(service, replace(transaction, outcome=outcome))
        return outcome is transaction.outcome

    def _count_opened(self, service: str) -> None:
        self._accepted[service] = self._accepted.get(service, 0) + 1
        self._still_open[service] = self._still_open.get(service, 0) + 1

    def _count_stored(self, id_: str, opened: bytes, service: str) -> None:
        self._stored[id_] = (opened, service)
        self._count_opened(service)

    def _count_ended(self, service: str, transaction: Transaction) -> None:
        if (done := transaction.started_at + transaction.seconds) >= self._periods.ends:
            self._periods.turn(done, self._totals)
        key = (service, transaction.outcome)
        self._totals[key] = self._totals.get(key, 0) + 1
        self._still_open[service] -= 1

    async def commit(self, change: Change) -> Any:  # noqa: ANN401 - a change gives what it likes
        """Do `change` in the next database transaction, on disk when this returns; its result, or what it raised.

        Raises `LedgerUnavailable` when it cannot be written; nothing of it is then.
        """
        return await self._ask(change)

    async def _ask(self, change: Change, place: int = -1, body: bytes = b"") -> Any:  # noqa: ANN401 - as above
        if self._problem:
            if place >= 0:
                self._journal.free.append(place)
            raise LedgerUnavailable(self._problem)
        future: asyncio.Future[Any] = self._loop.create_future()
        self._changes.append(_Asked(change, future, place, body))
        self._hurry.set()
        self._wake.set()
        return await future

    async def flush(self) -> None:
        """Return when everything that has ended stands in the tables. Raises `LedgerUnavailable` when it cannot."""
        while self._ended:
            await self.commit(lambda _: None)

    def totals(self) -> Mapping[tuple[str, Outcome], int]:
        """Transactions ended since this ledger began, by service and outcome; zero where none did."""
        return self._totals

    def accepted(self) -> Mapping[str, int]:
        """Transactions accepted since this ledger began, by service."""
        return self._accepted

    def still_open(self) -> Mapping[str, int]:
        """Transactions without an outcome yet, by service."""
        return self._still_open

    def periods(self) -> Mapping[tuple[str, Outcome, Period], int]:
        """Transactions ended today, this month and this year; exact, and the same after a restart."""
        return self._periods.counts(self._clock.now(), dict(self._totals))

    def standing(self) -> Standing:
        """See `Standing`. Reads a small file: not for the event loop."""
        verified = self._files.read_verified()
        signed = self._book.checkpoint
        return Standing(
            sequence=self._book.head.sequence,
            waiting=len(self._ended),
            lag=self._lag(),
            write_errors=self.write_errors,
            checkpoint=signed.sequence,
            root=int(signed.root[:12], 16),
            verified_at=verified.at,
            verify_failed=not verified.well,
        )

    def _lag(self) -> float:
        """How long the first that waits for the writer has waited."""
        try:
            body = self._journal.body(self._ended[0])
        except IndexError:
            return 0.0
        return max(self._clock.now() - ended_us(body) / 1e6, 0.0)

    def problems(self) -> list[str]:
        """Why nothing is accepted; empty when it is."""
        return [self._problem] if self._problem else []

    async def _number(self, kind: Kind) -> int:
        """The number of a kind that was never seen before: on disk before a line refers to it."""
        self._unnumbered.add(kind)
        await self.commit(lambda _: None)
        return self._book.kinds[kind]

    async def _room(self) -> None:
        """Wait until a place of the journal is free."""
        try:
            async with asyncio.timeout(_ROOM_SECONDS):
                while not self._journal.free and not self._problem:
                    self._settled.clear()
                    await self._settled.wait()
        except TimeoutError as error:
            raise LedgerUnavailable(
                f"{self._journal.capacity} transactions are under way or wait to be written: the disk is too slow"
            ) from error

    # The writer thread.

    def _write_on(self) -> None:
        reopen = False
        while True:
            self._wake.wait(_IDLE)
            if not self._stopping:
                self._hurry.wait(_GATHER)
            self._hurry.clear()
            self._wake.clear()
            self._awake = False
            stopping = self._stopping  # read before what is left is written: nothing comes after it
            try:
                if reopen:
                    self._reopen()
                    reopen = False
                while self._ended or self._changes:
                    self._write_batch()
                now_us = self._now_us()
                if stopping or self._book.is_due(now_us):
                    self._book.close_period(now_us)
                self._book.copy_checkpoints()
                self._keep_to_retention()
                self._well()
            except Exception as error:  # noqa: BLE001 - a dead writer would let the journal run full
                reopen = True
                self._fail(error)
            if stopping:
                return

    def _write_batch(self) -> None:
        # One step of the interpreter: between the two of an `islice` the event loop would end another transaction.
        numbers = list(self._ended)[:_BATCH]
        changes = list(self._changes)
        kinds = list(self._unnumbered)
        bodies = [self._journal.body(number) for number in numbers]
        with_row = {number: asked.body for number, asked in enumerate(changes) if asked.place >= 0}
        results = self._book.write(
            bodies, self._now_us(), changes=[asked.change for asked in changes], with_row=with_row, kinds=kinds
        )
        entered = [changes[number].place for number in with_row if not isinstance(results[number], Exception)]
        for number in with_row:
            if changes[number].place in entered:
                self._journal.enter(changes[number].place, changes[number].body)
            else:
                self._journal.free.append(changes[number].place)
        self._journal.settle([*entered, *numbers], self._book.head)
        for _ in numbers:
            self._ended.popleft()
        for _ in changes:
            self._changes.popleft()
        self._unnumbered.difference_update(kinds)
        self._tell(lambda: self._written([asked.future for asked in changes], results))

    def _reopen(self) -> None:
        """A fresh look at the file; a commit that was reported as failed may have come through all the same."""
        self._book.close()
        self._book = self._open_book()
        waiting = list(self._ended)
        held = [self._book.holds(self._journal.body(number)[:16]) for number in waiting]
        came_through = waiting[: held.index(False)] if False in held else waiting
        again = [number for number, is_held in zip(waiting, held, strict=True) if is_held][len(came_through) :]
        for number in (*came_through, *again):
            self._ended.remove(number)
        self._journal.settle(came_through, self._book.head)
        if again:
            self._journal.drop(again)
            self._journal.free.extend(again)
            log.error("transactions entered twice under one id", ledger=self._files.name, count=len(again))
        self._book.probe()

    def _keep_to_retention(self) -> None:
        now = self._clock.now()
        for month in self._book.drop_before(int((now - self._retention_days * _DAY) * 1e6), self._now_us()):
            log.info("ledger rows dropped", ledger=self._files.name, month=month, retention_days=self._retention_days)

    def _now_us(self) -> int:
        return int(self._clock.now() * 1e6)

    def _fail(self, error: Exception) -> None:
        """Accept nothing, and try again in a while."""
        self.write_errors += 1
        if not self._problem:
            log.error("ledger cannot be written", ledger=self._files.name, file=str(self._files.book), error=str(error))
        asked = [self._changes.popleft() for _ in range(len(self._changes))]
        changes = [each.future for each in asked]
        self._journal.free.extend(each.place for each in asked if each.place >= 0)
        problem = f"the ledger cannot be written: {error}"
        self._tell(lambda: self._set_problem(problem))
        self._tell(lambda: self._written(changes, [LedgerUnavailable(problem)] * len(changes)))
        if not self._stopping:
            timer = threading.Timer(_RETRY, self._wake.set)
            timer.daemon = True
            timer.start()

    def _well(self) -> None:
        if self._problem and not self._stopping:
            log.info("ledger can be written again", ledger=self._files.name)
            self._tell(lambda: self._set_problem(""))

    def _set_problem(self, problem: str) -> None:
        if not self._stopping:
            self._problem = problem
            self._settled.set()

    def _written(self, futures: list[asyncio.Future[Any]], results: list[Any]) -> None:
        self._settled.set()
        for future, result in zip(futures, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _tell(self, what: Callable[[], None]) -> None:
        """Do something on the event loop, which may be gone already when a process ends in a hurry."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)
