"""What is under way, in a file mapped into memory: it outlives its process at the price of a few memory writes.

free --open--> OPEN --end--> ENDED --settle--> SETTLED --(reused last)--> OPEN

A place is written before its state, so that a killed process leaves a whole line or none. SETTLED lines stand in
the tables; they stay until their place is needed, and with them the tail of a torn database is written again.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from struct import Struct
from zlib import crc32

from lgsp.errors import LedgerDamaged, LedgerUnavailable, LgspError, SettingsError
from lgsp.ledger.row import ENDED, OPENED

_MAGIC = b"lgspopn1"
_TITLE = Struct(">8sI")
_HEAD = Struct(">Q32sI")
_HEADS = (64, 128)
_FIRST = 4096
_PLACE = Struct(">QIIB")
_AT_STATE, _AT_SEQUENCE, _AT_CHECKS = 16, 0, 8
_CHECK = Struct(">I")
_BODY = 17
SIZE = 160
_HALF = OPENED.size
_WHOLE = OPENED.size + ENDED.size


class State(IntEnum):
    """What a place holds."""

    FREE = 0
    OPEN = 1
    ENDED = 2
    SETTLED = 3


_UNDER_WAY = frozenset({State.OPEN, State.ENDED})


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stands: the last row's number and its link."""

    sequence: int = 0
    root: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the journal as it was found."""

    number: int
    state: State
    sequence: int
    body: bytes


class Journal:
    """The lines under way, `capacity` at most. One process at a time has it; the others read it with `read`."""

    def __init__(self, path: Path, capacity: int) -> None:
        """Raises `SettingsError` when another process has it, `LedgerDamaged`, `LedgerUnavailable` without room."""
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(
                f"{path} cannot be opened: {error.strerror}; choose another place with --state"
            ) from error
        try:
            _lock(self._file, path)
            held, was = _capacity(os.pread(self._file, _TITLE.size, 0), path), os.fstat(self._file).st_size
            # Bytes that were cut off at the end of the file.
            self.missing = max(_FIRST + held * SIZE - was, 0) if was else 0
            self.capacity = max(capacity, held)
            size = _FIRST + self.capacity * SIZE
            # Allocated, not sparse: a full disk must not turn a memory write into a fatal signal.
            os.posix_fallocate(self._file, 0, size)
            self._map = mmap.mmap(self._file, size)
        except OSError as error:
            os.close(self._file)
            raise LedgerUnavailable(f"{path} cannot be written: {error.strerror}; make room, then try again") from error
        except LgspError:
            os.close(self._file)
            raise
        self._map[: _TITLE.size] = _TITLE.pack(_MAGIC, self.capacity)
        self._turn = 0
        self.free: deque[int] = deque()
        """Places that can be taken; `start` fills it."""

    def __repr__(self) -> str:
        return f"<Journal {self.path.name}, {len(self.free)} of {self.capacity} free>"

    def places(self) -> Iterator[Place]:
        """Every line that is whole; a line in pieces is left out, see `torn`."""
        return _places(self._map, self.capacity)

    def torn(self) -> list[bytes]:
        """The raw bytes of lines that are in pieces or damaged."""
        return [raw for raw, place in _raw(self._map, self.capacity) if place is None]

    def start(self, kept: Iterable[int]) -> None:
        """Take every place into use but those of `kept`, which are used again last."""
        last = list(kept)
        seen = set(last)
        self.free = deque(number for number in range(self.capacity) if number not in seen)
        self.free.extend(last)

    def open(self, opened: bytes) -> int:
        """Write the first half of a line; returns its place. The caller has made sure that one is free."""
        number = self.free.popleft()
        at = _FIRST + number * SIZE
        self._map[at + _AT_STATE] = State.FREE
        self._map[at + _BODY : at + _BODY + _HALF] = opened
        _CHECK.pack_into(self._map, at + _AT_CHECKS, crc32(opened))
        self._map[at + _AT_STATE] = State.OPEN
        return number

    def end(self, number: int, ended: bytes) -> None:
        """Write the second half of a line."""
        at = _FIRST + number * SIZE
        self._map[at + _BODY + _HALF : at + _BODY + _WHOLE] = ended
        _CHECK.pack_into(self._map, at + _AT_CHECKS + 4, crc32(ended))
        self._map[at + _AT_STATE] = State.ENDED

    def body(self, number: int) -> bytes:
        """Both halves of a line that has ended."""
        at = _FIRST + number * SIZE + _BODY
        return self._map[at : at + _WHOLE]

    def enter(self, number: int, body: bytes) -> None:
        """Write a line that stands in the tables already, so that their tail can be written again from it."""
        at = _FIRST + number * SIZE
        self._map[at + _AT_STATE] = State.FREE
        self._map[at + _BODY : at + _BODY + _WHOLE] = body
        _PLACE.pack_into(self._map, at, 0, crc32(body[:_HALF]), crc32(body[_HALF:]), State.ENDED)

    def settle(self, numbers: Iterable[int], head: Head, *, free: bool = True) -> None:
        """The lines stand in the tables as the rows up to `head`, in this order; their places can be taken again."""
        settled = list(numbers)
        for sequence, number in enumerate(settled, head.sequence - len(settled) + 1):
            at = _FIRST + number * SIZE
            _PLACE.pack_into(self._map, at, sequence, *_checks(self._map, at), State.SETTLED)
        self.note(head)
        if free:
            self.free.extend(settled)

    def drop(self, numbers: Iterable[int]) -> None:
        """The lines are accounted for elsewhere."""
        for number in numbers:
            self._map[_FIRST + number * SIZE + _AT_STATE] = State.FREE

    def note(self, head: Head) -> None:
        """Remember where the tables stand; two copies in turn, so that one is whole at any moment."""
        self._turn ^= 1
        data = _HEAD.pack(head.sequence, head.root, 0)[:-4]
        at = _HEADS[self._turn]
        self._map[at : at + _HEAD.size] = data + _CHECK.pack(crc32(data))

    def head(self) -> Head:
        """Where the tables stood when a line was last settled. Raises `LedgerDamaged` when neither copy is whole."""
        return _head(self._map, self.path)

    def close(self) -> None:
        """Let go of it."""
        self._map.flush()
        self._map.close()
        os.close(self._file)


def head_of(path: Path) -> Head:
    """Where the tables stood at least, by the journal of another process, or of none. Raises `LedgerDamaged`."""
    try:
        with path.open("rb") as file:
            data = file.read(_FIRST)
    except FileNotFoundError:
        return Head()
    if len(data) < _FIRST:
        raise LedgerDamaged(f"{path} was cut off after {len(data)} bytes: what was under way in it is lost")
    _capacity(data[: _TITLE.size], path)
    return _head(data, path)


def unsettled(path: Path) -> list[Place]:
    """What is under way, or has ended and is not in the tables, in the journal of another process, or of none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    states = data[_FIRST + _AT_STATE :: SIZE]
    found = [
        _place(n, s, data[_FIRST + n * SIZE : _FIRST + (n + 1) * SIZE]) for n, s in enumerate(states) if s in _UNDER_WAY
    ]
    return [place for place in found if place is not None]


def _capacity(title: bytes, path: Path) -> int:
    """How many places a journal has; 0 of a file that is new."""
    if not title:
        return 0
    if len(title) < _TITLE.size or not title.startswith(_MAGIC):
        raise LedgerDamaged(f"{path} is no journal of a ledger: move it away, what was under way in it is lost")
    held: int = _TITLE.unpack(title)[1]
    return held


def _lock(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise SettingsError(
            f"another process keeps the ledger {path.name} in {path.parent}: stop it, or choose --name or --state"
        ) from error


def _head(data: mmap.mmap | bytes, path: Path) -> Head:
    heads = []
    for at in _HEADS:
        sequence, root, check = _HEAD.unpack_from(data, at)
        if check == crc32(data[at : at + _HEAD.size - 4]):
            heads.append(Head(sequence, root))
        elif any(data[at : at + _HEAD.size]):
            continue
        else:
            heads.append(Head())
    if not heads:
        raise LedgerDamaged(
            f"{path}: neither copy of the chain's head is whole; `lgsp ledger verify` says how far it is"
        )
    return max(heads, key=lambda head: head.sequence)


def _checks(data: mmap.mmap | bytes, at: int) -> tuple[int, int]:
    return _CHECK.unpack_from(data, at + _AT_CHECKS)[0], _CHECK.unpack_from(data, at + _AT_CHECKS + 4)[0]


def _places(data: mmap.mmap | bytes, capacity: int) -> Iterator[Place]:
    return (place for _, place in _raw(data, capacity) if place is not None and place.state is not State.FREE)


def _raw(data: mmap.mmap | bytes, capacity: int) -> Iterator[tuple[bytes, Place | None]]:
    for number in range(capacity):
        at = _FIRST + number * SIZE
        state = data[at + _AT_STATE]
        if state == State.FREE:
            continue
        raw = data[at : at + SIZE]
        yield raw, _place(number, state, raw)


def _place(number: int, state: int, raw: bytes) -> Place | None:
    sequence, first, second, _ = _PLACE.unpack_from(raw)
    opened, ended = raw[_BODY : _BODY + _HALF], raw[_BODY + _HALF : _BODY + _WHOLE]
    if state > State.SETTLED or first != crc32(opened):
        return None
    if state == State.OPEN:
        return Place(number, State.OPEN, 0, opened)
    if second != crc32(ended):
        # It was accepted for certain; how it ended was lost with the second half.
        return Place(number, State.OPEN, 0, opened) if state == State.ENDED else None
    return Place(number, State(state), sequence if state == State.SETTLED else 0, opened + ended)
