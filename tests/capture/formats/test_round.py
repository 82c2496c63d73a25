"""There and back: a file of another tool, through one of ours, is the same file from the first time on."""

import io
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import ELSEWHERE

from lgsp.capture.files import Reader, Writer
from lgsp.capture.formats import Report, goreplay, har
from lgsp.capture.record import Record


class Kept(io.BytesIO):
    def close(self) -> None:
        pass


def saved(module: ModuleType, records: list[Record], header: dict[str, object]) -> tuple[bytes, int]:
    """The file, and how many records it has no place for."""
    stream, report = io.BytesIO(), Report(header=dict(header))
    module.save(records, stream, report)
    return stream.getvalue(), report.skipped


def through_ours(module: ModuleType, data: bytes) -> tuple[list[Record], dict[str, object]]:
    """What a capture of ours holds of a file, after it was written and read."""
    report = Report()
    records = list(module.load(io.BytesIO(data), "x", report))
    assert (report.skipped, report.named) == (0, [])
    stream = Kept()
    with Writer(stream, report.header) as writer:
        writer.write(*records)
    reader = Reader(io.BytesIO(stream.getvalue()), "x")
    again = list(reader)
    assert reader.end is not None
    assert (reader.end.records, reader.end.sha256) == (len(records), reader.digest)
    return again, {key: value for key, value in reader.header.items() if key != "lgsp_capture"}


@pytest.mark.parametrize("module", [har, goreplay])
@given(records=st.lists(ELSEWHERE, max_size=4))
@settings(max_examples=60, derandomize=True)
def test_what_comes_back_is_what_went(module: ModuleType, records: list[Record]) -> None:
    once, skipped = saved(module, records, {})
    first, header = through_ours(module, once)
    assert len(first) == len(records) - skipped
    twice, lost = saved(module, first, header)
    second, header = through_ours(module, twice)
    assert (lost, second) == (0, first)
    assert saved(module, second, header) == (twice, 0)
