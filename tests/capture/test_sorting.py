from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import RECORDS

from lgsp.capture.files import Writer
from lgsp.capture.record import Asked, CaptureError, Record
from lgsp.capture.sorting import by_time, lateness, nearly

TIMES = st.lists(st.integers(-50, 50), max_size=30)


def at(*times: int) -> list[Record]:
    return [Record(t=t, seq=seq, request=Asked("GET", f"/{seq}")) for seq, t in enumerate(times)]


def keys(records: list[Record]) -> list[tuple[int, int]]:
    return [(record.t, record.seq) for record in records]


@given(TIMES, st.integers(1, 400))
def test_records_are_sorted_whatever_fits_in_memory(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], run: int
) -> None:
    place = tmp_path_factory.getbasetemp() / "sorting"
    records = at(*times)
    assert list(by_time(records, place, run_bytes=run)) == sorted(records, key=lambda record: (record.t, record.seq))
    assert not place.exists() or list(place.iterdir()) == []


@given(RECORDS)
def test_a_record_comes_back_from_disk_as_it_was(tmp_path_factory: pytest.TempPathFactory, record: Record) -> None:
    if abs(record.t) < 2**62:
        assert list(by_time([record], tmp_path_factory.getbasetemp() / "one", run_bytes=1)) == [record]


@given(TIMES)
def test_with_a_known_lateness_records_come_in_order_and_no_later_than_needed(times: list[int]) -> None:
    newest, late = -100, 0
    for t in times:
        late = max(late, newest - t)
        newest = max(newest, t)
    seen: list[Record] = []
    read: list[int] = []

    def reading() -> list[Record]:
        return at(*times)

    def watched() -> object:
        for record in reading():
            read.append(record.t)
            yield record
            assert all(r.t <= max(read) - late for r in seen)
            assert len(seen) == sum(1 for t in read if t <= max(read) - late)

    for record in nearly(watched(), late, "x"):  # type: ignore[arg-type]  # a generator of records
        seen.append(record)
        if len(seen) < len(times) and late == 0:
            assert len(read) - len(seen) <= 1
    assert [record.t for record in seen] == sorted(times)


def test_a_record_that_comes_later_than_the_file_says_is_named() -> None:
    assert keys(list(nearly(at(5, 3, 9), 2, "x"))) == [(3, 1), (5, 0), (9, 2)]
    with pytest.raises(CaptureError, match=r"x: record 3 comes later than its file says: convert it with --sort"):
        list(nearly(at(1, 5, 9, 3), 2, "x"))


@pytest.mark.parametrize(
    ("name", "header", "times", "late"),
    [
        ("a.lgsp.jsonl", {}, (1, 2, 3), 0),
        ("a.lgsp.jsonl", {}, (1, 9, 3), 6),
        ("a.lgsp.jsonl", {}, (), 0),
        ("a.lgsp.jsonl.gz", {}, (1, 2), None),
        ("a.lgsp.jsonl.gz", {"sorted": True}, (1, 2), 0),
    ],
)
def test_how_late_records_come_is_known_of_some_files(
    tmp_path: Path, name: str, header: dict[str, object], times: tuple[int, ...], late: int | None
) -> None:
    with Writer.create(tmp_path / name, header) as writer:
        writer.write(*at(*times))
    assert lateness(tmp_path / name) == late


def test_of_a_file_that_was_cut_off_and_of_several_it_is_not_known(tmp_path: Path) -> None:
    for number in range(2):
        with Writer.create(tmp_path / f"{number}.lgsp.jsonl", {}) as writer:
            writer.write(*at(1, 2))
    assert lateness(tmp_path) is None
    cut = tmp_path / "0.lgsp.jsonl"
    cut.write_bytes(cut.read_bytes()[:-20])
    assert lateness(cut) is None


def test_many_runs_are_merged(tmp_path: Path) -> None:
    times = list(range(3_000))
    random.Random(7).shuffle(times)
    told: list[int] = []
    assert [record.t for record in by_time(at(*times), tmp_path, told.append, run_bytes=20_000)] == list(range(3_000))
    assert len(told) > 10
