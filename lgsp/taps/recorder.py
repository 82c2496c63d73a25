"""Keeps what was said: the newest in memory, always; and all of it in a file, while somebody records.

Only references are kept on the way; masking and writing happen off the event loop. What finds no room is dropped, and counted.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import structlog

from lgsp.bus import topology
from lgsp.bus.message import Message as BusMessage
from lgsp.bus.message import encode_reply, encode_request
from lgsp.capture.files import ZIPPED, Writer, hold
from lgsp.capture.record import (
    BUS_REPLY,
    BUS_REQUEST,
    GATEWAY,
    Answered,
    Asked,
    Body,
    CaptureError,
    Message,
    Record,
)
from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.errors import SettingsError
from lgsp.model import Tap, Transaction

log = structlog.get_logger()
RING_BYTES = 8 * 1024 * 1024
WAITING_BYTES = 32 * 1024 * 1024
PART_BYTES = 64 * 1024 * 1024
_OVERHEAD = 1_500
_BATCH = 500
_BATCH_BYTES = 1024 * 1024
_NS = 1_000_000_000
Dropped = Callable[[str], None]


class Sink(Protocol):
    """Where records go. `write` returns when they are safe."""

    async def write(self, make: Callable[[], list[Record]]) -> None:
        """What `make` makes, which takes time. Raises `OSError`."""
        ...

    async def close(self, dropped: int) -> None:
        """The end, with how many were dropped. Raises `OSError`."""
        ...


@dataclass(slots=True)
class Seen:
    """What one tap saw, by reference."""

    tap: str
    transaction: Transaction
    size: int


@dataclass(slots=True)
class Recording:
    """One that is under way: `seen` = `written` + `dropped` + what waits, counted as taps saw it."""

    path: Path
    sink: Sink
    seen: int = 0
    written: int = 0
    dropped: int = 0
    bytes: int = 0
    """Of what waits."""
    waiting: deque[Seen] = field(default_factory=deque)
    error: str = ""


class FileSink:
    """A directory of zipped captures, a new file every 64 MB."""

    def __init__(self, directory: Path, header: dict[str, Any]) -> None:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700)
        self._directory = directory
        self._header = header
        self._part = 1
        self._writer = self._next(0)
        # Between two files nobody holds one.
        self._held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        hold(self._held)

    def _next(self, after: int) -> Writer:
        return Writer.create(self._directory / f"{self._part:04d}{ZIPPED}", self._header, after=after)

    async def write(self, make: Callable[[], list[Record]]) -> None:
        """See `Sink`."""
        await asyncio.to_thread(self._write, make)

    def _write(self, make: Callable[[], list[Record]]) -> None:
        if self._writer.bytes > PART_BYTES:
            self._writer.close(continued=True)
            self._part += 1
            self._writer = self._next(self._writer.seq)
        self._writer.write(*make())

    async def close(self, dropped: int) -> None:
        """See `Sink`."""
        self._writer.dropped = dropped
        try:
            await asyncio.to_thread(self._writer.close)
        finally:
            os.close(self._held)


@dataclass(slots=True)
class _At:
    """A tap of the recorder, by the place where it stands."""

    tap: str
    recorder: Recorder

    def saw(self, transaction: Transaction) -> None:
        """See `Tap`."""
        self.recorder.note(self.tap, transaction)


class Recorder:
    """Records what its taps see. `mask` is applied to every record before it goes to a sink."""

    def __init__(
        self,
        clock: Clock,
        catalogue: Catalogue,
        name: str,
        mask: Callable[[Record], Record],
        home: Path,
        dropped: Dropped,
        *,
        sink: Callable[[Path, dict[str, Any]], Sink] = FileSink,
        ring_bytes: int = RING_BYTES,
        waiting_bytes: int = WAITING_BYTES,
    ) -> None:
        self._clock = clock
        self._catalogue = catalogue
        self._name = name
        self._mask = mask
        self._home = home
        self._dropped = dropped
        self._sink = sink
        self._ring: deque[Seen] = deque()
        self._ring_held = 0
        self._ring_bytes = ring_bytes
        self._waiting_bytes = waiting_bytes
        self._recording: Recording | None = None
        self._stirred = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._taps: dict[str, None] = {}
        self.forgotten = 0
        """What the ring had to give up."""

    def __repr__(self) -> str:
        return f"<Recorder {len(self._ring)} in the ring, recording {self._recording is not None}>"

    def tap(self, place: str) -> Tap:
        """A tap for one place: `gateway`, `connector` or `upstream`."""
        self._taps |= dict.fromkeys([GATEWAY, BUS_REQUEST, BUS_REPLY] if place == GATEWAY else [place])
        return _At(place, self)

    def note(self, tap: str, transaction: Transaction) -> None:
        """Keep it in the ring, and for the recording that is under way."""
        reply = transaction.reply
        size = _OVERHEAD + len(transaction.request.body) + (len(reply.body) if reply else 0)
        seen = Seen(tap, transaction, size)
        self._ring.append(seen)
        self._ring_held += size
        while self._ring_held > self._ring_bytes:
            self._ring_held -= self._ring.popleft().size
            self.forgotten += 1
            self._dropped("ring")
        recording = self._recording
        if recording is None:
            return
        recording.seen += 1
        if recording.bytes + size > self._waiting_bytes or recording.error:
            recording.dropped += 1
            self._dropped("recording")
            return
        recording.waiting.append(seen)
        recording.bytes += size
        self._stirred.set()

    def exchanges(self) -> list[Transaction]:
        """What the gateway's tap saw and the ring still holds, oldest first, as it was: unmasked."""
        return [seen.transaction for seen in self._ring if seen.tap == GATEWAY]

    def forget(self) -> None:
        """Empty the ring."""
        self._ring.clear()
        self._ring_held = 0

    async def start(self, name: str) -> dict[str, Any]:
        """Begin a recording. Raises `SettingsError` where one is under way, `CaptureError` where one of that name is there."""
        if self._recording is not None:
            raise SettingsError(f"a recording is under way: {self._recording.path}; end it with `lgsp record stop`")
        path = self._home / name
        self._recording = Recording(path, self._open(path))
        return self.status()

    async def stop(self) -> dict[str, Any]:
        """End it, with everything seen so far written. Raises `SettingsError` where none is under way."""
        recording = self._recording
        if recording is None:
            raise SettingsError("no recording is under way: begin one with `lgsp record start`")
        self._recording = None
        await self._idle.wait()
        await self._drain(recording)
        try:
            await recording.sink.close(recording.dropped)
        except OSError as error:
            recording.error = recording.error or str(error)
        return _told(recording) | {"recording": False}

    async def save(self, name: str, seconds: float) -> dict[str, Any]:
        """Write what the ring holds of the last `seconds`."""
        since = self._clock.now() - seconds
        kept = [seen for seen in self._ring if seen.transaction.started_at >= since]
        recording = Recording(self._home / name, self._open(self._home / name), seen=len(kept))
        recording.waiting.extend(kept)
        await self._drain(recording)
        await recording.sink.close(0)
        return _told(recording) | {"forgotten": self.forgotten}

    def status(self) -> dict[str, Any]:
        """What is under way, and what the ring holds."""
        ring = {"ring": len(self._ring), "ring_bytes": self._ring_held, "forgotten": self.forgotten}
        if self._recording is None:
            return {"recording": False} | ring
        return {"recording": True} | _told(self._recording) | ring

    async def run(self) -> None:
        """Write what is seen, until cancelled; then end the recording that is under way."""
        try:
            while True:
                await self._stirred.wait()
                self._stirred.clear()
                if self._recording is not None:
                    self._idle.clear()
                    try:
                        await self._drain(self._recording)
                    finally:
                        self._idle.set()
        finally:
            if self._recording is not None:
                await self.stop()

    def _open(self, path: Path) -> Sink:
        created = datetime.fromtimestamp(self._clock.now(), UTC).isoformat()
        header = {"created": created, "host": self._name, "taps": list(self._taps), "masked": True}
        try:
            return self._sink(path, header)
        except FileExistsError:
            raise CaptureError(str(path), 0, "is there already: name another") from None
        except OSError as error:
            raise CaptureError(str(path), 0, f"cannot be written: {error.strerror or error}") from error

    async def _drain(self, recording: Recording) -> None:
        while recording.waiting:
            batch = list(_batch(recording.waiting))
            try:
                await recording.sink.write(partial(self._made, batch))
                recording.written += len(batch)
            except OSError as error:
                recording.error = f"{recording.path}: {error.strerror or error}"
                recording.dropped += len(batch) + len(recording.waiting)
                recording.waiting.clear()
                log.error("recording stopped writing", path=str(recording.path), why=error.strerror)  # noqa: TRY400 - words enough
            except Exception as error:  # noqa: BLE001 - whatever it is, the traffic goes on
                # What cannot be masked is not written either; the text of the error may hold a person's data.
                recording.dropped += len(batch)
                log.error("records not kept", path=str(recording.path), error=type(error).__name__)  # noqa: TRY400 - as said
            recording.bytes = sum(seen.size for seen in recording.waiting)

    def _made(self, batch: list[Seen]) -> list[Record]:
        return [self._mask(record) for seen in batch for record in self._records(seen)]

    def _records(self, seen: Seen) -> Iterator[Record]:
        service = seen.transaction.request.service
        known = service in self._catalogue
        context = self._catalogue.find(service).context if known and seen.tap == GATEWAY else ""
        yield record_of(seen.tap, seen.transaction, context)
        if seen.tap == GATEWAY and seen.transaction.sent_at and known:
            yield from on_the_bus(seen.transaction, self._name, self._catalogue.find(service).timeout)


def _batch(waiting: deque[Seen]) -> Iterator[Seen]:
    """What is written at once, taken from the front: so many at most, and no more after a megabyte of bodies."""
    held = count = 0
    while waiting and count < _BATCH and held < _BATCH_BYTES:
        seen = waiting.popleft()
        held, count = held + seen.size, count + 1
        yield seen


def record_of(tap: str, transaction: Transaction, context: str) -> Record:
    """What HTTP said at one tap. The parts of its times add up to the total."""
    request, reply = transaction.request, transaction.reply
    query = f"?{request.query}" if request.query else ""
    method = request.operation.partition(" ")[0]
    return Record(
        t=int(transaction.started_at * _NS),
        tap=tap,
        tx=request.id,
        key=request.key,
        attempt=request.attempt,
        consumer=request.consumer,
        service=request.service,
        operation=request.operation,
        request=Asked(method, context + request.path + query, tuple(request.headers.items()), Body.of(request.body)),
        reply=Answered(reply.status, tuple(reply.headers.items()), Body.of(reply.body)) if reply else None,
        times=_times(transaction) if tap == GATEWAY else {"total": int(transaction.seconds * _NS)},
        outcome=str(transaction.outcome),
        reason=transaction.reason,
    )


def on_the_bus(transaction: Transaction, gateway: str, timeout: float) -> Iterator[Record]:
    """The message that the gateway gave to the bus, and the one that came back."""
    request, reply = transaction.request, transaction.reply
    names = {"tx": request.id, "key": request.key, "consumer": request.consumer, "service": request.service}
    asked = encode_request(request, publish=1, reply_to=gateway, budget=timeout, now=transaction.sent_at)
    sent = int(transaction.sent_at * _NS)
    yield Record(
        t=sent,
        tap=BUS_REQUEST,
        operation=request.operation,
        attempt=request.attempt,
        message=_message(asked, topology.REQUEST, request.service),
        **names,  # type: ignore[arg-type]  # all of them are texts
    )
    if reply is not None and reply.stamps is not None:
        answered = encode_reply(reply, operation=request.operation, service=request.service, answers="")
        yield Record(
            t=int((transaction.started_at + transaction.seconds) * _NS),
            tap=BUS_REPLY,
            operation=request.operation,
            attempt=request.attempt,
            message=_message(answered, topology.REPLY, gateway),
            outcome=str(reply.outcome),
            **names,  # type: ignore[arg-type]  # as above
        )


def _message(message: BusMessage, exchange: str, key: str) -> Message:
    words = ("correlation_id", "message_id", "type", "app_id", "reply_to", "expiration", "content_type")
    properties = {word: value for word in words if (value := getattr(message, word))}
    return Message(
        {"exchange": exchange, "routing_key": key} | properties | {"headers": dict(message.headers)},
        Body.of(message.body),
    )


def _times(transaction: Transaction) -> dict[str, int]:
    total = int(transaction.seconds * _NS)
    stamps = transaction.reply.stamps if transaction.reply else None
    if not transaction.sent_at or stamps is None:
        return {"total": total}
    sent = int(transaction.sent_at * _NS)
    parts = {
        "gateway": sent - int(transaction.started_at * _NS),
        "queue": stamps.t3 - sent,
        "connector": stamps.t6 - stamps.t3,
    }
    return {"total": total} | parts | {"back": total - sum(parts.values())}


def _told(recording: Recording) -> dict[str, Any]:
    return {
        "path": str(recording.path),
        "seen": recording.seen,
        "written": recording.written,
        "dropped": recording.dropped,
        "waiting": len(recording.waiting),
        "error": recording.error,
    }
