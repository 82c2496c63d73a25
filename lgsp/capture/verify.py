"""Whether a capture is what was written: every line, every count, every digest; and which transactions are whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lgsp.capture.files import Reader, parts
from lgsp.capture.record import BUS_REPLY, BUS_REQUEST, CONNECTOR, GATEWAY, CaptureError, Record

_BITS = {GATEWAY: 1, BUS_REQUEST: 2, BUS_REPLY: 4, CONNECTOR: 8}
_SENT = 16
_AT_MOST = 100


@dataclass(slots=True)
class Verdict:
    """`problems` name file and line. A tail that is torn or a trailer that is missing is no problem: it was a kill."""

    files: int = 0
    records: int = 0
    dropped: int = 0
    truncated_tail: int = 0
    unfinished: int = 0
    """Files without a trailer."""
    transactions: int = 0
    complete: int = 0
    """Of which every tap that recorded has its record."""
    problems: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Nothing is wrong."""
        return not self.problems

    def note(self, problem: str) -> None:
        """The first hundred are kept."""
        if len(self.problems) < _AT_MOST:
            self.problems.append(problem)


def verify(path: Path) -> Verdict:
    """Look at every byte. Raises `CaptureError` where there is nothing to look at."""
    verdict = Verdict()
    seen: dict[str, int] = {}
    taps: set[str] = set()
    last, continued = 0, False
    for file in parts(path):
        verdict.files += 1
        try:
            reader = Reader.open(file, lambda error: verdict.note(str(error)))
            taps |= set(reader.header.get("taps", ()))
            if verdict.files == 1:  # older files may have been removed
                last = reader.header.get("after", 0)
            for record in reader:
                if record.seq != last + 1:
                    verdict.note(f"{file}: record {record.seq} follows {last}: some are missing")
                last = record.seq
                verdict.records += 1
                _join(seen, record)
        except CaptureError as error:
            verdict.note(str(error))
            continue
        continued = _ended(verdict, reader, file)
    if continued and not verdict.unfinished:
        verdict.note(f"{path}: the last file says that another follows, and none does")
    _whole(verdict, seen, taps)
    return verdict


def _ended(verdict: Verdict, reader: Reader, file: Path) -> bool:
    verdict.truncated_tail += reader.torn
    end = reader.end
    if end is None:
        verdict.unfinished += 1
        return False
    verdict.dropped += end.dropped
    if end.records != reader.records:
        verdict.note(f"{file}: the trailer counts {end.records} records, there are {reader.records}")
    elif end.sha256 != reader.digest:
        verdict.note(f"{file}: the digest differs: a line was changed after it was written")
    return end.continued


def _join(seen: dict[str, int], record: Record) -> None:
    if record.tx:
        sent = _SENT if record.tap == GATEWAY and record.times.get("queue") is not None else 0
        seen[record.tx] = seen.get(record.tx, 0) | _BITS.get(record.tap, 0) | sent


def _whole(verdict: Verdict, seen: dict[str, int], taps: set[str]) -> None:
    """A transaction that a connector answered has a record of each tap; another one has its gateway's."""
    wanted = sum(bit for tap, bit in _BITS.items() if tap in taps)
    verdict.transactions = len(seen)
    for bits in seen.values():
        need = wanted if bits & _SENT else wanted & _BITS[GATEWAY]
        verdict.complete += bits & need == need
