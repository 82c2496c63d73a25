import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import a_service

from lgsp.capture.files import Writer, read
from lgsp.capture.masking import Masking
from lgsp.capture.record import CaptureError, Record
from lgsp.capture.retention import stored_in
from lgsp.capture.verify import verify
from lgsp.catalogue.service import Catalogue
from lgsp.clock import ManualClock
from lgsp.errors import SettingsError
from lgsp.model import Outcome, Reply, Request, Stamps, Transaction
from lgsp.taps.recorder import FileSink, Recorder, Sink

MASK = Masking(b"k", [("0[0-9]{11}", "9###########")]).record
CITIZEN = "012200000123"


def a_transaction(number: int, at: float, body: bytes = b"{}") -> Transaction:
    request = Request(f"t{number}", "svc", "GET /a", f"/a/{CITIZEN}", key=f"k{number}", consumer="c", body=body)
    ns = int(at * 1e9)
    reply = Reply(request.id, body=body, stamps=Stamps(ns + 3_000_000, ns + 4_000_000, ns + 8_000_000, ns + 9_000_000))
    return Transaction(request, reply, Outcome.OK, "", at, 0.012, at + 0.001)


class Lost:
    def __init__(self) -> None:
        self.counts = {"ring": 0, "recording": 0}

    def __call__(self, buffer: str) -> None:
        self.counts[buffer] += 1


def a_recorder(clock: ManualClock, home: Path, lost: Lost, **more: Any) -> Recorder:
    return Recorder(clock, Catalogue({"svc": a_service("svc")}), "gw1", MASK, home, lost, **more)


def see(recorder: Recorder, clock: ManualClock, count: int, first: int = 0, body: bytes = b"{}") -> None:
    gateway, connector = recorder.tap("gateway"), recorder.tap("connector")
    for number in range(first, first + count):
        transaction = a_transaction(number, clock.now(), body)
        connector.saw(transaction)
        gateway.saw(transaction)


async def test_what_is_recorded_is_complete_masked_and_adds_up(tmp_path: Path) -> None:
    clock, lost = ManualClock(), Lost()
    recorder = a_recorder(clock, tmp_path, lost)
    see(recorder, clock, 3)  # before anybody recorded
    await recorder.start("a")
    see(recorder, clock, 1_000, 3)
    told = await recorder.stop()
    assert (told["seen"], told["written"], told["dropped"]) == (2_000, 2_000, 0)
    found = verify(tmp_path / "a")
    assert (found.problems, found.complete, found.transactions, found.unfinished) == ([], 1_000, 1_000, 0)
    records = list(read(tmp_path / "a"))
    assert len(records) == 4_000
    for record in records:
        parts = {part: took for part, took in record.times.items() if part != "total"}
        if record.tap == "gateway":
            assert record.times["total"] == 12_000_000
            assert sum(parts.values()) == record.times["total"]
            assert record.request is not None
            assert record.request.url.startswith("/svc/a/9")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert CITIZEN not in str(records)
    assert lost.counts == {"ring": 0, "recording": 0}


async def test_a_recording_is_held_until_it_ends_and_nobody_else_may_look(tmp_path: Path) -> None:
    clock, home = ManualClock(), tmp_path / "state" / "captures"
    recorder = a_recorder(clock, home, Lost())
    before = os.umask(0)
    try:
        await recorder.start("a")
        see(recorder, clock, 1)
        held = [each.held for each in stored_in(home)]
        files = await recorder.stop()
        assert (held, [each.held for each in stored_in(home)], files["written"]) == ([True], [False], 2)
    finally:
        os.umask(before)
    found = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in home.rglob("*")}
    assert found == {"state/captures/a": 0o700, "state/captures/a/0001.lgsp.jsonl.gz": 0o600}
    assert home.stat().st_mode & 0o777 == 0o700


async def test_a_recording_is_held_between_two_of_its_files_too(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "a", {})
    sink._writer.close(continued=True)
    assert [each.held for each in stored_in(tmp_path)] == [True]
    sink._writer = Writer.create(tmp_path / "a" / "0002.lgsp.jsonl.gz", {})
    await sink.close(0)
    assert [each.held for each in stored_in(tmp_path)] == [False]


async def test_the_ring_is_bounded_and_says_what_it_gave_up(tmp_path: Path) -> None:
    clock, lost = ManualClock(), Lost()
    recorder = a_recorder(clock, tmp_path, lost, ring_bytes=100_000)
    see(recorder, clock, 500)
    status = recorder.status()
    assert status["ring_bytes"] <= 100_000
    assert status["ring"] + status["forgotten"] == 1_000
    assert lost.counts["ring"] == status["forgotten"] > 0


async def test_the_last_minutes_are_saved_after_the_fact(tmp_path: Path) -> None:
    clock = ManualClock()
    recorder = a_recorder(clock, tmp_path, Lost())
    see(recorder, clock, 5)
    await clock.advance(600)
    see(recorder, clock, 7, 5)
    told = await recorder.save("late", 60)
    assert told["written"] == 14
    assert {record.tx for record in read(tmp_path / "late")} == {f"t{number}" for number in range(5, 12)}


class Slow:
    """Takes 2 MB a second."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    async def write(self, make: Callable[[], list[Record]]) -> None:
        size = sum(len(r.request.body.data or b"") for r in make() if r.request)
        await self._clock.sleep(size / 2e6)

    async def close(self, dropped: int) -> None:
        self.dropped = dropped


async def test_a_slow_sink_costs_records_and_no_memory(tmp_path: Path) -> None:
    clock, lost = ManualClock(), Lost()
    sink = Slow(clock)
    opened: Callable[[Path, dict[str, Any]], Sink] = lambda *_: sink  # noqa: E731 - as short as it can be
    catalogue = Catalogue({"svc": a_service("svc")})
    bounds = {"waiting_bytes": 4_000_000, "ring_bytes": 1_000_000}
    recorder = Recorder(clock, catalogue, "gw1", lambda record: record, tmp_path, lost, sink=opened, **bounds)
    body = bytes(50_000)
    gateway = recorder.tap("gateway")
    await recorder.start("a")
    most = 0
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(recorder.run())
        for second in range(60):
            for number in range(100):  # 5 MB of requests a second
                gateway.saw(a_transaction(second * 100 + number, clock.now(), body))
            assert recorder._recording is not None
            most = max(most, recorder._recording.bytes + recorder._ring_held)
            await clock.advance(1.0)
        stopping = tasks.create_task(recorder.stop())
        await clock.advance(60.0)
        told = await stopping
        running.cancel()
    assert told["seen"] == 6_000
    assert told["written"] + told["dropped"] == 6_000
    assert sink.dropped == told["dropped"] == lost.counts["recording"]
    assert 1_000 < told["written"] < 5_000
    assert most <= 5_000_000


class Full(Slow):
    async def write(self, make: Callable[[], list[Record]]) -> None:
        make()
        raise OSError(28, "No space left on device")


async def test_a_full_disk_is_said_and_everything_is_accounted_for(tmp_path: Path) -> None:
    clock, lost = ManualClock(), Lost()
    recorder = a_recorder(clock, tmp_path, lost, sink=lambda *_: Full(clock))
    await recorder.start("a")
    see(recorder, clock, 4)
    told = await recorder.stop()
    assert (told["seen"], told["written"], told["dropped"]) == (8, 0, 8)
    assert "No space left" in told["error"]


async def test_one_recording_at_a_time_and_no_name_twice(tmp_path: Path) -> None:
    recorder = a_recorder(ManualClock(), tmp_path, Lost())
    with pytest.raises(SettingsError, match="no recording is under way"):
        await recorder.stop()
    await recorder.start("a")
    with pytest.raises(SettingsError, match="a recording is under way"):
        await recorder.start("b")
    await recorder.stop()
    with pytest.raises(CaptureError, match="is there already"):
        await recorder.start("a")


async def test_what_cannot_be_masked_is_not_written(tmp_path: Path) -> None:
    def fails(_: Record) -> Record:
        raise RecursionError

    recorder = Recorder(ManualClock(), Catalogue({"svc": a_service("svc")}), "gw1", fails, tmp_path, Lost())
    await recorder.start("a")
    see(recorder, ManualClock(), 2)
    told = await recorder.stop()
    assert (told["seen"], told["written"], told["dropped"]) == (4, 0, 4)
    assert list(read(tmp_path / "a")) == []
