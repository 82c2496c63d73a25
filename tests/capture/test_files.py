import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.capture.files import Reader, Writer, parts, read
from lgsp.capture.record import CaptureError, Record

HEADER = {"host": "gw1", "taps": ["gateway"]}


def written(count: int, *, zipped: bool = False, closed: bool = True) -> bytes:
    stream = Kept()
    writer = Writer(stream, HEADER, zipped=zipped)
    for number in range(count):
        writer.write(Record(t=number, tx=f"tx{number}"))
    if closed:
        writer.close()
    return stream.getvalue()


class Kept(io.BytesIO):
    def close(self) -> None:
        pass


def reader_of(data: bytes) -> Reader:
    return Reader(io.BytesIO(data), "x.lgsp.jsonl")


@pytest.mark.parametrize("count", [0, 1, 50])
@pytest.mark.parametrize("suffix", [".lgsp.jsonl", ".lgsp.jsonl.gz"])
def test_what_was_written_is_read_again(tmp_path: Path, count: int, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with Writer.create(path, HEADER) as writer:
        writer.write(*(Record(t=number) for number in range(count)))
        writer.dropped = 3
    assert [record.seq for record in read(path)] == list(range(1, count + 1))
    assert path.stat().st_mode & 0o777 == 0o600
    reader = Reader.open(path)
    assert (reader.header["host"], len(list(reader))) == ("gw1", count)
    assert reader.end is not None
    assert (reader.end.records, reader.end.dropped, reader.end.sha256) == (count, 3, reader.digest)


def test_a_directory_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for number, name in enumerate(["0002.lgsp.jsonl", "0001.lgsp.jsonl.gz", "0010.lgsp.jsonl"]):
        with Writer.create(tmp_path / name, HEADER) as writer:
            writer.write(Record(t=number))
    (tmp_path / "notes.txt").write_text("not a capture")
    assert [record.t for record in read(tmp_path)] == [1, 0, 2]
    with pytest.raises(CaptureError, match="no capture in this directory"):
        parts(Path(__file__).parent)


def test_a_file_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.lgsp.jsonl"
    path.write_text("mine")
    with pytest.raises(CaptureError, match="is there already"):
        Writer.create(path, HEADER)
    assert path.read_text() == "mine"


@given(st.booleans(), st.data())
def test_a_file_cut_at_any_byte_keeps_all_but_the_last_record(zipped: bool, data: st.DataObject) -> None:  # noqa: FBT001
    stream, ends = Kept(), []
    writer = Writer(stream, HEADER, zipped=zipped)
    for number in range(8):
        writer.write(Record(t=number, tx=f"tx{number}"))
        ends.append(stream.tell())
    whole = stream.getvalue()
    cut = data.draw(st.integers(0, len(whole)))
    reader = reader_of(whole[:cut])
    seen = [record.t for record in reader]
    safe = sum(end <= cut for end in ends)
    assert seen[:safe] == list(range(safe))
    assert len(seen) <= safe + 1
    assert reader.end is None
    if not zipped:
        rest = whole[:cut].rpartition(b"\n")[2]
        assert reader.torn == (rest != b"" and not rest.endswith(b"}"))


@given(st.binary(max_size=200), st.integers(0, 600), st.booleans())
def test_whatever_bytes_come_a_capture_error_says_where(junk: bytes, at: int, zipped: bool) -> None:  # noqa: FBT001
    whole = written(5, zipped=zipped)
    broken = whole[:at] + junk + whole[at + len(junk) :]
    try:
        list(reader_of(broken))
    except CaptureError as error:
        assert str(error).startswith("x.lgsp.jsonl:")  # noqa: PT017 - most bytes do raise, some need not


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{]\n", "x.lgsp.jsonl:3: no JSON: Expecting property name enclosed in double quotes at column 2"),
        (b"[1]\n", "x.lgsp.jsonl:3: a line is a JSON object, not list"),
        (b'{"tap":"gateway"}\n', "x.lgsp.jsonl:3: `t` is missing"),
        (b'{"t":NaN}\n', "x.lgsp.jsonl:3: NaN is no JSON"),
        (b'{"t":"\xff"}\n', "x.lgsp.jsonl:3: no UTF-8 at byte 7 of the line"),
        (b"[" * 100_000 + b"\n", "x.lgsp.jsonl:3: maximum recursion depth"),
        (b'{"lgsp_end":1}\n', "x.lgsp.jsonl:3: a trailer has `records`, `dropped` and `sha256`"),
    ],
)
def test_a_wrong_line_is_named_and_can_be_skipped(line: bytes, problem: str) -> None:
    lines = written(3).splitlines(keepends=True)
    broken = b"".join([*lines[:2], line, *lines[2:]])
    with pytest.raises(CaptureError) as raised:
        list(reader_of(broken))
    assert str(raised.value).startswith(problem)
    skipped: list[CaptureError] = []
    reader = Reader(io.BytesIO(broken), "x.lgsp.jsonl", skipped.append)
    assert [record.t for record in reader] == [0, 1, 2]
    assert [error.line for error in skipped] == [3]


@pytest.mark.parametrize("begin", [b"hello\n", b"{}\n", b"PK\x03\x04", b'{"log":{}}', b"\n"])
def test_another_format_is_told_apart_at_its_first_line(begin: bytes) -> None:
    with pytest.raises(CaptureError, match="other formats: lgsp capture convert"):
        reader_of(begin)


def test_a_later_version_is_refused_with_what_to_do() -> None:
    with pytest.raises(CaptureError, match="a capture of version 2; this lgsp reads version 1"):
        reader_of(b'{"lgsp_capture":2}\n')


def test_lines_after_the_trailer_are_no_part_of_it() -> None:
    with pytest.raises(CaptureError, match=r"x.lgsp.jsonl:4: more lines after the trailer"):
        list(reader_of(written(1) * 2))


def test_damaged_gzip_says_so() -> None:
    with pytest.raises(CaptureError, match="damaged"):
        list(reader_of(written(3, zipped=True)[:60] + b"\x00" * 60))


def test_any_gzip_is_read_even_in_several_members() -> None:
    lines = written(4).splitlines(keepends=True)
    joined = gzip.compress(b"".join(lines[:3])) + gzip.compress(b"".join(lines[3:]))
    assert [record.t for record in reader_of(joined)] == [0, 1, 2, 3]


def test_a_changed_record_changes_the_digest() -> None:
    reader = reader_of(written(3).replace(b'"tx1"', b'"tx7"'))
    assert len(list(reader)) == 3
    assert reader.end is not None
    assert reader.end.sha256 != reader.digest


def test_a_writer_that_fails_leaves_no_trailer(tmp_path: Path) -> None:
    path = tmp_path / "a.lgsp.jsonl"
    with pytest.raises(CaptureError), Writer.create(path, HEADER) as writer:  # noqa: PT012 - it fails inside the block
        writer.write(Record(t=1))
        list(read(tmp_path / "gone.lgsp.jsonl"))
    reader = Reader.open(path)
    assert len(list(reader)) == 1
    assert reader.end is None


def test_the_trailer_says_how_late_a_record_came() -> None:
    stream = Kept()
    with Writer(stream, HEADER) as writer:
        writer.write(Record(t=10), Record(t=4), Record(t=12), Record(t=11))
    assert json.loads(stream.getvalue().splitlines()[-1])["late"] == 6
    reader = reader_of(stream.getvalue())
    assert [record.t for record in reader] == [10, 4, 12, 11]
    assert reader.late == 6
