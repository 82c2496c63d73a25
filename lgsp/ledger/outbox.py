"""The outbox: what was accepted for good, in the ledger's own file until nobody needs it any more.

put --> stored --> queued --> executing --> waiting --> stored      move: where it stands
                      |          |            |
                      +----------+--> ended   +--> parked           end: its outcome, in one piece with the ledger's row
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any
from uuid import UUID

from lgsp.clock import Clock
from lgsp.ledger.book import AlreadyEnded
from lgsp.ledger.sqlite import SqliteLedger
from lgsp.model import Outcome, Reply, Request, Transaction

_US = 1_000_000
DAY = 86_400.0
_STANDING = (
    "id, service, state, due_us, expires_us, attempts, publishes, answered, opened, request, ifnull(length(body), 0)"
)
_HEADERS = ("operation", "path", "query", "consumer", "key", "headers", "calm", "force", "asked_as", "origin")


class State(StrEnum):
    """Where a stored request stands. `ended` and `parked` are final."""

    STORED = "stored"
    """On our disk; the bus may have it or not."""
    QUEUED = "queued"
    """The bus has it for good: it waits there, or a connector is at it and has not said so."""
    EXECUTING = "executing"
    """A connector said that it is at it."""
    WAITING = "waiting"
    """For its next try."""
    ENDED = "ended"
    PARKED = "parked"
    """Given up; its body is kept to be requeued."""


FINAL = frozenset({State.ENDED, State.PARKED})


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored request without its body. Times are seconds since the epoch.

    `attempts` counts the answers that asked for another try, `publishes` the messages, `answered` is the number of the
    last message that was answered. `due` is when something is to be done about it next.
    """

    id: str
    service: str
    operation: str
    key: str
    accepted: float
    expires: float
    state: State = State.STORED
    due: float = 0.0
    attempts: int = 0
    publishes: int = 1
    answered: int = 0
    size: int = 0
    """Bytes of its body."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored request as somebody looks it up: where it stands, whose it is, and its reply once it has one."""

    standing: Stored
    consumer: str
    outcome: Outcome | None
    reason: str
    reply: Reply | None
    has_body: bool


class Repeated(Exception):
    """The same consumer sent the same under the same `Idempotency-Key` before: as transaction `id`."""

    def __init__(self, id_: str) -> None:
        super().__init__(id_)
        self.id = id_


class Conflict(Exception):
    """The same consumer sent something else under the same `Idempotency-Key` before."""


class Outbox:
    """The stored requests of one ledger. Everything it writes is on disk when its method returns.

    Every method raises `LedgerUnavailable` where the file cannot be read or written now.
    """

    def __init__(self, ledger: SqliteLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def put(self, request: Request, *, expires: float) -> Stored:
        """Accept `request`. Raises `Repeated` and `Conflict`, which accept nothing."""
        now = self._clock.now()
        standing = Stored(
            request.id,
            request.service,
            request.operation,
            request.key,
            now,
            expires,
            State.STORED,
            now,
            size=len(request.body),
        )
        repeat, digest = repeat_of(request), digest_of(request)

        def insert(db: sqlite3.Connection, opened: bytes) -> None:
            if repeat is not None:
                known = db.execute("SELECT id, digest FROM outbox WHERE repeat = ?", (repeat,)).fetchone()
                if known is not None:
                    raise Repeated(str(UUID(bytes=known[0]))) if known[1] == digest else Conflict
            db.execute(
                "INSERT INTO outbox (id, opened, service, consumer, state, due_us, expires_us, attempts, publishes, "
                "answered, repeat, digest, request, body) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 1, 0, ?, ?, ?, ?)",
                (
                    _bytes(request.id), opened, request.service, request.consumer, str(State.STORED),
                    int(now * _US), int(expires * _US), repeat, digest, _written(request), request.body,
                ),
            )  # fmt: skip

        await self._ledger.store(request, insert)
        return standing

    async def move(self, standing: Stored) -> None:
        """Note where it stands now; nothing when it has its outcome."""

        def update(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE outbox SET state = ?, due_us = ?, attempts = ?, publishes = ?, answered = ? "
                "WHERE id = ? AND outcome IS NULL",
                (
                    str(standing.state), int(standing.due * _US), standing.attempts, standing.publishes,
                    standing.answered, _bytes(standing.id),
                ),
            )  # fmt: skip

        await self._ledger.commit(update)

    async def end(self, transaction: Transaction, *, park: bool, keep: float, call: float | None = None) -> bool:
        """Write its outcome, once. Its reply is kept until `keep`; its own body only where it is to `park`.

        `call`: when its consumer is to be called back. False when it had an outcome already.
        """
        state = State.PARKED if park else State.ENDED
        reply = transaction.reply
        told = None if reply is None else json.dumps([reply.status, dict(reply.headers)], ensure_ascii=False)

        def update(db: sqlite3.Connection) -> None:
            done = db.execute(
                "UPDATE outbox SET state = ?, due_us = ?, outcome = ?, reason = ?, reply = ?, reply_body = ?, "
                "attempts = ?, body = iif(?, body, NULL), call_due_us = ? WHERE id = ? AND outcome IS NULL",
                (
                    str(state), int(keep * _US), str(transaction.outcome), transaction.reason, told,
                    None if reply is None else reply.body, transaction.request.attempt, park,
                    None if call is None else int(call * _US), _bytes(transaction.request.id),
                ),
            )  # fmt: skip
            if not done.rowcount:
                found = db.execute("SELECT outcome FROM outbox WHERE id = ?", (_bytes(transaction.request.id),))
                raise AlreadyEnded((found.fetchone() or (str(transaction.outcome),))[0])

        return await self._ledger.conclude(transaction, update)

    async def live(self) -> list[Stored]:
        """Everything without an outcome."""
        return await self._standings("outcome IS NULL")

    async def parked(self) -> list[Kept]:
        """What was given up and is kept, the oldest first."""
        ids: list[bytes] = await self._ledger.commit(
            lambda db: [
                id_ for (id_,) in db.execute("SELECT id FROM outbox WHERE state = ? ORDER BY id", (str(State.PARKED),))
            ]
        )
        found = [await self.find(str(UUID(bytes=id_))) for id_ in ids]
        return [kept for kept in found if kept is not None]

    async def find(self, id_: str) -> Kept | None:
        """What is known of a stored request, and its reply."""

        def look(db: sqlite3.Connection) -> tuple[Any, ...] | None:
            found: tuple[Any, ...] | None = db.execute(
                f"SELECT {_STANDING}, consumer, outcome, reason, reply, reply_body, body IS NOT NULL "  # noqa: S608 - our own names
                "FROM outbox WHERE id = ?",
                (_bytes(id_),),
            ).fetchone()
            return found

        row = await self._ledger.commit(look)
        if row is None:
            return None
        consumer, outcome, reason, told, body, has_body = row[11:]
        reply = None
        if told is not None:
            status, headers = json.loads(told)
            reply = Reply(id_, Outcome(outcome), status, reason, body, headers)
        return Kept(_standing(row), consumer, Outcome(outcome) if outcome else None, reason, reply, bool(has_body))

    async def request(self, id_: str) -> Request | None:
        """The request as it was accepted; `None` where its body is no longer kept."""

        def look(db: sqlite3.Connection) -> tuple[Any, ...] | None:
            found: tuple[Any, ...] | None = db.execute(
                "SELECT service, request, body FROM outbox WHERE id = ? AND body IS NOT NULL", (_bytes(id_),)
            ).fetchone()
            return found

        row = await self._ledger.commit(look)
        return None if row is None else _read(id_, *row)

    async def drop(self, id_: str) -> bool:
        """Forget what was parked, body and all; whether it was there."""

        def delete(db: sqlite3.Connection) -> bool:
            done = db.execute("DELETE FROM outbox WHERE id = ? AND state = ?", (_bytes(id_), str(State.PARKED)))
            return bool(done.rowcount)

        gone: bool = await self._ledger.commit(delete)
        return gone

    async def sweep(self) -> int:
        """Forget what nobody needs any more; how many."""
        now_us = int(self._clock.now() * _US)
        gone: int = await self._ledger.commit(
            lambda db: (
                db.execute(
                    "DELETE FROM outbox WHERE outcome IS NOT NULL AND due_us <= ? AND call_due_us IS NULL", (now_us,)
                ).rowcount
            )
        )
        return gone

    async def counts(self) -> dict[tuple[str, State], int]:
        """How many stand where, by service."""
        found: Iterable[tuple[str, str, int]] = await self._ledger.commit(
            lambda db: db.execute("SELECT service, state, count(*) FROM outbox GROUP BY service, state").fetchall()
        )
        return {(service, State(state)): count for service, state, count in found}

    async def _standings(self, where: str) -> list[Stored]:
        rows: list[tuple[Any, ...]] = await self._ledger.commit(
            lambda db: db.execute(f"SELECT {_STANDING} FROM outbox WHERE {where} ORDER BY due_us").fetchall()  # noqa: S608
        )
        return [_standing(row) for row in rows]


def repeat_of(request: Request) -> bytes | None:
    """What stands for consumer, operation and `Idempotency-Key`; `None` without one."""
    key = request.headers.get("idempotency-key")
    if not key:
        return None
    return _digest(request.consumer, request.service, request.operation, key)


def digest_of(request: Request) -> bytes:
    """What stands for everything that makes a request the same one sent again."""
    said = _digest(request.path, request.query, request.headers.get("content-type", ""))
    return blake2b(said + request.body, digest_size=16).digest()


def _digest(*texts: str) -> bytes:
    return blake2b("\0".join(texts).encode(errors="replace"), digest_size=16).digest()


def _bytes(id_: str) -> bytes:
    try:
        return UUID(id_).bytes
    except ValueError:
        return b""  # nobody's


def _written(request: Request) -> str:
    told = {name: getattr(request, name) for name in _HEADERS}
    return json.dumps(told | {"headers": dict(request.headers)}, ensure_ascii=False)


def _read(id_: str, service: str, told: str, body: bytes) -> Request:
    return Request(id=id_, service=service, body=body, **json.loads(told))


def _standing(row: tuple[Any, ...]) -> Stored:
    id_, service, state, due, expires, attempts, publishes, answered, opened, told, size = row[:11]
    said = json.loads(told)
    accepted = int.from_bytes(opened[16:24]) / _US
    return Stored(
        str(UUID(bytes=id_)), service, said["operation"], said["key"], accepted, expires / _US,
        State(state), due / _US, attempts, publishes, answered, size,
    )  # fmt: skip
