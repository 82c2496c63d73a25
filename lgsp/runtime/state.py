"""What stand-ins were told: by service, consumer and kind, for a time, up to a size.

All that one request reads and changes is one transaction of SQLite. In memory it runs in one piece on the event loop; in a
file, which several processes of a machine may share, it runs in a thread of its own, and of two that change the same
thing at once the second sees what the first did.
"""

from __future__ import annotations

import asyncio
import fcntl
import heapq
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from lgsp.clock import Clock
from lgsp.errors import SettingsError
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.connector import Forward, Kept, Stateful

T = TypeVar("T")
Dropped = Callable[[str, str, int], None]
"""Told how many things of a service were dropped, and why: `expired`, `consumer` (its share is full), `whole`."""
_VERSION = 1
_REMEMBERED = 2 * 86_400.0
"""Seconds for which an answer to a stored request is kept: longer than anybody sends it again."""
_PURGED = 200  # expired things that one change sweeps away: more than it adds, so that they never pile up
_WAIT = 5.0
_SCHEMA = """
CREATE TABLE thing (
    service TEXT NOT NULL, consumer TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
    value TEXT NOT NULL, bytes INTEGER NOT NULL, changed INTEGER NOT NULL, expires REAL NOT NULL,
    UNIQUE (service, consumer, kind, key)
);
CREATE INDEX thing_age ON thing (service, consumer, kind, changed);
CREATE INDEX thing_changed ON thing (changed);
CREATE INDEX thing_expires ON thing (expires);
CREATE TABLE total (
    service TEXT NOT NULL, consumer TEXT NOT NULL, kind TEXT NOT NULL, items INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (service, consumer, kind)
) WITHOUT ROWID;
INSERT INTO total VALUES ('', '', '', 0, 0);
CREATE TABLE change (number INTEGER NOT NULL);
INSERT INTO change VALUES (0);
CREATE TRIGGER thing_added AFTER INSERT ON thing BEGIN
    INSERT INTO total VALUES (new.service, new.consumer, new.kind, 1, new.bytes)
        ON CONFLICT DO UPDATE SET items = items + 1, bytes = bytes + new.bytes;
    UPDATE total SET items = items + 1, bytes = bytes + new.bytes WHERE service = '';
END;
CREATE TRIGGER thing_changed AFTER UPDATE ON thing BEGIN
    UPDATE total SET bytes = bytes + new.bytes - old.bytes
        WHERE service = '' OR (service = new.service AND consumer = new.consumer AND kind = new.kind);
END;
CREATE TRIGGER thing_removed AFTER DELETE ON thing BEGIN
    UPDATE total SET items = items - 1, bytes = bytes - old.bytes
        WHERE service = '' OR (service = old.service AND consumer = old.consumer AND kind = old.kind);
    DELETE FROM total WHERE service = old.service AND consumer = old.consumer AND kind = old.kind AND items = 0;
END;
"""
_INBOX = """
CREATE TABLE IF NOT EXISTS inbox (
    id TEXT PRIMARY KEY, outcome TEXT NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL,
    headers TEXT NOT NULL, body BLOB NOT NULL, expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS inbox_expires ON inbox (expires);
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept: bytes of one kind for one consumer, and things and bytes in all."""

    consumer_bytes: int = 64 * 1024 * 1024
    items: int = 200_000
    bytes: int = 256 * 1024 * 1024


class States:
    """The state of all stateful connectors of a process: in memory, or in a file that others may share.

    A file is emptied by the first process that opens it, unless `keep`. What is over a limit, longest unchanged first,
    is dropped and told to `dropped`. Lifetime: `async with`; a file that cannot be used raises `SettingsError`.
    """

    def __init__(
        self,
        clock: Clock,
        file: Path | None = None,
        *,
        keep: bool = False,
        dropped: Dropped | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._clock = clock
        self._file = file
        self._keep = keep
        self._dropped = dropped
        self._limits = limits or Limits()
        self._worker: ThreadPoolExecutor | None = None
        self._db: sqlite3.Connection | None = None
        self._closing = ExitStack()

    def __repr__(self) -> str:
        where = "in memory" if self._file is None else str(self._file)
        return f"<States {where}{'' if self._db is not None else ', not open'}>"

    async def __aenter__(self) -> Self:
        """Ready to remember."""
        with ExitStack() as opened:
            self._db = _in_memory(opened) if self._file is None else _in_file(opened, self._file, keep=self._keep)
            if self._file is not None:
                self._worker = opened.enter_context(ThreadPoolExecutor(1, "state"))
            self._closing = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing more is remembered."""
        self._db = None
        self._closing.close()

    def answering(self, service: str, connector: Stateful) -> Forward:
        """What answers the requests of a stateful connector, each with its consumer's state."""
        kinds = connector.STATE

        async def answer(request: Request) -> Reply:
            now = self._clock.now()
            if self._worker is None:
                reply, lost = self._transact(service, connector, kinds, request, now)
            else:
                reply, lost = await asyncio.get_running_loop().run_in_executor(
                    self._worker, self._transact, service, connector, kinds, request, now
                )
            if self._dropped is not None:
                for (of, reason), count in lost.items():
                    self._dropped(of, reason, count)
            return reply

        return answer

    async def answered(self, request_id: str) -> Reply | None:
        """The answer that a stored request had before."""
        now = self._clock.now()
        return await self._run(lambda db: _noted(db, request_id, now))

    async def note(self, reply: Reply) -> None:
        """Keep the answer to a stored request; the first one stays."""
        now = self._clock.now()

        def write(db: sqlite3.Connection) -> None:
            with _transaction(db, "IMMEDIATE"):
                _note(db, reply, now)

        await self._run(write)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        db = self._db
        if db is None:
            raise RuntimeError("the states are not open")
        if self._worker is None:
            return work(db)
        return await asyncio.get_running_loop().run_in_executor(self._worker, work, db)

    def _transact(
        self, service: str, connector: Stateful, kinds: Mapping[str, Kept], request: Request, now: float
    ) -> tuple[Reply, Counter[tuple[str, str]]]:
        """The reply, and what was dropped. Readers do not wait for each other: the lock is for those who change."""
        db = self._db
        if db is None:
            raise RuntimeError("the states are not open")
        with _transaction(db, "DEFERRED"):
            view = _View(db, service, request.consumer, kinds, now)
            reply = connector.answer_with(request, view)
        if not view.changes:
            return reply, Counter()
        with _transaction(db, "IMMEDIATE"):
            if request.stored:
                known = _noted(db, request.id, now)
                if known is not None:
                    return known, Counter()
            if self._worker is not None:  # somebody in another process may have been faster
                view = _View(db, service, request.consumer, kinds, now)
                reply = connector.answer_with(request, view)
            if request.stored:
                _note(db, reply, now)
            return reply, _write(db, view, self._limits)


class _View:
    """A `State`: what is kept, and over it what this request changed."""

    def __init__(
        self, db: sqlite3.Connection, service: str, consumer: str, kinds: Mapping[str, Kept], now: float
    ) -> None:
        self._db = db
        self.service = service
        self.consumer = consumer
        self.kinds = kinds
        self.now = now
        self.changes: dict[tuple[str, str], str | None] = {}

    def get(self, kind: str, key: str) -> Any | None:  # noqa: ANN401 - JSON has no narrower type
        """See `State`."""
        self._check(kind)
        if (kind, key) in self.changes:
            text = self.changes[kind, key]
        else:
            row = self._db.execute(
                "SELECT value FROM thing WHERE service = ? AND consumer = ? AND kind = ? AND key = ? AND expires > ?",
                (self.service, self.consumer, kind, key, self.now),
            ).fetchone()
            text = None if row is None else row[0]
        return None if text is None else json.loads(text)

    def put(self, kind: str, key: str, value: object) -> None:
        """See `State`."""
        self._check(kind)
        self.changes[kind, key] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def remove(self, kind: str, key: str) -> None:
        """See `State`."""
        self._check(kind)
        self.changes[kind, key] = None

    def each(self, kind: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """See `State`."""
        self._check(kind)
        rows = self._db.execute(
            "SELECT key, value FROM thing WHERE service = ? AND consumer = ? AND kind = ? AND key >= ? AND expires > ?"
            " ORDER BY key",
            (self.service, self.consumer, kind, prefix, self.now),
        )
        kept = (row for row in rows if (kind, row[0]) not in self.changes)
        new = sorted((key, text) for (of, key), text in self.changes.items() if of == kind and text is not None)
        for key, text in heapq.merge(kept, new, key=itemgetter(0)):
            if key.startswith(prefix):
                yield key, json.loads(text)
            elif key > prefix:
                return

    def _check(self, kind: str) -> None:
        if kind not in self.kinds:
            raise KeyError(f"{self.service} declared no {kind!r} in its STATE")


def _write(db: sqlite3.Connection, view: _View, limits: Limits) -> Counter[tuple[str, str]]:
    """Write what a view changed, sweep what expired and drop what is over a limit: how much, by service and reason."""
    lost: Counter[tuple[str, str]] = Counter()
    for (kind, key), text in view.changes.items():
        where = (view.service, view.consumer, kind, key)
        if text is None:
            db.execute("DELETE FROM thing WHERE service = ? AND consumer = ? AND kind = ? AND key = ?", where)
            continue
        (number,) = db.execute("UPDATE change SET number = number + 1 RETURNING number").fetchone()
        kept = (text, len(text.encode()), number, view.now + view.kinds[kind].seconds)
        db.execute(
            "INSERT INTO thing (service, consumer, kind, key, value, bytes, changed, expires) VALUES (?,?,?,?,?,?,?,?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value, bytes = excluded.bytes, changed = excluded.changed,"
            " expires = excluded.expires",
            (*where, *kept),
        )
    swept = "DELETE FROM thing WHERE rowid IN (SELECT rowid FROM thing WHERE expires <= ? LIMIT ?) RETURNING service"
    for (service,) in db.execute(swept, (view.now, _PURGED)).fetchall():
        lost[service, "expired"] += 1
    for kind in dict.fromkeys(kind for kind, _ in view.changes):
        scope = (view.service, view.consumer, kind)
        oldest = "SELECT rowid FROM thing WHERE service = ? AND consumer = ? AND kind = ? ORDER BY changed LIMIT 1"
        while _is_over(db, scope, view.kinds[kind].most, limits.consumer_bytes):
            db.execute(f"DELETE FROM thing WHERE rowid = ({oldest})", scope)  # noqa: S608 - both parts stand here
            lost[view.service, "consumer"] += 1
    while _is_over(db, ("", "", ""), limits.items, limits.bytes):
        oldest = "SELECT rowid FROM thing ORDER BY changed LIMIT 1"
        (service,) = db.execute(f"DELETE FROM thing WHERE rowid = ({oldest}) RETURNING service").fetchone()  # noqa: S608 - both parts stand here
        lost[service, "whole"] += 1
    return lost


def _noted(db: sqlite3.Connection, request_id: str, now: float) -> Reply | None:
    row = db.execute(
        "SELECT outcome, status, reason, headers, body FROM inbox WHERE id = ? AND expires > ?", (request_id, now)
    ).fetchone()
    if row is None:
        return None
    return Reply(request_id, Outcome(row[0]), row[1], row[2], row[4], json.loads(row[3]))


def _note(db: sqlite3.Connection, reply: Reply, now: float) -> None:
    told = json.dumps(dict(reply.headers), ensure_ascii=False)
    db.execute("DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE expires <= ? LIMIT ?)", (now, _PURGED))
    db.execute(
        "INSERT OR IGNORE INTO inbox VALUES (?, ?, ?, ?, ?, ?, ?)",
        (reply.to, str(reply.outcome), reply.status, reply.reason, told, reply.body, now + _REMEMBERED),
    )


def _is_over(db: sqlite3.Connection, scope: tuple[str, str, str], items: int, size: int) -> bool:
    row = db.execute("SELECT items, bytes FROM total WHERE service = ? AND consumer = ? AND kind = ?", scope).fetchone()
    return row is not None and (row[0] > items or row[1] > size)


@contextmanager
def _transaction(db: sqlite3.Connection, how: str) -> Iterator[None]:
    db.execute(f"BEGIN {how}")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _in_memory(opened: ExitStack) -> sqlite3.Connection:
    db = opened.enter_context(closing(sqlite3.connect(":memory:", isolation_level=None)))
    db.executescript(_SCHEMA + _INBOX)
    return db


def _in_file(opened: ExitStack, file: Path, *, keep: bool) -> sqlite3.Connection:
    """The database in a file, made or emptied where that is due. Raises `SettingsError`."""
    try:
        lock = opened.enter_context(file.with_suffix(".lock").open("w", encoding="utf-8"))
        is_alone = _locked_alone(lock.fileno())
        file.touch(0o600)
        db = opened.enter_context(
            closing(sqlite3.connect(file, timeout=_WAIT, isolation_level=None, check_same_thread=False))
        )
        # Without waiting for the disk at each change: a killed process loses nothing, only a power cut may.
        db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        with _transaction(db, "IMMEDIATE"):
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version not in {0, _VERSION}:
                raise SettingsError(
                    f"{file} was written by another version of lgsp: move it away, or name another --state"
                )
            if version == 0:
                for statement in _statements(_SCHEMA):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {_VERSION}")
            for statement in _statements(_INBOX):
                db.execute(statement)
            if version and is_alone and not keep:
                db.execute("DELETE FROM thing")
        fcntl.flock(lock, fcntl.LOCK_SH)
    except (OSError, sqlite3.Error) as error:
        raise SettingsError(
            f"the stand-ins' state in {file} cannot be used ({error}): move it away, or name another --state"
        ) from error
    return db


def _locked_alone(lock: int) -> bool:
    """Whether no other process has the file: a shared lock is held by each that does."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one, so that they can stand in one transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
