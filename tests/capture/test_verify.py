import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lgsp.capture.files import Writer
from lgsp.capture.record import Record
from lgsp.capture.verify import verify

ALL = ["gateway", "bus.request", "bus.reply", "connector"]


def capture(path: Path, records: list[Record], *, after: int = 0, continued: bool = False) -> Path:
    writer = Writer.create(path, {"taps": ALL}, after=after)
    writer.write(*records)
    writer.close(continued=continued)
    return path


def seen(tx: str, *taps: str) -> list[Record]:
    return [Record(t=1, tap=tap, tx=tx, times={"queue": 5} if tap == "gateway" else {}) for tap in taps]


def test_a_transaction_is_complete_when_every_tap_has_its_record(tmp_path: Path) -> None:
    refused = [Record(t=1, tx="c")]  # it never came to the bus
    path = capture(tmp_path / "a.lgsp.jsonl", seen("a", *ALL) + seen("b", "gateway", "bus.request") + refused)
    found = verify(path)
    assert (found.transactions, found.complete, found.records, found.is_well) == (3, 2, 7, True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: [lines[0], lines[2], lines[3]], "record 2 follows 0"),
        (lambda lines: [lines[0], lines[1], lines[3]], "the trailer counts 2 records, there are 1"),
        (lambda lines: [*lines[:2], lines[2].replace(b'"tx":"b"', b'"tx":"d"'), lines[3]], "the digest differs"),
        (lambda lines: [*lines[:2], b"rubbish\n", *lines[2:]], ":3: no JSON"),
    ],
)
def test_what_was_changed_is_found(change: Callable[[list[bytes]], list[bytes]], problem: str, tmp_path: Path) -> None:
    path = capture(tmp_path / "a.lgsp.jsonl", [Record(t=1, tx="a"), Record(t=2, tx="b")])
    assert verify(path).problems == []
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    found = verify(path)
    assert any(problem in each for each in found.problems), found.problems


def test_files_of_a_directory_follow_each_other(tmp_path: Path) -> None:
    capture(tmp_path / "1.lgsp.jsonl", [Record(t=1)] * 3, continued=True)
    capture(tmp_path / "2.lgsp.jsonl", [Record(t=1)], after=3)
    assert verify(tmp_path).is_well
    (tmp_path / "2.lgsp.jsonl").unlink()
    assert "another follows" in verify(tmp_path).problems[0]
    capture(tmp_path / "2.lgsp.jsonl", [Record(t=1)], after=4)
    assert "record 5 follows 3" in verify(tmp_path).problems[0]


WRITE = """
import sys
from pathlib import Path
from lgsp.capture.files import Writer
from lgsp.capture.record import Answered, Body, Record
writer = Writer.create(Path(sys.argv[1]), {})
body = Body.of(b"x" * 3000)
while True:
    writer.write(Record(t=writer.seq, reply=Answered(200, body=body)))
    print(writer.seq, flush=True)
"""


@pytest.mark.real
@pytest.mark.parametrize("suffix", [".lgsp.jsonl", ".lgsp.jsonl.gz"])
def test_a_writer_killed_ten_times_loses_at_most_its_last_record(tmp_path: Path, suffix: str) -> None:
    for number in range(10):
        path = tmp_path / f"{number}{suffix}"
        with subprocess.Popen([sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline() for _ in range(7 + 13 * number)]
            os.kill(writer.pid, signal.SIGKILL)
            said += writer.stdout.readlines()
        written = int([line for line in said if line.endswith(b"\n")][-1])
        found = verify(path)
        assert found.problems == []
        assert found.unfinished == 1
        assert written <= found.records <= written + 1
        assert found.truncated_tail <= 1
