"""Captures on disk: written so that a kill costs at most the last record, read with the line of whatever is wrong.

A capture is one file, `*.lgsp.jsonl` or `*.lgsp.jsonl.gz`, or a directory of such files that follow each other.

  header  {"lgsp_capture":1,...}
  records {"seq":1,...} ...
  trailer {"lgsp_end":1,"records":...,"dropped":...,"sha256":...}      missing where the writer was killed
"""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from lgsp.capture.record import VERSION, CaptureError, Record, decode, dump, encode, parse

PLAIN, ZIPPED = ".lgsp.jsonl", ".lgsp.jsonl.gz"
MAX_LINE = 128 * 1024 * 1024
"""Longer lines are refused: a body of 32 MB in base64 has room."""
_BEGIN = b'{"lgsp_capture":'
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class End:
    """What a trailer says: so many records, so many lost before they could be written, the digest of all lines above.

    `continued`: another file of the directory follows. `late`: by how many ns a record came after a later one at most.
    """

    records: int
    dropped: int
    sha256: str
    continued: bool = False
    late: int = 0


def parts(path: Path) -> list[Path]:
    """The files of a capture, in their order. Raises `CaptureError` where there are none."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.name.endswith((PLAIN, ZIPPED)))
    if not found:
        raise CaptureError(str(path), 0, f"no capture in this directory: its files end with {PLAIN} or {ZIPPED}")
    return found


def read(path: Path) -> Iterator[Record]:
    """Every record of a capture, in the order written, in bounded memory.

    A file without a trailer was cut off by a kill: it ends where it ends. Raises `CaptureError` at the line that is wrong.
    """
    for file in parts(path):
        yield from Reader.open(file)


class Reader:
    """One file of a capture: `header` at once; its records by iteration; after that `end`, `torn`, `digest`, `records`."""

    def __init__(self, stream: BinaryIO, name: str, skip: Callable[[CaptureError], None] | None = None) -> None:
        """`skip` is told of each line that is wrong; without it such a line raises `CaptureError`."""
        self.name = name
        self.records = 0
        self.end: End | None = None
        self.torn = 0
        """1 where the last line is only begun."""
        self.late = 0
        self._skip = skip
        self._sum = sha256()
        self._latest = 0
        self._stream = stream
        self._lines = self._checked(_lines(stream, name))
        self.header: Mapping[str, Any] = self._head()

    @classmethod
    def open(cls, path: Path, skip: Callable[[CaptureError], None] | None = None) -> Self:
        """Raises `CaptureError` where there is no capture to read."""
        try:
            stream = path.open("rb")
        except OSError as error:
            raise CaptureError(str(path), 0, f"cannot be read: {error.strerror or error}") from error
        try:
            return cls(stream, str(path), skip)
        except CaptureError:
            stream.close()
            raise

    def close(self) -> None:
        """Read no further."""
        self._stream.close()

    @property
    def digest(self) -> str:
        """Of the lines read so far, the trailer not among them."""
        return self._sum.hexdigest()

    def __iter__(self) -> Iterator[Record]:
        for number, line in self._lines:
            try:
                record = self._take(line)
            except (ValueError, RecursionError) as error:
                if not line.endswith(b"\n"):
                    self.torn = 1
                    return
                self._wrong(CaptureError(self.name, number, str(error)))
                record = None
            if self.end is None:
                self._sum.update(line)
            if record is not None:
                self.records += 1
                self.late = max(self.late, self._latest - record.t)
                self._latest = max(self._latest, record.t)
                yield record

    def _take(self, line: bytes) -> Record | None:
        """The line's record; `None` of a trailer, which is kept. Raises `ValueError`."""
        if self.end is not None:
            raise ValueError("more lines after the trailer: two captures in one file? join them with convert")
        value = _object(line)
        if "lgsp_end" in value:
            self.end = _end(value)
            return None
        return decode(value)

    def _head(self) -> Mapping[str, Any]:
        number, line = next(self._lines, (0, b""))
        header: Mapping[str, Any] = {}
        try:
            header = _object(line)
            version = header.get("lgsp_capture")
        except (ValueError, RecursionError):
            if not line.endswith(b"\n") and _BEGIN.startswith(line[: len(_BEGIN)]):
                self.torn = int(bool(line))  # killed before it had written anything whole
                return {}
            version = None
        if version is None:
            problem = 'no capture: its first line is not {"lgsp_capture":1,...}; other formats: lgsp capture convert'
            raise CaptureError(self.name, number, problem)
        if version != VERSION:
            problem = f"a capture of version {version!r}; this lgsp reads version {VERSION}: use the one that wrote it"
            raise CaptureError(self.name, number, problem)
        taps, after = header.get("taps", []), header.get("after", 0)
        if type(taps) is not list or not all(type(tap) is str for tap in taps) or type(after) is not int:
            raise CaptureError(self.name, number, "no header: `taps` is a list of words, `after` a whole number")
        self._sum.update(line)
        return header

    def _checked(self, lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        try:
            yield from lines
        except OSError as error:
            raise CaptureError(self.name, 0, f"cannot be read on: {error.strerror or error}") from error

    def _wrong(self, error: CaptureError) -> None:
        if self._skip is None:
            self._stream.close()
            raise error
        self._skip(error)


class Writer:
    """Writes one file. What `write` returned from is with the system: a kill of this process does not take it back.

    It numbers the records. Leaving the `with` writes the trailer; a file without one counts as cut off.
    """

    def __init__(self, stream: BinaryIO, header: Mapping[str, Any], *, zipped: bool = False, after: int = 0) -> None:
        """`after`: the number of the record before the first one, of a file that goes on from another."""
        self.seq = after
        self.records = 0
        self.bytes = 0
        """As they lie in the file."""
        self.dropped = 0
        self._stream = stream
        self._zip = zlib.compressobj(6, zlib.DEFLATED, 31) if zipped else None
        self._sum = sha256()
        self._late = self._latest = 0
        goes_on = {"after": after} if after else {}
        self._put(dump({"lgsp_capture": VERSION, **header, **goes_on}), counted=True)

    @classmethod
    def create(cls, path: Path, header: Mapping[str, Any], *, after: int = 0) -> Self:
        """A new file, mode 0600, held, zipped where its name says so. Raises `CaptureError` where one lies there already."""
        try:
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise CaptureError(str(path), 0, "is there already: name another, or remove it first") from None
        except OSError as error:
            raise CaptureError(str(path), 0, f"cannot be written: {error.strerror or error}") from error
        hold(number)
        return cls(os.fdopen(number, "wb", buffering=0), header, zipped=path.name.endswith(".gz"), after=after)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._stream.close()  # without a trailer: it is not what was meant to be written

    def write(self, *records: Record) -> None:
        """These, in one go. Raises `OSError`."""
        if not records:
            return
        lines = bytearray()
        for record in records:
            self.seq += 1
            self.records += 1
            self._late = max(self._late, self._latest - record.t)
            self._latest = max(self._latest, record.t)
            lines += encode(replace(record, seq=self.seq))
        self._put(bytes(lines), counted=True)

    def close(self, *, continued: bool = False) -> None:
        """The trailer. Raises `OSError`."""
        end = {"lgsp_end": 1, "records": self.records, "dropped": self.dropped, "sha256": self._sum.hexdigest()}
        if continued:
            end["continued"] = True
        if self._late:
            end["late"] = self._late
        self._put(dump(end), counted=False)
        if self._zip is not None:
            _write_all(self._stream, self._zip.flush(zlib.Z_FINISH))
        self._stream.close()

    def _put(self, lines: bytes, *, counted: bool) -> None:
        if counted:
            self._sum.update(lines)
        if self._zip is not None:
            lines = self._zip.compress(lines) + self._zip.flush(zlib.Z_SYNC_FLUSH)
        _write_all(self._stream, lines)
        self.bytes += len(lines)


def hold(number: int) -> None:
    """Have an open file or directory be ours until it is closed or we are gone: nobody deletes it as a capture meanwhile."""
    with suppress(OSError):  # where locks are unknown nobody else gets one either, and nothing there is deleted
        fcntl.flock(number, fcntl.LOCK_EX)


def _write_all(stream: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]
    stream.flush()


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = parse(line.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError as error:
        raise ValueError(f"no UTF-8 at byte {error.start + 1} of the line") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} at column {error.colno}") from error
    if type(value) is not dict:
        raise ValueError(f"a line is a JSON object, not {type(value).__name__}")
    return value


def _end(value: Mapping[str, Any]) -> End:
    counts = [value.get("records"), value.get("dropped", 0), value.get("late", 0)]
    digest = value.get("sha256")
    if not all(type(count) is int for count in counts) or type(digest) is not str:
        raise ValueError("a trailer has `records`, `dropped` and `sha256`")
    return End(counts[0], counts[1], digest, continued=value.get("continued") is True, late=counts[2])


def _lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Numbered lines; the last one may lack its end."""
    rest, number = bytearray(), 0
    with stream:
        for chunk in _unzipped(stream, name):
            begin = len(rest)
            rest += chunk
            start = 0
            while (stop := rest.find(b"\n", max(start, begin))) >= 0:
                number += 1
                yield number, bytes(rest[start : stop + 1])
                start = stop + 1
            del rest[:start]
            if len(rest) > MAX_LINE:
                raise CaptureError(name, number + 1, f"a line of more than {MAX_LINE // 1024 // 1024} MB is no record")
    if rest:
        yield number + 1, bytes(rest)


def _unzipped(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """The stream's bytes, out of gzip where it is gzip; one that stops in the middle gives what it has."""
    chunk = stream.read(_CHUNK)
    if not chunk or not _GZIP.startswith(chunk[:2]):
        while chunk:
            yield chunk
            chunk = stream.read(_CHUNK)
        return
    unzip, offset = zlib.decompressobj(31), 0
    while chunk:
        offset += len(chunk)
        try:
            # In bites, so that a small file cannot become a big one in memory.
            while chunk and not unzip.eof:
                yield unzip.decompress(chunk, _CHUNK)
                chunk = unzip.unconsumed_tail
        except zlib.error as error:
            raise CaptureError(name, 0, f"damaged: no gzip any more before byte {offset} ({error})") from error
        if unzip.eof and (chunk := unzip.unused_data + stream.read(_CHUNK)):
            unzip = zlib.decompressobj(31)  # files that were joined
        elif not unzip.eof:
            chunk = stream.read(_CHUNK)
