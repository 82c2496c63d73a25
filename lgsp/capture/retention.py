"""How long captures stay: what lies in a directory of them, which of it goes, and taking it away.

Whoever writes a capture holds it (`hold`), so that nobody deletes it meanwhile, whichever process writes it and however it ends.

    delete --> DELETED, a line each, before the first byte is gone --> the ledger's events, by the gateway of the state directory
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lgsp.capture.files import PLAIN, ZIPPED

DELETED = "deleted.jsonl"
"""What was deleted and stands in no ledger yet, beside the captures."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A capture on disk. `last`: when its newest file was written to, seconds since the epoch; `held`: it is being written."""

    path: Path
    files: tuple[Path, ...]
    bytes: int
    last: float
    held: bool = False

    @property
    def name(self) -> str:
        """By which `lgsp capture rm` knows it."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class Deletion:
    """One capture that was deleted: when, by whom (`retention` or a command), why, and how much it was."""

    at: float
    who: str
    why: str
    capture: str
    files: int
    bytes: int


def due(captures: Iterable[Stored], now: float, seconds: float) -> list[Stored]:
    """Those whose last record is `seconds` old or older, and that nobody writes."""
    return [each for each in captures if not each.held and now - each.last >= seconds]


def stored_in(home: Path) -> list[Stored]:
    """The captures of a directory, by name; none where it is not there. A link is none of them. Raises `OSError`."""
    if not home.is_dir():
        return []
    return [found for path in sorted(home.iterdir()) if (found := _stored(path)) is not None]


def _stored(path: Path) -> Stored | None:
    if path.is_symlink():
        return None
    files = tuple(sorted(path.iterdir())) if path.is_dir() else (path,)
    files = tuple(file for file in files if file.name.endswith((PLAIN, ZIPPED)) and _is_file(file))
    if not files:
        return None
    facts = [file.stat() for file in files]
    with _at_rest(path, files) as free:
        return Stored(path, files, sum(each.st_size for each in facts), max(each.st_mtime for each in facts), not free)


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def delete(home: Path, captures: Iterable[Stored], now: float, *, who: str, why: str) -> list[Deletion]:
    """Delete each but what is being written, and tell which. What is no capture stays, and its directory with it.

    Raises `OSError`: what was already noted in `DELETED` may then still lie there, in part.
    """
    gone = []
    for each in captures:
        with _at_rest(each.path, each.files) as free:
            if not free:
                continue
            told = Deletion(now, who, why, each.name, len(each.files), each.bytes)
            _note(home, told)
            for file in each.files:
                file.unlink()
            if each.path.is_dir() and not any(each.path.iterdir()):
                each.path.rmdir()
            gone.append(told)
    return gone


def _note(home: Path, deletion: Deletion) -> None:
    with _deleted(home) as number:
        end = os.fstat(number).st_size
        torn = b"\n" if end and os.pread(number, 1, end - 1) != b"\n" else b""
        os.pwrite(number, torn + _line(deletion), end)
        os.fsync(number)


def _line(deletion: Deletion) -> bytes:
    fields = {name: getattr(deletion, name) for name in Deletion.__slots__}
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def take_notes(home: Path) -> Iterator[Deletion]:
    """What was deleted and not yet told, the oldest first. Each is forgotten once the next is asked for. Raises `OSError`.

    After a kill the one that was being told comes again. A line that is none, such as one that a kill tore, is left out.
    """
    while (first := _first(home)) is not None:
        line, told = first
        if told is not None:
            yield told
        with _deleted(home) as number:
            rest = os.pread(number, os.fstat(number).st_size, 0).removeprefix(line)
            os.ftruncate(number, 0)
            os.pwrite(number, rest, 0)


def _first(home: Path) -> tuple[bytes, Deletion | None] | None:
    try:
        with (home / DELETED).open("rb") as file:
            line = file.readline()
    except FileNotFoundError:
        return None
    if not line:
        return None
    try:
        return line, Deletion(**json.loads(line))
    except (ValueError, TypeError):
        return line, None


@contextmanager
def _deleted(home: Path) -> Iterator[int]:
    """The file of what was deleted, for one process at a time."""
    number = os.open(home / DELETED, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield number
    finally:
        os.close(number)


@contextmanager
def _at_rest(path: Path, files: Iterable[Path]) -> Iterator[bool]:
    """Whether nobody writes the capture; if so, until the end of the block."""
    with ExitStack() as stack:
        for each in dict.fromkeys((path, *files)):
            number = os.open(each, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            stack.callback(os.close, number)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # somebody writes it, or locks are unknown here and nobody can tell
                yield False
                return
        yield True
