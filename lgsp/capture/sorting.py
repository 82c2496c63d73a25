"""Records in the order of their times, however many there are: as they come where that is known, else sorted on disk.

records --runs that fit in memory, sorted--> files without a name --merged--> records
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from lgsp.capture.files import PLAIN, Reader, parts
from lgsp.capture.record import CaptureError, Record, decode, encode, parse

SORTED = "sorted"
"""What the header of a file says, true, whose records lie in the order of their times."""
RUN_BYTES = 32 * 1024 * 1024
"""What is sorted in memory at once; Python needs some three times as much for it."""
_TAIL = 4096
_SHIFT = 1 << 63
_WIDTH = 20


def lateness(path: Path) -> int | None:
    """By how many ns a record comes after a later one at most, where that is known without reading all of it; else `None`.

    A header says `"sorted":true`, or a file that is neither zipped nor one of several has a trailer. Raises `CaptureError`.
    """
    files = parts(path)
    headers = []
    for file in files:
        reader = Reader.open(file)
        headers.append(reader.header)
        reader.close()
    if all(header.get(SORTED) is True for header in headers):
        return 0
    return _trailer(files[0]) if len(files) == 1 and files[0].name.endswith(PLAIN) else None


def _trailer(file: Path) -> int | None:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - _TAIL))
        lines = stream.read().splitlines()
    try:
        end = parse(lines[-1].decode()) if lines else {}
    except (ValueError, RecursionError):
        return None
    late = end.get("late", 0) if isinstance(end, dict) and "lgsp_end" in end else None
    return late if type(late) is int else None


def nearly(records: Iterable[Record], late: int, name: str) -> Iterator[Record]:
    """Records of which none comes more than `late` ns after a later one. Raises `CaptureError` at one that does."""
    waiting: list[tuple[int, int, int, Record]] = []
    newest = gone = -_SHIFT
    for number, record in enumerate(records, 1):
        if record.t < gone:
            raise CaptureError(
                name, 0, f"record {record.seq or number} comes later than its file says: convert it with --sort"
            )
        heapq.heappush(waiting, (record.t, record.seq, number, record))
        newest = max(newest, record.t)
        while waiting and waiting[0][0] <= newest - late:
            gone, *_, first = heapq.heappop(waiting)
            yield first
    while waiting:
        yield heapq.heappop(waiting)[-1]


def by_time(
    records: Iterable[Record], place: Path, watch: Callable[[int], None] = lambda _: None, *, run_bytes: int = RUN_BYTES
) -> Iterator[Record]:
    """All records, sorted; of those of one time, by their numbers. `watch` is told how many were read.

    What does not fit in memory lies in files without a name in `place` until it was read.
    """
    runs: list[BinaryIO] = []
    run: list[bytes] = []
    held = 0
    try:
        for number, record in enumerate(records, 1):
            line = _keyed(record)
            run.append(line)
            held += len(line)
            if held > run_bytes:
                runs.append(_spilt(run, place))
                run, held = [], 0
                watch(number)
        run.sort()
        for line in heapq.merge(*runs, run):
            yield decode(parse(line[2 * _WIDTH :].decode("utf-8", "surrogatepass")))
    finally:
        for stream in runs:
            stream.close()


def _keyed(record: Record) -> bytes:
    """The record's line behind its time and number, which sort as bytes do."""
    return b"%020d%020d" % (record.t + _SHIFT, record.seq + _SHIFT) + encode(record)


def _spilt(run: list[bytes], place: Path) -> BinaryIO:
    run.sort()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    stream = tempfile.TemporaryFile(dir=place)  # noqa: SIM115 - closed when all of it was read
    stream.writelines(run)
    stream.seek(0)
    return stream
